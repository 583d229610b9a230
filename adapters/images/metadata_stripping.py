"""Strip metadata from picture files, keeping what affects their look.

Decoders receive pixels only, so malformed EXIF data, large texts, wrong checksums and a missing end cannot affect
them. What is kept is an allowlist, because no list of what cameras and editors write is ever complete. Output is
encoded anew; see ``normalization``.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from adapters.images import iso_colours, png_colours, refusals, tiff_directories
from adapters.images.colour_codes import ColourCodes
from adapters.images.exif_orientation import EXIF_HEADER, UPRIGHT, orientation_in, stated_orientation

#: The largest colour profile that is read; those of printing presses have one to three megabytes.
PROFILE_BYTES_AT_MOST = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class BarePicture:
    """A stripped file, and the metadata that affects its look.

    ``frames`` counts an animation's pictures, a hidden default image included. ``is_cut_short`` means that the missing
    end of the file was added: the decoder has to find out whether all pixels are there.
    """

    file_format: str
    content: bytes
    orientation: int = UPRIGHT
    profile: bytes | None = None
    codes: ColourCodes | None = None
    frames: int = 1
    is_cut_short: bool = False


def format_of(content: bytes) -> str | None:
    """Return the format by the file's signature; None if unsupported."""
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(_PNG_SIGNATURE):
        return "PNG"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WEBP"
    if content.startswith(tiff_directories.SIGNATURES):
        return "TIFF"
    if content[4:8] == b"ftyp":
        return "AVIF" if _AVIF_BRANDS & set(_iso_brands(content)) else "HEIF"
    return None


def stripped(content: bytes) -> BarePicture | None:
    """Return the stripped picture; None if unsupported. TIFF: see ``tiff_pages``.

    Raises UnreadableImageError for a JPEG with more than MAX_SCANS, which is read no further.
    """
    file_format = format_of(content)
    match file_format:
        case "JPEG":
            return _jpeg(content)
        case "PNG":
            return _png(content)
        case "WEBP":
            return _webp(content)
        case "HEIF" | "AVIF":
            return BarePicture(
                file_format=file_format,
                content=_ISO_EXIF.sub(rb"\1skip", content),
                codes=iso_colours.codes_in(content),
            )
        case _:
            return None


# JPEG, ITU T.81 annex B ----------------------------------------------------------------------------------------------

#: The next marker with a length, or the end; those without a length belong to the compressed data. Fill bytes before it
#: are no part of the match, because searching them is quadratic; a single first byte is searched for fast.
JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
JPEG_END = b"\xff\xd9"
_JPEG_SCAN = 0xDA
#: Cameras, scanners and programs write one scan, or about a dozen if progressive; each costs a decoder CPU. The limit
#: by pixels is in ``completeness``.
MAX_SCANS = 100
#: Application segments and comments; decoders need those that define the channels.
_JPEG_NOTES = frozenset({*range(0xE0, 0xF0), 0xFE})
_JPEG_CHANNELS = {0xE0: b"JFIF\x00", 0xEE: b"Adobe"}
#: Minimum lengths; decoders ignore shorter segments, or fail on them.
_JPEG_CHANNELS_BYTES = {0xE0: 14, 0xEE: 12}
_JPEG_PROFILE = b"ICC_PROFILE\x00"


def _jpeg(content: bytes) -> BarePicture:
    """Strip the file's first picture; phones append others, and videos."""
    view, at = memoryview(content), 0
    kept: list[memoryview | bytes] = []
    profile: dict[int, bytes] = {}
    # The first block with an orientation counts: editors leave older ones behind it.
    orientation: int | None = None
    is_whole, scans = False, 0
    while marker := JPEG_MARKER.search(content, at):
        code, body = marker[1][0], marker.end()
        if code == JPEG_END[1]:
            kept.append(view[at:body])
            is_whole = True
            break
        scans += code == _JPEG_SCAN
        if scans > MAX_SCANS:
            raise refusals.too_many_scans(MAX_SCANS)
        end = body + max(2, int.from_bytes(view[body : body + 2]))
        note = content[body + 2 : end] if code in _JPEG_NOTES else b""
        is_kept = code not in _JPEG_NOTES or (
            code in _JPEG_CHANNELS
            and note.startswith(_JPEG_CHANNELS[code])
            and len(note) >= _JPEG_CHANNELS_BYTES[code]
        )
        kept.append(view[at:end] if is_kept else _without_fill(view[at : marker.start()]))
        if note.startswith(EXIF_HEADER) and orientation is None:
            orientation = stated_orientation(note)
        if note.startswith(_JPEG_PROFILE):
            number, piece = len(_JPEG_PROFILE), len(_JPEG_PROFILE) + 2
            profile.setdefault(note[number] if len(note) > number else 0, note[piece:])
        at = end
    if not is_whole:
        # Half of the end marker may be there.
        kept.extend((_without_fill(view[at:]), JPEG_END))
    return BarePicture(
        file_format="JPEG",
        content=b"".join(kept),
        orientation=orientation or UPRIGHT,
        profile=b"".join(profile[number] for number in sorted(profile)) or None,
        is_cut_short=not is_whole,
    )


def _without_fill(data: memoryview) -> bytes:
    return bytes(data).rstrip(b"\xff")


# PNG, ISO 15948 ------------------------------------------------------------------------------------------------------

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: The ancillary chunks that are read, whose names begin with a small letter; the first of each kind counts.
_PNG_READ = frozenset({b"eXIf", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"acTL"})
#: Define the colours that transparency refers to.
_PNG_HEADERS = frozenset({b"IHDR", b"PLTE"})


@dataclass(frozen=True, kw_only=True)
class PngChunk:
    """A chunk of a PNG file, with its stored checksum."""

    name: bytes
    data: bytes
    checksum: bytes

    @property
    def is_critical(self) -> bool:
        return self.name[:1].isupper()

    @property
    def is_sound(self) -> bool:
        return zlib.crc32(self.name + self.data).to_bytes(4) == self.checksum

    @property
    def encoded(self) -> bytes:
        return len(self.data).to_bytes(4) + self.name + self.data + self.checksum


def _png(content: bytes) -> BarePicture:
    """Keep the critical chunks; ignore ancillary ones with a wrong checksum."""
    read: dict[bytes, bytes] = {}
    headers: dict[bytes, bytes] = {}
    kept = [_PNG_SIGNATURE]
    is_whole = has_pixels = False
    frames = {False: 0, True: 0}  # by whether the file's own picture precedes them
    for chunk in png_chunks(content):
        if chunk.name == b"IEND":
            is_whole = True
            break
        if not chunk.is_critical:
            if chunk.name == b"tRNS":
                is_first = b"tRNS" not in read and not has_pixels
                if is_first and chunk.is_sound and png_colours.is_transparency(chunk.data, headers):
                    read[b"tRNS"] = chunk.data
                    kept.append(chunk.encoded)
            elif chunk.name in _PNG_READ and chunk.name not in read and chunk.is_sound:
                read[chunk.name] = chunk.data
            elif chunk.name == b"fcTL" and chunk.is_sound:
                frames[has_pixels] += 1
            continue
        has_pixels |= chunk.name == b"IDAT"
        if chunk.name in _PNG_HEADERS:
            headers.setdefault(chunk.name, chunk.data)
        kept.append(chunk.encoded)
    kept.append(_png_chunk(b"IEND", b"").encoded)
    codes = png_colours.codes_in(read)
    profile = _inflated_profile(read[b"iCCP"]) if b"iCCP" in read else None
    return BarePicture(
        file_format="PNG",
        content=b"".join(kept),
        orientation=orientation_in(read.get(b"eXIf", b"")),
        profile=profile or png_colours.profile_from_chunks(read),
        codes=codes,
        frames=_png_frames(read[b"acTL"], frames[False], frames[True]) if b"acTL" in read else 1,
        is_cut_short=not is_whole,
    )


def _png_frames(claim: bytes, before: int, behind: int) -> int:
    """Count an animation's frames, before and behind the file's own picture.

    Without a frame before it, that picture is not part of the animation: browsers show the frames behind it instead.
    """
    is_hidden = behind > 0 and before == 0
    return max(1, int.from_bytes(claim[:4]), before + behind) + is_hidden


def _png_chunk(name: bytes, data: bytes) -> PngChunk:
    return PngChunk(name=name, data=data, checksum=zlib.crc32(name + data).to_bytes(4))


def png_chunks(content: bytes) -> Iterator[PngChunk]:
    """Yield the chunks in order; the last one may be truncated."""
    at = len(_PNG_SIGNATURE)
    while at + 8 <= len(content):
        name, start = content[at + 4 : at + 8], at + 8
        end = start + int.from_bytes(content[at : at + 4])
        if end + 4 > len(content):
            yield _png_chunk(name, content[start:end])
            return
        yield PngChunk(name=name, data=content[start:end], checksum=content[end : end + 4])
        at = end + 4


def _inflated_profile(data: bytes) -> bytes | None:
    name, _, compressed = data.partition(b"\x00")
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(compressed[1:], PROFILE_BYTES_AT_MOST)
    except zlib.error:
        return None
    return profile if name and inflater.eof else None


# WebP, RFC 9649 ------------------------------------------------------------------------------------------------------

_WEBP_HEADER_BYTES = 12
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"})
#: The kept flags of a VP8X chunk, transparency and animation: profile, EXIF and XMP are removed.
_WEBP_KEPT_FLAGS = 0b0001_0010


def _webp(content: bytes) -> BarePicture:
    kept: list[bytes] = []
    bare = BarePicture(file_format="WEBP", content=b"", frames=0)
    for name, chunk in _webp_chunks(content):
        if name == b"VP8X" and len(chunk) > 8:  # noqa: PLR2004 -- the name, the length and the flags
            kept.append(chunk[:8] + bytes([chunk[8] & _WEBP_KEPT_FLAGS]) + chunk[9:])
        elif name in _WEBP_KEPT:
            kept.append(chunk)
        if name == b"ANMF":
            bare = replace(bare, frames=bare.frames + 1)
        elif name == b"EXIF":
            bare = replace(bare, orientation=orientation_in(chunk[8:]))
        elif name == b"ICCP":
            bare = replace(bare, profile=chunk[8:])
    body = b"WEBP" + b"".join(kept)
    whole = b"RIFF" + len(body).to_bytes(4, "little") + body
    return replace(bare, content=whole, frames=max(1, bare.frames))


def _webp_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, file_end = _WEBP_HEADER_BYTES, 8 + int.from_bytes(content[4:8], "little")
    while at < min(file_end, len(content)):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        end = at + 8 + length + length % 2
        yield content[at : at + 4], content[at:end]
        at = end


# HEIF and AVIF, ISO 23008-12 -----------------------------------------------------------------------------------------

_AVIF_BRANDS = frozenset({b"avif", b"avis"})


def _iso_brands(content: bytes) -> Iterator[bytes]:
    yield content[8:12]
    for at in range(16, min(int.from_bytes(content[:4]), _LONGEST_FTYP), 4):
        yield content[at : at + 4]


_LONGEST_FTYP = 512

#: The item entry of an EXIF block. Its orientation does not count (the container has its own properties for it, which
#: decoders obey), and one decoder fails on malformed blocks.
_ISO_EXIF = re.compile(rb"(infe[\x02\x03].{7,9}?)Exif", re.DOTALL)
