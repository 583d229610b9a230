"""From an input's URL to an output's bytes."""

import base64
import binascii
import random
import time
from typing import Literal
from urllib.parse import unquote_to_bytes

import httpx2
from PIL import Image, ImageChops

from sandbox.restoration import DESCRIPTION, NAME, OutputFormat, UnreadableImageError, restore
from sandbox.restoration.engine import decoded, encoded
from sandbox.restoration.pixels import scaled
from sandbox.twins.replicate.files import Files

#: Larger inputs are refused, as uploads of that size would be.
LARGEST_INPUT_BYTES = 100 * 1024 * 1024
DOWNLOAD_TIMEOUT_SECONDS = 30.0
NOT_A_PICTURE = b"<html><body>502 Bad Gateway</body></html>"

LARGEST_OUTPUT_PIXELS = 100_000_000

#: The largest difference between the outputs of two seeds, in shades.
NOISE_SHADES = 4

Engine = Literal["preview", "copy"]


class FailedPredictionError(Exception):
    """The prediction fails; the text becomes its error."""


class ImageDownloader:
    """Download inputs: data URIs, uploads, or web addresses."""

    def __init__(self, files: Files) -> None:
        self._files = files
        # Shared: creating a client loads all certificates, which takes longer than a download here.
        self._client = httpx2.Client(follow_redirects=True, trust_env=False, timeout=DOWNLOAD_TIMEOUT_SECONDS)

    def fetch(self, url: str) -> bytes:
        """Return the input's bytes; raise FailedPredictionError if unavailable."""
        if url.startswith("data:"):
            return _embedded(url)
        uploaded = self._files.content_at(url)
        return self._downloaded(url) if uploaded is None else uploaded

    def _downloaded(self, url: str) -> bytes:
        content = bytearray()
        try:
            with self._client.stream("GET", url) as answer:
                answer.raise_for_status()
                for chunk in answer.iter_bytes():
                    content += chunk
                    if len(content) > LARGEST_INPUT_BYTES:
                        raise FailedPredictionError(f"The input at {url} is larger than 100 MB.")
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise FailedPredictionError(f"Failed to download the input: {error!r}") from error
        return bytes(content)


def work(
    picture: bytes, output_format: OutputFormat, engine: Engine, variation: int | None
) -> tuple[bytes, str]:
    """Return the output and its logs; raise FailedPredictionError if unreadable.

    Each variation is a different output, as with generative models.
    """
    if engine == "copy":
        return varied(picture, variation), "Told to copy the input: nothing was restored.\n"
    start = time.monotonic()
    try:
        restored = restore(picture, output_format)
    except UnreadableImageError as error:
        raise FailedPredictionError(f"cannot identify image file: {error}") from error
    return varied(
        restored, variation
    ), f"{DESCRIPTION}\n{NAME}: restored in {time.monotonic() - start:.2f} s.\n"


def enlarge(picture: bytes, scale: float) -> tuple[bytes, str]:
    """Return the picture enlarged by ``scale``, and the logs.

    Raises FailedPredictionError if the input is unreadable, or the output too large.
    """
    try:
        pixels = decoded(picture)
    except UnreadableImageError as error:
        raise FailedPredictionError(f"cannot identify image file: {error}") from error
    width, height = (round(side * scale) for side in pixels.size)
    if not 0 < width * height <= LARGEST_OUTPUT_PIXELS:
        raise FailedPredictionError("CUDA out of memory: choose a smaller scale.")
    larger = pixels.resize((width, height), Image.Resampling.BICUBIC)
    return encoded(larger, "png"), f"Enlarged to {width} x {height}.\n"


def varied(content: bytes, variation: int | None) -> bytes:
    """Return the picture with noise seeded by the variation, if any.

    Raises FailedPredictionError if it is unreadable.
    """
    if variation is None:
        return content
    try:
        picture = decoded(content)
    except UnreadableImageError as error:
        raise FailedPredictionError(f"cannot identify image file: {error}") from error
    noise = _noise(picture.mode, picture.size, variation).point(lambda shade: shade % NOISE_SHADES)
    return encoded(ImageChops.add(picture, noise), format_of(content))


def format_of(picture: bytes) -> OutputFormat:
    """Return the format by the signature; PNG if unknown."""
    if picture.startswith(b"\xff\xd8"):
        return "jpg"
    return "webp" if picture.startswith(b"RIFF") else "png"


def misshapen(output_format: OutputFormat) -> bytes:
    """Return a picture of a shape that no input has."""
    return encoded(Image.new("RGB", (999, 48), (127, 127, 127)), output_format)


def reduced(picture: bytes) -> bytes:
    """Return the picture at 60 % of its width and height."""
    return encoded(scaled(decoded(picture), 0.6), format_of(picture))


def another(picture: bytes) -> bytes:
    """Return a different picture of the same size and format."""
    scene = _noise("RGB", (24, 24), seed=1931).resize(decoded(picture).size, Image.Resampling.BILINEAR)
    return encoded(scene, format_of(picture))


def _noise(mode: str, size: tuple[int, int], seed: int) -> Image.Image:
    # The outputs of a model are no secret.
    values = random.Random(seed).randbytes(size[0] * size[1] * len(mode))  # noqa: S311
    return Image.frombytes(mode, size, values)


def _embedded(url: str) -> bytes:
    head, _, data = url.partition(",")
    try:
        return base64.b64decode(data, validate=True) if head.endswith(";base64") else unquote_to_bytes(data)
    except binascii.Error as error:
        raise FailedPredictionError("Invalid data URI in the input.") from error
