"""Picture tools that decode untrusted bytes in child processes."""

import io
import shutil
from tempfile import TemporaryFile
from typing import BinaryIO

from adapters.images import decoder_tasks
from adapters.images.decoder_pool import DecoderPool
from adapters.images.opening import MAX_JPEG_PIXELS, MAX_PIXELS, MIN_SIDE_PIXELS, SizeLimits
from domain.ports.cancellation import Cancellation
from domain.ports.images import ImageFacts

#: Turning and encoding take time beyond the decoding, and a paid photo must not exceed a limit that it passed at
#: upload.
_EFFORT = 3.0


class PooledInspector:
    """Inspect, normalize and thumbnail pictures in the pool; raises as it does.

    A picture has at most ``max_pixels``, or ``max_jpeg_pixels`` where the format needs less memory, and at least
    ``min_side_pixels`` on the shorter side.
    """

    def __init__(
        self,
        pool: DecoderPool,
        *,
        max_pixels: int = MAX_PIXELS,
        max_jpeg_pixels: int = MAX_JPEG_PIXELS,
        min_side_pixels: int = MIN_SIDE_PIXELS,
    ) -> None:
        self._pool = pool
        self._limits = SizeLimits(
            max_pixels=max_pixels, max_jpeg_pixels=max_jpeg_pixels, min_side_pixels=min_side_pixels
        )

    def check(self) -> None:
        """Raise UnavailableError if any picture would be refused now."""
        self._pool.check()

    def inspect(self, picture: BinaryIO, *, cancellation: Cancellation | None = None) -> ImageFacts:
        return self._pool.run(decoder_tasks.inspect, picture, self._limits, cancellation=cancellation)

    def upright(self, picture: BinaryIO) -> tuple[BinaryIO, str]:
        with TemporaryFile() as output:
            media_type = self._pool.run(
                decoder_tasks.upright, picture, self._limits, output=output, effort=_EFFORT
            )
            return io.BytesIO(output.read()), media_type

    def finished(self, output: BinaryIO, original: BinaryIO | None) -> tuple[BinaryIO, ImageFacts]:
        with TemporaryFile() as pictures, TemporaryFile() as target:
            output.seek(0)
            shutil.copyfileobj(output, pictures)
            result_bytes = pictures.tell()
            if original is not None:
                original.seek(0)
                shutil.copyfileobj(original, pictures)
            facts = self._pool.run(
                decoder_tasks.finished, pictures, self._limits, result_bytes, output=target, effort=_EFFORT
            )
            return io.BytesIO(target.read()), facts

    def thumbnail(self, picture: BinaryIO, side_pixels: int = 360) -> bytes:
        with TemporaryFile() as output:
            self._pool.run(decoder_tasks.thumbnail, picture, self._limits, side_pixels, output=output)
            return output.read()
