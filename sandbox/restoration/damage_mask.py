"""Where a print is damaged: thin long lines (scratches, creases) and small specks (dust)."""

from sandbox.restoration.grain import CLEAN_SIGMA, grain_sigma
from sandbox.restoration.lines import lines
from sandbox.restoration.pixels import Mask, Pixels, brightness, resized, scaled
from sandbox.restoration.specks import specks
from sandbox.restoration.tones import is_faded

#: The longer side of the picture in which marks are looked for, whatever the size of the photo.
WORKING_SIDE = 1200
#: A panorama is not shrunk below this on its shorter side: nothing could be found, or measured, in a thread.
LEAST_SIDE = 32
#: In a picture without grain and fading a mark must stand out so much more: it is probably part of the picture.
DOUBT = 2.0


def marks(picture: Pixels) -> Mask:
    """Where the picture is scratched, creased or dusty: True on the damage and a pixel or two around it."""
    sides = picture.shape[:2]
    light = scaled(brightness(picture), max(WORKING_SIDE / max(sides), LEAST_SIDE / min(sides)))
    sigma = grain_sigma(light)
    doubt = 1.0 if is_faded(light) or sigma >= CLEAN_SIGMA else DOUBT
    return resized(lines(light, sigma, doubt) | specks(light, sigma, doubt), picture.shape)
