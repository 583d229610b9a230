"""The rows in the compressed data of a PNG file (ISO 15948)."""

import zlib
from itertools import chain

from adapters.images.metadata_stripping import png_chunks

_WIDTH, _HEIGHT = slice(16, 20), slice(20, 24)
_DEPTH, _COLOUR_TYPE, _INTERLACED = 24, 25, 28
#: Samples per pixel by colour type.
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
#: Interlaced passes: the first column and row of each, and the steps to the next ones.
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_INFLATED_AT_ONCE = 256 * 1024


def last_row(content: bytes) -> int:
    """Return the number of the row that comes last in the file."""
    height = int.from_bytes(content[_HEIGHT])
    return height - 1 - (height % 2 if content[_INTERLACED] else 0)


def has_all_rows(content: bytes) -> bool:
    """Whether the data, inflated in pieces, is as long as all rows."""
    missing = _row_bytes(content)
    inflater = zlib.decompressobj()
    data = (chunk.data for chunk in png_chunks(content) if chunk.name == b"IDAT")
    for compressed in chain(data, [b""]):
        rest = compressed
        while missing > 0 and not inflater.eof:
            inflated = inflater.decompress(rest, min(missing, _INFLATED_AT_ONCE))
            missing, rest = missing - len(inflated), inflater.unconsumed_tail
            if not inflated:
                break
    return missing <= 0


def _row_bytes(content: bytes) -> int:
    """Return the length of all rows, each with its filter's byte."""
    width, height = int.from_bytes(content[_WIDTH]), int.from_bytes(content[_HEIGHT])
    bits = content[_DEPTH] * _CHANNELS[content[_COLOUR_TYPE]]
    passes = _PASSES if content[_INTERLACED] else ((0, 0, 1, 1),)
    sizes = ((-((left - width) // across), -((top - height) // down)) for left, top, across, down in passes)
    return sum(rows * (1 + (columns * bits + 7) // 8) for columns, rows in sizes if columns > 0 and rows > 0)
