"""Streamed writes of up to 5 GB in one request, write-once."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import urllib3
from minio import Minio
from minio.credentials.credentials import Credentials
from minio.signer import sign_v4_s3

from adapters.storage_minio.errors import PROVIDER
from adapters.storage_minio.hashed_stream import HashedStream
from domain.order.values import ObjectKey
from domain.ports.errors import UnavailableError

#: The payload is hashed while it is streamed, so its hash is unknown when the headers are signed.
_UNSIGNED = "UNSIGNED-PAYLOAD"


class SingleWriter:
    """Write objects in one request; ``calling`` translates the errors of a call."""

    def __init__(
        self,
        client: Minio,
        pool: urllib3.PoolManager,
        *,
        bucket: str,
        region: str,
        credentials: Credentials,
        calling: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._client = client
        self._pool = pool
        self._bucket = bucket
        self._region = region
        self._credentials = credentials
        self._calling = calling

    def write_once(self, key: ObjectKey, body: HashedStream, headers: Mapping[str, str]) -> bool:
        """Write an object; return False, changing nothing, if the key exists."""
        url, signed = self._signed(key, headers)
        sent = {**signed, "Content-Length": str(body.size_bytes), "If-None-Match": "*"}
        with self._calling(key):
            response = self._pool.request("PUT", url, body=body, headers=sent)
        if response.status == 412:  # noqa: PLR2004 - Precondition Failed
            return False
        if not 200 <= response.status < 300:  # noqa: PLR2004
            raise UnavailableError(PROVIDER, f"status {response.status} for {key}")
        return True

    def _signed(self, key: ObjectKey, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Return a write's URL, and its headers with their signature."""
        # The SDK has no public way to an address without a signature in it.
        url = self._client._base_url.build(  # noqa: SLF001
            method="PUT", region=self._region, bucket_name=self._bucket, object_name=key
        )
        now = datetime.now(UTC)
        to_sign: dict[str, str | list[str] | tuple[str]] = {
            **headers,
            "Host": url.netloc,
            "x-amz-content-sha256": _UNSIGNED,
            "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
        }
        signed = sign_v4_s3(
            method="PUT",
            url=url,
            region=self._region,
            headers=to_sign,
            credentials=self._credentials,
            content_sha256=_UNSIGNED,
            date=now,
        )
        return url.geturl(), {name: str(value) for name, value in signed.items()}
