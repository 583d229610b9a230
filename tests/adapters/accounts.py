"""The shop's accounts at the sandbox's providers, and the adapters that use them."""

from typing import Any

from adapters.payments_stripe import StripePayments
from adapters.storage_minio import MinioStore
from sandbox.services.seaweedfs_server import REGION, S3

BUCKET = "photos"
STRIPE_SECRET_KEY = "sk_test_51adapters"
STRIPE_WEBHOOK_SECRET = "whsec_adapters"


def minio_store(server: S3, **changes: Any) -> MinioStore:
    account: dict[str, Any] = {
        "endpoint_url": server.endpoint,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "bucket": BUCKET,
        "region": REGION,
        "timeout_seconds": 10,
    }
    return MinioStore(**account | changes)


def stripe_payments(api_base: str, **changes: Any) -> StripePayments:
    return StripePayments(
        changes.pop("secret_key", STRIPE_SECRET_KEY), api_base, **{"timeout_seconds": 5, **changes}
    )
