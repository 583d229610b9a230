"""Streamed multipart uploads for objects over 5 GB, write-once like others."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from xml.etree.ElementTree import Element, SubElement, tostring

import urllib3
from minio import Minio
from minio.error import S3Error
from minio.helpers import md5sum_hash

from adapters.storage_minio.hashed_stream import HashedStream
from domain.order.values import ObjectKey
from domain.ports.errors import UnavailableError

#: S3 allows 10,000 parts of 5 MB to 5 GB: with these an object may have 5 TB.
PART_BYTES = 512 * 1024 * 1024

#: Lifetime of a part's presigned URL; its write begins at once.
_SIGNATURE_LIFE = timedelta(minutes=5)

#: S3's codes for a key that exists, or is being written by another request.
_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})

Calling = Callable[[str], AbstractContextManager[None]]


class MultipartWriter:
    """Write objects in parts; ``calling`` translates the errors of a call."""

    def __init__(
        self,
        client: Minio,
        pool: urllib3.PoolManager,
        *,
        bucket: str,
        calling: Calling,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._client = client
        self._pool = pool
        self._bucket = bucket
        self._calling = calling
        self._part_bytes = part_bytes

    def write_once(self, key: ObjectKey, content: HashedStream, headers: Mapping[str, str]) -> bool:
        """Write an object; return False, changing nothing, if the key exists.

        A part's stream is consumed by sending it, so failures are not retried here. The upload is then aborted; one
        left over after a crash is removed by the purge of its prefix.
        """
        upload_id = self._begin(key, headers)
        is_written = False
        try:
            sizes = self._part_sizes(content.size_bytes)
            etags = [
                self._put_part(key, upload_id, number, content.part(size_bytes), size_bytes)
                for number, size_bytes in enumerate(sizes, start=1)
            ]
            is_written = self._complete(key, upload_id, etags)
        finally:
            if not is_written:
                self._abort(key, upload_id)
        return is_written

    def _part_sizes(self, size_bytes: int) -> list[int]:
        whole, rest = divmod(size_bytes, self._part_bytes)
        return [self._part_bytes] * whole + ([rest] if rest else [])

    def _begin(self, key: ObjectKey, headers: Mapping[str, str]) -> str:
        with self._calling(key):
            return self._client._create_multipart_upload(self._bucket, key, dict(headers))  # noqa: SLF001

    def _put_part(
        self, key: ObjectKey, upload_id: str, number: int, chunks: Iterator[bytes], size_bytes: int
    ) -> str:
        """Stream one part to a presigned URL; the SDK would buffer it."""
        url = self._client.get_presigned_url(
            "PUT",
            self._bucket,
            key,
            expires=_SIGNATURE_LIFE,
            extra_query_params={"partNumber": str(number), "uploadId": upload_id},
        )
        with self._calling(key):
            response = self._pool.request(
                "PUT", url, body=chunks, headers={"Content-Length": str(size_bytes)}
            )
        etag = response.headers.get("ETag")
        if not 200 <= response.status < 300 or etag is None:  # noqa: PLR2004
            raise UnavailableError("The storage", f"status {response.status} for part {number} of {key}")
        return etag.strip('"')

    def _complete(self, key: ObjectKey, upload_id: str, etags: list[str]) -> bool:
        """Complete the upload unless the key exists; the SDK's method cannot.

        SeaweedFS checks before it writes: two concurrent completions may both succeed, and the later bytes stay.
        Archives are named by their contents, so both write the same.
        """
        body = _completion(etags)
        headers: dict[str, str | list[str] | tuple[str]] = {
            "Content-Type": "application/xml",
            "Content-MD5": str(md5sum_hash(body)),
            "If-None-Match": "*",
        }
        with self._calling(key):
            try:
                response = self._client._execute(  # noqa: SLF001
                    "POST",
                    self._bucket,
                    key,
                    body=body,
                    headers=headers,
                    query_params={"uploadId": upload_id},
                )
            except S3Error as error:
                if error.code in _TAKEN:
                    return False
                raise
        # S3 may begin with a 200 to keep the connection alive, and end with an error.
        if b"<Error>" in response.data:
            raise UnavailableError("The storage", f"the multipart upload of {key} was not completed")
        return True

    def _abort(self, key: ObjectKey, upload_id: str) -> None:
        """Abort the upload; if that fails, the purge removes it later."""
        with suppress(UnavailableError), self._calling(key):
            self._client._abort_multipart_upload(self._bucket, key, upload_id)  # noqa: SLF001


def _completion(etags: list[str]) -> bytes:
    root = Element("CompleteMultipartUpload")
    for number, etag in enumerate(etags, start=1):
        part = SubElement(root, "Part")
        SubElement(part, "PartNumber").text = str(number)
        SubElement(part, "ETag").text = f'"{etag}"'
    return tostring(root)
