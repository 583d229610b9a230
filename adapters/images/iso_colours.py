"""Colour codes of HEIF and AVIF files (ISO 14496-12, 23008-12)."""

import struct
from collections.abc import Iterator

from adapters.images.colour_codes import ColourCodes

#: More than any real file has on one level.
_BOXES_AT_MOST = 10_000

_HEADER = struct.Struct(">I4s")


def codes_in(content: bytes) -> ColourCodes | None:
    """Return the primary picture's colour codes; None if missing or unreadable."""
    try:
        return _codes(content)
    except (struct.error, IndexError):
        return None


def _codes(content: bytes) -> ColourCodes | None:
    meta = next((body[4:] for name, body in _boxes(content) if name == b"meta"), b"")
    boxes = dict(_boxes(meta))
    properties = dict(_boxes(boxes.get(b"iprp", b"")))
    primary = boxes.get(b"pitm", b"")
    item_id = int.from_bytes(primary[4:6] if primary[:1] == b"\x00" else primary[4:8])
    listed = list(_boxes(properties.get(b"ipco", b"")))
    for index in _properties_of(item_id, properties.get(b"ipma", b"")):
        if 0 < index <= len(listed) and listed[index - 1][0] == b"colr":
            body = listed[index - 1][1]
            if body[:4] == b"nclx":
                primaries, transfer = struct.unpack_from(">HH", body, 4)
                return ColourCodes(primaries=primaries, transfer=transfer)
    return None


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and content of the boxes on one level."""
    at = 0
    for _ in range(_BOXES_AT_MOST):
        if at + _HEADER.size > len(content):
            return
        size, name = _HEADER.unpack_from(content, at)
        start = at + _HEADER.size
        if size == 1:
            size = int.from_bytes(content[start : start + 8])
            start += 8
        end = at + size if size else len(content)
        if end < start:
            return
        yield name, content[start:end]
        at = end


def _properties_of(item_id: int, associations: bytes) -> Iterator[int]:
    """Yield the indexes, from 1, of an item's properties."""
    version, flags = associations[0], associations[3]
    id_bytes, index_bytes = (4 if version else 2), (2 if flags & 1 else 1)
    at = 8
    for _ in range(int.from_bytes(associations[4:8])):
        its_id = int.from_bytes(associations[at : at + id_bytes])
        count = associations[at + id_bytes]
        at += id_bytes + 1
        if its_id == item_id:
            for place in range(at, at + count * index_bytes, index_bytes):
                stated = int.from_bytes(associations[place : place + index_bytes])
                yield stated & ~(1 << (8 * index_bytes - 1))  # the first bit flags it as essential
            return
        at += count * index_bytes
