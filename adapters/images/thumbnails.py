"""Thumbnails of pictures."""

import io
from typing import BinaryIO

from PIL import Image

from adapters.images.opening import SizeLimits, opened

_QUALITY = 72


def thumbnail(source: BinaryIO, limits: SizeLimits, side_pixels: int) -> bytes:
    """Return a small upright JPEG without metadata; raise UnreadableImageError."""
    with opened(source, limits) as picture:
        picture.decode_smaller(side_pixels, fraction=max(picture.size))
        small = picture.plain()
    small.thumbnail((side_pixels, side_pixels), Image.Resampling.BICUBIC)
    small.info = {}
    file = io.BytesIO()
    small.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
