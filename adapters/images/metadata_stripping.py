"""Taking out of a picture file what is not the picture: where it was taken and by whom, its thumbnails, its tail.

The picture itself is not encoded again: its bytes are copied. What is kept is listed, and all else is left out, because
nobody can list what cameras and editors write. How a picture is to be turned is among what goes.
"""

import re
from collections.abc import Callable, Iterator

#: The next marker of a JPEG with a length or the end; those without one belong to the compressed data (ITU T.81, B.1).
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\x01\xd0-\xd8\xff])")
_JPEG_END = 0xD9
#: The application segments and the comment, and those of them that decoding needs: density, colours, CMYK.
_JPEG_NOTES = frozenset({*range(0xE0, 0xF0), 0xFE})
_JPEG_KEPT = {0xE0: b"JFIF\x00", 0xE2: b"ICC_PROFILE\x00", 0xEE: b"Adobe"}

_PNG_HEADER_BYTES = 8
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"}) | frozenset(
    {b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"bKGD", b"pHYs"}
)

_WEBP_HEADER_BYTES = 12
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"ANIM", b"ANMF"})
#: Where a VP8X chunk says that EXIF and XMP chunks follow.
_WEBP_FLAGS_AT, _WEBP_NOTES_FLAGS = 8, 0b1100


def without_metadata(picture: bytes, file_format: str) -> bytes:
    """The same picture in the same encoding; an equal file if there is nothing to take out.

    ``file_format`` is JPEG, MPO, PNG or WEBP. A damaged file comes back damaged; none is refused.
    """
    return b"".join(_READERS[file_format](picture))


def _jpeg(picture: bytes) -> Iterator[memoryview]:
    """The first picture of the file; phones append others, and films."""
    view, at = memoryview(picture), 0
    while marker := _JPEG_MARKER.search(picture, at):
        code, body = marker[1][0], marker.end()
        if code == _JPEG_END:
            yield view[at:body]
            return
        end = body + int.from_bytes(view[body : body + 2])
        is_kept = code not in _JPEG_NOTES or (
            code in _JPEG_KEPT and picture.startswith(_JPEG_KEPT[code], body + 2)
        )
        yield view[at : end if is_kept else marker.start()]
        at = end
    yield view[at:]


def _png(picture: bytes) -> Iterator[memoryview]:
    view, at = memoryview(picture), _PNG_HEADER_BYTES
    yield view[:at]
    while at < len(view):
        name = bytes(view[at + 4 : at + 8])
        end = at + 12 + int.from_bytes(view[at : at + 4])
        if name in _PNG_KEPT:
            yield view[at:end]
        if name == b"IEND":
            return
        at = end


def _webp(picture: bytes) -> Iterator[memoryview]:
    view = memoryview(picture)
    chunks = list(_webp_chunks(view))
    size_bytes = len(b"WEBP") + sum(map(len, chunks))
    yield memoryview(b"RIFF" + size_bytes.to_bytes(4, "little") + b"WEBP")
    yield from chunks


def _webp_chunks(view: memoryview) -> Iterator[memoryview]:
    at, file_end = _WEBP_HEADER_BYTES, 8 + int.from_bytes(view[4:8], "little")
    while at < min(file_end, len(view)):
        name, length = bytes(view[at : at + 4]), int.from_bytes(view[at + 4 : at + 8], "little")
        end = at + 8 + length + length % 2
        if name == b"VP8X":
            chunk = bytearray(view[at:end])
            chunk[_WEBP_FLAGS_AT : _WEBP_FLAGS_AT + 1] = bytes(
                [flags & ~_WEBP_NOTES_FLAGS for flags in chunk[_WEBP_FLAGS_AT : _WEBP_FLAGS_AT + 1]]
            )
            yield memoryview(chunk)
        elif name in _WEBP_KEPT:
            yield view[at:end]
        at = end


_READERS: dict[str, Callable[[bytes], Iterator[memoryview]]] = {
    "JPEG": _jpeg,
    "MPO": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
}
