"""Scan counts of JPEG files, without decoding, which costs CPU per scan."""

import re
from typing import BinaryIO

from domain.ports.errors import UnreadableImageError

#: Cameras, scanners and programs write one scan, or about a dozen if progressive.
MAX_SCANS = 100

_START = b"\xff\xd8"
_SCAN = 0xDA
_END = 0xD9
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})  # TEM, the restart markers, and the start

#: The next marker; in a scan's data a 0xFF is followed by a zero or is a restart marker.
_MARKER = re.compile(rb"\xff+([\x01-\xfe])")
_MARKER_AFTER_SCAN = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")


def check_scans(picture: BinaryIO) -> None:
    """Raise UnreadableImageError for a JPEG of more than MAX_SCANS scans.

    Leaves the position at the start.
    """
    picture.seek(0)
    is_jpeg = picture.read(len(_START)) == _START
    picture.seek(0)
    if not is_jpeg:
        return
    scans = count_scans(picture.read(), at_most=MAX_SCANS + 1)
    picture.seek(0)
    if scans > MAX_SCANS:
        raise UnreadableImageError(
            "This JPEG file is built in a way that no camera or scanner uses: "
            f"it draws its picture more than {MAX_SCANS} times over.",
            "Please open it on your computer, save it again as an ordinary JPEG or PNG file and send that.",
            "Diese JPEG-Datei ist so aufgebaut, wie es keine Kamera und kein Scanner tut. Bitte öffnen Sie sie auf "
            "Ihrem Computer, speichern Sie sie neu als gewöhnliche JPEG- oder PNG-Datei und schicken Sie diese.",
        )


def count_scans(data: bytes, *, at_most: int) -> int:
    """Return the number of scans, at most ``at_most``; linear in the size."""
    scans, position, marker_of = 0, 0, _MARKER
    while scans < at_most and (found := marker_of.search(data, position)):
        code, position, marker_of = found[1][0], found.end(), _MARKER
        if code == _END:
            break
        if code in _WITHOUT_LENGTH:
            continue
        position += max(int.from_bytes(data[position : position + 2]), 2)
        if code == _SCAN:
            scans += 1
            marker_of = _MARKER_AFTER_SCAN
    return scans
