"""What the bucket and its server do, tried for an operator."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from io import BytesIO
from uuid import uuid4

import urllib3
from minio import Minio
from minio.commonconfig import ENABLED
from minio.error import S3Error

from adapters.answer_time import answer_time
from adapters.storage_minio.errors import translated
from adapters.storage_minio.storage import MinioStorage

#: Not among the shop's own objects; each trial is deleted.
TRIAL_PREFIX = "doctor/"

#: More than what is left of a page of a full disk, and nothing that a server can compress.
_CONTENT = hashlib.shake_256(b"a trial").digest(8192)
_WRITE_ONCE = {"If-None-Match": "*"}
#: What servers answer that do not have a feature.
_WITHOUT = frozenset(
    {
        "NoSuchLifecycleConfiguration",
        "ObjectLockConfigurationNotFoundError",
        "NotImplemented",
        "MethodNotAllowed",
        "AccessDenied",
    }
)


@dataclass(frozen=True, kw_only=True)
class LifecycleRule:
    """A rule that deletes objects under a prefix."""

    rule_id: str
    prefix: str


@dataclass(frozen=True, kw_only=True)
class BucketFacts:
    """What was tried and read."""

    keeps_first_write: bool
    reads_ranges: bool
    is_public: bool
    is_locked: bool
    deletes_versions: bool
    deletes: Sequence[LifecycleRule]


class StorageBucket:
    """Tries the bucket of a storage, and creates it."""

    def __init__(self, storage: MinioStorage, *, bucket: str, region: str) -> None:
        self._client: Minio = storage.client
        self._bucket = bucket
        self._region = region

    def exists(self) -> bool:
        """Whether there is such a bucket; raises UnavailableError for wrong credentials."""
        with translated(f"bucket {self._bucket}"):
            return self._client.bucket_exists(self._bucket)

    def answered_at(self) -> datetime | None:
        """The server's time of an answer, whatever it is."""
        url = self._client.get_presigned_url("GET", self._bucket, TRIAL_PREFIX).partition("?")[0]
        with translated(f"bucket {self._bucket}"), self._open("HEAD", url) as answer:
            return answer_time(dict(answer.headers))

    def create(self) -> None:
        """Create the bucket, not readable by others."""
        with translated(f"bucket {self._bucket}"):
            self._client.make_bucket(self._bucket, self._region)

    def describe(self) -> BucketFacts:
        """Write, read and delete a trial object, and read the bucket's settings."""
        key = f"{TRIAL_PREFIX}{uuid4()}"
        with translated(f"bucket {self._bucket}"):
            try:
                self._client.put_object(self._bucket, key, BytesIO(_CONTENT), len(_CONTENT))
                facts = BucketFacts(
                    keeps_first_write=self._keeps_first_write(key),
                    reads_ranges=self._read(key, offset=4, length=5) == _CONTENT[4:9],
                    is_public=self._is_public(key),
                    is_locked=self._is_locked(),
                    deletes_versions=self._deletes_versions(),
                    deletes=self._deleting_rules(),
                )
            finally:
                self._remove(key)
        return facts

    def _keeps_first_write(self, key: str) -> bool:
        url = self._client.get_presigned_url("PUT", self._bucket, key)
        with self._open("PUT", url, body=b"another content", headers=_WRITE_ONCE) as answer:
            status = answer.status
        return status in {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT} and (
            self._read(key) == _CONTENT
        )

    def _read(self, key: str, offset: int = 0, length: int = 0) -> bytes:
        answer = self._client.get_object(self._bucket, key, offset=offset, length=length)
        try:
            return answer.read()
        finally:
            answer.close()
            answer.release_conn()

    def _is_public(self, key: str) -> bool:
        """Whether a reader without credentials gets the object."""
        url = self._client.get_presigned_url("GET", self._bucket, key).partition("?")[0]
        with self._open("GET", url) as answer:
            return answer.status == HTTPStatus.OK

    def _open(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        return self._client._http.urlopen(  # noqa: SLF001 -- the SDK's own requests are always signed and whole
            method, url, body=body, headers=headers or {}, preload_content=False
        )

    def _is_locked(self) -> bool:
        try:
            config = self._client.get_object_lock_config(self._bucket)
        except S3Error as error:
            if error.code in _WITHOUT:
                return False
            raise
        return config.mode is not None

    def _deletes_versions(self) -> bool:
        """Whether nothing is left of a deleted object, as erasure requires."""
        key = f"{TRIAL_PREFIX}{uuid4()}"
        self._client.put_object(self._bucket, key, BytesIO(_CONTENT), len(_CONTENT))
        self._remove(key)
        return not any(self._client.list_objects(self._bucket, key, include_version=True))

    def _deleting_rules(self) -> Sequence[LifecycleRule]:
        try:
            config = self._client.get_bucket_lifecycle(self._bucket)
        except S3Error as error:
            if error.code in _WITHOUT:
                return []
            raise
        return [
            LifecycleRule(
                rule_id=rule.rule_id or "?", prefix=(rule.rule_filter and rule.rule_filter.prefix) or ""
            )
            for rule in (config.rules if config is not None else [])
            if rule.status == ENABLED and rule.expiration is not None
        ]

    def _remove(self, key: str) -> None:
        with suppress(S3Error):  # it was not written
            for version in self._client.list_objects(self._bucket, key, include_version=True):
                self._client.remove_object(self._bucket, key, version.version_id)
