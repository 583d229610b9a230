"""Time, chance, and the picture tools: what even a shop without providers needs."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol
from uuid import UUID

from domain.ports.cancellation import Cancellation


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The current moment, UTC, aware."""
        ...


class Ids(Protocol):
    """The only source of new ids."""

    def new(self) -> UUID:
        """A fresh id; ids sort by the time they were made."""
        ...


class Scratch(Protocol):
    """Room for bytes that are too many to hold in memory."""

    def file(self) -> AbstractContextManager[BinaryIO]:
        """An empty file to write and read, gone when the block ends; raises UnavailableError when there is no room."""
        ...


@dataclass(frozen=True, kw_only=True)
class PictureFacts:
    """What a look into a picture file tells; ``width`` and ``height`` are pixels as a viewer would show it.

    ``sketch`` is what pictures are compared by (see ``domain.similarity``): shades of grey, upright, without
    anything as thin as a scratch.
    """

    media_type: str
    width: int
    height: int
    sketch: bytes = field(repr=False, compare=False)

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height


class PictureInspector(Protocol):
    """Looks into picture files that strangers send."""

    def check(self) -> None:
        """Raise UnavailableError when a picture would be refused now, whatever is in it."""
        ...

    def inspect(self, picture: BinaryIO, *, cancellation: Cancellation | None = None) -> PictureFacts:
        """Decode the whole picture within limits.

        Raises UnreadablePictureError with advice for the customer, UnavailableError when too many others wait, and
        CanceledError once the cancellation was requested.
        """
        ...

    def upright(self, picture: BinaryIO) -> tuple[BinaryIO, str]:
        """The picture as every restorer can read it, and its media type.

        It is upright, in plain sRGB of 8 bits a channel, on white where it was transparent, and carries nothing but
        its pixels: encoded anew as JPEG, or as PNG where it is too long for that. Raises UnreadablePictureError, but
        for no picture that ``inspect`` let pass with the same limits.
        """
        ...

    def finished(self, output: BinaryIO, original: BinaryIO) -> tuple[BinaryIO, str]:
        """A result as the customer gets it, and its media type.

        It is in sRGB, encoded anew without metadata, and transparent where the original was, if its format can be.
        Raises UnreadablePictureError.
        """
        ...


class Thumbnailer(Protocol):
    """Makes small pictures of large ones."""

    def thumbnail(self, picture: BinaryIO) -> bytes:
        """A JPEG of a few kilobytes that shows the whole picture, upright and without metadata.

        Raises UnreadablePictureError.
        """
        ...


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
