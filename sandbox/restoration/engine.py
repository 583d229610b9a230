"""Restoration of encoded photos."""

import io
from typing import Any, Literal

from PIL import Image, ImageOps

from sandbox.restoration.damage_mask import LEAST_SIDE, damage_mask
from sandbox.restoration.filling import filled
from sandbox.restoration.grain import without_grain
from sandbox.restoration.pixels import Picture
from sandbox.restoration.tones import refreshed

NAME = "local-preview"
DESCRIPTION = (
    "Local preview engine: classical image processing on the CPU. "
    "A stand-in, not comparable with the models that run on GPUs."
)

OutputFormat = Literal["png", "jpg", "webp"]

#: Encoder parameters by format; a light PNG compression, since it is written often and read once.
ENCODING: dict[OutputFormat, dict[str, Any]] = {
    "png": {"format": "PNG", "compress_level": 3},
    "jpg": {"format": "JPEG", "quality": 95},
    "webp": {"format": "WEBP", "quality": 95},
}


class UnreadableImageError(Exception):
    """The bytes are not a picture that Pillow can decode."""

    def __init__(self) -> None:
        super().__init__("The input is not a picture that can be read; send a JPEG, PNG or WebP file.")


def restore(image_bytes: bytes, output_format: OutputFormat = "png") -> bytes:
    """Restore one picture, upright by EXIF, of the same size.

    Grey pictures stay grey. Raises UnreadableImageError if the bytes cannot be decoded.
    """
    return encoded(restore_pixels(decoded(image_bytes)), output_format)


def restore_pixels(picture: Picture) -> Picture:
    """Restore a colour or grey picture.

    Damage comes first: its bare paper would count as the picture's white. Pictures with a side below LEAST_SIDE are
    returned unchanged.
    """
    if min(picture.size) < LEAST_SIDE:
        return picture
    return refreshed(without_grain(filled(picture, damage_mask(picture))))


def decoded(image_bytes: bytes) -> Picture:
    """Decode to RGB, or to one channel without colour.

    Raises UnreadableImageError if the bytes cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(image_bytes)) as image:
            picture = _in_eight_bits(ImageOps.exif_transpose(image)).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableImageError from error
    red, green, blue = picture.split()
    is_grey = red.tobytes() == green.tobytes() == blue.tobytes()
    return green if is_grey else picture


def encoded(picture: Picture, output_format: OutputFormat) -> bytes:
    """Encode a picture."""
    written = io.BytesIO()
    picture.save(written, **ENCODING[output_format])
    return written.getvalue()


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Return grey of 16 bits in 8, which Pillow would clip instead."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.convert("I").point([level >> 8 for level in range(1 << 16)], "L")
