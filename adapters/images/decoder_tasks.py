"""The functions that run in the pool's child processes."""

import io
from typing import BinaryIO

from adapters.images import inspector, normalization, thumbnails
from adapters.images.opening import SizeLimits
from domain.ports.images import ImageFacts


def inspect(picture: BinaryIO, _: BinaryIO, limits: SizeLimits) -> ImageFacts:
    """See ImageInspector."""
    return inspector.inspect(picture, limits)


def upright(picture: BinaryIO, output: BinaryIO, limits: SizeLimits) -> str:
    """Return the media type of what was written; see ImageInspector."""
    return normalization.normalize(picture, output, limits)


def finished(pictures: BinaryIO, output: BinaryIO, limits: SizeLimits, result_bytes: int) -> ImageFacts:
    """Return the facts of what was written; see ImageInspector.

    ``pictures`` is the result followed by its original.
    """
    result, original = io.BytesIO(pictures.read(result_bytes)), pictures.read()
    return normalization.finish(result, io.BytesIO(original) if original else None, output, limits)


def thumbnail(picture: BinaryIO, output: BinaryIO, limits: SizeLimits, side_pixels: int) -> None:
    """See Thumbnailer."""
    output.write(thumbnails.thumbnail(picture, limits, side_pixels))
