"""Detection of dust: small spots in smooth surroundings.

The limits are pixels of a picture of about a megapixel.
"""

from statistics import median

from PIL import ImageChops, ImageFilter

from sandbox.restoration.pixels import Mask, Plane, above, background, differences, grown, percentile
from sandbox.restoration.regions import Region, area, box, drawn, regions

#: A speck is smaller than half of this window, in pixels.
SPECK_WINDOW = 15
SPECK_CONTRAST = 14.0
SMALLEST_SPECK, LARGEST_SPECK, LONGEST_SPECK = 3, 160, 22
#: Where more than this share of the surroundings has contrast as well, it is texture or print.
MAX_NEIGHBOUR_SHARE = 0.12
NEIGHBOUR_WINDOW = 41
#: The ring around a speck, between these distances, varies less than this share of the speck's contrast.
RING = (3, 8)
MAX_RING_SHARE = 0.55


def specks(light: Plane, sigma: float, doubt: float = 1.0) -> Mask:
    """Return the mask of small spots in smooth surroundings."""
    limit = doubt * max(SPECK_CONTRAST, 4 * sigma)
    sides = [above(side, limit) for side in differences(light, background(light, SPECK_WINDOW))]
    neighbours = ImageChops.lighter(*sides).filter(ImageFilter.BoxBlur(NEIGHBOUR_WINDOW // 2)).tobytes()
    pixels = light.tobytes()
    found = [
        spot
        for side in sides
        for spot in regions(side)
        if _is_small_and_isolated(spot, neighbours, light.width)
        and _has_smooth_ring(spot, light, pixels, sigma, MAX_RING_SHARE / doubt)
    ]
    return grown(drawn(found, light.size), 2)


def _is_small_and_isolated(spot: Region, neighbours: bytes, width: int) -> bool:
    size = area(spot)
    if not SMALLEST_SPECK <= size <= LARGEST_SPECK:
        return False
    left, top, right, bottom = box(spot, width)
    if max(right - left, bottom - top) > LONGEST_SPECK:
        return False
    middle = (top + bottom - 1) // 2 * width + (left + right - 1) // 2
    return neighbours[middle] / 255 - size / NEIGHBOUR_WINDOW**2 < MAX_NEIGHBOUR_SHARE


def _has_smooth_ring(spot: Region, light: Plane, pixels: bytes, sigma: float, share: float) -> bool:
    inner, outer = (_surroundings(spot, light, distance) for distance in RING)
    ring = [count - within for count, within in zip(outer, inner, strict=True)]
    low, high = percentile(ring, 5), percentile(ring, 95)
    level = median(b"".join(pixels[start:end] for start, end in spot))
    return high - low < 3.3 * sigma + share * max(level - high, low - level)


def _surroundings(spot: Region, light: Plane, distance: int) -> list[int]:
    """Return the histogram of the spot's box, widened by a distance."""
    left, top, right, bottom = box(spot, light.width)
    return light.crop(
        (
            max(0, left - distance),
            max(0, top - distance),
            min(light.width, right + distance),
            min(light.height, bottom + distance),
        )
    ).histogram()
