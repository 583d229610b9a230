"""Detection of scratches and creases: thin, long, nearly straight lines.

Their sides are equally light. The limits are pixels of a picture of about a megapixel, or of that picture at half its
size.
"""

import math
from collections.abc import Iterable

from PIL import Image, ImageChops, ImageFilter

from sandbox.restoration.pixels import (
    LEVELS,
    Mask,
    Plane,
    above,
    background,
    differences,
    grown,
    scaled,
    shifted,
)
from sandbox.restoration.regions import Region, box, drawn, regions, total

#: Number of directions in which lines are detected.
DIRECTIONS = 20
#: Brightness is averaged along the line up to this distance, of so many samples; print and texture are shorter.
REACH, SAMPLES = 10, 16
#: The widest line is narrower than half of this window.
BACKGROUND_WINDOW = 11
#: Contrast is stored in this part of a level, so clipped to 25, or a single speck would look like the middle of a line.
GAIN = 5
#: How no contrast is stored; what is darker than its surroundings is below.
NO_CONTRAST = 128
#: Distances of the sides from the middle of the line, in pixels of the half-size picture.
SIDES = (2, 4)
#: Contrast of a line to either side, over its whole length ...
LINE_CONTRAST = 5.0
#: ... higher in busy surroundings, by this share of the mean contrast within this radius ...
RESTLESS, SURROUNDINGS = 0.6, 20
#: ... and higher between a light and a dark side, as at the edge of an object.
UNEVEN = 0.2
#: The distance at which the two sides are compared.
OUTSIDE = 6
#: Minimum length, in half-size pixels ...
SHORTEST_LINE = 45
#: ... without gaps of up to this length, which are bridged by these distances both ways ...
GAP, BRIDGE = 21, (1, 3, 6)
#: ... and range of the mean width; a lower one would be a row of dots.
THINNEST_LINE, WIDEST_LINE = 0.5, 4.0
#: A scratch is sharper than the photo: this share of its contrast remains within the small window ...
FINE_WINDOW = 5
LEAST_SHARPNESS = 0.6
#: ... and more if the contrast is low, so that whiskers and threads stay.
SHARP_OR_STRONG = 1.0
#: In the full-size picture, pixels that differ from the median of this window belong to the line itself.
CORE_WINDOW = 15


def lines(light: Plane, sigma: float, doubt: float = 1.0) -> Mask:
    """Return the mask of lines lighter or darker than both their sides.

    `sigma` is the grain, in brightness levels; `doubt` multiplies the required contrast.
    """
    half = scaled(light, 0.5)
    smooth, fine = background(half, BACKGROUND_WINDOW), half.filter(ImageFilter.MedianFilter(FINE_WINDOW))
    contrast = ImageChops.subtract(half, smooth, 1 / GAIN, NO_CONTRAST)
    surface = smooth.filter(ImageFilter.BoxBlur(2))
    busy = contrast.point([abs(value - NO_CONTRAST) for value in LEVELS]).filter(
        ImageFilter.BoxBlur(SURROUNDINGS)
    )
    required = busy.point([doubt * (GAIN * max(LINE_CONTRAST, sigma) + RESTLESS * value) for value in LEVELS])
    strengths, sharpnesses = differences(half, smooth), differences(half, fine)
    found = [Image.new("L", half.size)] * 2
    for angle in (math.pi * number / DIRECTIONS for number in range(DIRECTIONS)):
        uneven = ImageChops.difference(*_both_sides(surface, angle, OUTSIDE))
        limit = ImageChops.add(required, uneven.point([doubt * GAIN * UNEVEN * value for value in LEVELS]))
        for side, to_sides in enumerate(_side_contrast(_averaged_along(contrast, angle), angle)):
            candidates = above(ImageChops.subtract(to_sides, limit), 0)
            scratches = _scratches_among(candidates, angle, strengths[side], sharpnesses[side])
            found[side] = ImageChops.lighter(found[side], scratches)
    return _core(light, found, sigma)


def _averaged_along(contrast: Plane, angle: float) -> Plane:
    """Return the contrast, averaged along lines of this direction."""
    samples = [
        _shifted(contrast, angle, REACH * (2 * number / (SAMPLES - 1) - 1)) for number in range(SAMPLES)
    ]
    while len(samples) > 1:
        samples = [
            Image.blend(one, other, 0.5) for one, other in zip(samples[::2], samples[1::2], strict=True)
        ]
    return samples[0]


def _side_contrast(along: Plane, angle: float) -> tuple[Plane, Plane]:
    """Return each line's contrast, lighter and darker, to both its sides."""
    none = Image.new("L", along.size, NO_CONTRAST)
    lighter, darker = Image.new("L", along.size), Image.new("L", along.size)
    for distance in SIDES:
        one, other = _both_sides(along, angle, distance)
        highest = ImageChops.lighter(ImageChops.lighter(one, other), none)
        lowest = ImageChops.darker(ImageChops.darker(one, other), none)
        lighter = ImageChops.lighter(lighter, ImageChops.subtract(along, highest))
        darker = ImageChops.lighter(darker, ImageChops.subtract(lowest, along))
    return lighter, darker


def _scratches_among(candidates: Mask, angle: float, strength: Plane, sharpness: Plane) -> Mask:
    """Return connected candidates that are long, narrow and sharp for their contrast."""
    bridged = candidates
    for distance in BRIDGE:
        bridged = ImageChops.lighter(bridged, ImageChops.lighter(*_both_ways(bridged, angle, distance)))
    figures = [ImageChops.darker(candidates, plane).tobytes() for plane in (candidates, strength, sharpness)]
    scratches = [region for region in regions(bridged) if _is_scratch(region, candidates.width, *figures)]
    return ImageChops.darker(drawn(scratches, candidates.size), candidates)


def _is_scratch(bridged: Region, width: int, candidates: bytes, strength: bytes, sharpness: bytes) -> bool:
    left, top, right, bottom = box(bridged, width)
    length = math.hypot(right - left, bottom - top) - GAP
    if length <= SHORTEST_LINE:
        return False
    area = total(bridged, candidates) / 255
    if not THINNEST_LINE * length < area < WIDEST_LINE * length:
        return False
    strong = total(bridged, strength) / area
    sharp = total(bridged, sharpness) / area / max(strong, 1)
    return sharp > LEAST_SHARPNESS and sharp + strong / 100 > SHARP_OR_STRONG


def _core(light: Plane, bands: Iterable[Mask], sigma: float) -> Mask:
    """Return the pixels within the bands that differ, and their soft edge."""
    visible = max(5.0, 1.2 * sigma)
    cores = [
        ImageChops.darker(
            grown(band, 1).resize(light.size, Image.Resampling.NEAREST), above(difference, visible)
        )
        for band, difference in zip(bands, differences(light, background(light, CORE_WINDOW)), strict=True)
    ]
    return grown(ImageChops.lighter(*cores), 1)


def _both_ways(plane: Plane, angle: float, distance: float) -> tuple[Plane, Plane]:
    """Return the plane shifted both ways along a line."""
    return _shifted(plane, angle, distance), _shifted(plane, angle, -distance)


def _both_sides(plane: Plane, angle: float, distance: float) -> tuple[Plane, Plane]:
    """Return the plane shifted to both sides of a line."""
    return _both_ways(plane, angle + math.pi / 2, distance)


def _shifted(plane: Plane, angle: float, distance: float) -> Plane:
    return shifted(plane, round(math.cos(angle) * distance), round(math.sin(angle) * distance))
