"""Object storage on any S3 server, through the minio SDK."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Self
from urllib.parse import quote, unquote, urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.credentials.credentials import Credentials
from minio.datatypes import Object
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error
from minio.signer import sign_v4_s3

from adapters.circuit_breaker import CircuitBreaker
from adapters.s3_multipart import PART_BYTES, MultipartWriter
from domain.order.values import ObjectKey, Sha256, StoredObject
from domain.ports.errors import (
    BucketMissingError,
    NoAnswerError,
    ObjectDiffersError,
    ObjectMissingError,
    UnavailableError,
)
from domain.ports.object_storage import ObjectDescription, ObjectOwner
from domain.ports.provider_listings import ListedObject, TakeUnreadable, UnreadableEntry, refuse_unreadable
from domain.signed_tokens import TokenSigner

PROVIDER = "The storage"

#: One connection for each of a worker's threads, and a few for the API's.
POOL_SIZE = 20

#: A server that is there accepts a connection at once.
CONNECT_TIMEOUT_SECONDS = 3.0

#: Read time-out: the server copies and assembles large objects meanwhile.
TIMEOUT_SECONDS = 15.0

#: The largest single write that S3 accepts.
SINGLE_WRITE_BYTES = 5 * 1024**3

#: Read chunk: bounds memory, and is large enough that Python is not the bottleneck.
CHUNK_BYTES = 256 * 1024

#: How often a purge lists again for objects stored meanwhile, before it fails.
PURGE_ROUNDS = 5

#: Lifetime of a write's presigned URL; the write begins at once.
_SIGNATURE_LIFE = timedelta(minutes=5)


#: Object metadata that holds the signed token and the labels.
_OWNERSHIP = "x-amz-meta-restoreclick-mark"
_LABEL = "x-amz-meta-restoreclick-label-"

#: Characters of a label that are not quoted in its header.
_UNQUOTED = " :.,-_/"

#: The payload is hashed while it is streamed, so its hash is unknown when the headers are signed.
_UNSIGNED = "UNSIGNED-PAYLOAD"


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
        self._credentials = Credentials(access_key, secret_key)
        self._region = region
        self._token_signer = token_signer
        self._bucket = bucket
        self._breaker = CircuitBreaker(PROVIDER)
        self._pool = urllib3.PoolManager(
            maxsize=POOL_SIZE,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=timeout_seconds),
            # One retry, for a connection that died idle in the pool. Writes are never retried here: their stream is
            # consumed.
            retries=_RetryUnlessTimeout(total=1, status=0, redirect=False, allowed_methods={"GET", "HEAD"}),
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
        self._parts = MultipartWriter(
            self._client, self._pool, bucket=bucket, calling=self._calling, part_bytes=part_bytes
        )

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
        body = _HashedStream(content, size_bytes)
        try:
            is_taken = not self._write_once(key, body, media_type, self._metadata(key, labels or {}))
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
                labels = _labels(self._client.stat_object(self._bucket, source.key))
                metadata: dict[str, str | list[str] | tuple[str]] = {
                    **self._metadata(target, labels),
                    "Content-Type": source.media_type,
                }
                self._client.copy_object(
                    self._bucket,
                    target,
                    CopySource(self._bucket, source.key),
                    # The token is signed for one key, so the copy gets its own; replacing metadata replaces the media
                    # type too.
                    metadata=metadata,
                    metadata_directive="REPLACE",
                )
        except ObjectMissingError:
            # The SDK begins with a HEAD request, whose 404 does not distinguish a missing object from a missing
            # bucket.
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
        labels = _labels(found)
        token = (found.metadata or {}).get(_OWNERSHIP)
        owner = ObjectOwner.UNMARKED
        if token is not None:
            is_ours = self._token_signer.is_object_token(token, key, labels)
            owner = ObjectOwner.OURS if is_ours else ObjectOwner.FOREIGN
        return ObjectDescription(
            key=key,
            size_bytes=found.size or 0,
            media_type=found.content_type or "application/octet-stream",
            stored_at=found.last_modified or datetime.fromtimestamp(0, UTC),
            owner=owner,
            labels=labels if owner is ObjectOwner.OURS else {},
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
        removed = 0
        for _ in range(PURGE_ROUNDS):
            found = self._remove_versions(prefix) + self._abort_uploads(prefix)
            if not found:
                return removed
            removed += found
        raise UnavailableError(PROVIDER, f"objects under {prefix} reappear while they are deleted")

    def keys(self, prefix: str) -> Iterator[ObjectKey]:
        with _translated(prefix):
            for found in self._client.list_objects(self._bucket, prefix=prefix, recursive=True):
                yield ObjectKey(str(found.object_name))

    def objects_under(
        self, prefix: str, unreadable: TakeUnreadable = refuse_unreadable
    ) -> Iterator[ListedObject]:
        with _translated(prefix):
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

    def _remove_versions(self, prefix: str) -> int:
        """Delete all versions, delete markers included.

        Without versioning each object has one, called null.
        """
        with self._calling(prefix):
            versions = [
                DeleteObject(str(found.object_name), found.version_id)
                for found in self._client.list_objects(
                    self._bucket, prefix=prefix, recursive=True, include_version=True
                )
            ]
            refused = list(self._client.remove_objects(self._bucket, versions))
        if refused:
            raise UnavailableError(PROVIDER, f"{len(refused)} versions were not deleted: {refused[0].code}")
        return len(versions)

    def _abort_uploads(self, prefix: str) -> int:
        """Abort unfinished multipart uploads.

        The SDK's public methods cover its own uploads only.
        """
        with self._calling(prefix):
            listed = self._client._list_multipart_uploads(self._bucket, prefix=prefix)  # noqa: SLF001
            for upload in listed.uploads:
                self._client._abort_multipart_upload(  # noqa: SLF001
                    self._bucket, upload.object_name, str(upload.upload_id)
                )
        return len(listed.uploads)

    def _write_once(
        self, key: ObjectKey, body: "_HashedStream", media_type: str, metadata: Mapping[str, str]
    ) -> bool:
        """Write an object; return False, changing nothing, if the key exists."""
        if body.size_bytes > self._single_write_bytes:
            return self._parts.write_once(key, body, {**metadata, "Content-Type": media_type})
        url, signed = self._signed_write(key, metadata)
        headers = {
            **signed,
            "Content-Type": media_type,
            "Content-Length": str(body.size_bytes),
            "If-None-Match": "*",
        }
        with self._calling(key):
            response = self._pool.request("PUT", url, body=body, headers=headers)
        if response.status == 412:  # noqa: PLR2004 - Precondition Failed
            return False
        if not 200 <= response.status < 300:  # noqa: PLR2004
            raise UnavailableError(PROVIDER, f"status {response.status} for {key}")
        return True

    def _signed_write(self, key: ObjectKey, metadata: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Return a write's URL and headers, all ``x-amz-`` headers signed."""
        presigned = self._client.get_presigned_url("PUT", self._bucket, key, expires=_SIGNATURE_LIFE)
        url = urlsplit(presigned)._replace(query="")
        now = datetime.now(UTC)
        headers: dict[str, str | list[str] | tuple[str]] = {
            **metadata,
            "Host": url.netloc,
            "x-amz-content-sha256": _UNSIGNED,
            "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
        }
        signed = sign_v4_s3(
            method="PUT",
            url=url,
            region=self._region,
            headers=headers,
            credentials=self._credentials,
            content_sha256=_UNSIGNED,
            date=now,
        )
        return url.geturl(), {name: str(value) for name, value in signed.items()}

    def _metadata(self, key: ObjectKey, labels: Mapping[str, str]) -> dict[str, str]:
        """Return metadata headers with the labels, quoted to ASCII, and our token."""
        quoted = {f"{_LABEL}{name}": quote(value, safe=_UNQUOTED) for name, value in labels.items()}
        return {_OWNERSHIP: self._token_signer.object_token(key, labels), **quoted}

    @contextmanager
    def _calling(self, subject: str) -> Iterator[None]:
        """Translate errors, and fail fast while the breaker is open.

        Not for calls that last as long as their consumer, such as listings and reads.
        """
        with self._breaker.guard(), _translated(subject):
            yield

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


def _labels(found: Object) -> dict[str, str]:
    named = ((name.lower(), value) for name, value in (found.metadata or {}).items())
    return {name.removeprefix(_LABEL): unquote(value) for name, value in named if name.startswith(_LABEL)}


class _RetryUnlessTimeout(urllib3.Retry):
    """Retry fast failures, never time-outs."""

    def increment(self, *arguments: Any, **named: Any) -> Self:
        error = named.get("error")
        if isinstance(error, Exception) and _is_timeout(error):
            raise error
        return super().increment(*arguments, **named)


class _HashedStream:
    """A stream of exactly ``size_bytes``, hashed while it is read.

    Raises ValueError if the content ends before.
    """

    def __init__(self, content: BinaryIO, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._content = content
        self._left = size_bytes
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the remaining bytes in chunks."""
        return self.part(self._left)

    def part(self, size_bytes: int) -> Iterator[bytes]:
        """Yield the next bytes in chunks, at most ``size_bytes``."""
        end = max(self._left - size_bytes, 0)
        while self._left > end:
            chunk = self._content.read(min(CHUNK_BYTES, self._left - end))
            if not chunk:
                raise ValueError(
                    f"The content ends {self._left} bytes before its {self.size_bytes} bytes are reached."
                )
            self._left -= len(chunk)
            self._digest.update(chunk)
            yield chunk

    def sha256(self) -> Sha256:
        """Return the hash of the whole content, reading the rest."""
        for _ in self:
            continue
        return Sha256(self._digest.hexdigest())


def _chunks(key: ObjectKey, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    with _translated(key):
        yield from response.stream(CHUNK_BYTES)


@contextmanager
def _translated(subject: str) -> Iterator[None]:
    """Translate the SDK's errors without messages, which may quote presigned URLs."""
    try:
        yield
    except S3Error as error:
        if error.code == "NoSuchKey":
            raise ObjectMissingError(subject) from error
        if error.code == "NoSuchBucket":
            raise BucketMissingError(PROVIDER, str(error.bucket_name)) from error
        raise UnavailableError(PROVIDER, f"{error.code} for {subject}") from error
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        kind = NoAnswerError if _is_timeout(error) else UnavailableError
        raise kind(PROVIDER, f"{type(error).__name__} for {subject}") from error


def _is_timeout(error: object) -> bool:
    if isinstance(error, urllib3.exceptions.MaxRetryError):
        return _is_timeout(error.reason)
    if isinstance(error, urllib3.exceptions.ProtocolError):  # the server stopped reading
        return any(isinstance(cause, TimeoutError) for cause in error.args)
    is_urllib3_timeout = isinstance(error, urllib3.exceptions.TimeoutError)
    # NewConnectionError subclasses a time-out for historical reasons, and is raised for a refused connection.
    return is_urllib3_timeout and not isinstance(error, urllib3.exceptions.NewConnectionError)
