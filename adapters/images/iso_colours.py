"""The colours that a HEIF or AVIF file names for its picture (ISO 14496-12 and 23008-12, boxes within boxes)."""

import struct
from collections.abc import Iterator

from adapters.images.colour_codes import ColourCodes

#: More than any file has on one level.
_BOXES_AT_MOST = 10_000

_HEADER = struct.Struct(">I4s")


def codes_in(content: bytes) -> ColourCodes | None:
    """What the primary picture's colour box names; None if it names nothing, or the boxes cannot be read."""
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
    """The boxes on one level: name and content."""
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
    """The numbers, from 1, of the properties that belong to an item."""
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
                yield stated & ~(1 << (8 * index_bytes - 1))  # the first bit says whether it is essential
            return
        at += count * index_bytes
