"""Sketches of pictures, which compare outputs with originals; see ``domain.similarity``."""

from PIL import Image, ImageFilter

from adapters.images.colours import STRIP_PIXELS
from adapters.images.exif_orientation import turned_upright
from adapters.images.opening import OpenedPicture
from domain.similarity import SKETCH_SIDE

#: A sketch is made in two steps; the first removes details narrower than the median filter.
DRAWN_SIDE = 256
_BRUSH = 7


def sketch_of(picture: OpenedPicture) -> bytes:
    """Shrink a picture, as in ``plain``, to a small grey square.

    It is converted band by band, so that the picture is not held twice.
    """
    decoder = picture.decoder
    decoder.load()
    drawn = Image.new("L", (DRAWN_SIDE, DRAWN_SIDE))
    edges = [decoder.height * edge // DRAWN_SIDE for edge in range(DRAWN_SIDE + 1)]
    # A conversion has a fixed cost, so as many rows as make a strip are converted at once.
    rows = max(1, DRAWN_SIDE * STRIP_PIXELS // (decoder.width * decoder.height))
    for first in range(0, DRAWN_SIDE, rows):
        strip = decoder.crop(
            (0, edges[first], decoder.width, _below(edges, min(first + rows, DRAWN_SIDE) - 1))
        )
        grey = picture.colours.on_white(strip).convert("L")
        for row in range(first, min(first + rows, DRAWN_SIDE)):
            band = grey.crop((0, edges[row] - edges[first], grey.width, _below(edges, row) - edges[first]))
            drawn.paste(band.resize((DRAWN_SIDE, 1), Image.Resampling.BOX), (0, row))
    painted = drawn.filter(ImageFilter.MedianFilter(_BRUSH))
    sketch = painted.resize((SKETCH_SIDE, SKETCH_SIDE), Image.Resampling.BOX)
    return turned_upright(sketch, picture.orientation).tobytes()


def _below(edges: list[int], row: int) -> int:
    """Return the end of a row, at least a pixel high."""
    return max(edges[row + 1], edges[row] + 1)
