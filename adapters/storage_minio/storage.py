"""Object storage on any S3 server, through the minio SDK."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import BinaryIO
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.credentials.credentials import Credentials
from minio.datatypes import parse_copy_object
from minio.deleteobjects import DeleteObject
from minio.helpers import DictType

from adapters.circuit_breaker import CircuitBreaker
from adapters.storage_minio.errors import PROVIDER, RetryUnlessTimeout, translated
from adapters.storage_minio.hashed_stream import CHUNK_BYTES, HashedStream
from adapters.storage_minio.multipart import PART_BYTES, MultipartWriter
from adapters.storage_minio.object_metadata import headers_of, labels_of, owner_of
from adapters.storage_minio.purge import Purger
from adapters.storage_minio.single_write import SingleWriter
from domain.order.values import ObjectKey, Sha256, StoredObject
from domain.ports.errors import (
    BucketMissingError,
    ObjectDiffersError,
    ObjectMissingError,
    UnavailableError,
)
from domain.ports.object_storage import ObjectDescription, ObjectOwner
from domain.ports.provider_listings import ListedObject, TakeUnreadable, UnreadableEntry, refuse_unreadable
from domain.signed_tokens import TokenSigner

#: One connection for each of a worker's threads, and a few for the API's.
POOL_SIZE = 20

#: A server that is there accepts a connection at once.
CONNECT_TIMEOUT_SECONDS = 3.0

#: Read time-out: the server copies and assembles large objects meanwhile.
TIMEOUT_SECONDS = 15.0

#: The largest single write that S3 accepts.
SINGLE_WRITE_BYTES = 5 * 1024**3


class MinioStorage:
    """Store objects in one bucket of an S3 server.

    The SDK's own upload has no write-once and buffers each part. So the SDK signs a write's URL, and the bytes are
    streamed there, up to S3's 5 GB; larger objects go in parts. The SDK copies more than 5 GB in parts by itself.
    """

    def __init__(
        self,
        *,
        endpoint_url: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        region: str,
        token_signer: TokenSigner,
        timeout_seconds: float = TIMEOUT_SECONDS,
        single_write_bytes: int = SINGLE_WRITE_BYTES,
        part_bytes: int = PART_BYTES,
    ) -> None:
        endpoint = urlsplit(endpoint_url)
        self._token_signer = token_signer
        self._bucket = bucket
        self._breaker = CircuitBreaker(PROVIDER)
        self._pool = urllib3.PoolManager(
            maxsize=POOL_SIZE,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=timeout_seconds),
            # One retry, for a connection that died idle in the pool. Writes are never retried here: their stream is
            # consumed.
            retries=RetryUnlessTimeout(total=1, status=0, redirect=False, allowed_methods={"GET", "HEAD"}),
            blocksize=CHUNK_BYTES,
        )
        self._client = Minio(
            endpoint.netloc,
            access_key,
            secret_key,
            secure=endpoint.scheme == "https",
            region=region,
            http_client=self._pool,
        )
        self._single_write_bytes = single_write_bytes
        self._single = SingleWriter(
            self._client,
            self._pool,
            bucket=bucket,
            region=region,
            credentials=Credentials(access_key, secret_key),
            calling=self._calling,
        )
        self._parts = MultipartWriter(
            self._client, self._pool, bucket=bucket, calling=self._calling, part_bytes=part_bytes
        )
        self._purger = Purger(self._client, bucket=bucket, calling=self._calling)

    @property
    def client(self) -> Minio:
        """Return the SDK's client, which the bucket's examination shares."""
        return self._client

    def put(
        self,
        key: ObjectKey,
        content: BinaryIO,
        *,
        size_bytes: int,
        media_type: str,
        labels: Mapping[str, str] | None = None,
    ) -> StoredObject:
        """Stream an object into the storage; see the port.

        Raises ValueError if the content is shorter than ``size_bytes``.
        """
        body = HashedStream(content, size_bytes)
        try:
            is_taken = not self._write_once(
                key, body, media_type, headers_of(self._token_signer, key, labels or {})
            )
        except UnavailableError:
            # The reply may be lost, or the server closed the connection of a write that it was going to refuse.
            is_taken = self._is_taken(key)
            if not is_taken:
                raise
        sha256 = body.sha256()
        if is_taken:
            self._verify(key, sha256)
        return StoredObject(key=key, sha256=sha256, size_bytes=size_bytes, media_type=media_type)

    def copy(self, source: StoredObject, target: ObjectKey) -> StoredObject:
        """Copy within the server and verify the copy; delete one that differs.

        Raises ObjectDiffersError only if the source itself differs; a failed copy is an outage.
        """
        copied = StoredObject(
            key=target, sha256=source.sha256, size_bytes=source.size_bytes, media_type=source.media_type
        )
        if self._is_taken(target):
            self._verify(target, source.sha256)
            return copied
        try:
            with self._calling(source.key):
                labels = labels_of(self._client.stat_object(self._bucket, source.key))
                # The token is signed for one key, so the copy gets its own; replacing metadata replaces the media type
                # too.
                metadata: DictType = {
                    **headers_of(self._token_signer, target, labels),
                    "Content-Type": source.media_type,
                }
                self._copy(source, target, metadata)
        except ObjectMissingError:
            # The 404 of a HEAD request does not distinguish a missing object from a missing bucket.
            self.check()
            raise
        try:
            self._verify(target, source.sha256)
        except ObjectDiffersError as error:
            self.delete([target])
            self._verify(source.key, source.sha256)
            raise UnavailableError(PROVIDER, f"the copy of {source.key} differs from it") from error
        return copied

    def describe(self, key: ObjectKey) -> ObjectDescription:
        with self._calling(key):
            found = self._client.stat_object(self._bucket, key)
        owner = owner_of(self._token_signer, key, found)
        return ObjectDescription(
            key=key,
            size_bytes=found.size or 0,
            media_type=found.content_type or "application/octet-stream",
            stored_at=found.last_modified or datetime.fromtimestamp(0, UTC),
            owner=owner,
            labels=labels_of(found) if owner is ObjectOwner.OURS else {},
        )

    @contextmanager
    def read(
        self, key: ObjectKey, *, offset: int = 0, size_bytes: int | None = None
    ) -> Iterator[Iterator[bytes]]:
        with self._calling(key):
            response = self._client.get_object(self._bucket, key, offset, size_bytes or 0)
        try:
            yield _chunks(key, response)
        finally:
            response.close()
            response.release_conn()

    def delete(self, keys: Iterable[ObjectKey]) -> None:
        with self._calling("the deletion"):
            refused = list(self._client.remove_objects(self._bucket, map(DeleteObject, keys)))
        if refused:
            raise UnavailableError(PROVIDER, f"{len(refused)} objects were not deleted: {refused[0].code}")

    def purge(self, prefix: str) -> int:
        return self._purger.purge(prefix)

    def keys(self, prefix: str) -> Iterator[ObjectKey]:
        with translated(prefix):
            for found in self._client.list_objects(self._bucket, prefix=prefix, recursive=True):
                yield ObjectKey(str(found.object_name))

    def objects_under(
        self, prefix: str, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedObject]:
        with translated(prefix):
            for found in self._client.list_objects(self._bucket, prefix=prefix, recursive=True):
                name = str(found.object_name)
                if found.size is None or found.last_modified is None:
                    detail = "its size or its time is missing"
                    unreadable(
                        UnreadableEntry(provider=PROVIDER, kind="object", entry_id=name, detail=detail)
                    )
                    continue
                yield ListedObject(key=ObjectKey(name), size_bytes=found.size, stored_at=found.last_modified)

    def check(self) -> None:
        """Raise UnavailableError unless the storage answers and the bucket exists."""
        with self._calling(self._bucket):
            is_there = self._client.bucket_exists(self._bucket)
        if not is_there:
            raise BucketMissingError(PROVIDER, self._bucket)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _write_once(
        self, key: ObjectKey, body: HashedStream, media_type: str, metadata: Mapping[str, str]
    ) -> bool:
        """Write an object; return False, changing nothing, if the key exists."""
        headers = {**metadata, "Content-Type": media_type}
        if body.size_bytes > self._single_write_bytes:
            return self._parts.write_once(key, body, headers)
        return self._single.write_once(key, body, headers)

    @contextmanager
    def _calling(self, subject: str) -> Iterator[None]:
        """Translate errors, and fail fast while the breaker is open.

        Not for calls that last as long as their consumer, such as listings and reads.
        """
        with self._breaker.guard(), translated(subject):
            yield

    def _copy(self, source: StoredObject, target: ObjectKey, metadata: DictType) -> None:
        """Copy in one request where possible.

        The SDK's method asks for the source's size first.
        """
        copying = CopySource(self._bucket, source.key)
        if source.size_bytes > self._single_write_bytes:
            self._client.copy_object(
                self._bucket, target, copying, metadata=metadata, metadata_directive="REPLACE"
            )
            return
        headers = {**metadata, "x-amz-metadata-directive": "REPLACE", **copying.gen_copy_headers()}
        parse_copy_object(self._client._execute("PUT", self._bucket, target, headers=headers))  # noqa: SLF001

    def _is_taken(self, key: ObjectKey) -> bool:
        try:
            with self._calling(key):
                self._client.stat_object(self._bucket, key)
        except ObjectMissingError:
            return False
        return True

    def _verify(self, key: ObjectKey, expected: Sha256) -> None:
        """Read an object back; raise ObjectDiffersError if its hash differs."""
        digest = hashlib.sha256()
        with self.read(key) as chunks:
            for chunk in chunks:
                digest.update(chunk)
        if digest.hexdigest() != expected:
            raise ObjectDiffersError(key, expected_sha256=expected, found_sha256=digest.hexdigest())


def _chunks(key: ObjectKey, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    with translated(key):
        yield from response.stream(CHUNK_BYTES)
