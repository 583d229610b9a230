"""Small pictures of large ones."""

import io
from typing import BinaryIO

from PIL import Image

from adapters.images.opening import SizeLimits, opened

#: Large enough to see on paper what was mended, and ten to twenty kilobytes: there may be hundreds on a page.
SIDE_PIXELS = 360
_QUALITY = 72


def thumbnail(source: BinaryIO, limits: SizeLimits) -> bytes:
    """A small JPEG of the whole picture, upright and without metadata; raises UnreadableImageError."""
    with opened(source, limits) as picture:
        picture.decode_smaller(SIDE_PIXELS, fraction=max(picture.size))
        small = picture.plain()
    small.thumbnail((SIDE_PIXELS, SIDE_PIXELS), Image.Resampling.BICUBIC)
    small.info = {}
    file = io.BytesIO()
    small.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
