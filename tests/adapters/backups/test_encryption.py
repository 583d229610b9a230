"""Encrypted streams: what comes out went in, and nothing else comes out."""

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.backups import encryption
from adapters.backups.compression import compressed, decompressed
from adapters.backups.encryption import CHUNK_BYTES, decrypted, encrypted
from domain.ports.backups import UndecryptableError

SECRET = b"a key of backups, thirty-two characters"


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "CHUNK_BYTES", 16)


def cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


@given(content=st.binary(max_size=300), write=st.integers(1, 80), read=st.integers(1, 80))
@pytest.mark.usefixtures("small_chunks")
def test_a_stream_is_read_as_it_was_written_however_it_is_cut(content: bytes, write: int, read: int) -> None:
    stream = b"".join(encrypted(compressed(cut(content, write)), SECRET))
    assert b"".join(decompressed(decrypted(cut(stream, read), [SECRET]))) == content


def changed(stream: bytes) -> bytes:
    return stream[:50] + bytes([stream[50] ^ 1]) + stream[51:]


def exchanged(stream: bytes) -> bytes:
    head, first, second, rest = stream[:36], stream[36:68], stream[68:100], stream[100:]
    return head + second + first + rest


@pytest.mark.parametrize(
    "damage",
    [
        changed,
        exchanged,
        lambda stream: stream[:-1],
        lambda stream: stream[:68],  # exactly behind a chunk
        lambda stream: stream[:36] + stream[68:],
        lambda stream: stream + b"more",
        lambda stream: stream[:20],
        lambda stream: b"PGDMP" + stream,
        lambda _: b"",
    ],
    ids=[
        "changed",
        "exchanged",
        "shortened",
        "cut behind a chunk",
        "without the first chunk",
        "extended",
        "header alone",
        "another format",
        "empty",
    ],
)
@pytest.mark.usefixtures("small_chunks")
def test_a_damaged_stream_is_refused(damage: Callable[[bytes], bytes]) -> None:
    stream = b"".join(encrypted([bytes(range(200))], SECRET))
    with pytest.raises(UndecryptableError):
        list(decrypted([damage(stream)], [SECRET]))


def test_another_key_is_named_as_the_likely_cause() -> None:
    stream = b"".join(encrypted([b"photos"], SECRET))
    with pytest.raises(UndecryptableError, match="neither BACKUP_KEY nor"):
        list(decrypted([stream], [SECRET[::-1]]))


@pytest.mark.usefixtures("small_chunks")
def test_any_of_several_keys_opens_a_stream_and_none_opens_a_damaged_one() -> None:
    stream = b"".join(encrypted([bytes(range(200))], SECRET))
    keys = [SECRET[::-1], SECRET]
    assert b"".join(decrypted([stream], keys)) == bytes(range(200))
    with pytest.raises(UndecryptableError, match="changed or cut off"):
        list(decrypted([stream[:-1]], keys))


def test_equal_contents_give_different_streams() -> None:
    once, again = (b"".join(encrypted([b"photos"], SECRET)) for _ in range(2))
    assert once != again


def test_memory_is_bounded_by_chunks_and_not_by_the_content() -> None:
    piece = os.urandom(CHUNK_BYTES // 3)
    longest = 0

    def content() -> Iterator[bytes]:
        for _ in range(40):
            yield piece

    total = 0
    for chunk in decompressed(decrypted(encrypted(compressed(content()), SECRET), [SECRET])):
        longest, total = max(longest, len(chunk)), total + len(chunk)
    assert total == 40 * len(piece)
    assert longest <= 2 * CHUNK_BYTES


def test_zeros_that_compress_well_are_unpacked_in_bounded_pieces() -> None:
    stream = b"".join(compressed([bytes(CHUNK_BYTES)] * 30))
    assert len(stream) < CHUNK_BYTES
    pieces = [len(piece) for piece in decompressed([stream])]
    assert sum(pieces) == 30 * CHUNK_BYTES
    assert max(pieces) <= CHUNK_BYTES


def test_a_compressed_stream_without_its_end_is_refused() -> None:
    stream = b"".join(compressed([b"photos" * 1000]))
    with pytest.raises(UndecryptableError, match="ends too early"):
        list(decompressed([stream[:-12]]))
