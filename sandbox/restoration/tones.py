"""Correction of fading and colour cast, towards black and white."""

import cv2
import numpy as np
from numpy.typing import NDArray

from sandbox.restoration.pixels import Pixels, as_pixels, brightness, scaled

#: The darkest and lightest share of the pixels, which define black and white.
SHARE_PERCENT = 0.5
#: A print whose black is lighter than this has faded ...
FADED_BLACK = 24.0
#: ... and its black and white are mapped to these.
BLACK, WHITE = 4.0, 238.0
#: The largest amplification: more would also amplify the remaining grain.
MOST_GAIN = 2.0
#: A picture need not contain white, so only this share of the correction is applied.
TOWARDS_WHITE = 0.75
#: What is lighter than white is limited to this above it.
ABOVE_WHITE = 2.0


def refreshed(picture: Pixels) -> Pixels:
    """Correct black, white and grey of a faded picture; others stay unchanged."""
    sample = scaled(picture, 0.25)
    if not is_faded(brightness(sample)):
        return picture
    channels = sample.reshape(-1, 1 if sample.ndim == 2 else 3)  # noqa: PLR2004
    black = np.percentile(channels, SHARE_PERCENT, axis=0)
    white = np.percentile(channels, 100 - SHARE_PERCENT, axis=0)
    aim = float(white.max() + TOWARDS_WHITE * max(0.0, WHITE - white.max()))
    gain = np.minimum((aim - BLACK) / np.maximum(white - black, 1), MOST_GAIN)
    return _levelled(picture, black, gain, aim)


def is_faded(light: Pixels) -> bool:
    """Whether the picture's black is grey."""
    return float(np.percentile(light, SHARE_PERCENT)) > FADED_BLACK


def _levelled(picture: Pixels, black: NDArray[np.float64], gain: NDArray[np.float64], aim: float) -> Pixels:
    levels = np.arange(256)[:, None]
    # Pixels lighter than white (bare paper, a reflex) would get the complement of the cast.
    table = as_pixels(np.minimum((levels - black) * gain + BLACK, aim + ABOVE_WHITE))
    return as_pixels(cv2.LUT(picture, table.reshape((1, 256) if picture.ndim == 2 else (1, 256, 3))))  # noqa: PLR2004
