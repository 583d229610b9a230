"""Images."""

from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from domain.ports.cancellation import Cancellation


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
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


class ImageInspector(Protocol):
    """Looks into picture files that strangers send."""

    def check(self) -> None:
        """Raise UnavailableError when a picture would be refused now, whatever is in it."""
        ...

    def inspect(self, picture: BinaryIO, *, cancellation: Cancellation | None = None) -> ImageFacts:
        """Decode the whole picture within limits.

        Raises UnreadableImageError with advice for the customer, UnavailableError when too many others wait, and
        CanceledError once the cancellation was requested.
        """
        ...

    def upright(self, picture: BinaryIO) -> tuple[BinaryIO, str]:
        """The picture as every restorer can read it, and its media type.

        It is upright, in plain sRGB of 8 bits a channel, on white where it was transparent, and carries nothing but
        its pixels: encoded anew as JPEG, or as PNG where it is too long for that. Raises UnreadableImageError, but
        for no picture that ``inspect`` let pass with the same limits.
        """
        ...

    def finished(self, output: BinaryIO, original: BinaryIO) -> tuple[BinaryIO, str]:
        """A result as the customer gets it, and its media type.

        It is in sRGB, encoded anew without metadata, and transparent where the original was, if its format can be.
        Raises UnreadableImageError.
        """
        ...


class Thumbnailer(Protocol):
    """Makes small pictures of large ones."""

    def thumbnail(self, picture: BinaryIO) -> bytes:
        """A JPEG of a few kilobytes that shows the whole picture, upright and without metadata.

        Raises UnreadableImageError.
        """
        ...
