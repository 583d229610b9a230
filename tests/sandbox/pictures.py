"""Conversion between bytes and pixels."""

from pathlib import Path

import cv2
import numpy as np

from sandbox.restoration import UnreadableImageError
from sandbox.restoration.pixels import Pixels, as_pixels


def decoded(data: bytes, flags: int = cv2.IMREAD_COLOR) -> Pixels:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if picture is None:
        raise UnreadableImageError
    return as_pixels(picture)


def read(path: Path) -> Pixels:
    return decoded(path.read_bytes())


def png(picture: Pixels) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()
