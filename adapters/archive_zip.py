"""Zip archives as streams, with the standard library, uncompressed.

Equal entries give equal bytes, so storing an archive again is idempotent. Every file therefore has one fixed date.
Photos are compressed already.
"""

import zipfile
from collections.abc import Iterator
from zipfile import ZipFile, ZipInfo

from domain.ports.archives import ArchiveEntry

#: The earliest date in the format.
_DATE = (1980, 1, 1, 0, 0, 0)

#: Readable by all users after unpacking.
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
    """Build zip archives without holding them in memory."""

    def archive(self, entries: list[ArchiveEntry]) -> tuple[int, Iterator[bytes]]:
        """Return the exact length in bytes and the stream.

        The stream raises ValueError if an entry differs from its declared size.
        """
        return _length(entries), _stream(entries)


class _Buffer:
    """A write-only file whose content is taken piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        pass

    def take(self) -> Iterator[bytes]:
        pieces, self._pieces = self._pieces, []
        yield from pieces


def _stream(entries: list[ArchiveEntry]) -> Iterator[bytes]:
    buffer = _Buffer()
    with ZipFile(buffer, "w") as archive:  # type: ignore[call-overload] # write-only is enough, typeshed wants more
        for entry in entries:
            written = 0
            with archive.open(_info(entry), "w") as file:
                for chunk in entry.content:
                    written += file.write(chunk)
                    yield from buffer.take()
            if written != entry.size_bytes:
                raise ValueError(f"{entry.name} has {written} bytes, but {entry.size_bytes} were declared.")
    yield from buffer.take()


def _info(entry: ArchiveEntry) -> ZipInfo:
    info = ZipInfo(entry.name, _DATE)
    info.file_size = entry.size_bytes
    info.external_attr = _PERMISSIONS
    info.flag_bits = _DESCRIPTOR_FOLLOWS
    return info


def _length(entries: list[ArchiveEntry]) -> int:
    """Compute the archive's length, with ZIP64 parts where sizes require them."""
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
    """Return eight bytes per ZIP64 field, and four of header if any."""
    figures = (2 if entry.size_bytes > zipfile.ZIP64_LIMIT else 0) + (offset > zipfile.ZIP64_LIMIT)
    return 4 + 8 * figures if figures else 0
