"""Checks that a JPEG or PNG file holds all its pixels.

Decoders paint what is missing grey or black and report nothing if the file ends properly. The decoders of the other
formats fail on it. All checks raise UnreadableImageError.
"""

import hashlib
import io
from dataclasses import replace

from PIL import Image

from adapters.images import png_rows, refusals
from adapters.images.jpeg_scans import Scan, is_refined
from adapters.images.metadata_stripping import JPEG_END, BarePicture

#: Samples that all scans of a JPEG may draw: six times those of the largest picture with four channels, as the usual
#: progressive script draws it. A picture of 50 megapixels may have 24 scans in grey or about 14 in full colour; a
#: smaller one more.
MAX_SCANNED_SAMPLES = 6 * 4 * 50_000_000

#: What a Huffman decoder reads ahead. With that instead of an end, it fails where data for a pixel is missing.
_READ_AHEAD = bytes(8)

#: Appended to each scan: if the padding changes a pixel, pixels were missing.
_PADDINGS = (bytes(64), b"\x55" * 64)
_COMPARED_AT = 8


def without_end(bare: BarePicture, scans: tuple[Scan, ...]) -> BarePicture:
    """Return a baseline JPEG whose decoder fails if pixels are missing."""
    if len(scans) != 1 or not scans[0].is_whole:
        return bare  # its decoder looks for more scans until the end
    return replace(bare, content=bare.content[: scans[0].end] + _READ_AHEAD)


def check_scans(bare: BarePicture, scans: tuple[Scan, ...]) -> None:
    """Check that a JPEG's scans are complete and cheap enough."""
    is_split = len(scans) > 1 and not scans[0].frame.is_progressive
    times, samples = 1 + len(_PADDINGS) * is_split, 0
    for at, scan in enumerate(scans):
        samples += scan.samples * times
        if samples > MAX_SCANNED_SAMPLES:
            raise refusals.too_many_scans(at)
    if not is_refined(scans) or not all(scan.has_all_restarts for scan in scans):
        raise refusals.damaged()
    if (bare.is_cut_short or is_split) and not _is_drawn_alike(bare.content, scans):
        raise refusals.damaged()


def check_rows(bare: BarePicture, decoded: Image.Image) -> None:
    """Check that a PNG's rows are all there.

    Only a row that was never written is all zeros, and most pictures have none: that saves inflating them again.
    """
    last = png_rows.last_row(bare.content)
    row = decoded.crop((0, last, decoded.width, last + 1)).tobytes()
    if not any(row) and not png_rows.has_all_rows(bare.content):
        raise refusals.damaged()


def _is_drawn_alike(content: bytes, scans: tuple[Scan, ...]) -> bool:
    found = set()
    for padding in _PADDINGS:
        starts = (0, *(scan.end for scan in scans))
        pieces = [content[start : scan.end] for start, scan in zip(starts, scans, strict=False)]
        padded = padding.join((*pieces, content[starts[-1] :])) + JPEG_END
        with Image.open(io.BytesIO(padded), formats=["JPEG"]) as image:
            if "progressive" not in image.info:
                image.draft(None, (image.width // _COMPARED_AT, image.height // _COMPARED_AT))
            found.add(hashlib.sha256(image.tobytes()).digest())
    return len(found) == 1
