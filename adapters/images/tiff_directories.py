"""The directories of a TIFF file or EXIF block, parsed without trust."""

import struct
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice

#: More pages than any document feeder holds; a file with more directories is malicious.
DIRECTORIES_AT_MOST = 1000


#: A camera's directory has a hundred fields; an untrusted one may claim as many as its file has bytes for.
_FIELDS_AT_MOST = 512


class Tag(IntEnum):
    """The fields that the shop reads."""

    NEW_SUBFILE_TYPE = 254
    SUBFILE_TYPE = 255
    IMAGE_WIDTH = 256
    IMAGE_LENGTH = 257
    BITS_PER_SAMPLE = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    ORIENTATION = 274
    SAMPLES_PER_PIXEL = 277
    COLOR_MAP = 320
    SUB_DIRECTORIES = 330
    EXTRA_SAMPLES = 338
    SAMPLE_FORMAT = 339
    ICC_PROFILE = 34675
    DNG_VERSION = 50706


#: Fields that a decoder needs: size, samples, compression and its tables, strips and tiles, palette, transparency.
DECODED = frozenset(
    {256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325}
    | {332, 338, 339, 347, *range(512, 522), 529, 530, 531, 532, 50674}
)
_READ = DECODED | frozenset(Tag)


@dataclass(frozen=True)
class _Type:
    size_bytes: int
    code: str | None  # the struct format of one value; None if it is not an integer
    is_rational: bool = False


_TYPES: Mapping[int, _Type] = {
    1: _Type(1, "B"),
    2: _Type(1, None),
    3: _Type(2, "H"),
    4: _Type(4, "I"),
    5: _Type(8, "I", is_rational=True),
    6: _Type(1, "b"),
    7: _Type(1, "B"),
    8: _Type(2, "h"),
    9: _Type(4, "i"),
    10: _Type(8, "i", is_rational=True),
    11: _Type(4, None),
    12: _Type(8, None),
    13: _Type(4, "I"),
    16: _Type(8, "Q"),
    17: _Type(8, "q"),
    18: _Type(8, "Q"),
}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Byte order (``<`` or ``>``) and offset width (BigTIFF or classic)."""

    order: str
    is_big: bool

    @property
    def offset(self) -> struct.Struct:
        """Return the struct of an offset, or of a field's count."""
        return struct.Struct(self.order + ("Q" if self.is_big else "I"))

    @property
    def count(self) -> struct.Struct:
        """Return the struct of a directory's number of fields."""
        return struct.Struct(self.order + ("Q" if self.is_big else "H"))

    @property
    def head(self) -> struct.Struct:
        """Return the struct of a field's tag, type and count."""
        return struct.Struct(self.order + ("HHQ" if self.is_big else "HHI"))

    @property
    def first_offset_at(self) -> int:
        """Return the position of the first directory's offset in the header."""
        return 8 if self.is_big else 4


_LAYOUTS = {
    b"II*\x00": Layout(order="<", is_big=False),
    b"MM\x00*": Layout(order=">", is_big=False),
    b"II+\x00": Layout(order="<", is_big=True),
    b"MM\x00+": Layout(order=">", is_big=True),
}
SIGNATURES = tuple(_LAYOUTS)
SIGNATURE_BY_LAYOUT = {layout: signature for signature, layout in _LAYOUTS.items()}


#: The longest list of numbers that is read: a palette of 16 bits.
_NUMBERS_AT_MOST = 3 * 2**16

_TRANSPARENCY_MASK = 4


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field as stored; ``kind`` and ``count`` define the length of ``value``.

    A value is a view into the file, because fields of many directories may claim the whole file each.
    """

    kind: int
    count: int
    value: memoryview


@dataclass(frozen=True, kw_only=True)
class Directory:
    """One picture of a TIFF file, with its readable fields only."""

    layout: Layout
    at: int
    fields: Mapping[int, Field]

    def numbers(self, tag: int, *, at_most: int = _NUMBERS_AT_MOST) -> tuple[int, ...]:
        """Return a field's first integers, rationals rounded down; empty if missing."""
        field = self.fields.get(tag)
        if field is None or (kind := _TYPES[field.kind]).code is None:
            return ()
        width = 2 if kind.is_rational else 1
        count = min(field.count, at_most)
        values = struct.unpack_from(f"{self.layout.order}{count * width}{kind.code}", field.value)
        if not kind.is_rational:
            return values
        return tuple(top // bottom for top, bottom in zip(values[::2], values[1::2], strict=True) if bottom)

    def number(self, tag: int) -> int | None:
        """Return a field's first integer."""
        return next(iter(self.numbers(tag, at_most=1)), None)

    @property
    def pixels(self) -> int:
        """Return the stated number of pixels; 0 without a picture."""
        return (self.number(Tag.IMAGE_WIDTH) or 0) * (self.number(Tag.IMAGE_LENGTH) or 0)

    @property
    def is_marked_reduced(self) -> bool:
        """Whether this claims to be a smaller version of another picture."""
        flags = self.number(Tag.NEW_SUBFILE_TYPE) or 0
        return bool(flags & 0b1) or self.number(Tag.SUBFILE_TYPE) == 2  # noqa: PLR2004 -- the deprecated tag

    @property
    def is_mask(self) -> bool:
        """Whether this is the transparency of another picture."""
        flags = self.number(Tag.NEW_SUBFILE_TYPE) or 0
        return bool(flags & 0b100) or self.number(Tag.PHOTOMETRIC) == _TRANSPARENCY_MASK


def layout_of(content: bytes) -> Layout | None:
    """Return a TIFF file's layout; None for other files."""
    return _LAYOUTS.get(content[:4])


def first_directory(content: bytes) -> Directory | None:
    """Return the first readable directory of a file or EXIF block."""
    return next(directories(content), None)


def directories(content: bytes) -> Iterator[Directory]:
    """Yield the main directories in order, each once, at most DIRECTORIES_AT_MOST."""
    layout = layout_of(content)
    if layout is not None:
        yield from islice(_chain(content, layout), DIRECTORIES_AT_MOST)


def count_directories(content: bytes, *, at_most: int) -> int | None:
    """Count the main directories without parsing; None if they form a cycle."""
    layout = layout_of(content)
    if layout is None:
        return 0
    seen: set[int] = set()
    at = _offset(content, layout.first_offset_at, layout)
    while at and len(seen) < at_most:
        if at in seen:
            return None
        counted = content[at : at + layout.count.size]
        if len(counted) < layout.count.size:
            break
        seen.add(at)
        width = layout.head.size + layout.offset.size
        at = _offset(content, at + layout.count.size + layout.count.unpack(counted)[0] * width, layout)
    return len(seen)


def sub_directories(content: bytes, main: Sequence[Directory]) -> Iterator[Directory]:
    """Yield what is below main directories, at any depth.

    Each is yielded once, at most DIRECTORIES_AT_MOST in all; they may refer to a next one, as main directories do.
    """
    seen = {each.at for each in main}
    at_most = len(seen) + DIRECTORIES_AT_MOST
    waiting = deque(main)
    while waiting:
        parent = waiting.popleft()
        for first in parent.numbers(Tag.SUB_DIRECTORIES, at_most=DIRECTORIES_AT_MOST):
            at = first
            while at and at not in seen and len(seen) < at_most:
                seen.add(at)
                found = _read(content, at, parent.layout)
                if found is None:
                    break
                directory, at = found
                waiting.append(directory)
                yield directory


def _chain(content: bytes, layout: Layout) -> Iterator[Directory]:
    seen: set[int] = set()
    at = _offset(content, layout.first_offset_at, layout)
    while at and at not in seen:
        seen.add(at)
        found = _read(content, at, layout)
        if found is None:
            return
        directory, at = found
        yield directory


def _offset(content: bytes, at: int, layout: Layout) -> int:
    read = content[at : at + layout.offset.size]
    return int(layout.offset.unpack(read)[0]) if len(read) == layout.offset.size else 0


def _read(content: bytes, at: int, layout: Layout) -> tuple[Directory, int] | None:
    """Return a directory and the offset of the next one."""
    view, directory_at = memoryview(content), at
    counted = content[at : at + layout.count.size]
    if len(counted) < layout.count.size:
        return None
    at += layout.count.size
    inline_bytes, width = layout.offset.size, layout.head.size + layout.offset.size
    count = min(layout.count.unpack(counted)[0], (len(content) - at) // width)
    fields: dict[int, Field] = {}
    for start in range(at, at + min(count, _FIELDS_AT_MOST) * width, width):
        tag, kind, number = layout.head.unpack_from(content, start)
        if tag not in _READ or kind not in _TYPES or tag in fields:
            continue
        size_bytes = number * _TYPES[kind].size_bytes
        value_at = start + layout.head.size
        if size_bytes > inline_bytes:
            value_at = _offset(content, value_at, layout)
        value = view[value_at : value_at + size_bytes]
        if len(value) == size_bytes:
            fields[tag] = Field(kind=kind, count=number, value=value)
    directory = Directory(layout=layout, at=directory_at, fields=fields)
    return directory, _offset(content, at + count * width, layout)
