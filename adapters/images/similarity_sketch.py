"""Sketches of pictures, which compare outputs with originals; see ``domain.similarity``."""

from math import ceil, floor

from PIL import Image, ImageFilter

from adapters.images import refusals
from adapters.images.colours import STRIP_PIXELS
from adapters.images.exif_orientation import turned_upright
from adapters.images.opening import OpenedPicture
from domain.similarity import SKETCH_SIDE

#: A sketch is made in two steps; the first removes details narrower than the median filter. The filter's time grows
#: with the area of the drawing and of the brush, so the drawing is only as large as the brush needs.
DRAWN_SIDE = 128
_BRUSH = 3

_WHITE = 255


def visible_sketch_of(picture: OpenedPicture) -> bytes:
    """Return a picture's sketch; raise UnreadableImageError if it is invisible."""
    sketch = sketch_of(picture)
    if min(sketch) == _WHITE and picture.is_invisible():
        raise refusals.invisible()
    return sketch


def sketch_of(picture: OpenedPicture) -> bytes:
    """Shrink a picture, as in ``plain``, to a small grey square.

    It is converted band by band, so that the picture is not held twice.
    """
    decoder = picture.decoder
    decoder.load()
    width, height = decoder.size
    drawn = Image.new("L", (DRAWN_SIDE, DRAWN_SIDE))
    # A conversion has a fixed cost, so as many rows as make a strip are converted at once.
    rows = max(1, DRAWN_SIDE * STRIP_PIXELS // (width * height))
    for first in range(0, DRAWN_SIDE, rows):
        below = min(first + rows, DRAWN_SIDE)
        top, bottom = height * first / DRAWN_SIDE, height * below / DRAWN_SIDE
        strip = decoder.crop((0, floor(top), width, ceil(bottom)))
        grey = picture.colours.on_white(strip).convert("L")
        box = (0, top - floor(top), width, bottom - floor(top))
        drawn.paste(grey.resize((DRAWN_SIDE, below - first), Image.Resampling.BOX, box), (0, first))
    painted = drawn.filter(ImageFilter.MedianFilter(_BRUSH))
    sketch = painted.resize((SKETCH_SIDE, SKETCH_SIDE), Image.Resampling.BOX)
    return turned_upright(sketch, picture.orientation).tobytes()
