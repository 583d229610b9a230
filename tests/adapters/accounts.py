"""The shop's accounts at the sandbox's providers, and the adapters that use them."""

from typing import Any

from adapters.storage_minio import MinioStore
from sandbox.services.seaweedfs_server import REGION, S3

BUCKET = "photos"


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
