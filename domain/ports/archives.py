"""Archives."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class ArchiveEntry:
    """One file of an archive: its name there, its length in bytes, and where its bytes come from."""

    name: str
    size_bytes: int
    content: Iterable[bytes]


class Archiver(Protocol):
    """Makes zip archives without holding them in memory."""

    def archive(self, entries: list[ArchiveEntry]) -> tuple[int, Iterator[bytes]]:
        """The exact length in bytes, and the archive as a stream; the same entries give the same bytes."""
        ...
