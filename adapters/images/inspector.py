"""Looking into picture files that strangers send, with Pillow."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pillow_heif
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from adapters.images.jpeg_scans import check_scans
from adapters.images.metadata_stripping import without_metadata
from domain.model.likeness import SKETCH_SIDE
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
_DRAFTED_FORMATS = frozenset({"JPEG", "MPO"})

#: A sketch is drawn in two steps: at the first, what is no wider than the brush is painted over by what surrounds it.
_DRAWN_SIDE = 256
_BRUSH = 7

_UPRIGHT_QUALITY = 95

#: Large enough to see on paper what was mended, and ten to twenty kilobytes: there may be hundreds on a page.
_THUMBNAIL_SIDE = 360
_THUMBNAIL_QUALITY = 72

#: A large print, scanned well. Decoding and turning it takes 200 to 580 MiB in most formats, and 790 MiB in the worst
#: of them, which are WebP and TIFF with 16 bits a channel.
MAX_PIXELS = 50_000_000

#: The best camera there is. It takes 10 MiB to look into such a JPEG and 780 MiB to turn it. A progressive one counts
#: with the others: its decoder holds the whole picture even for a look, and would come to 1,150 MiB.
MAX_JPEG_PIXELS = 100_000_000

#: Pictures are converted in strips of about this size, so that only the source and the result are whole in memory.
_STRIP_PIXELS = 1_000_000

#: The modes without colours, besides the sixteen and more bits that begin with I.
_GREY_MODES = frozenset({"1", "L", "LA", "La", "F"})

#: Less than this is an icon, and some models fail on it.
MIN_SIDE_PIXELS = 32


class PillowInspector:
    """Decodes pictures of limited size in this process; strangers' pictures go through PooledInspector instead.

    A picture has at most ``max_pixels`` in all, or ``max_jpeg_pixels`` where the format spares memory, and at least
    ``min_side_pixels`` on the shorter side.
    """

    def __init__(
        self,
        *,
        max_pixels: int = MAX_PIXELS,
        max_jpeg_pixels: int = MAX_JPEG_PIXELS,
        min_side_pixels: int = MIN_SIDE_PIXELS,
    ) -> None:
        self._max_pixels = max_pixels
        self._max_jpeg_pixels = max_jpeg_pixels
        self._min_side_pixels = min_side_pixels
        pillow_heif.register_heif_opener()
        # Pillow's own limit only warns until twice its value; ours is checked before anything is decoded.
        Image.MAX_IMAGE_PIXELS = None

    def inspect(self, picture: BinaryIO) -> PictureFacts:
        """Decode the whole picture within limits, see the port."""
        with self._opened(picture) as image:
            width, height = image.size
            image.draft(None, (max(width // _DRAFT, _DRAWN_SIDE), max(height // _DRAFT, _DRAWN_SIDE)))
            image.load()
            sketch = _sketched(image)
            if image.getexif().get(_ORIENTATION) in _ON_THEIR_SIDE:
                width, height = height, width
            media_type = _MEDIA_TYPES[image.format or ""]
            return PictureFacts(media_type=media_type, width=width, height=height, sketch=sketch)

    def upright(self, picture: BinaryIO) -> tuple[BinaryIO, str]:
        """The picture as every restorer can read it, see the port; a converted one is JPEG.

        It leaves the house without its metadata in any case: where a family's photos were taken is not for others.
        """
        with self._opened(picture) as image:
            is_common = image.format in _COMMON_FORMATS and image.mode in _COMMON_MODES
            if is_common and image.getexif().get(_ORIENTATION, 1) == 1:
                file_format = image.format or ""
                return _bare(picture, file_format), _MEDIA_TYPES[file_format]
            return _as_jpeg(image), "image/jpeg"

    def thumbnail(self, picture: BinaryIO) -> bytes:
        """A small JPEG of the picture, see the port."""
        with self._opened(picture) as image:
            image.draft(None, (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
            image.load()
            orientation = image.getexif().get(_ORIENTATION, 1)
            small = _in_plain_colours(image)
            small.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
            small.getexif()[_ORIENTATION] = orientation
            file = io.BytesIO()
            ImageOps.exif_transpose(small).save(
                file, "JPEG", quality=_THUMBNAIL_QUALITY, icc_profile=None, exif=b"", comment=b""
            )
            return file.getvalue()

    @contextmanager
    def _opened(self, picture: BinaryIO) -> Iterator[Image.Image]:
        """Open a picture of a bearable size; whatever goes wrong within the block is a fault of the file."""
        check_scans(picture)
        try:
            with Image.open(picture, formats=FORMATS) as image:
                self._check_size(image)
                yield image
        except (UnreadablePictureError, MemoryError):
            raise
        except UnidentifiedImageError as error:
            raise UnreadablePictureError(
                "This file is not a picture we can read.",
                "Please send a JPEG, PNG, WebP, TIFF, HEIC or AVIF file.",
            ) from error
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the system's own error, such as a disk that cannot be read: no fault of the file
            # A decoder that is fed with damage may stumble in any way; all of them mean the same to the customer.
            raise UnreadablePictureError(
                "This picture is damaged or incomplete.",
                "Please open it on your computer, save it again and send the new file.",
            ) from error

    def _check_size(self, image: Image.Image) -> None:
        width, height = image.size
        is_spared = image.format in _DRAFTED_FORMATS and "progressive" not in image.info
        limit = self._max_jpeg_pixels if is_spared else self._max_pixels
        if width * height > limit:
            otherwise = (
                f", or as a JPEG that is not progressive, with at most {self._max_jpeg_pixels // 1_000_000}"
            )
            raise UnreadablePictureError(
                f"This picture is too large: {width} x {height} pixels.",
                f"Please send it with at most {limit // 1_000_000} megapixels{'' if is_spared else otherwise}.",
            )
        if min(width, height) < self._min_side_pixels:
            raise UnreadablePictureError(
                f"This picture is too small: {width} x {height} pixels.",
                f"Please send it with at least {self._min_side_pixels} pixels on each side.",
            )


def _bare(picture: BinaryIO, file_format: str) -> BinaryIO:
    picture.seek(0)
    given = picture.read()
    bare = without_metadata(given, file_format)
    picture.seek(0)
    return picture if bare == given else io.BytesIO(bare)


def _as_jpeg(image: Image.Image) -> BinaryIO:
    """Turn, flatten and encode; the result is a tenth of the bitmap that had to be in memory for it."""
    profile = image.info.get("icc_profile") if image.mode in {"L", "RGB"} else None
    ImageOps.exif_transpose(image, in_place=True)
    file = io.BytesIO()
    plain = _in_plain_colours(image)
    plain.save(
        file, "JPEG", quality=_UPRIGHT_QUALITY, subsampling=0, icc_profile=profile, exif=b"", comment=b""
    )
    file.seek(0)
    return file


def _sketched(image: Image.Image) -> bytes:
    """Squeeze a picture of any mode into a small grey square, a band at a time so that it is not held twice."""
    drawn = Image.new("L", (_DRAWN_SIDE, _DRAWN_SIDE))
    for row in range(_DRAWN_SIDE):
        top, bottom = (image.height * edge // _DRAWN_SIDE for edge in (row, row + 1))
        band = _plain_strip(image.crop((0, top, image.width, max(bottom, top + 1))))
        grey = band.convert(_plain_mode(band)).convert("L")
        drawn.paste(grey.resize((_DRAWN_SIDE, 1), Image.Resampling.BOX), (0, row))
    painted = drawn.filter(ImageFilter.MedianFilter(_BRUSH))
    sketch = painted.resize((SKETCH_SIDE, SKETCH_SIDE), Image.Resampling.BOX)
    sketch.getexif()[_ORIENTATION] = image.getexif().get(_ORIENTATION, 1)
    return ImageOps.exif_transpose(sketch).tobytes()


def _plain_mode(image: Image.Image) -> str:
    is_grey = image.mode in _GREY_MODES or image.mode.startswith("I")
    return "L" if is_grey else "RGB"


def _in_plain_colours(image: Image.Image) -> Image.Image:
    """Eight bits a channel, grey or RGB; what is transparent becomes white paper."""
    if image.mode in {"L", "RGB"}:
        return image
    plain = Image.new(_plain_mode(image), image.size)
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        plain.paste(_plain_strip(image.crop(box)).convert(plain.mode), box)
    return plain


def _plain_strip(strip: Image.Image) -> Image.Image:
    if strip.mode.startswith("I"):
        # Scanners write 16 bits of grey, which a plain conversion would cut off instead of scaling.
        return strip.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if strip.has_transparency_data:
        paper = Image.new("RGBA", strip.size, "white")
        return Image.alpha_composite(paper, strip.convert("RGBA"))
    return strip
