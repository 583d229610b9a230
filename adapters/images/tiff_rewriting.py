"""A TIFF file rewritten with one directory."""

import sys
from array import array
from collections.abc import Mapping
from dataclasses import replace

from adapters.images.tiff_directories import DECODED, SIGNATURE_BY_LAYOUT, Directory, Field


def with_single_directory(content: bytes, directory: Directory, replaced: Mapping[int, Field]) -> bytes:
    """Return the file with one directory of needed fields.

    Pixels stay in place. The decoder sees neither malformed other fields nor other directories. A BigTIFF becomes a
    classic file, because Pillow reads no big-endian BigTIFF.
    """
    layout = replace(directory.layout, is_big=False)
    kept = {tag: field for tag, field in directory.fields.items() if tag in DECODED} | dict(replaced)
    inline_bytes = layout.offset.size
    file = bytearray(content)
    file[:4] = SIGNATURE_BY_LAYOUT[layout]
    entries = bytearray(layout.count.pack(len(kept)))
    for tag in sorted(kept):
        field = _narrow(kept[tag], layout.order)
        if len(field.value) > inline_bytes:
            file += bytes(len(file) % 2)
            value = layout.offset.pack(len(file))
            file += field.value
        else:
            value = bytes(field.value)
        entries += layout.head.pack(tag, field.kind, field.count) + value.ljust(inline_bytes, b"\x00")
    file += bytes(len(file) % 2)
    layout.offset.pack_into(file, layout.first_offset_at, len(file))
    return bytes(file + entries + layout.offset.pack(0))


#: Integers of 64 bits, which only BigTIFF has: the kinds of 32 bits with the same sign, and their codes.
_NARROWED: Mapping[int, tuple[int, str, str]] = {16: (4, "Q", "I"), 17: (9, "q", "i"), 18: (13, "Q", "I")}
_NATIVE_ORDER = "<" if sys.byteorder == "little" else ">"


def _narrow(field: Field, order: str) -> Field:
    """Return the field with integers of 32 bits.

    A greater number becomes the greatest: for rows per strip this means all rows, and offsets beyond the file stay so.
    """
    if field.kind not in _NARROWED:
        return field
    kind, wide, code = _NARROWED[field.kind]
    numbers = array(wide, bytes(field.value))
    if order != _NATIVE_ORDER:
        numbers.byteswap()
    most = 2**32 - 1 if code == "I" else 2**31 - 1
    least = 0 if code == "I" else -(2**31)
    narrow = array(code, (max(least, min(most, number)) for number in numbers))
    if order != _NATIVE_ORDER:
        narrow.byteswap()
    return Field(kind=kind, count=field.count, value=memoryview(narrow.tobytes()))
