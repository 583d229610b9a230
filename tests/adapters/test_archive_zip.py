import io
import struct
import zipfile
from collections.abc import Iterator

import pytest

from adapters.archive_zip import ZipArchiver
from domain.ports.archives import ArchiveEntry

ARCHIVER = ZipArchiver()
PHOTOS = {
    "great-aunt-1931-restored.png": b"great-aunt " * 10_000,
    "Onkel Jürgen & der Käfer.jpg": b"uncle",
    "leer.txt": b"",
}


def entries(photos: dict[str, bytes] | None = None) -> list[ArchiveEntry]:
    return [
        ArchiveEntry(name=name, size_bytes=len(data), content=pieces(data))
        for name, data in (PHOTOS if photos is None else photos).items()
    ]


def pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 1_000):
        yield data[start : start + 1_000]


def test_an_archive_contains_its_entries() -> None:
    length, stream = ARCHIVER.archive(entries())
    made = b"".join(stream)
    assert len(made) == length
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == PHOTOS


def test_the_same_entries_give_the_same_bytes() -> None:
    first, second = (b"".join(ARCHIVER.archive(entries())[1]) for _ in range(2))
    assert first == second


def test_an_archive_is_made_as_it_is_read() -> None:
    asked = []

    def watched() -> Iterator[bytes]:
        for number in range(3):
            asked.append(number)
            yield bytes(100)

    _, stream = ARCHIVER.archive([ArchiveEntry(name="a", size_bytes=300, content=watched())])
    assert asked == []
    next(stream)
    assert asked == [0]
    b"".join(stream)
    assert asked == [0, 1, 2]


@pytest.mark.parametrize("limit", [10, 120, 4_000, 109_000, 120_000])
def test_the_length_is_exact_also_beyond_the_borders_of_the_old_format(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)  # really two gigabytes
    length, stream = ARCHIVER.archive(entries())
    made = b"".join(stream)
    assert len(made) == length
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == PHOTOS


def test_the_length_is_exact_for_more_files_than_the_old_format_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    length, stream = ARCHIVER.archive(entries())
    assert len(b"".join(stream)) == length


def test_an_archive_of_nothing_is_an_archive() -> None:
    length, stream = ARCHIVER.archive([])
    made = b"".join(stream)
    assert len(made) == length
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.namelist() == []


@pytest.mark.parametrize("size_bytes", [4, 6])
def test_an_entry_of_another_size_than_declared_is_refused(size_bytes: int) -> None:
    _, stream = ARCHIVER.archive([ArchiveEntry(name="a", size_bytes=size_bytes, content=[b"uncle"])])
    with pytest.raises(ValueError, match=f"a has 5 bytes, but {size_bytes} were declared"):
        b"".join(stream)


def test_a_zip64_file_is_counted_in_the_length() -> None:
    size_bytes = 5 * 1024**3

    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(1_000)

    entries = [ArchiveEntry(name=f"{n}.png", size_bytes=size_bytes, content=endless()) for n in range(2)]
    length, stream = ARCHIVER.archive(entries)
    header = next(stream)
    signature, version = struct.unpack("<4sH", header[:6])
    assert (signature, version) == (b"PK\x03\x04", zipfile.ZIP64_VERSION)
    assert struct.unpack("<LL", header[18:26]) == (0xFFFFFFFF, 0xFFFFFFFF)
    # Headers, descriptors and directory of two files, one of which begins beyond four gigabytes, and both ends.
    local, descriptor = 30 + 5 + 20, 24
    directory = (46 + 5 + 4 + 16) + (46 + 5 + 4 + 24)
    assert length == 2 * (local + size_bytes + descriptor) + directory + 56 + 20 + 22
