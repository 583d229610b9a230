"""Operations on whole pictures, each a few passes in C."""

import functools
from bisect import bisect_left
from itertools import accumulate

from PIL import Image, ImageChops, ImageFilter

#: Of mode RGB, or L if it is grey.
Picture = Image.Image
#: Of mode L: one value per pixel.
Plane = Image.Image
#: Of mode L: 255 where something was detected, else 0.
Mask = Image.Image

#: What a pixel of a plane may be.
LEVELS = range(256)


def brightness(picture: Picture) -> Plane:
    """Return the brightness of each pixel."""
    return picture.convert("L")


def scaled(picture: Picture, factor: float) -> Picture:
    """Return a smaller copy, or the picture itself for factors from 1."""
    if factor >= 1:
        return picture
    width, height = (max(1, round(side * factor)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX)


def shifted(plane: Plane, x: int, y: int) -> Plane:
    """Return the plane moved right and down; its border stays."""
    moved = plane.copy()
    moved.paste(plane, (x, y))
    return moved


def above(plane: Plane, limit: float) -> Mask:
    """Return where the plane is above a limit."""
    return plane.point(_steps(limit))


def differences(plane: Plane, other: Plane) -> tuple[Plane, Plane]:
    """Return by how much each pixel is lighter, and darker, than another."""
    return ImageChops.subtract(plane, other), ImageChops.subtract(other, plane)


def grown(mask: Mask, pixels: int) -> Mask:
    """Widen a mask by up to eight pixels on all sides."""
    return above(mask.filter(ImageFilter.BoxBlur(pixels)), 0)


def background(plane: Plane, window: int) -> Plane:
    """Return the plane without what is narrower than half of the window.

    A median of three medians: of pixels half a window apart, across and then down.
    """
    smooth = plane.filter(ImageFilter.BoxBlur(1))
    for x, y in ((window // 2, 0), (0, window // 2)):
        smooth = _median(shifted(smooth, -x, -y), smooth, shifted(smooth, x, y))
    return smooth


def percentile(histogram: list[int], percent: float) -> int:
    """Return the level up to which this share of the pixels is."""
    counts = list(accumulate(histogram))
    return bisect_left(counts, counts[-1] * percent / 100)


def _median(one: Plane, other: Plane, third: Plane) -> Plane:
    low, high = ImageChops.darker(one, other), ImageChops.lighter(one, other)
    return ImageChops.lighter(low, ImageChops.darker(high, third))


@functools.cache
def _steps(limit: float) -> list[int]:
    return [255 * (level > limit) for level in LEVELS]
