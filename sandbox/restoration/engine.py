"""Restoration of encoded photos."""

from typing import Literal

import cv2
import numpy as np

from sandbox.restoration.damage_mask import LEAST_SIDE, damage_mask
from sandbox.restoration.grain import without_grain
from sandbox.restoration.pixels import Mask, Pixels, as_pixels
from sandbox.restoration.tones import refreshed

NAME = "local-preview"
DESCRIPTION = (
    "Local preview engine: classical image processing on the CPU. "
    "A stand-in, not comparable with the models that run on GPUs."
)

OutputFormat = Literal["png", "jpg", "webp"]

#: Encoder parameters by format; a light PNG compression, since it is written often and read once.
ENCODING: dict[OutputFormat, list[int]] = {
    "png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
    "jpg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    "webp": [cv2.IMWRITE_WEBP_QUALITY, 95],
}
#: Radius of the inpainting, in pixels.
FILL_RADIUS = 3


class UnreadableImageError(Exception):
    """The bytes are not a picture that OpenCV can decode."""

    def __init__(self) -> None:
        super().__init__("The input is not a picture that can be read; send a JPEG, PNG or WebP file.")


def restore(image_bytes: bytes, output_format: OutputFormat = "png") -> bytes:
    """Restore one picture, upright by EXIF, of the same size.

    Grey pictures stay grey. Raises UnreadableImageError if the bytes cannot be decoded.
    """
    restored = restore_pixels(decoded(image_bytes))
    _, encoded = cv2.imencode(f".{output_format}", restored, ENCODING[output_format])
    return encoded.tobytes()


def restore_pixels(picture: Pixels) -> Pixels:
    """Restore a BGR or grey picture.

    Damage comes first: its bare paper would count as the picture's white. Pictures with a side below LEAST_SIDE are
    returned unchanged.
    """
    if min(picture.shape[:2]) < LEAST_SIDE:
        return picture
    return refreshed(without_grain(filled(picture, damage_mask(picture))))


def filled(picture: Pixels, damage: Mask) -> Pixels:
    """Inpaint the damaged pixels; every other pixel stays."""
    if not damage.any():
        return picture
    return as_pixels(cv2.inpaint(picture, damage.astype(np.uint8), FILL_RADIUS, cv2.INPAINT_TELEA))


def decoded(image_bytes: bytes) -> Pixels:
    """Decode to BGR, or to one channel without colour.

    Raises UnreadableImageError if the bytes cannot be decoded.
    """
    data = np.frombuffer(image_bytes, np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if picture is None:
        raise UnreadableImageError
    pixels = as_pixels(picture)
    blue, green, red = cv2.split(pixels)
    if np.array_equal(blue, green) and np.array_equal(green, red):
        return as_pixels(green)
    return pixels
