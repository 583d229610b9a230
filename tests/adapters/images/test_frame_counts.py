import io
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from adapters.images import PillowInspector
from adapters.images.frame_counts import check_frames
from adapters.images.metadata_stripping import format_of
from domain.ports.errors import UnreadableImageError
from tests.adapters.support.made_tiff import Page, tiff

MANY = 100_000


def saved(file_format: str, frames: int = 1, **options: object) -> bytes:
    shades = [Image.new("RGB", (64, 64), (shade * 40, 0, 0)) for shade in range(frames)]
    file = io.BytesIO()
    more = {"save_all": True, "append_images": shades[1:]} if frames > 1 else {}
    shades[0].save(file, file_format, **more, **options)
    return file.getvalue()


def webp_with_many_frames() -> bytes:
    content = saved("WEBP", 2)
    at = content.rindex(b"ANMF")
    length = 8 + int.from_bytes(content[at + 4 : at + 8], "little")
    whole = content[:at] + content[at : at + length] * MANY
    return b"RIFF" + (len(whole) - 8).to_bytes(4, "little") + whole[8:]


def apng_with_many_frames() -> bytes:
    content = saved("PNG", 2)
    at = content.index(b"acTL")
    claim = b"acTL" + MANY.to_bytes(4) + bytes(4)
    frame = b"\x00\x00\x00\x1afcTL" + bytes(26) + zlib.crc32(b"fcTL" + bytes(26)).to_bytes(4)
    end = content.rindex(b"\x00\x00\x00\x00IEND")
    return (
        content[:at]
        + claim
        + zlib.crc32(claim).to_bytes(4)
        + content[at + 16 : end]
        + frame * MANY
        + content[end:]
    )


def gif_with_many_frames() -> bytes:
    content = saved("GIF", 2)
    frame = content[content.rindex(b"\x21\xf9") : -1]
    return content[:-1] + frame * MANY + content[-1:]


def tiff_with_many_pages() -> bytes:
    """Each directory has no field and the offset of the next."""
    directories = (struct.pack("<HI", 0, 8 + 6 * (page + 1)) for page in range(MANY))
    return b"II*\x00" + struct.pack("<I", 8) + b"".join(directories)


def tiff_in_circles(pages: int) -> bytes:
    """The last directory refers to the first one."""
    made = bytearray(tiff(*[Page(size=(64, 64), pixels=bytes(64 * 64))] * pages))
    at = first = int.from_bytes(made[4:8], "little")
    for _ in range(pages):
        link = at + 2 + 12 * int.from_bytes(made[at : at + 2], "little")
        at = int.from_bytes(made[link : link + 4], "little")
    struct.pack_into("<I", made, link, first)
    return bytes(made)


def tiff_whose_fields_overlap(directories: int) -> bytes:
    """Each directory begins six bytes after the previous; each claims 65,535 fields."""
    fields_bytes = 12 * 65_535
    made = bytearray(b"II*\x00" + struct.pack("<I", 8) + bytes(6 * directories + fields_bytes + 6))
    for number in range(directories):
        at = 8 + 6 * number
        struct.pack_into("<H", made, at, 65_535)
        struct.pack_into("<I", made, at + 2 + fields_bytes, at + 6 if number < directories - 1 else 0)
    return bytes(made)


def tiff_whose_pages_share_sub_directories(pages: int, below: int) -> bytes:
    """Each page refers to all sub-directories, which overlap."""
    page_bytes, list_at = 18, 8 + 18 * pages
    below_at = list_at + 4 * below
    made = bytearray(b"II*\x00" + struct.pack("<I", 8))
    for number in range(1, pages + 1):
        following = 8 + page_bytes * number if number < pages else 0
        made += struct.pack("<HHHIII", 1, 330, 4, below, list_at, following)
    made += struct.pack(f"<{below}I", *(below_at + 12 * number for number in range(below)))
    for tag in range(below + 512):
        made += struct.pack("<HHHIH", 512, tag, 3, 1, 0)
    return bytes(made)


def tiff_whose_fields_are_the_file(directories: int, padding: int) -> bytes:
    """Each field of each sub-directory claims most of the file."""
    fields = [*range(1000, 1400), 273, 320, 330, 34675]
    whole = 8 + 18 + 4 * directories + directories * (6 + 12 * len(fields)) + padding
    made = bytearray(b"II*\x00" + struct.pack("<I", 8))
    made += struct.pack("<HHHIII", 1, 330, 4, directories, 26, 0)
    first = 26 + 4 * directories
    made += struct.pack(
        f"<{directories}I", *(first + number * (6 + 12 * len(fields)) for number in range(directories))
    )
    for _ in range(directories):
        entries = (struct.pack("<HHII", tag, 4, (whole - 26) // 4, 26) for tag in sorted(fields))
        made += struct.pack("<H", len(fields)) + b"".join(entries) + bytes(4)
    return bytes(made + bytes(padding))


def tiff_whose_only_page_has_the_file_in_each_field(padding: int) -> bytes:
    usual = {256: 64, 257: 64, 258: 8, 259: 1, 262: 1, 277: 1, 278: 64}
    whole = (273, 279, 284, 317, 320, 322, 323, 324, 325, 332, 338, 339, 347, *range(512, 522), 529, 34675)
    entries = {tag: struct.pack("<HHII", tag, 3, 1, value) for tag, value in usual.items()}
    entries |= {tag: struct.pack("<HHII", tag, 1, padding, 8) for tag in whole}
    listed = b"".join(entries[tag] for tag in sorted(entries))
    pixels = b"\1" * padding  # as numbers: unsigned samples
    return (
        b"II*\x00"
        + struct.pack("<I", 8 + padding)
        + pixels
        + struct.pack("<H", len(entries))
        + listed
        + bytes(4)
    )


def avif_with_many_frames() -> bytes:
    """The number of a sequence's samples is replaced by a larger one."""
    content = saved("AVIF", 3)
    at = content.index(b"stsz") + 4 + 8
    assert int.from_bytes(content[at : at + 4]) == 3
    return content[:at] + MANY.to_bytes(4) + content[at + 4 :]


def box(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4) + name + content


def track(handler: bytes, samples: int, sizes: bytes = b"stsz") -> bytes:
    handling = box(b"hdlr", bytes(8) + handler + bytes(13))
    table = box(b"stbl", box(b"stsd", bytes(8)) + box(sizes, bytes(8) + samples.to_bytes(4)))
    return box(b"trak", box(b"tkhd", bytes(84)) + box(b"mdia", handling + box(b"minf", table)))


def heic_with(*tracks: bytes, brand: bytes = b"hevc") -> bytes:
    """A still picture with a movie of tracks beside it."""
    still = saved("HEIF")
    length = int.from_bytes(still[:4])
    head = box(b"ftyp", still[8:length] + b"msf1" + brand)
    return head + still[length:] + box(b"moov", box(b"mvhd", bytes(100)) + b"".join(tracks))


HOSTILE = {
    "gif": (gif_with_many_frames, "not_a_picture"),
    "apng": (apng_with_many_frames, "long_animation, limit 1000"),
    "webp": (webp_with_many_frames, "long_animation, limit 1000"),
    "avif": (avif_with_many_frames, "long_animation, limit 1000"),
    "heic": (lambda: heic_with(track(b"pict", MANY)), "long_animation, limit 1000"),
    "tiff": (tiff_with_many_pages, "very_many_pages, limit 1000"),
    "tiff, one page in circles": (lambda: tiff_in_circles(1), "damaged"),
    "tiff, three pages in circles": (lambda: tiff_in_circles(3), "damaged"),
}


@pytest.mark.parametrize(("made", "message"), HOSTILE.values(), ids=HOSTILE)
def test_many_frames_and_pages_are_refused_before_a_decoder_opens_the_file(
    made: object, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = made()  # type: ignore[operator]

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("A decoder was asked.")

    monkeypatch.setattr(Image, "open", opened)
    before = time.process_time()
    with pytest.raises(UnreadableImageError, match=message):
        PillowInspector().inspect(io.BytesIO(content))
    assert time.process_time() - before < 1.5


def test_fields_that_many_directories_share_are_not_read_for_each_of_them() -> None:
    content = tiff_whose_fields_overlap(900)
    before = time.process_time()
    with pytest.raises(UnreadableImageError, match="several_pages, count 900"):
        PillowInspector().inspect(io.BytesIO(content))
    assert time.process_time() - before < 1.5


def test_sub_directories_that_many_pages_share_are_read_once() -> None:
    content = tiff_whose_pages_share_sub_directories(900, 900)
    before = time.process_time()
    with pytest.raises(UnreadableImageError, match="several_pages, count 900"):
        PillowInspector().inspect(io.BytesIO(content))
    assert time.process_time() - before < 1.5


@pytest.mark.parametrize(
    "made",
    [
        lambda: tiff_whose_fields_are_the_file(500, 8_000_000),
        lambda: tiff_whose_only_page_has_the_file_in_each_field(8_000_000),
    ],
    ids=["of sub-directories", "of the only page"],
)
def test_values_that_many_fields_share_are_not_copied_for_each_of_them(made: Callable[[], bytes]) -> None:
    content = made()
    before = time.process_time()
    with pytest.raises(UnreadableImageError):
        PillowInspector().inspect(io.BytesIO(content))
    assert time.process_time() - before < 3
    tracemalloc.start()  # which makes it ten times as slow
    with pytest.raises(UnreadableImageError):
        PillowInspector().inspect(io.BytesIO(content))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100_000_000


@pytest.mark.parametrize("file_format", ["WEBP", "AVIF", "TIFF", "PNG", "JPEG", "HEIF"])
def test_a_single_picture_passes(file_format: str) -> None:
    content = saved(file_format)
    check_frames(content, format_of(content))
    assert PillowInspector().inspect(io.BytesIO(content)).width == 64


@pytest.mark.parametrize("file_format", ["WEBP", "AVIF"])
def test_the_frames_of_a_short_animation_are_reported(file_format: str) -> None:
    content = saved(file_format, 3)
    with pytest.raises(UnreadableImageError, match="animation, count 3"):
        check_frames(content, format_of(content))


@pytest.mark.parametrize("sizes", [b"stsz", b"stz2"])
@pytest.mark.parametrize("handler", [b"pict", b"vide"])
@pytest.mark.parametrize("brand", [b"hevc", b"hevx", b"heic"])
def test_the_frames_of_a_heic_sequence_are_reported(brand: bytes, handler: bytes, sizes: bytes) -> None:
    content = heic_with(track(b"soun", 7), track(handler, 3, sizes), track(b"auxv", 3), brand=brand)
    with pytest.raises(UnreadableImageError, match="animation, count 3"):
        PillowInspector().inspect(io.BytesIO(content))


@pytest.mark.parametrize(
    "content",
    [
        heic_with(track(b"pict", 1)),
        heic_with(track(b"soun", 7)),
        saved("HEIF") + heic_with(track(b"vide", 90)),
        saved("HEIF") + box(b"mpvd", heic_with(track(b"vide", 90))),
    ],
    ids=["a single frame", "sound", "a video behind it", "a video in a box of its own"],
)
def test_a_heic_photo_beside_no_other_frame_passes(content: bytes) -> None:
    check_frames(content, format_of(content))


@pytest.mark.parametrize("file_format", ["WEBP", "AVIF", "TIFF", "HEIF"])
def test_a_file_cut_anywhere_is_counted_up_to_its_end(file_format: str) -> None:
    content = saved(file_format, 1 if file_format == "HEIF" else 2)
    for end in range(0, len(content), 7):
        try:
            check_frames(content[:end], file_format)
        except UnreadableImageError:
            continue
