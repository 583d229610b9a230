"""Detection of dust: small spots in smooth surroundings.

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
#: Where more than this share of the surroundings has contrast as well, it is texture or print.
MAX_NEIGHBOUR_SHARE = 0.12
NEIGHBOUR_WINDOW = 41
#: The ring around a speck, between these distances, varies less than this share of the speck's contrast.
RING = (3, 8)
MAX_RING_SHARE = 0.55


def specks(light: Pixels, sigma: float, doubt: float = 1.0) -> Mask:
    """Return the mask of small spots in smooth surroundings."""
    difference = light.astype(np.float32) - cv2.medianBlur(light, SPECK_WINDOW)
    out = np.abs(difference) > doubt * max(SPECK_CONTRAST, 4 * sigma)
    neighbours = cv2.blur(out.astype(np.float32), (NEIGHBOUR_WINDOW, NEIGHBOUR_WINDOW))
    found = np.zeros(light.shape, np.bool_)
    for side in (out & (difference > 0), out & (difference < 0)):
        _, labels, stats, _ = cv2.connectedComponentsWithStats(side.astype(np.uint8), connectivity=8)
        for label in _small_and_isolated(stats, neighbours):
            box = _box(stats[label], light.shape)
            spot = labels[box] == label
            if _has_smooth_ring(spot, light[box], sigma, MAX_RING_SHARE / doubt):
                found[box] |= spot
    return grown(found, 2)


def _small_and_isolated(stats: NDArray[np.int32], neighbours: Plane) -> Iterator[int]:
    for label in range(1, len(stats)):
        x, y, width, height, area = stats[label].tolist()
        near = neighbours[
            min(y + height // 2, neighbours.shape[0] - 1), min(x + width // 2, neighbours.shape[1] - 1)
        ]
        if (
            SMALLEST_SPECK <= area <= LARGEST_SPECK
            and max(width, height) <= LONGEST_SPECK
            and near - area / NEIGHBOUR_WINDOW**2 < MAX_NEIGHBOUR_SHARE
        ):
            yield label


def _has_smooth_ring(spot: Mask, light: Pixels, sigma: float, share: float) -> bool:
    ring = grown(spot, RING[1]) & ~grown(spot, RING[0])
    low, high = np.percentile(light[ring], (5, 95)) if ring.any() else (0.0, 255.0)
    level = float(np.median(light[spot]))
    apart = max(level - high, low - level)
    return bool(high - low < 3.3 * sigma + share * apart)


def _box(stats: NDArray[np.int32], shape: tuple[int, ...]) -> tuple[slice, slice]:
    x, y, width, height, _ = stats.tolist()
    edge = RING[1]
    return (
        slice(max(0, y - edge), min(shape[0], y + height + edge)),
        slice(max(0, x - edge), min(shape[1], x + width + edge)),
    )
