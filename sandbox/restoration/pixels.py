"""Array types of the engine."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

#: Height x width x 3 (blue, green, red), or height x width; 0 to 255.
Pixels = NDArray[np.uint8]
#: One brightness value per pixel, 0 to 255.
Plane = NDArray[np.float32]
#: True where something was detected.
Mask = NDArray[np.bool_]


def as_pixels(values: Any) -> Pixels:
    """Round and clip to 0..255."""
    return np.asarray(np.clip(np.rint(np.asarray(values)), 0, 255), np.uint8)


def brightness(picture: Pixels) -> Pixels:
    """Return the brightness of each pixel."""
    if picture.ndim == 2:  # noqa: PLR2004 (a picture without a channel axis)
        return picture
    return as_pixels(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))


def scaled(picture: Pixels, factor: float) -> Pixels:
    """Return a smaller copy, or the picture itself for factors from 1."""
    if factor >= 1:
        return picture
    return as_pixels(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))


def resized(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """Scale a mask to the height and width of `shape`."""
    if mask.shape == shape[:2]:
        return mask
    size = (shape[1], shape[0])
    return cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0


def grown(mask: Mask, pixels: int) -> Mask:
    """Dilate a mask on all sides."""
    if pixels == 0:
        return mask
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0
