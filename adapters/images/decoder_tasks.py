"""What decoder processes do with pictures: each function here runs in a child of the pool."""

import shutil
from dataclasses import dataclass
from typing import BinaryIO

from adapters.images.inspector import PillowInspector
from domain.ports.world import PictureFacts


@dataclass(frozen=True, kw_only=True)
class PixelLimits:
    """See PillowInspector."""

    max_pixels: int
    max_jpeg_pixels: int
    min_side_pixels: int

    def inspector(self) -> PillowInspector:
        """An inspector with these limits."""
        return PillowInspector(
            max_pixels=self.max_pixels,
            max_jpeg_pixels=self.max_jpeg_pixels,
            min_side_pixels=self.min_side_pixels,
        )


@dataclass(frozen=True, kw_only=True)
class Normalized:
    """The media type of a picture, and whether it was written to the output or is the input as it came."""

    media_type: str
    is_changed: bool


def inspect(picture: BinaryIO, _: BinaryIO, limits: PixelLimits) -> PictureFacts:
    """See PictureInspector."""
    return limits.inspector().inspect(picture)


def upright(picture: BinaryIO, output: BinaryIO, limits: PixelLimits) -> Normalized:
    """See PictureInspector."""
    normalized, media_type = limits.inspector().upright(picture)
    is_changed = normalized is not picture
    if is_changed:
        shutil.copyfileobj(normalized, output)
    return Normalized(media_type=media_type, is_changed=is_changed)


def thumbnail(picture: BinaryIO, output: BinaryIO, limits: PixelLimits) -> None:
    """See Thumbnailer."""
    output.write(limits.inspector().thumbnail(picture))
