"""Images in memory: any bytes are a picture."""

from random import Random
from typing import BinaryIO

from domain.ports.cancellation import CanceledError, Cancellation
from domain.ports.errors import UnreadableImageError
from domain.ports.images import ImageFacts
from domain.similarity import SKETCH_SIDE

#: The magic number of every JPEG.
JPEG_BEGINS = b"\xff\xd8\xff"


class PlainInspector:
    """Accepts any bytes as a PNG, unless they contain "broken".

    "square", "small" and "halved" set its size. ``portrait of NAME`` gives a sketch that depends on NAME only;
    content without a name has a blank sketch.
    """

    def check(self) -> None:
        """Report nothing: there is no limit on concurrent pictures."""

    def inspect(self, picture: BinaryIO, *, cancellation: Cancellation | None = None) -> ImageFacts:
        if cancellation is not None and cancellation.is_requested:
            raise CanceledError
        content = picture.read()
        if b"broken" in content:
            raise UnreadableImageError("not_a_picture")
        width, height = (900, 900) if b"square" in content else (1200, 900)
        if b"small" in content:
            width, height = width // 4, height // 4
        if b"halved" in content:
            width, height = width // 2, height // 2
        name = content.rpartition(b"portrait of ")[2] if b"portrait of " in content else None
        sketch = Random(name).randbytes(SKETCH_SIDE**2) if name else bytes(SKETCH_SIDE**2)  # noqa: S311 -- a face is no secret
        return ImageFacts(media_type="image/png", width=width, height=height, sketch=sketch)

    def upright(self, picture: BinaryIO) -> tuple[BinaryIO, str]:
        content = picture.read()
        if b"undecodable" in content:
            raise UnreadableImageError("damaged")
        picture.seek(0)
        return picture, "image/png"

    def finished(self, output: BinaryIO, original: BinaryIO | None) -> tuple[BinaryIO, ImageFacts]:  # noqa: ARG002 -- nothing is transparent
        output.seek(0)
        facts = self.inspect(output)
        output.seek(0)
        return output, facts

    def thumbnail(self, picture: BinaryIO, side_pixels: int = 360) -> bytes:
        picture.seek(0)
        self.inspect(picture)
        picture.seek(0)
        return JPEG_BEGINS + b"%d pixels of " % side_pixels + picture.read(100)
