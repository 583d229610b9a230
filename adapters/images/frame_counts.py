"""Frame and page counts from a file's headers, without a decoder.

Scans of JPEG files are counted in ``metadata_stripping``, as an APNG's frames.
"""

from collections.abc import Iterator

from adapters.images import refusals, tiff_directories
from adapters.images.refusals import COUNTED_AT_MOST

#: Grid tiles: a picture of 100 megapixels has 400 tiles of 512 x 512 pixels, as phones write them.
_ITEMS_AT_MOST = 4096

_WEBP_HEADER_BYTES = 12
#: Boxes of an ISO base media file on the path to the number of samples.
_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_BOXES_AT_MOST = 10_000
#: The boxes with a track's number of samples.
_SAMPLE_SIZES = frozenset({b"stsz", b"stz2"})
#: The handlers of tracks of pictures: image sequences and videos, but neither sound nor transparency.
_OF_PICTURES = frozenset({b"pict", b"vide"})


def check_frames(content: bytes, file_format: str | None) -> None:
    """Raise UnreadableImageError for animations and excessive pages or items.

    Each header is read once, and reading ends at the limits, so the cost is independent of what a file claims.
    """
    match file_format:
        case "WEBP":
            frames = sum(1 for name in _webp_chunks(content) if name == b"ANMF")
            if frames > 1:
                raise refusals.animation(frames)
        case "TIFF":
            pages = tiff_directories.count_directories(content, at_most=COUNTED_AT_MOST + 1)
            if pages is None:
                raise refusals.damaged()
            if pages > COUNTED_AT_MOST:
                raise refusals.several_pages(pages)
        case "HEIF" | "AVIF":
            samples, items = _samples_and_items(content)
            if samples > 1:
                raise refusals.animation(samples)
            if items > _ITEMS_AT_MOST:
                raise refusals.damaged()
        case _:
            pass  # no frames, or counted elsewhere


def _webp_chunks(content: bytes) -> Iterator[bytes]:
    """Yield chunk names up to the counting limit."""
    at, file_end, frames = _WEBP_HEADER_BYTES, 8 + int.from_bytes(content[4:8], "little"), 0
    while at + 8 <= min(file_end, len(content)) and frames <= COUNTED_AT_MOST:
        name, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        frames += name == b"ANMF"
        yield name
        at += 8 + length + length % 2


def _samples_and_items(content: bytes) -> tuple[int, int]:
    """Return the longest track's frames, and the still picture's items.

    A second file behind the first, as phones append a video to a photo, does not count.
    """
    samples = items = files = 0
    handler = b""
    for name, start in _boxes(content):
        if name == b"ftyp":
            files += 1
            if files > 1:
                break
        elif name == b"hdlr":
            handler = content[start + 8 : start + 12]
        elif name in _SAMPLE_SIZES and handler in _OF_PICTURES:
            samples = max(samples, int.from_bytes(content[start + 8 : start + 12]))
        elif name == b"iinf":
            width = 2 if content[start : start + 1] == b"\x00" else 4
            items = max(items, int.from_bytes(content[start + 4 : start + 4 + width]))
    return samples, items


def _boxes(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield boxes and the offsets of their content, parents first."""
    at = boxes = 0
    while at + 8 <= len(content) and boxes < _BOXES_AT_MOST:
        boxes += 1
        size, name, start = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8], at + 8
        if size == 1:
            size, start = int.from_bytes(content[at + 8 : at + 16]), at + 16
        yield name, start
        if name in _CONTAINERS:
            at = start
        elif name == b"meta":
            at = start + 4  # its version and flags
        elif size >= start - at:
            at += size
        else:
            return  # extends to the end of the file, or malformed
