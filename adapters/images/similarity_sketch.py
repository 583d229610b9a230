"""Sketches of pictures, which compare outputs with originals; see ``domain.similarity``."""

from PIL import Image, ImageFilter

from adapters.images.exif_orientation import turned_upright
from adapters.images.opening import OpenedPicture
from domain.similarity import SKETCH_SIDE

#: A sketch is made in two steps; the first removes details narrower than the median filter.
DRAWN_SIDE = 256
_BRUSH = 7


def sketch_of(picture: OpenedPicture) -> bytes:
    """Shrink a picture, as in ``plain``, to a small grey square."""
    decoder = picture.decoder
    decoder.load()
    drawn = Image.new("L", (DRAWN_SIDE, DRAWN_SIDE))
    for row in range(DRAWN_SIDE):
        top, bottom = (decoder.height * edge // DRAWN_SIDE for edge in (row, row + 1))
        band = decoder.crop((0, top, decoder.width, max(bottom, top + 1)))
        grey = picture.colours.on_white(band).convert("L")
        drawn.paste(grey.resize((DRAWN_SIDE, 1), Image.Resampling.BOX), (0, row))
    painted = drawn.filter(ImageFilter.MedianFilter(_BRUSH))
    sketch = painted.resize((SKETCH_SIDE, SKETCH_SIDE), Image.Resampling.BOX)
    return turned_upright(sketch, picture.orientation).tobytes()
