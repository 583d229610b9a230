"""Reading, writing and comparison of pictures."""

import io
import math
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

from sandbox.restoration.pixels import Mask, Picture


def decoded(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


def read(path: Path) -> Picture:
    return decoded(path.read_bytes())


def encoded(picture: Picture, file_format: str, **options: Any) -> bytes:
    written = io.BytesIO()
    picture.save(written, file_format, **options)
    return written.getvalue()


def png(picture: Picture) -> bytes:
    return encoded(picture, "PNG", compress_level=1)


def psnr(one: Picture, other: Picture, where: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in decibels; higher is more similar."""
    counts = ImageChops.difference(one, other).histogram(where)
    squares = sum(count * (number % 256) ** 2 for number, count in enumerate(counts))
    return 10 * math.log10(255**2 * sum(counts) / max(squares, 1))


def share(mask: Mask, where: Mask | None = None) -> float:
    """The share of a mask that is set, perhaps within another mask."""
    counts = mask.histogram(where)
    return counts[255] / sum(counts)
