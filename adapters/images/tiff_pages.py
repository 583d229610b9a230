"""The photo of a TIFF file, if it is supported."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.images import refusals
from adapters.images.exif_orientation import known_orientation
from adapters.images.metadata_stripping import BarePicture
from adapters.images.tiff_directories import (
    Directory,
    Field,
    Tag,
    directories,
    sub_directories,
)
from adapters.images.tiff_rewriting import with_single_directory
from domain.ports.errors import RefusalPart, UnreadableImageError

#: PhotometricInterpretation of sensor data (a colour filter array, raw or interpolated).
_SENSOR_DATA = frozenset({32803, 34892})
#: Compressions of raw files: Sony, Nikon, Samsung, Epson, Pentax, Kodak and DNG's own.
_RAW_COMPRESSIONS = frozenset({32767, 32769, 32770, 32867, 34713, 34892, 52546, 65000, 65535})

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_RGB_CHANNELS = 3
#: Compressions of fax machines, whose paper is white.
_FAX = frozenset({2, 3, 4, 32771})
#: The highest value in palettes of writers that used 8 bits where the format has 16.
_BYTE = 0xFF
#: Bit depths for which the decoder itself inverts white-is-zero.
_INVERTED_BY_THE_DECODER = frozenset({1, 2, 4, 8})

#: By PhotometricInterpretation, the phrase of its colours.
_COLOURS: Mapping[int, str] = {
    0: "tiff_negative",
    1: "tiff_grey",
    2: "tiff_rgb",
    3: "tiff_palette",
    4: "tiff_mask",
    5: "tiff_cmyk",
    6: "tiff_ycbcr",
    8: "tiff_lab",
    9: "tiff_icc_lab",
    10: "tiff_itu_lab",
    32844: "tiff_logl",
    32845: "tiff_logluv",
}
#: Channels of the colours themselves, without transparency; three by default.
_CHANNELS: Mapping[int, int] = {0: 1, 1: 1, 3: 1, 4: 1, 5: 4, 32844: 1}
#: ExtraSamples of transparency, multiplied into the colours or not.
_TRANSPARENCY = frozenset({1, 2})
#: By SampleFormat, the phrase of what is unusual.
_FORMATS: Mapping[int, str] = {
    2: "tiff_signed",
    3: "tiff_floating_point",
    5: "tiff_complex",
    6: "tiff_complex",
}
_UNSIGNED = frozenset({1, 4})  # 4 means undefined
_MOST_BITS = 16
_UNCOMPRESSED = 1


@dataclass(frozen=True, kw_only=True)
class TiffPhoto:
    """A TIFF file's photo; ``white`` and ``is_negative`` interpret its grey values.

    ``refusal`` names the kind of TIFF for the case that no decoder reads it. The directory would keep the file alive.
    """

    bare: BarePicture
    refusal: UnreadableImageError
    white: int
    is_negative: bool


def photo_in(content: bytes) -> TiffPhoto:
    """Return the only photo of a TIFF file.

    Raises UnreadableImageError for a camera's raw file, for several pages, for a preview in front of a larger picture,
    and for samples with more than 16 bits, a sign or a decimal point: black and white are not defined for these.
    """
    page = _page_in(content)
    bits = max(page.numbers(Tag.BITS_PER_SAMPLE), default=1)
    formats = page.numbers(Tag.SAMPLE_FORMAT) or (1,)
    if not _UNSIGNED.issuperset(formats) or bits > _MOST_BITS:
        raise _unreadable(page)
    replaced: dict[int, Field] = {}
    if Tag.SAMPLE_FORMAT in page.fields:
        replaced[Tag.SAMPLE_FORMAT] = _shorts(page, *([1] * len(formats)))
    channels = len(page.numbers(Tag.BITS_PER_SAMPLE))
    if channels > 1 and Tag.SAMPLES_PER_PIXEL not in page.fields:
        replaced[Tag.SAMPLES_PER_PIXEL] = _shorts(page, channels)
    photometric = page.number(Tag.PHOTOMETRIC)
    if photometric is None:
        photometric = _usual_photometric(page)
        replaced[Tag.PHOTOMETRIC] = _shorts(page, photometric)
    palette = page.numbers(Tag.COLOR_MAP)
    if palette and max(palette) <= _BYTE:
        replaced[Tag.COLOR_MAP] = _shorts(page, *(level * 0x101 for level in palette))
    is_negative = photometric == _WHITE_IS_ZERO and bits not in _INVERTED_BY_THE_DECODER
    if is_negative:
        replaced[Tag.PHOTOMETRIC] = _shorts(page, _BLACK_IS_ZERO)
    profile = page.fields.get(Tag.ICC_PROFILE)
    bare = BarePicture(
        file_format="TIFF",
        content=with_single_directory(content, page, replaced),
        orientation=known_orientation(page.number(Tag.ORIENTATION)),
        profile=bytes(profile.value) if profile else None,
    )
    return TiffPhoto(bare=bare, refusal=_unreadable(page), white=2**bits - 1, is_negative=is_negative)


def _usual_photometric(page: Directory) -> int:
    """Return the usual photometric interpretation of a page without one.

    The decoder would treat it as a negative.
    """
    extra = page.fields.get(Tag.EXTRA_SAMPLES)
    colours = (page.number(Tag.SAMPLES_PER_PIXEL) or 1) - (extra.count if extra else 0)
    if colours >= _RGB_CHANNELS:
        return _RGB
    return _WHITE_IS_ZERO if page.number(Tag.COMPRESSION) in _FAX else _BLACK_IS_ZERO


def _unreadable(page: Directory) -> UnreadableImageError:
    """Return the refusal of a page, naming its kind of TIFF."""
    bits = max(page.numbers(Tag.BITS_PER_SAMPLE), default=1)
    sample_format = max(page.numbers(Tag.SAMPLE_FORMAT), default=1)
    samples = page.number(Tag.SAMPLES_PER_PIXEL) or 1
    photometric = page.number(Tag.PHOTOMETRIC)
    if photometric is None:
        photometric = _usual_photometric(page)
    kind: list[RefusalPart] = [("tiff_bits", {"bits": bits})]
    if sample_format in _FORMATS:
        kind.append((_FORMATS[sample_format], {}))
    kind.append((_COLOURS.get(photometric, "tiff_unknown_colours"), {}))
    if samples > 1:
        kind.append(("tiff_channels", {"count": samples}))
    conditions: list[str] = []
    compression = page.number(Tag.COMPRESSION) or _UNCOMPRESSED
    if compression != _UNCOMPRESSED:
        conditions.append("tiff_be_uncompressed")
    if _TRANSPARENCY & set(page.numbers(Tag.EXTRA_SAMPLES, at_most=samples)):
        kind.append(("tiff_transparency", {}))
        conditions.append("tiff_be_opaque")
    elif Tag.EXTRA_SAMPLES in page.fields or samples > _CHANNELS.get(photometric, _RGB_CHANNELS):
        conditions.append("tiff_be_without_extra_channels")
    if compression != _UNCOMPRESSED:
        kind.append(("tiff_compression", {"number": compression}))
    if photometric == _WHITE_IS_ZERO:
        conditions.append("tiff_be_positive")
    return refusals.kind_of_tiff(kind, conditions)


def _page_in(content: bytes) -> Directory:
    """Return the only page of a TIFF file.

    All other pictures are smaller versions or masks of it; otherwise UnreadableImageError is raised. Marks of reduced
    pictures count only where a larger picture exists, because some programs mark all their pages.
    """
    main = list(directories(content))
    below = list(sub_directories(content, main))
    _refuse_camera_raw(content, [*main, *below])
    pictures = [each for each in main if not each.is_mask] or main
    pages = [each for each in pictures if not each.is_marked_reduced] or pictures
    if not pages:
        raise refusals.damaged()
    if len(pages) > 1:
        raise refusals.several_pages(len(pages))
    page = pages[0]
    if sum(len(field.value) for field in page.fields.values()) > len(content):
        raise refusals.damaged()  # values that overlap; each would be copied
    others = [each.pixels for each in (*main, *below) if each is not page and not each.is_mask]
    if max(others, default=0) > page.pixels:
        raise refusals.preview_first()
    if page.pixels in others:
        raise refusals.several_pages(1 + others.count(page.pixels))
    return page


def _refuse_camera_raw(content: bytes, all_directories: list[Directory]) -> None:
    is_raw = content[8:10] == b"CR" or content[8:12] == b"IIII"  # Canon's, Phase One's
    for each in all_directories:
        is_raw |= (
            Tag.DNG_VERSION in each.fields
            or each.number(Tag.PHOTOMETRIC) in _SENSOR_DATA
            or each.number(Tag.COMPRESSION) in _RAW_COMPRESSIONS
        )
    if is_raw:
        raise refusals.camera_raw()


def _shorts(page: Directory, *values: int) -> Field:
    packed = struct.pack(f"{page.layout.order}{len(values)}H", *values)
    return Field(kind=3, count=len(values), value=memoryview(packed))
