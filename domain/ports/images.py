"""The ports for image inspection, normalization and thumbnails."""

from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from domain.ports.cancellation import Cancellation


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """The properties of an image; ``width`` and ``height`` are displayed pixels.

    ``sketch`` is the input of ``domain.similarity``: grey values, upright, without details as thin as a scratch.
    """

    media_type: str
    width: int
    height: int
    sketch: bytes = field(repr=False, compare=False)

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    @property
    def is_opaque(self) -> bool:
        """Whether the format has no transparency."""
        return self.media_type == "image/jpeg"


class ImageInspector(Protocol):
    """Inspects and normalizes untrusted image files."""

    def check(self) -> None:
        """Raise UnavailableError when any image would be refused now."""

    def inspect(self, picture: BinaryIO, *, cancellation: Cancellation | None = None) -> ImageFacts:
        """Decode the whole image within limits.

        Raise UnreadableImageError with advice for the customer, UnavailableError when too many requests are waiting,
        and CanceledError once cancellation was requested.
        """

    def upright(self, picture: BinaryIO) -> tuple[BinaryIO, str]:
        """The image as every restorer can read it, and its media type.

        It is upright, in sRGB with 8 bits a channel, on white where it was transparent, and has no metadata: encoded
        anew as JPEG, or as PNG where it is too long for that. Raise UnreadableImageError, but for no image that
        ``inspect`` accepted with the same limits.
        """

    def finished(self, output: BinaryIO, original: BinaryIO | None) -> tuple[BinaryIO, ImageFacts]:
        """The result as delivered to the customer, and its facts.

        It is in sRGB, encoded anew without metadata, and transparent where the original was, if its format allows; None
        is an opaque original. The sketch is of the output. Raise UnreadableImageError.
        """


class Thumbnailer(Protocol):
    """Creates thumbnails and previews.

    360 pixels are large enough to see a restoration on paper, and ten to twenty kilobytes: there may be hundreds on a
    page.
    """

    def thumbnail(self, picture: BinaryIO, side_pixels: int = 360) -> bytes:
        """A small upright JPEG without metadata.

        It shows the whole image, at most ``side_pixels`` wide and high, and never enlarges it. Raise
        UnreadableImageError, and UnavailableError when too many requests are waiting.
        """
