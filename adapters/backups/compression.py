"""Compression of streams: unused pages and log files take no space."""

import zlib
from collections.abc import Iterable, Iterator

from domain.ports.backups import UndecryptableError

#: Fast: unused pages are zeros, which every level removes.
LEVEL = 1

#: Of zlib: with gzip's header.
_GZIP = 31

#: Uncompressed bytes that are yielded at once, however well they were compressed.
_PIECE_BYTES = 1024 * 1024


def compressed(content: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content as gzip."""
    compressor = zlib.compressobj(LEVEL, wbits=_GZIP)
    for chunk in content:
        if piece := compressor.compress(chunk):
            yield piece
    yield compressor.flush()


def decompressed(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content of a gzip stream in bounded pieces."""
    decompressor = zlib.decompressobj(wbits=_GZIP)
    for chunk in stream:
        rest = chunk
        while rest:
            if piece := decompressor.decompress(rest, _PIECE_BYTES):
                yield piece
            elif decompressor.eof:
                break
            rest = decompressor.unconsumed_tail
    yield decompressor.flush()
    if not decompressor.eof:
        raise UndecryptableError("it ends too early")
