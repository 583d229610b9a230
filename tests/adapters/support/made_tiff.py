"""TIFF files of any kind, which no library writes."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SHORT, LONG, BYTE, UNDEFINED = 3, 4, 1, 7
_SIZES = {BYTE: "B", SHORT: "H", LONG: "I"}

Value = int | Sequence[int] | bytes


@dataclass(frozen=True, kw_only=True)
class Page:
    """A directory with uncompressed pixels; ``tags`` extend or replace the defaults.

    ``below`` are its sub-directories, ``linked`` those that the last field of a sub-directory refers to.
    """

    size: tuple[int, int]
    pixels: bytes
    tags: Mapping[int, Value] = field(default_factory=dict)
    below: Sequence["Page"] = ()
    linked: Sequence["Page"] = ()


def tiff(*pages: Page, order: str = "<") -> bytes:
    file = bytearray((b"II*\0" if order == "<" else b"MM\0*") + bytes(4))
    link = 4
    for page in pages:
        at, next_link = _append(file, page, order)
        struct.pack_into(order + "I", file, link, at)
        link = next_link
    return bytes(file)


def _append(file: bytearray, page: Page, order: str) -> tuple[int, int]:
    """Append a directory; return its offset and the next one's place."""
    below = []
    for each in page.below:
        at, link = _append(file, each, order)
        below.append(at)
        for follower in each.linked:
            at, next_link = _append(file, follower, order)
            struct.pack_into(order + "I", file, link, at)
            link = next_link
    width, height = page.size
    usual: dict[int, Value] = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 277: 1, 278: height}
    tags = usual | dict(page.tags)
    tags[279] = (len(page.pixels),)
    tags[273] = (0,)
    if below:
        tags[330] = below
    start = len(file)
    pixels_at = start + 2 + 12 * len(tags) + 4
    beyond = pixels_at + len(page.pixels)
    tags[273] = (pixels_at,)
    entries, values = bytearray(struct.pack(order + "H", len(tags))), bytearray()
    for tag in sorted(tags):
        value = tags[tag]
        if isinstance(value, bytes):
            kind, count, content = UNDEFINED, len(value), value
        else:
            numbers = (value,) if isinstance(value, int) else tuple(value)
            kind = LONG if tag in {256, 257, 273, 278, 279, 330} else SHORT
            count, content = len(numbers), struct.pack(f"{order}{len(numbers)}{_SIZES[kind]}", *numbers)
        if len(content) > 4:
            place = struct.pack(order + "I", beyond + len(values))
            values += content
        else:
            place = content.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", tag, kind, count) + place
    file += entries + bytes(4) + page.pixels + values
    return start, start + len(entries)
