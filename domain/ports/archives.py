"""The port for zip archives."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class ArchiveEntry:
    """One file of an archive: name, length in bytes, and content."""

    name: str
    size_bytes: int
    content: Iterable[bytes]


class Archiver(Protocol):
    """Create zip archives as streams, without holding them in memory."""

    def archive(self, entries: list[ArchiveEntry]) -> tuple[int, Iterator[bytes]]:
        """The exact length in bytes, and the archive as a stream.

        The same entries always give the same bytes.
        """
