"""Dust: small spots that stand out from smooth surroundings.

The limits are pixels of a picture of about a megapixel.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from sandbox.restoration.pixels import Mask, Pixels, Plane, grown

#: A speck is smaller than half of this window, in pixels.
SPECK_WINDOW = 15
SPECK_CONTRAST = 14.0
SMALLEST_SPECK, LARGEST_SPECK, LONGEST_SPECK = 3, 160, 22
#: Where more than this share of the surroundings stands out as well, it is texture or print.
MOST_COMPANY = 0.12
COMPANY_WINDOW = 41
#: The ring around a speck, from and to so many pixels off, varies less than this share of the speck's contrast.
RING = (3, 8)
CALM = 0.55


def specks(light: Pixels, sigma: float, doubt: float = 1.0) -> Mask:
    """Small spots that stand out from smooth surroundings."""
    difference = light.astype(np.float32) - cv2.medianBlur(light, SPECK_WINDOW)
    out = np.abs(difference) > doubt * max(SPECK_CONTRAST, 4 * sigma)
    company = cv2.blur(out.astype(np.float32), (COMPANY_WINDOW, COMPANY_WINDOW))
    found = np.zeros(light.shape, np.bool_)
    for side in (out & (difference > 0), out & (difference < 0)):
        _, labels, stats, _ = cv2.connectedComponentsWithStats(side.astype(np.uint8), connectivity=8)
        for label in _small_and_alone(stats, company):
            box = _box(stats[label], light.shape)
            spot = labels[box] == label
            if _calm_around(spot, light[box], sigma, CALM / doubt):
                found[box] |= spot
    return grown(found, 2)


def _small_and_alone(stats: NDArray[np.int32], company: Plane) -> Iterator[int]:
    for label in range(1, len(stats)):
        x, y, width, height, area = stats[label].tolist()
        near = company[min(y + height // 2, company.shape[0] - 1), min(x + width // 2, company.shape[1] - 1)]
        if (
            SMALLEST_SPECK <= area <= LARGEST_SPECK
            and max(width, height) <= LONGEST_SPECK
            and near - area / COMPANY_WINDOW**2 < MOST_COMPANY
        ):
            yield label


def _calm_around(spot: Mask, light: Pixels, sigma: float, calm: float) -> bool:
    ring = grown(spot, RING[1]) & ~grown(spot, RING[0])
    low, high = np.percentile(light[ring], (5, 95)) if ring.any() else (0.0, 255.0)
    level = float(np.median(light[spot]))
    apart = max(level - high, low - level)
    return bool(high - low < 3.3 * sigma + calm * apart)


def _box(stats: NDArray[np.int32], shape: tuple[int, ...]) -> tuple[slice, slice]:
    x, y, width, height, _ = stats.tolist()
    edge = RING[1]
    return (
        slice(max(0, y - edge), min(shape[0], y + height + edge)),
        slice(max(0, x - edge), min(shape[1], x + width + edge)),
    )
