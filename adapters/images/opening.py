"""Opening of untrusted pictures: sniffed, stripped and measured before decoding."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import pillow_heif
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from adapters.images import camera_raw, completeness, refusals
from adapters.images.colour_codes import profile_of
from adapters.images.colours import DEEP_GREY_MODES, PlainColours, strips
from adapters.images.exif_orientation import SIDEWAYS, orientation_in, turned_corner, turned_upright
from adapters.images.frame_counts import check_frames
from adapters.images.jpeg_scans import is_of_unsupported_kind, scans_in
from adapters.images.metadata_stripping import BarePicture, format_of, stripped
from adapters.images.tiff_pages import TiffPhoto, photo_in
from domain.ports.errors import UnreadableImageError

#: Formats of scanners, cameras and phones. Every decoder left out is one that cannot be attacked.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF")

#: Formats without transparency.
OPAQUE_FORMATS = frozenset({"JPEG"})

#: A large print, scanned well. Decoding and turning it takes 200 to 580 MiB in most formats, and 790 MiB in the worst
#: of them, WebP and TIFF with 16 bits a channel.
MAX_PIXELS = 50_000_000

#: The best camera there is. Inspecting such a JPEG takes 10 MiB, turning it 780 MiB. A progressive one has the other
#: limit: its decoder holds the whole picture even for an inspection, and would need 1,150 MiB.
MAX_JPEG_PIXELS = 100_000_000

#: Smaller pictures are icons, and some models fail on them.
MIN_SIDE_PIXELS = 32

#: The offset of a PNG's bits per sample.
_PNG_BITS_AT = 24
_BYTE_BITS = 8

pillow_heif.register_heif_opener()
# Pillow's own limit only warns up to twice its value; ours is checked before anything is decoded.
Image.MAX_IMAGE_PIXELS = None
# Libtiff supports more kinds of TIFF than Pillow alone, and decodes none of them wrongly.
TiffImagePlugin.READ_LIBTIFF = True


@dataclass(frozen=True, kw_only=True)
class SizeLimits:
    """Limits of pixels: in all, in low-memory formats, per side."""

    max_pixels: int = MAX_PIXELS
    max_jpeg_pixels: int = MAX_JPEG_PIXELS
    min_side_pixels: int = MIN_SIDE_PIXELS


@dataclass(frozen=True, kw_only=True)
class OpenedPicture:
    """A picture whose header was read; its pixels are decoded on demand.

    ``size`` is what a viewer shows, ``decoder.size`` what the decoder returns.
    """

    file_format: str
    decoder: Image.Image
    orientation: int
    colours: PlainColours

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height as a viewer shows them."""
        width, height = self.decoder.size
        return (height, width) if self.orientation in SIDEWAYS else (width, height)

    def decode_smaller(self, side: int, fraction: int = 8) -> None:
        """Decode a JPEG's whole data at a fraction of its size.

        Nothing else has such a decoder: one of HEIC would return the embedded thumbnail, whatever the photo is.
        """
        if self.file_format != "JPEG":
            return
        width, height = self.decoder.size
        self.decoder.draft(None, (max(width // fraction, side), max(height // fraction, side)))

    def plain(self) -> Image.Image:
        """Return the whole picture: upright, 8-bit sRGB, on white."""
        self.decoder.load()
        if self.decoder.mode == "RGB" and self.colours.keeps_rgb:
            return turned_upright(self.decoder, self.orientation)
        plain = Image.new("RGB", self.size)
        for box in strips(self.decoder.size):
            self._paste(plain, self.colours.on_white(self.decoder.crop(box)), box)
        return plain

    def alpha(self) -> Image.Image | None:
        """Return the upright opacity mask; None if everything is opaque."""
        self.decoder.load()
        alpha = Image.new("L", self.size, 255)
        for box in strips(self.decoder.size):
            part = self.colours.alpha(self.decoder.crop(box))
            if part is None:
                return None
            self._paste(alpha, part, box)
        return None if alpha.getextrema() == (255, 255) else alpha

    def is_invisible(self) -> bool:
        """Whether every pixel is fully transparent."""
        self.decoder.load()
        parts = (self.colours.alpha(self.decoder.crop(box)) for box in strips(self.decoder.size))
        return all(part is not None and part.getextrema() == (0, 0) for part in parts)

    def _paste(self, target: Image.Image, strip: Image.Image, box: tuple[int, int, int, int]) -> None:
        """Turn a strip and paste it, which avoids another whole copy."""
        _, top, _, bottom = box
        corner = turned_corner(self.orientation, top, bottom, self.decoder.height)
        target.paste(turned_upright(strip, self.orientation), corner)


@contextmanager
def opened(picture: BinaryIO, limits: SizeLimits) -> Iterator[OpenedPicture]:
    """Open a picture within limits; errors in the block are the file's.

    Raises UnreadableImageError, which says what to send instead.
    """
    picture.seek(0)
    content = picture.read()
    bare: BarePicture | None = None
    try:
        bare, photo = _sniffed(content)
        del content
        scans = tuple(scans_in(bare.content)) if bare.file_format == "JPEG" else ()
        bare = completeness.without_end(bare, scans)
        with _decoder(bare, photo) as decoder:
            _check_size(decoder, limits)
            if bare.file_format == "JPEG":
                completeness.check_scans(bare, scans)
            yield _opened(bare, photo, decoder)
            if bare.file_format == "PNG":
                completeness.check_rows(bare, decoder)
    except (UnreadableImageError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # an error of the system, e.g. an unreadable disk
        if bare is not None and bare.file_format == "JPEG" and is_of_unsupported_kind(bare.content):
            raise refusals.unusual_jpeg() from error
        # A decoder may fail in any way on a damaged file; all of them mean the same to the customer.
        raise refusals.damaged() from error


def _sniffed(content: bytes) -> tuple[BarePicture, TiffPhoto | None]:
    if camera_raw.is_camera_raw(content):
        raise refusals.camera_raw()
    file_format = format_of(content)
    check_frames(content, file_format)
    photo = photo_in(content) if file_format == "TIFF" else None
    bare = photo.bare if photo else stripped(content)
    if bare is None:
        raise refusals.not_a_picture()
    if bare.frames > 1:
        raise refusals.animation(bare.frames)
    return bare, photo


def _decoder(bare: BarePicture, photo: TiffPhoto | None) -> Image.Image:
    try:
        return Image.open(io.BytesIO(bare.content), formats=[bare.file_format])
    except UnidentifiedImageError as error:
        if photo is not None:
            raise photo.refusal from error
        if bare.file_format in {"HEIF", "AVIF"}:
            raise refusals.not_a_picture() from error
        raise


def _opened(bare: BarePicture, photo: TiffPhoto | None, decoder: Image.Image) -> OpenedPicture:
    frames = getattr(decoder, "n_frames", 1) if bare.file_format == "AVIF" else 1
    if frames > 1:
        raise refusals.animation(frames)
    orientation, profile = bare.orientation, bare.profile
    if bare.file_format in {"HEIF", "AVIF"}:
        # The decoders return the container's rotation as EXIF data of their own.
        orientation, profile = (
            orientation_in(decoder.info.get("exif") or b""),
            decoder.info.get("icc_profile"),
        )
    if bare.codes is not None and bare.codes.is_known and (profile is None or bare.file_format == "PNG"):
        profile = profile_of(bare.codes)
    if bare.file_format == "PNG" and "transparency" in decoder.info:
        bits = bare.content[_PNG_BITS_AT]
        decoder.info["transparency"] = _scaled_key(decoder.info["transparency"], decoder.mode, bits)
    white = photo.white if photo and decoder.mode in DEEP_GREY_MODES else 0xFFFF
    is_negative = photo is not None and photo.is_negative
    colours = PlainColours(decoder, profile, white=white, is_negative=is_negative)
    return OpenedPicture(
        file_format=bare.file_format, decoder=decoder, orientation=orientation, colours=colours
    )


def _scaled_key(key: object, mode: str, bits: int) -> object:
    """Scale a PNG's transparent colour to its decoder's levels."""
    if mode == "RGB" and isinstance(key, tuple) and bits > _BYTE_BITS:
        return tuple(level >> _BYTE_BITS for level in key)  # the decoder drops the pixels' lower byte too
    if mode == "L" and isinstance(key, int) and bits < _BYTE_BITS:
        return key * 255 // (2**bits - 1)
    return key


def _check_size(image: Image.Image, limits: SizeLimits) -> None:
    width, height = image.size
    is_baseline_jpeg = image.format == "JPEG" and "progressive" not in image.info
    limit = limits.max_jpeg_pixels if is_baseline_jpeg else limits.max_pixels
    if width * height > limit:
        raise refusals.too_large(width, height, limit, None if is_baseline_jpeg else limits.max_jpeg_pixels)
    if min(width, height) < limits.min_side_pixels:
        raise refusals.too_small(width, height, limits.min_side_pixels)
