"""Zip archives as streams, with the standard library: nothing is compressed, photos are already.

The same entries give the same bytes, so an archive that was stored before can be stored again. For that every
file carries one fixed date, which is why the length is reckoned here.
"""

import zipfile
from collections.abc import Iterator
from zipfile import ZipFile, ZipInfo

from domain.ports.archives import ArchiveEntry

#: The first day that the format knows.
_DATE = (1980, 1, 1, 0, 0, 0)

#: Readable to all, as a file that somebody unpacks should be.
_PERMISSIONS = 0o644 << 16

#: In a stream, a file's length and checksum follow it.
_DESCRIPTOR_FOLLOWS = 0x08

_LOCAL_HEADER_BYTES = 30
_LOCAL_ZIP64_BYTES = 20
_DIRECTORY_ENTRY_BYTES = 46
_DESCRIPTOR_BYTES = 16
_DESCRIPTOR_ZIP64_BYTES = 24
_END_BYTES = 22
_END_ZIP64_BYTES = 56 + 20


class ZipArchiver:
    """Makes zip archives without holding them in memory."""

    def archive(self, entries: list[ArchiveEntry]) -> tuple[int, Iterator[bytes]]:
        """The exact length and the stream, which raises ValueError if an entry is not as long as it says."""
        return _length(entries), _stream(entries)


class _Outlet:
    """Where the archive is written to, and taken from piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        """Keep a piece until it is taken."""
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> Iterator[bytes]:
        """Hand over what has come since the last time."""
        pieces, self._pieces = self._pieces, []
        yield from pieces


def _stream(entries: list[ArchiveEntry]) -> Iterator[bytes]:
    outlet = _Outlet()
    with ZipFile(outlet, "w") as archive:  # type: ignore[call-overload] # write-only is enough, typeshed wants more
        for entry in entries:
            written = 0
            with archive.open(_info(entry), "w") as file:
                for chunk in entry.content:
                    written += file.write(chunk)
                    yield from outlet.take()
            if written != entry.size_bytes:
                raise ValueError(f"{entry.name} has {written} bytes where {entry.size_bytes} were promised.")
    yield from outlet.take()


def _info(entry: ArchiveEntry) -> ZipInfo:
    info = ZipInfo(entry.name, _DATE)
    info.file_size = entry.size_bytes
    info.external_attr = _PERMISSIONS
    info.flag_bits = _DESCRIPTOR_FOLLOWS
    return info


def _length(entries: list[ArchiveEntry]) -> int:
    """The parts of an archive as the format lays them down; what is large takes the larger, ZIP64, parts."""
    files_bytes = directory_bytes = 0
    for entry in entries:
        is_zip64 = entry.size_bytes * 1.05 > zipfile.ZIP64_LIMIT  # zipfile's own rule
        header_bytes = len(_info(entry).FileHeader(zip64=is_zip64))
        name_bytes = header_bytes - _LOCAL_HEADER_BYTES - (_LOCAL_ZIP64_BYTES if is_zip64 else 0)
        directory_bytes += _DIRECTORY_ENTRY_BYTES + name_bytes + _directory_extra_bytes(entry, files_bytes)
        descriptor_bytes = _DESCRIPTOR_ZIP64_BYTES if is_zip64 else _DESCRIPTOR_BYTES
        files_bytes += header_bytes + entry.size_bytes + descriptor_bytes
    is_large = (
        len(entries) > zipfile.ZIP_FILECOUNT_LIMIT or max(files_bytes, directory_bytes) > zipfile.ZIP64_LIMIT
    )
    return files_bytes + directory_bytes + _END_BYTES + (_END_ZIP64_BYTES if is_large else 0)


def _directory_extra_bytes(entry: ArchiveEntry, offset: int) -> int:
    """Eight bytes for each figure that is too large for its usual place, and four that announce them."""
    figures = (2 if entry.size_bytes > zipfile.ZIP64_LIMIT else 0) + (offset > zipfile.ZIP64_LIMIT)
    return 4 + 8 * figures if figures else 0
