"""Measurement and reduction of grain."""

import math

from PIL import Image, ImageChops, ImageFilter

from sandbox.restoration.pixels import LEVELS, Picture, Plane, brightness

#: Below this a picture counts as clean: JPEG alone leaves as much.
CLEAN_SIGMA = 2.5
#: Grain is measured in squares of this many pixels ...
SQUARE = 16
#: ... on the smoothest share of them; higher variance is texture.
SMOOTHEST_PERCENT = 25
#: Squares close to black or white are clipped and show less grain.
UNCLIPPED = range(11, 245)
#: Mean deviations are stored in this part of a level.
FINE = 8
#: The standard deviation of normally distributed values, as a multiple of their mean deviation.
SIGMA = math.sqrt(math.pi / 2)
#: Grain is smoothed by means of these radii, one after the other, each with the share of it that is still there.
MEANS = ((1, 1.0), (3, 0.5))
#: Radius in which the deviation from the mean says what is grain and what is an edge.
NEIGHBOURHOOD = 3
#: Colours are smoothed as if they had this share of the grain.
COLOUR_SHARE = 0.5


def grain_sigma(light: Plane) -> float:
    """Return the grain's standard deviation in brightness levels, or 0."""
    width, height = (side // SQUARE * SQUARE for side in light.size)
    squares = light.crop((0, 0, width, height))
    deviation = _deviation(squares, squares.filter(ImageFilter.GaussianBlur(2)))
    pairs = zip(*(plane.reduce(SQUARE).tobytes() for plane in (deviation, squares)), strict=True)
    usable = sorted(deviation for deviation, level in pairs if level in UNCLIPPED)
    return SIGMA * usable[len(usable) * SMOOTHEST_PERCENT // 100] / FINE if usable else 0.0


def without_grain(picture: Picture) -> Picture:
    """Smooth grain, keeping edges; return a clean picture unchanged."""
    sigma = grain_sigma(brightness(picture))
    if sigma < CLEAN_SIGMA:
        return picture
    if picture.mode == "L":
        return _smoothed(picture, sigma)
    light, *colours = picture.convert("YCbCr").split()
    planes = [_smoothed(light, sigma), *(_smoothed(colour, COLOUR_SHARE * sigma) for colour in colours)]
    return Image.merge("YCbCr", planes).convert("RGB")


def _smoothed(plane: Plane, sigma: float) -> Plane:
    """Blend each pixel with the mean around it, where deviations are grain.

    A Wiener filter: what deviates more than the grain is an edge, and stays.
    """
    for radius, share in MEANS:
        mean = plane.filter(ImageFilter.BoxBlur(radius))
        deviation = _deviation(plane, mean).filter(ImageFilter.BoxBlur(NEIGHBOURHOOD))
        grain = FINE * share * sigma / SIGMA
        kept = [round(255 * max(0.0, 1 - (grain / max(level, 1)) ** 2)) for level in LEVELS]
        plane = Image.composite(plane, mean, deviation.point(kept))
    return plane


def _deviation(plane: Plane, mean: Plane) -> Plane:
    return ImageChops.difference(plane, mean).point([min(255, FINE * level) for level in LEVELS])
