"""Looking into picture files that strangers send, with Pillow."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from domain.ports.errors import UnreadablePictureError
from domain.ports.world import PictureFacts

#: What scanners, cameras and phones make. Every decoder that is not on the list is one that cannot be attacked.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF")

_MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # a JPEG with further pictures in its tail, as many phones write it
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "HEIF": "image/heic",
    "AVIF": "image/avif",
}

#: What every model takes as it is.
_COMMON_FORMATS = frozenset({"JPEG", "MPO", "PNG", "WEBP"})
_COMMON_MODES = frozenset({"L", "RGB", "RGBA", "P"})

#: The EXIF tag that says how a picture was held, and its values for one that lies on its side.
_ORIENTATION = 0x0112
_ON_THEIR_SIDE = frozenset({5, 6, 7, 8})

#: JPEG is checked at this fraction of its size: all of its data is read, with little memory.
_DRAFT = 8

_UPRIGHT_QUALITY = 95

#: A large print, scanned well, or the best camera there is; decoded it fills 300 MB.
MAX_PIXELS = 100_000_000

#: Less than this is an icon, and some models fail on it.
MIN_SIDE_PIXELS = 32


class PillowInspector:
    """Decodes pictures within limits: ``max_pixels`` in all, ``min_side_pixels`` on the shorter side."""

    def __init__(self, max_pixels: int = MAX_PIXELS, *, min_side_pixels: int = MIN_SIDE_PIXELS) -> None:
        self._max_pixels = max_pixels
        self._min_side_pixels = min_side_pixels
        pillow_heif.register_heif_opener()
        # Pillow's own limit only warns until twice its value; ours is checked before anything is decoded.
        Image.MAX_IMAGE_PIXELS = None

    def inspect(self, picture: BinaryIO) -> PictureFacts:
        """Decode the whole picture within limits, see the port."""
        with self._opened(picture) as image:
            width, height = image.size
            image.draft(None, (width // _DRAFT, height // _DRAFT))
            image.load()
            if image.getexif().get(_ORIENTATION) in _ON_THEIR_SIDE:
                width, height = height, width
            return PictureFacts(media_type=_MEDIA_TYPES[image.format or ""], width=width, height=height)

    def upright(self, picture: BinaryIO) -> tuple[BinaryIO, str]:
        """The picture as every restorer can read it, see the port; a converted one is JPEG, without its metadata."""
        with self._opened(picture) as image:
            is_common = image.format in _COMMON_FORMATS and image.mode in _COMMON_MODES
            if is_common and image.getexif().get(_ORIENTATION, 1) == 1:
                picture.seek(0)
                return picture, _MEDIA_TYPES[image.format or ""]
            return _as_jpeg(image), "image/jpeg"

    @contextmanager
    def _opened(self, picture: BinaryIO) -> Iterator[Image.Image]:
        """Open a picture of a bearable size; whatever goes wrong within the block is a fault of the file."""
        picture.seek(0)
        try:
            with Image.open(picture, formats=FORMATS) as image:
                self._check_size(*image.size)
                yield image
        except (UnreadablePictureError, MemoryError):
            raise
        except UnidentifiedImageError as error:
            raise UnreadablePictureError(
                "This file is not a picture we can read.",
                "Please send a JPEG, PNG, WebP, TIFF, HEIC or AVIF file.",
            ) from error
        except Exception as error:
            # A decoder that is fed with damage may stumble in any way; all of them mean the same to the customer.
            raise UnreadablePictureError(
                "This picture is damaged or incomplete.",
                "Please open it on your computer, save it again and send the new file.",
            ) from error

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self._max_pixels:
            raise UnreadablePictureError(
                f"This picture is too large: {width} x {height} pixels.",
                f"Please send it with at most {self._max_pixels // 1_000_000} megapixels.",
            )
        if min(width, height) < self._min_side_pixels:
            raise UnreadablePictureError(
                f"This picture is too small: {width} x {height} pixels.",
                f"Please send it with at least {self._min_side_pixels} pixels on each side.",
            )


def _as_jpeg(image: Image.Image) -> BinaryIO:
    """Turn, flatten and encode; the result is a tenth of the bitmap that had to be in memory for it."""
    profile = image.info.get("icc_profile") if image.mode in {"L", "RGB"} else None
    ImageOps.exif_transpose(image, in_place=True)
    file = io.BytesIO()
    _in_plain_colours(image).save(
        file, "JPEG", quality=_UPRIGHT_QUALITY, subsampling=0, icc_profile=profile, exif=b""
    )
    file.seek(0)
    return file


def _in_plain_colours(image: Image.Image) -> Image.Image:
    """Eight bits a channel, grey or RGB; what is transparent becomes white paper."""
    if image.mode in {"L", "RGB"}:
        return image
    if image.mode.startswith("I"):
        # Scanners write 16 bits of grey, which a plain conversion would cut off instead of scaling.
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
