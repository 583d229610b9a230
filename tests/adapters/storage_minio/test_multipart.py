"""Multipart uploads, with small limits here instead of S3's 5 GB."""

import hashlib
import io
import tracemalloc
from uuid import uuid4

import minio.api
import pytest

from adapters.storage_minio.storage import MinioStorage
from domain.order.values import ObjectKey
from domain.ports.errors import ObjectDiffersError, UnavailableError
from domain.ports.object_storage import ObjectOwner
from sandbox.services.seaweedfs_server import S3
from tests.adapters.storage_minio.test_storage import Roll, sdk, uploads_under
from tests.adapters.support.misbehaving_server import RogueHandler, RogueServer
from tests.adapters.support.provider_accounts import BUCKET, minio_store

#: The smallest part that S3 accepts, except for the last one.
PART_BYTES = 5 * 1024 * 1024
GREAT_AUNT = b"great-aunt-1931 " * 800_000  # 12.8 MB: two parts and a remainder


@pytest.fixture
def key() -> ObjectKey:
    return ObjectKey(f"downloads/{uuid4()}/archive.zip")


def parted(server: S3) -> MinioStorage:
    return minio_store(server, single_write_bytes=6_000_000, part_bytes=PART_BYTES)


def put(store: MinioStorage, key: ObjectKey, data: bytes = GREAT_AUNT) -> str:
    stored = store.put(key, io.BytesIO(data), size_bytes=len(data), media_type="application/zip")
    return stored.sha256


def held(store: MinioStorage, key: ObjectKey) -> bytes:
    with store.read(key) as chunks:
        return b"".join(chunks)


def test_an_object_put_in_parts_is_read_back_and_ours(s3: S3, key: ObjectKey) -> None:
    store = parted(s3)
    labels = {"file-name": "Käthe.zip"}
    stored = store.put(
        key,
        io.BytesIO(GREAT_AUNT),
        size_bytes=len(GREAT_AUNT),
        media_type="application/zip",
        labels=labels,
    )
    assert stored.sha256 == hashlib.sha256(GREAT_AUNT).hexdigest()
    assert held(store, key) == GREAT_AUNT
    described = store.describe(key)
    assert (described.size_bytes, described.media_type) == (len(GREAT_AUNT), "application/zip")
    assert (described.owner, described.labels) == (ObjectOwner.OURS, labels)
    assert uploads_under(s3, BUCKET, key) == 0
    assert "-3" in str(sdk(s3).stat_object(BUCKET, key).etag), "it went in three parts"


@pytest.mark.parametrize("size_bytes", [6_000_000, 6_000_001, 2 * PART_BYTES, 2 * PART_BYTES + 1])
def test_no_byte_is_lost_between_parts(s3: S3, key: ObjectKey, size_bytes: int) -> None:
    data = GREAT_AUNT[:size_bytes]
    put(parted(s3), key, data)
    assert held(parted(s3), key) == data


def test_putting_the_same_parts_again_is_idempotent(s3: S3, key: ObjectKey) -> None:
    assert put(parted(s3), key) == put(parted(s3), key)
    assert uploads_under(s3, BUCKET, key) == 0


@pytest.mark.parametrize("first", [GREAT_AUNT[::-1], b"small"])
def test_a_taken_key_is_not_overwritten_in_parts(s3: S3, key: ObjectKey, first: bytes) -> None:
    store = parted(s3)
    put(store, key, first)
    with pytest.raises(ObjectDiffersError):
        put(store, key)
    assert held(store, key) == first
    assert uploads_under(s3, BUCKET, key) == 0


def test_concurrent_writers_in_parts_succeed_once(s3: S3, key: ObjectKey) -> None:
    store = parted(s3)
    put(store, key, b"0" * 6_500_000)
    for other in (b"1", b"2"):
        with pytest.raises(ObjectDiffersError):
            put(store, key, other * 6_500_000)
    assert held(store, key) == b"0" * 6_500_000


def test_content_that_ends_too_early_leaves_no_object_and_no_part(s3: S3, key: ObjectKey) -> None:
    store = parted(s3)
    with pytest.raises(ValueError, match="The content ends"):
        store.put(key, io.BytesIO(GREAT_AUNT), size_bytes=len(GREAT_AUNT) + 1, media_type="application/zip")
    assert list(store.keys(key)) == []
    assert uploads_under(s3, BUCKET, key) == 0


def test_parts_pass_through_little_memory(s3: S3, key: ObjectKey) -> None:
    store = parted(s3)
    tracemalloc.start()
    try:
        store.put(key, Roll(40_000_000), size_bytes=40_000_000, media_type="application/zip")  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


def test_a_server_that_refuses_a_part_is_an_outage_and_the_upload_is_aborted(
    rogue: RogueServer, key: ObjectKey
) -> None:
    begun = b"<InitiateMultipartUploadResult><UploadId>upload-7</UploadId></InitiateMultipartUploadResult>"
    rogue.manners["POST"] = lambda request: request.answer(200, begun)
    rogue.manners["PUT"] = lambda request: request.answer(503)
    rogue.manners["HEAD"] = lambda request: request.answer(404 if "downloads" in request.path else 200)
    aborted: list[str] = []

    def abort(request: RogueHandler) -> None:
        aborted.append(request.path)
        request.answer(204)

    rogue.manners["DELETE"] = abort
    account = S3(rogue.url, "access-key-of-the-shop", "secret-key-of-the-shop")
    store = minio_store(account, single_write_bytes=1, part_bytes=PART_BYTES)
    with pytest.raises(UnavailableError, match="status 503 for part 1"):
        put(store, key)
    assert aborted == [f"/{BUCKET}/{key}?uploadId=upload-7"]


def test_a_copy_of_more_than_one_write_takes_is_made_in_parts(
    s3: S3, key: ObjectKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minio.api, "MAX_PART_SIZE", PART_BYTES)  # really five gigabytes
    store = parted(s3)
    source = store.put(key, io.BytesIO(GREAT_AUNT), size_bytes=len(GREAT_AUNT), media_type="application/zip")
    target = ObjectKey(f"{key}-copy")
    assert store.copy(source, target).sha256 == source.sha256
    assert held(store, target) == GREAT_AUNT
    assert store.describe(target).owner is ObjectOwner.OURS
    assert uploads_under(s3, BUCKET, target) == 0
