"""Measurement and reduction of grain."""

import cv2
import numpy as np

from sandbox.restoration.pixels import Pixels, Plane, as_pixels, brightness

#: Below this a picture counts as clean: JPEG alone leaves as much.
CLEAN_SIGMA = 2.5
#: Grain is measured in squares of this many pixels ...
SQUARE = 16
#: ... on the smoothest share of them; higher variance is texture.
SMOOTHEST_PERCENT = 25
#: Squares close to black or white are clipped and show less grain.
UNCLIPPED = (10, 245)
#: Filter strength of non-local means, as a multiple of the grain.
STRENGTH = 1.1


def grain_sigma(light: Pixels) -> float:
    """Return the grain's standard deviation in brightness levels, or 0."""
    height, width = (side // SQUARE * SQUARE for side in light.shape)
    plane = light[:height, :width].astype(np.float32)
    fine = plane - cv2.GaussianBlur(plane, (0, 0), 2)
    deviation = np.sqrt(_per_square(fine**2))
    level = _per_square(plane)
    usable = deviation[(level > UNCLIPPED[0]) & (level < UNCLIPPED[1])]
    return float(np.percentile(usable, SMOOTHEST_PERCENT)) if usable.size else 0.0


def without_grain(picture: Pixels) -> Pixels:
    """Smooth grain, keeping edges; return a clean picture unchanged."""
    sigma = grain_sigma(brightness(picture))
    if sigma < CLEAN_SIGMA:
        return picture
    if picture.ndim == 2:  # noqa: PLR2004
        return _smoothed(picture, sigma)
    light, *colours = cv2.split(cv2.cvtColor(picture, cv2.COLOR_BGR2YCrCb))
    planes = [_smoothed(as_pixels(light), sigma), *(_smoothed_colour(as_pixels(c), sigma) for c in colours)]
    return as_pixels(cv2.cvtColor(cv2.merge(planes), cv2.COLOR_YCrCb2BGR))


def _smoothed(light: Pixels, sigma: float) -> Pixels:
    return as_pixels(
        cv2.fastNlMeansDenoising(light, None, h=STRENGTH * sigma, templateWindowSize=5, searchWindowSize=11)
    )


def _smoothed_colour(colour: Pixels, sigma: float) -> Pixels:
    """Smooth a colour channel, with a cheaper filter."""
    return as_pixels(cv2.bilateralFilter(colour, d=7, sigmaColor=3 * sigma, sigmaSpace=3))


def _per_square(plane: Plane) -> Plane:
    rows, columns = plane.shape[0] // SQUARE, plane.shape[1] // SQUARE
    return np.asarray(plane.reshape(rows, SQUARE, columns, SQUARE).mean(axis=(1, 3)), np.float32)
