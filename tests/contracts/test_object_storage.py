import hashlib
import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.order.values import ObjectKey, Sha256, StoredObject
from domain.ports.errors import ObjectDiffersError, ObjectMissingError
from domain.ports.object_storage import ObjectOwner, ObjectStorage

GREAT_AUNT = b"great-aunt-1931 " * 100_000
UNCLE = b"uncle-on-a-motorcycle-1954"


def put(store: ObjectStorage, key: str, data: bytes) -> StoredObject:
    return store.put(ObjectKey(key), io.BytesIO(data), size_bytes=len(data), media_type="image/jpeg")


def held(store: ObjectStorage, key: str) -> bytes:
    with store.read(ObjectKey(key)) as chunks:
        return b"".join(chunks)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("data", [GREAT_AUNT, UNCLE, b""], ids=["many chunks", "one chunk", "nothing"])
def test_an_object_is_read_back_and_its_hash_returned(store: ObjectStorage, folder: str, data: bytes) -> None:
    stored = put(store, f"{folder}/photo", data)
    assert stored == StoredObject(
        key=ObjectKey(f"{folder}/photo"),
        sha256=Sha256(sha256(data)),
        size_bytes=len(data),
        media_type="image/jpeg",
    )
    assert held(store, f"{folder}/photo") == data


def test_exactly_the_declared_bytes_are_read_from_the_content(store: ObjectStorage, folder: str) -> None:
    content = io.BytesIO(b"photo and what follows it")
    stored = store.put(ObjectKey(f"{folder}/photo"), content, size_bytes=5, media_type="image/png")
    assert (stored.size_bytes, stored.sha256) == (5, sha256(b"photo"))
    assert content.read() == b" and what follows it"


def test_content_that_ends_too_early_is_not_stored(store: ObjectStorage, folder: str) -> None:
    with pytest.raises(ValueError, match="The content ends"):
        store.put(ObjectKey(f"{folder}/cut"), io.BytesIO(UNCLE), size_bytes=1_000, media_type="image/png")
    assert list(store.keys(folder)) == []


@pytest.mark.parametrize("data", [GREAT_AUNT, UNCLE], ids=["many chunks", "one chunk"])
def test_putting_the_same_bytes_again_is_idempotent(store: ObjectStorage, folder: str, data: bytes) -> None:
    first = put(store, f"{folder}/photo", data)
    assert put(store, f"{folder}/photo", data) == first


def test_a_taken_key_is_not_overwritten(store: ObjectStorage, folder: str) -> None:
    put(store, f"{folder}/photo", GREAT_AUNT)
    with pytest.raises(ObjectDiffersError) as refusal:
        put(store, f"{folder}/photo", UNCLE)
    assert (refusal.value.key, refusal.value.expected_sha256, refusal.value.found_sha256) == (
        f"{folder}/photo",
        sha256(UNCLE),
        sha256(GREAT_AUNT),
    )
    assert held(store, f"{folder}/photo") == GREAT_AUNT


def test_concurrent_writers_of_one_key_succeed_once(store: ObjectStorage, folder: str) -> None:
    def write(writer: int) -> int | None:
        try:
            put(store, f"{folder}/photo", b"%d" % writer * 10_000)
        except ObjectDiffersError:
            return None
        return writer

    with ThreadPoolExecutor(8) as writers:
        winners = [writer for writer in writers.map(write, range(8)) if writer is not None]
    assert len(winners) == 1
    assert held(store, f"{folder}/photo") == b"%d" % winners[0] * 10_000


def test_a_copy_has_the_same_bytes_under_another_key(store: ObjectStorage, folder: str) -> None:
    upload = put(store, f"{folder}/photo", GREAT_AUNT)
    original = store.copy(upload, ObjectKey(f"{folder}/original"))
    assert original == StoredObject(
        key=ObjectKey(f"{folder}/original"),
        sha256=upload.sha256,
        size_bytes=upload.size_bytes,
        media_type="image/jpeg",
    )
    assert held(store, f"{folder}/original") == GREAT_AUNT
    assert held(store, f"{folder}/photo") == GREAT_AUNT


def test_copying_again_is_idempotent_even_without_the_source(store: ObjectStorage, folder: str) -> None:
    upload = put(store, f"{folder}/photo", UNCLE)
    original = store.copy(upload, ObjectKey(f"{folder}/original"))
    assert store.copy(upload, ObjectKey(f"{folder}/original")) == original
    store.delete([upload.key])
    assert store.copy(upload, ObjectKey(f"{folder}/original")) == original


def test_a_copy_of_nothing_says_what_is_missing(store: ObjectStorage, folder: str) -> None:
    upload = put(store, f"{folder}/photo", UNCLE)
    store.delete([upload.key])
    with pytest.raises(ObjectMissingError) as refusal:
        store.copy(upload, ObjectKey(f"{folder}/original"))
    assert refusal.value.key == upload.key


def test_a_source_that_differs_from_its_record_leaves_no_copy(store: ObjectStorage, folder: str) -> None:
    put(store, f"{folder}/photo", UNCLE)
    recorded = StoredObject(
        key=ObjectKey(f"{folder}/photo"),
        sha256=Sha256(sha256(GREAT_AUNT)),
        size_bytes=len(GREAT_AUNT),
        media_type="image/jpeg",
    )
    with pytest.raises(ObjectDiffersError) as refusal:
        store.copy(recorded, ObjectKey(f"{folder}/original"))
    assert refusal.value.found_sha256 == sha256(UNCLE)
    assert list(store.keys(folder)) == [f"{folder}/photo"]


def test_a_copy_does_not_overwrite_other_bytes(store: ObjectStorage, folder: str) -> None:
    upload = put(store, f"{folder}/photo", UNCLE)
    put(store, f"{folder}/original", GREAT_AUNT)
    with pytest.raises(ObjectDiffersError):
        store.copy(upload, ObjectKey(f"{folder}/original"))
    assert held(store, f"{folder}/original") == GREAT_AUNT


def test_a_missing_object_is_reported(store: ObjectStorage, folder: str) -> None:
    with pytest.raises(ObjectMissingError, match=f"{folder}/nothing"):
        held(store, f"{folder}/nothing")


def test_a_reader_may_stop_early(store: ObjectStorage, folder: str) -> None:
    put(store, f"{folder}/photo", GREAT_AUNT)
    for _ in range(30):  # more often than there are connections
        with store.read(ObjectKey(f"{folder}/photo")) as chunks:
            assert GREAT_AUNT.startswith(next(chunks))
    assert held(store, f"{folder}/photo") == GREAT_AUNT


def test_deleting_removes_existing_objects_and_ignores_missing_ones(
    store: ObjectStorage, folder: str
) -> None:
    for name in ("adele", "bruno", "clara"):
        put(store, f"{folder}/{name}", UNCLE)
    store.delete(ObjectKey(f"{folder}/{name}") for name in ("adele", "clara", "never-was"))
    assert list(store.keys(folder)) == [f"{folder}/bruno"]
    store.delete([])


def test_a_purge_removes_all_under_a_prefix_and_counts_it(store: ObjectStorage, folder: str) -> None:
    for name in ("adele/1", "adele/2", "adele-and-bruno", "bruno/1"):
        put(store, f"{folder}/{name}", UNCLE)
    assert store.purge(f"{folder}/adele/") == 2
    assert set(store.keys(folder)) == {f"{folder}/adele-and-bruno", f"{folder}/bruno/1"}
    assert store.purge(f"{folder}/adele/") == 0


def test_a_purged_object_can_be_stored_again(store: ObjectStorage, folder: str) -> None:
    put(store, f"{folder}/photo", UNCLE)
    store.purge(folder)
    put(store, f"{folder}/photo", GREAT_AUNT)
    assert held(store, f"{folder}/photo") == GREAT_AUNT


def test_keys_are_those_that_start_with_the_prefix(store: ObjectStorage, folder: str) -> None:
    for name in ("a/1", "a/2", "ab/3", "b/with space & ü"):
        put(store, f"{folder}/{name}", UNCLE)
    assert set(store.keys(f"{folder}/a/")) == {f"{folder}/a/1", f"{folder}/a/2"}
    assert set(store.keys(f"{folder}/b")) == {f"{folder}/b/with space & ü"}
    assert list(store.keys(f"{folder}/c")) == []


def test_a_storage_that_works_passes_its_check(store: ObjectStorage) -> None:
    store.check()


def test_an_object_carries_the_shops_token_and_labels(store: ObjectStorage, folder: str) -> None:
    labels = {"file-name": "Großtante \u201eMinna\u201c, 1931 ☂ +100%.jpg", "edition": "2"}
    key = ObjectKey(f"{folder}/photo one")
    store.put(key, io.BytesIO(UNCLE), size_bytes=len(UNCLE), media_type="image/png", labels=labels)
    described = store.describe(key)
    assert (described.owner, described.labels) == (ObjectOwner.OURS, labels)
    assert (described.size_bytes, described.media_type) == (len(UNCLE), "image/png")


def test_a_copy_has_the_labels_and_the_media_type_of_its_source(store: ObjectStorage, folder: str) -> None:
    key, target = ObjectKey(f"{folder}/photo"), ObjectKey(f"{folder}/copy")
    source = store.put(
        key, io.BytesIO(UNCLE), size_bytes=len(UNCLE), media_type="image/png", labels={"file-name": "uncle"}
    )
    store.copy(source, target)
    described = store.describe(target)
    assert (described.owner, described.labels) == (ObjectOwner.OURS, {"file-name": "uncle"})
    assert described.media_type == "image/png"


def test_an_object_that_is_not_there_cannot_be_described(store: ObjectStorage, folder: str) -> None:
    with pytest.raises(ObjectMissingError):
        store.describe(ObjectKey(f"{folder}/nothing"))


@pytest.mark.parametrize(
    ("offset", "size_bytes"), [(0, 1), (5, 300_000), (len(GREAT_AUNT) - 1, 1), (7, None)]
)
def test_a_part_is_read_alone(store: ObjectStorage, folder: str, offset: int, size_bytes: int | None) -> None:
    put(store, f"{folder}/photo", GREAT_AUNT)
    with store.read(ObjectKey(f"{folder}/photo"), offset=offset, size_bytes=size_bytes) as chunks:
        found = b"".join(chunks)
    assert found == GREAT_AUNT[offset:][:size_bytes]
