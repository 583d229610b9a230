import io
import time
import tracemalloc
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from minio import Minio
from minio.commonconfig import ENABLED, CopySource
from minio.versioningconfig import VersioningConfig

from adapters.storage_minio import storage
from adapters.storage_minio.storage import MinioStorage
from domain.order.values import ObjectKey, Sha256, StoredObject
from domain.ports.errors import BucketMissingError, NoAnswerError, ObjectDiffersError, UnavailableError
from domain.ports.object_storage import ObjectOwner
from domain.signed_tokens import TokenSigner
from sandbox.services.seaweedfs_server import REGION, S3
from tests.adapters.support.misbehaving_server import RogueServer
from tests.adapters.support.provider_accounts import BUCKET, minio_store
from tests.silence import silent_listener

UNCLE = b"uncle-on-a-motorcycle-1954"
#: More than the kernel buffers before anything is read.
FILM = 32 * 1024 * 1024
KEY = ObjectKey("uploads/temp/session/photo")


class Roll(io.RawIOBase):
    """Content of any length that needs no memory."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__()
        self.left = size_bytes

    def read(self, size: int = -1) -> bytes:
        taken = self.left if size < 0 else min(size, self.left)
        self.left -= taken
        return bytes(taken)


def store_at(url: str, timeout_seconds: float = 5) -> MinioStorage:
    account = S3(url, "access-key-of-the-shop", "secret-key-of-the-shop")
    return minio_store(account, timeout_seconds=timeout_seconds)


def put(store: MinioStorage, data: bytes = UNCLE) -> None:
    store.put(KEY, io.BytesIO(data), size_bytes=len(data), media_type="image/jpeg")


def test_a_missing_bucket_is_named_and_never_taken_for_a_missing_object(s3: S3) -> None:
    store = minio_store(s3, bucket="misspelt")
    photo = StoredObject(key=KEY, sha256=Sha256("0" * 64), size_bytes=3, media_type="image/jpeg")

    def read() -> None:
        with store.read(KEY):
            pass

    for ask in (store.check, read, lambda: store.copy(photo, ObjectKey("uploads/originals/order/photo"))):
        with pytest.raises(BucketMissingError, match="has no bucket misspelt: create it, or correct"):
            ask()


def test_a_large_photo_passes_through_little_memory(s3: S3) -> None:
    store = minio_store(s3)
    key = ObjectKey(f"uploads/temp/{uuid4()}/wedding-1928.tiff")
    tracemalloc.start()
    try:
        store.put(key, Roll(40_000_000), size_bytes=40_000_000, media_type="image/tiff")  # type: ignore[arg-type]
        with store.read(key) as chunks:
            assert sum(len(chunk) for chunk in chunks) == 40_000_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"bucket": "another"}, "it has no bucket another"),
        ({"secret_key": "not-ours"}, "AccessDenied for {bucket}"),
        (
            {"endpoint_url": "http://127.0.0.1:9"},
            "no connection to 127.0.0.1:9; check that it runs, and its address in the settings",
        ),
    ],
)
def test_a_misconfigured_storage_fails_its_check(s3: S3, changes: dict[str, str], detail: str) -> None:
    with pytest.raises(UnavailableError) as refusal:
        minio_store(s3, **changes).check()
    assert refusal.value.detail == detail.format(bucket=BUCKET)


def test_an_error_of_a_wrong_secret_does_not_contain_it(s3: S3) -> None:
    store = minio_store(s3, secret_key="not-ours")
    with pytest.raises(UnavailableError) as refusal:
        put(store)
    assert refusal.value.detail == f"AccessDenied for {KEY}"
    assert "check S3_ACCESS_KEY and S3_SECRET_KEY" in str(refusal.value)
    assert "not-ours" not in str(refusal.value)


def test_a_write_whose_reply_was_lost_is_looked_up(rogue: RogueServer) -> None:
    rogue.manners["PUT"] = lambda request: request.hang_up()
    rogue.manners["HEAD"] = lambda request: request.answer(200)
    rogue.manners["GET"] = lambda request: request.answer(200, UNCLE)
    put(store_at(rogue.url))
    with pytest.raises(ObjectDiffersError):
        put(store_at(rogue.url), b"great-aunt-1931")


def test_a_failed_write_is_not_reported_as_done(rogue: RogueServer) -> None:
    rogue.manners["PUT"] = lambda request: request.hang_up()
    rogue.manners["HEAD"] = lambda request: request.answer(404)
    with pytest.raises(UnavailableError):
        put(store_at(rogue.url))
    assert [request.command for request in rogue.seen] == ["PUT", "HEAD"]


def test_an_early_refusal_of_a_write_is_read(rogue: RogueServer) -> None:
    def refuse_unread(request: object) -> None:
        assert hasattr(request, "answer")
        request.answer(412, Connection="close")

    rogue.manners["PUT"] = refuse_unread
    rogue.manners["HEAD"] = lambda request: request.answer(200)
    rogue.manners["GET"] = lambda request: request.answer(200, bytes(8_000_000))
    roll = Roll(8_000_000)
    stored = store_at(rogue.url).put(KEY, roll, size_bytes=8_000_000, media_type="image/tiff")  # type: ignore[arg-type]
    assert stored.size_bytes == 8_000_000


def test_a_hanging_server_times_out(rogue: RogueServer) -> None:
    for method in ("GET", "HEAD"):
        rogue.manners[method] = lambda request: request.hang()
    with pytest.raises(UnavailableError):
        store_at(rogue.url, timeout_seconds=0.1).check()


def test_a_hanging_storage_is_waited_for_once() -> None:
    with (
        silent_listener() as port,
        closing(store_at(f"http://127.0.0.1:{port}", timeout_seconds=0.3)) as store,
    ):
        began = time.monotonic()
        with pytest.raises(NoAnswerError):
            store.check()
        assert time.monotonic() - began < 0.6  # it was asked once
        began = time.monotonic()
        for _ in range(20):
            with pytest.raises(UnavailableError, match="it does not answer"):
                put(store)
        assert time.monotonic() - began < 0.3


def test_a_server_that_stops_reading_times_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storage, "CONNECT_TIMEOUT_SECONDS", 0.3)
    with (
        silent_listener() as port,
        closing(store_at(f"http://127.0.0.1:{port}", timeout_seconds=0.3)) as store,
    ):
        with pytest.raises(UnavailableError):
            store.put(KEY, io.BytesIO(bytes(FILM)), size_bytes=FILM, media_type="image/jpeg")
        with pytest.raises(UnavailableError, match="it does not answer"):
            store.check()


def test_a_truncated_object_is_an_outage(rogue: RogueServer) -> None:
    rogue.manners["GET"] = lambda request: request.answer(
        200, UNCLE, Content_Length="1000", Connection="close"
    )
    with pytest.raises(UnavailableError), store_at(rogue.url).read(KEY) as chunks:
        b"".join(chunks)


@pytest.mark.parametrize("status", [301, 403, 500, 503])
def test_an_answer_that_is_not_s3_is_an_outage(rogue: RogueServer, status: int) -> None:
    for method in ("GET", "HEAD"):
        rogue.manners[method] = lambda request: request.answer(
            status, b"<html>the proxy is tired</html>", Content_Type="text/html", Location=rogue.url
        )
    with pytest.raises(UnavailableError), store_at(rogue.url).read(KEY):
        pass
    with pytest.raises(UnavailableError):
        store_at(rogue.url).check()


def sdk(server: S3) -> Minio:
    host = server.endpoint.removeprefix("http://")
    return Minio(host, server.access_key, server.secret_key, secure=False, region=REGION)


def versions_under(server: S3, bucket: str, prefix: str) -> list[tuple[str, bool]]:
    """Every key with a version, and whether that deletes it."""
    found = sdk(server).list_objects(bucket, prefix=prefix, recursive=True, include_version=True)
    return [(str(each.object_name), bool(each.is_delete_marker)) for each in found]


def begin_in_parts(server: S3, bucket: str, key: str) -> None:
    """Begin a multipart upload and leave it unfinished."""
    client = sdk(server)
    upload_id = client._create_multipart_upload(bucket, key, {})  # noqa: SLF001 -- its public upload never ends half way
    client._upload_part(bucket, key, b"great-aunt" * 600_000, None, upload_id, 1)  # noqa: SLF001


def uploads_under(server: S3, bucket: str, prefix: str) -> int:
    return len(sdk(server)._list_multipart_uploads(bucket, prefix=prefix).uploads)  # noqa: SLF001


def test_a_purge_removes_versions_delete_markers_and_parts(s3: S3) -> None:
    bucket = f"versions-{uuid4()}"
    sdk(s3).make_bucket(bucket)
    sdk(s3).set_bucket_versioning(bucket, VersioningConfig(ENABLED))
    store = minio_store(s3, bucket=bucket)
    order, other = f"uploads/originals/{uuid4()}/", f"uploads/originals/{uuid4()}/"
    for prefix in (order, other):
        for photo in (b"at the wedding", b"the same, scanned again"):
            sdk(s3).put_object(bucket, f"{prefix}wedding-1928", io.BytesIO(photo), len(photo))
        begin_in_parts(s3, bucket, f"{prefix}honeymoon-1928")
    store.delete([ObjectKey(f"{order}wedding-1928")])
    kept = versions_under(s3, bucket, order)
    assert sorted(is_delete_marker for _, is_delete_marker in kept) == [False, False, True], (
        "the bucket keeps versions"
    )
    assert store.purge(order) == 4
    assert (versions_under(s3, bucket, order), uploads_under(s3, bucket, order)) == ([], 0)
    assert (len(versions_under(s3, bucket, other)), uploads_under(s3, bucket, other)) == (2, 1)


def test_a_purge_removes_unfinished_uploads_without_versioning(s3: S3) -> None:
    store, order = minio_store(s3), f"uploads/restored/{uuid4()}/"
    store.put(ObjectKey(f"{order}result"), io.BytesIO(UNCLE), size_bytes=len(UNCLE), media_type="image/png")
    begin_in_parts(s3, BUCKET, f"{order}unfinished")
    assert store.purge(order) == 2
    assert (versions_under(s3, BUCKET, order), uploads_under(s3, BUCKET, order)) == ([], 0)


def test_a_purge_that_cannot_reach_the_storage_says_so() -> None:
    account = S3("http://127.0.0.1:9", "access-key-of-the-shop", "secret-key-of-the-shop")
    with pytest.raises(UnavailableError, match="no connection"):
        minio_store(account).purge("uploads/originals/")


def test_a_corrupt_copy_of_a_sound_source_is_an_outage(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    store, folder = minio_store(s3), uuid4()
    source = store.put(
        ObjectKey(f"uploads/temp/{folder}/photo"),
        io.BytesIO(UNCLE),
        size_bytes=len(UNCLE),
        media_type="image/jpeg",
    )

    execute = Minio._execute  # noqa: SLF001 -- what copies in one request

    def cut(client: Minio, method: str, bucket: str, key: str | None = None, **named: Any) -> Any:
        answer = execute(client, method, bucket, key, **named)
        if key and "x-amz-copy-source" in (named.get("headers") or {}):
            sdk(s3).put_object(bucket, key, io.BytesIO(UNCLE[:7]), 7)
        return answer

    with monkeypatch.context() as fault:
        fault.setattr(Minio, "_execute", cut)
        with pytest.raises(UnavailableError, match="differs from it"):
            store.copy(source, ObjectKey(f"uploads/originals/{folder}/photo"))
    assert store.copy(source, ObjectKey(f"uploads/originals/{folder}/photo")).sha256 == source.sha256


def test_the_signed_token_identifies_an_objects_owner(s3: S3) -> None:
    ours, theirs = (
        minio_store(s3),
        minio_store(s3, token_signer=TokenSigner(b"the key of another shop in the bucket")),
    )
    key, copied = (ObjectKey(f"uploads/temp/{uuid4()}/photo") for _ in range(2))
    stored = ours.put(
        key, io.BytesIO(UNCLE), size_bytes=len(UNCLE), media_type="image/png", labels={"file-name": "uncle"}
    )
    assert ours.describe(key).owner is ObjectOwner.OURS
    assert (theirs.describe(key).owner, theirs.describe(key).labels) == (ObjectOwner.FOREIGN, {})
    # A token is valid for its own key only: a copy made by the storage itself is not ours.
    sdk(s3).copy_object(BUCKET, copied, CopySource(BUCKET, key))
    assert ours.describe(copied).owner is ObjectOwner.FOREIGN
    unmarked = ObjectKey(f"uploads/temp/{uuid4()}/photo")
    sdk(s3).put_object(BUCKET, unmarked, io.BytesIO(UNCLE), len(UNCLE))
    assert ours.describe(unmarked).owner is ObjectOwner.UNMARKED
    assert stored.key == key
