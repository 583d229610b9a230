"""Adapters with accounts at the sandbox's providers."""

import io
import os
from typing import Any

from PIL import Image

from adapters.mailer_sendgrid import SendGridMailer
from adapters.payments_stripe import StripePayments
from adapters.restorer_replicate import ModelInputs, ReplicateRestorer
from adapters.storage_minio.storage import MinioStorage
from domain.order.values import Variant
from domain.signed_tokens import TokenSigner
from sandbox.services.seaweedfs_server import REGION, S3

#: The S3 server is shared by workers that run side by side.
BUCKET = f"photos-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
STRIPE_SECRET_KEY = "sk_test_51adapters"
STRIPE_WEBHOOK_SECRET = "whsec_adapters"
SENDGRID_API_KEY = "SG.adapters"
REPLICATE_API_TOKEN = "r8_adapters"
REPLICATE_MODEL_INPUTS = {
    Variant.FIRST: ModelInputs(
        model="flux-kontext-apps/restore-image",
        input_name="input_image",
        extra_input={"output_format": "png"},
    ),
    Variant.SECOND: ModelInputs(
        model="tencentarc/gfpgan:0fbacf7afc6c144e5be9767cff80f25aff23e52b0708f17e20f9879b2f21516c",
        input_name="img",
        extra_input={"scale": 1, "version": "v1.3"},
    ),
    Variant.ENLARGE: ModelInputs(
        model="nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa",
        input_name="image",
        extra_input={"scale": 2},
    ),
}
REPLICATE_WEBHOOK_SECRET = "whsec_YWRhcHRlcnM="


def minio_store(server: S3, **changes: Any) -> MinioStorage:
    account: dict[str, Any] = {
        "endpoint_url": server.endpoint,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "bucket": BUCKET,
        "region": REGION,
        "token_signer": TokenSigner(b"the key of the shop that tests run"),
        "timeout_seconds": 10,
    }
    return MinioStorage(**account | changes)


def stripe_payments(api_base: str, **changes: Any) -> StripePayments:
    return StripePayments(
        changes.pop("secret_key", STRIPE_SECRET_KEY), api_base, **{"timeout_seconds": 5, **changes}
    )


def replicate_restorer(api_base: str, **changes: Any) -> ReplicateRestorer:
    account: dict[str, Any] = {
        "api_token": REPLICATE_API_TOKEN,
        "api_base": api_base,
        "model_inputs": REPLICATE_MODEL_INPUTS,
        "output_hosts": frozenset({api_base.removeprefix("http://")}),
        "timeout_seconds": 5,
    }
    return ReplicateRestorer(**account | changes)


def small_photo() -> bytes:
    """A picture that is processed in a millisecond."""
    file = io.BytesIO()
    Image.new("RGB", (64, 80), (120, 110, 90)).save(file, "PNG")
    return file.getvalue()


def sendgrid_mailer(api_base: str, **changes: Any) -> SendGridMailer:
    account: dict[str, Any] = {
        "api_key": SENDGRID_API_KEY,
        "api_base": api_base,
        "sender_address": "photos@shop.example",
        "sender_name": "RestoreClick",
        "timeout_seconds": 5,
    }
    return SendGridMailer(**account | changes)
