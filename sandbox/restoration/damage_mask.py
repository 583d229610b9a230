"""The damage of a print: thin long lines and small specks."""

from PIL import Image, ImageChops

from sandbox.restoration.grain import CLEAN_SIGMA, grain_sigma
from sandbox.restoration.lines import lines
from sandbox.restoration.pixels import Mask, Picture, brightness, scaled
from sandbox.restoration.specks import specks
from sandbox.restoration.tones import is_faded

#: The longer side of the picture in which damage is detected, whatever the size of the photo.
WORKING_SIDE = 1200
#: The shorter side of a panorama is not shrunk below this, so that something can still be measured.
LEAST_SIDE = 32
#: Contrast factor for a picture without grain and fading, where a mark is probably part of the picture.
DOUBT = 2.0


def damage_mask(picture: Picture) -> Mask:
    """Return the mask of scratches, creases and dust, with a small margin."""
    sides = picture.size
    light = scaled(brightness(picture), max(WORKING_SIDE / max(sides), LEAST_SIDE / min(sides)))
    sigma = grain_sigma(light)
    doubt = 1.0 if is_faded(light) or sigma >= CLEAN_SIGMA else DOUBT
    found = ImageChops.lighter(lines(light, sigma, doubt), specks(light, sigma, doubt))
    return found.resize(sides, Image.Resampling.NEAREST)
