"""Thumbnails of pictures."""

import io
from typing import BinaryIO

from PIL import Image

from adapters.images.opening import SizeLimits, opened

#: Large enough to see the restoration on paper, and ten to twenty kilobytes: there may be hundreds on a page.
SIDE_PIXELS = 360
_QUALITY = 72


def thumbnail(source: BinaryIO, limits: SizeLimits) -> bytes:
    """Return a small upright JPEG without metadata; raise UnreadableImageError."""
    with opened(source, limits) as picture:
        picture.decode_smaller(SIDE_PIXELS, fraction=max(picture.size))
        small = picture.plain()
    small.thumbnail((SIDE_PIXELS, SIDE_PIXELS), Image.Resampling.BICUBIC)
    small.info = {}
    file = io.BytesIO()
    small.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
