"""Inspection of picture files with Pillow, in the calling process."""

import io
from typing import BinaryIO

from adapters.images import normalization, similarity_sketch, thumbnails
from adapters.images.opening import (
    MAX_JPEG_PIXELS,
    MAX_PIXELS,
    MIN_SIDE_PIXELS,
    SizeLimits,
    opened,
)
from domain.ports.images import ImageFacts


def inspect(source: BinaryIO, limits: SizeLimits) -> ImageFacts:
    """Decode the picture as ``normalize`` does; raise UnreadableImageError.

    All data of a JPEG is read, but decoded at a fraction of its size: that takes a tenth of the time and little
    memory.
    """
    with opened(source, limits) as picture:
        width, height = picture.size
        picture.decode_smaller(similarity_sketch.DRAWN_SIDE)
        sketch = similarity_sketch.visible_sketch_of(picture)
        media_type = normalization.MEDIA_TYPES[picture.file_format]
    return ImageFacts(media_type=media_type, width=width, height=height, sketch=sketch)


class PillowInspector:
    """Decode pictures in this process; untrusted ones go through PooledInspector.

    A picture has at most ``max_pixels``, or ``max_jpeg_pixels`` where the format needs less memory, and at least
    ``min_side_pixels`` on the shorter side.
    """

    def __init__(
        self,
        *,
        max_pixels: int = MAX_PIXELS,
        max_jpeg_pixels: int = MAX_JPEG_PIXELS,
        min_side_pixels: int = MIN_SIDE_PIXELS,
    ) -> None:
        self._limits = SizeLimits(
            max_pixels=max_pixels, max_jpeg_pixels=max_jpeg_pixels, min_side_pixels=min_side_pixels
        )

    def inspect(self, picture: BinaryIO) -> ImageFacts:
        """Decode the picture within limits; see the port."""
        return inspect(picture, self._limits)

    def upright(self, picture: BinaryIO) -> tuple[BinaryIO, str]:
        target = io.BytesIO()
        media_type = normalization.normalize(picture, target, self._limits)
        target.seek(0)
        return target, media_type

    def finished(self, output: BinaryIO, original: BinaryIO | None) -> tuple[BinaryIO, ImageFacts]:
        target = io.BytesIO()
        facts = normalization.finish(output, original, target, self._limits)
        target.seek(0)
        return target, facts

    def thumbnail(self, picture: BinaryIO, side_pixels: int = 360) -> bytes:
        return thumbnails.thumbnail(picture, self._limits, side_pixels)
