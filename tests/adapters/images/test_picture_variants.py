"""Rarer variants of accepted formats, read as viewers read them."""

import io
import struct
import zlib

import pytest
from PIL import Image

from domain.ports.errors import UnreadableImageError
from tests.adapters.images.test_inspector import encoded, exif
from tests.adapters.images.test_real_world_files import (
    INSPECTOR,
    SIZE,
    difference,
    png_with,
    profile_bytes,
    refusal,
    restored,
)
from tests.adapters.support.made_tiff import Page, tiff
from tests.adapters.support.refusal_sentences import english

RAMP = Image.linear_gradient("L").resize(SIZE)
GREY = RAMP.convert("RGB")


def without_tag(content: bytes, tag: int) -> bytes:
    """A little-endian TIFF file with one tag replaced by an unknown one."""
    at = content.index(struct.pack("<H", tag), struct.unpack_from("<I", content, 4)[0])
    return content[:at] + struct.pack("<H", 305) + content[at + 2 :]


def png(depth: int, colour_type: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> io.BytesIO:
    """A PNG file of SIZE from its rows."""
    length = len(rows) // SIZE[1]
    raw = b"".join(b"\0" + rows[at : at + length] for at in range(0, len(rows), length))
    head = struct.pack(">IIBBBBB", *SIZE, depth, colour_type, 0, 0, 0)
    listed = ((b"IHDR", head), *chunks, (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk_bytes(*each) for each in listed))


def png_chunk_bytes(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)


# TIFF -----------------------------------------------------------------------------------------------------------------


def test_grey_of_unstated_meaning_is_not_inverted() -> None:
    whole = tiff(Page(size=SIZE, pixels=RAMP.tobytes()))
    assert difference(restored(io.BytesIO(without_tag(whole, 262))), GREY) < 2


def test_three_channels_of_unstated_meaning_are_rgb() -> None:
    whole = tiff(Page(size=SIZE, pixels=GREY.tobytes(), tags={258: (8, 8, 8), 262: 2, 277: 3}))
    assert difference(restored(io.BytesIO(without_tag(whole, 262))), GREY) < 2


def test_a_palette_of_eight_bits_is_not_black() -> None:
    for factor in (1, 257):
        palette = tuple(level * factor for level in (*range(256), *range(256), *range(256)))
        whole = tiff(Page(size=SIZE, pixels=RAMP.tobytes(), tags={262: 3, 320: palette}))
        assert difference(restored(io.BytesIO(whole)), GREY) < 2


DEEP = [level * 0x101 for level in RAMP.tobytes()]


def big_tiff(
    order: str, pixels: bytes, bits: tuple[int, ...], photometric: int, *, strips: int = 1
) -> io.BytesIO:
    """A BigTIFF file of SIZE with sizes and offsets of 64 bits."""
    rows, length = SIZE[1] // strips, len(pixels) // strips
    offsets = [16 + at * length for at in range(strips)]
    tags = {
        256: ("Q", [SIZE[0]]),
        257: ("Q", [SIZE[1]]),
        258: ("H", bits),
        259: ("H", [1]),
        262: ("H", [photometric]),
        273: ("Q", offsets),
        277: ("H", [len(bits)]),
        278: ("Q", [rows if strips > 1 else 2**64 - 1]),  # all rows
        279: ("Q", [length] * strips),
    }
    entries, values = bytearray(), bytearray()
    for tag, (code, numbers) in tags.items():
        value = struct.pack(f"{order}{len(numbers)}{code}", *numbers)
        entries += struct.pack(order + "HHQ", tag, 16 if code == "Q" else 3, len(numbers))
        entries += (
            value.ljust(8, b"\0")
            if len(value) <= 8
            else struct.pack(order + "Q", 16 + len(pixels) + len(values))
        )
        values += value if len(value) > 8 else b""
    first = 16 + len(pixels) + len(values)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HHHQ", 43, 8, 0, first)
    directory = struct.pack(order + "Q", len(tags)) + entries + bytes(8)
    return io.BytesIO(head + pixels + values + directory)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("strips", [1, 4])
def test_a_big_tiff_of_either_byte_order_is_read(order: str, strips: int) -> None:
    for photometric, negate in ((1, 0), (0, 0xFF)):
        grey = bytes(level ^ negate for level in RAMP.tobytes())
        assert difference(restored(big_tiff(order, grey, (8,), photometric, strips=strips)), GREY) < 2
        deep = struct.pack(f"{order}{len(DEEP)}H", *(level ^ (negate * 0x101) for level in DEEP))
        assert difference(restored(big_tiff(order, deep, (16,), photometric, strips=strips)), GREY) < 2
    assert difference(restored(big_tiff(order, GREY.tobytes(), (8,) * 3, 2, strips=strips)), GREY) < 2


def test_an_offset_beyond_32_bits_is_damage() -> None:
    whole = bytearray(big_tiff(">", RAMP.tobytes(), (8,), 1).getvalue())
    at = whole.index(struct.pack(">HHQQ", 273, 16, 1, 16), len(RAMP.tobytes()))
    struct.pack_into(">Q", whole, at + 12, 2**32 + 16)
    assert refusal(io.BytesIO(bytes(whole))).refusal == "damaged"


def test_the_number_of_channels_follows_from_their_bits() -> None:
    whole = tiff(Page(size=SIZE, pixels=GREY.tobytes(), tags={258: (8, 8, 8), 262: 2, 277: 3}))
    assert difference(restored(io.BytesIO(without_tag(whole, 277))), GREY) < 2


# JPEG -----------------------------------------------------------------------------------------------------------------


def with_segments(content: bytes, *segments: tuple[int, bytes]) -> io.BytesIO:
    made = (bytes([0xFF, code]) + (len(data) + 2).to_bytes(2) + data for code, data in segments)
    return io.BytesIO(content[:2] + b"".join(made) + content[2:])


def test_the_first_exif_block_with_an_orientation_counts() -> None:
    plain = encoded(RAMP, "JPEG").getvalue()
    upright, sideways = exif(1).tobytes(), exif(6).tobytes()
    silent = b"Exif\0\0II*\0\x08\0\0\0" + bytes(6)
    assert restored(with_segments(plain, (0xE1, upright), (0xE1, sideways))).size == SIZE
    assert restored(with_segments(plain, (0xE1, sideways), (0xE1, upright))).size == SIZE[::-1]
    assert restored(with_segments(plain, (0xE1, silent), (0xE1, sideways))).size == SIZE[::-1]


@pytest.mark.parametrize("segment", [(0xEE, b"Adobe\0"), (0xE0, b"JFIF\0\1"), (0xEE, b"Adobe_CM\0")])
def test_a_segment_that_is_too_short_is_ignored(segment: tuple[int, bytes]) -> None:
    plain = encoded(RAMP, "JPEG", quality=95).getvalue()
    assert difference(restored(with_segments(plain, segment)), GREY) < 2


# PNG ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bits", "key"), [(1, 0), (1, 1), (2, 1), (2, 2), (4, 0), (4, 5), (4, 11), (4, 15)])
def test_a_transparent_level_becomes_white_at_any_depth(bits: int, key: int) -> None:
    most = 2**bits - 1
    levels = RAMP.point(lambda level: level >> (8 - bits))
    packed = bytearray()
    values = levels.tobytes()
    for at in range(0, len(values), 8 // bits):
        byte = 0
        for value in values[at : at + 8 // bits]:
            byte = byte << bits | value
        packed.append(byte)
    expected = levels.point(lambda level: 255 if level == key else level * 255 // most)
    shown = restored(png(bits, 0, bytes(packed), (b"tRNS", key.to_bytes(2))))
    assert difference(shown, expected.convert("RGB")) < 2


PALETTE = (b"PLTE", bytes(level for grey in range(0, 256, 16) for level in (grey, grey, grey)))
COLOURED = {
    "grey": (8, 0, RAMP.tobytes(), ()),
    "rgb": (8, 2, GREY.tobytes(), ()),
    "palette": (8, 3, bytes(level // 16 for level in RAMP.tobytes()), (PALETTE,)),
    "grey with alpha": (8, 4, RAMP.convert("LA").tobytes(), ()),
    "rgb with alpha": (8, 6, GREY.convert("RGBA").tobytes(), ()),
}


@pytest.mark.parametrize(
    ("kind", "length"),
    [
        *(("grey", length) for length in (0, 1, 3, 6)),
        *(("rgb", length) for length in (0, 1, 2, 5, 7)),
        *(("palette", length) for length in (0, 17, 256, 300)),
        *(("grey with alpha", length) for length in (0, 2, 6)),
        *(("rgb with alpha", length) for length in (0, 1, 6)),
    ],
)
def test_transparency_of_a_wrong_length_is_ignored(kind: str, length: int) -> None:
    depth, colour_type, rows, before = COLOURED[kind]
    plain = restored(png(depth, colour_type, rows, *before))
    shown = restored(png(depth, colour_type, rows, *before, (b"tRNS", bytes(length))))
    assert difference(shown, plain) == 0
    assert difference(plain, GREY) < 16


@pytest.mark.parametrize(("kind", "length"), [("grey", 2), ("rgb", 6), ("palette", 1), ("palette", 16)])
def test_the_first_transparency_of_the_right_length_counts(kind: str, length: int) -> None:
    depth, colour_type, rows, before = COLOURED[kind]
    wrong, right = (b"tRNS", bytes(17)), (b"tRNS", bytes([0, *([255] * 15)][:length]))
    if kind != "palette":
        right = (b"tRNS", bytes(length))
    shown = restored(png(depth, colour_type, rows, *before, wrong, right, (b"tRNS", bytes([9] * length))))
    assert shown.getpixel((9, 0)) == (255, 255, 255)
    assert shown.getpixel((9, SIZE[1] // 2)) != (255, 255, 255)


def test_transparency_at_a_wrong_place_is_ignored() -> None:
    depth, colour_type, rows, before = COLOURED["palette"]
    shown = restored(png(depth, colour_type, rows, (b"tRNS", bytes(16)), *before))
    assert difference(shown, restored(png(depth, colour_type, rows, *before))) == 0
    whole = png(8, 2, GREY.tobytes()).getvalue()
    behind = png_chunk_bytes(b"tRNS", bytes(6))
    assert difference(restored(io.BytesIO(whole[:-12] + behind + whole[-12:])), GREY) < 1


def test_the_gamma_of_a_png_counts_for_sixteen_bits_of_grey() -> None:
    linear = (b"gAMA", (100_000).to_bytes(4))
    shown = restored(png(16, 0, (55 * 257).to_bytes(2) * (SIZE[0] * SIZE[1]), linear))
    assert shown.getpixel((9, 9)) == pytest.approx((128,) * 3, abs=2)


def test_a_colour_profile_counts_for_deep_grey_as_it_does_for_eight_bits() -> None:
    profile = profile_bytes("profile-wide-gamut.png")
    shown = [
        restored(encoded(image, "TIFF", icc_profile=profile)).getpixel((9, 9))
        for image in (Image.new("L", SIZE, 60), Image.new("I;16", SIZE, 60 * 257))
    ]
    assert shown[0] == pytest.approx(shown[1], abs=1)


# Colours by codes (ITU-T H.273) ---------------------------------------------------------------------------------------

#: A green of Display P3, and the same colour in sRGB.
P3_GREEN, SRGB_GREEN = (150, 200, 100), (133, 202, 83)
P3, SRGB, LINEAR, PQ, HLG, UNKNOWN = (12, 13), (1, 13), (1, 8), (9, 16), (9, 18), (2, 2)


def named(file_format: str, colour: tuple[int, int, int], codes: tuple[int, int]) -> io.BytesIO:
    """A file with colour codes: a PNG's chunk, or a box."""
    options = {"quality": 100} if file_format != "PNG" else {}
    content = encoded(Image.new("RGB", (64, 64), colour), file_format, **options).getvalue()
    if file_format == "PNG":
        return png_with(content, (b"cICP", bytes([*codes, 0, 1])))
    at = content.index(b"colrnclx") + 8
    return io.BytesIO(content[:at] + struct.pack(">HH", *codes) + content[at + 4 :])


@pytest.mark.parametrize("file_format", ["PNG", "HEIF", "AVIF"])
def test_colour_codes_are_applied_like_a_profile(file_format: str) -> None:
    assert restored(named(file_format, P3_GREEN, P3)).getpixel((9, 9)) == pytest.approx(SRGB_GREEN, abs=5)
    for same in (SRGB, UNKNOWN):
        assert restored(named(file_format, P3_GREEN, same)).getpixel((9, 9)) == pytest.approx(P3_GREEN, abs=5)
    assert restored(named(file_format, (55, 55, 55), LINEAR)).getpixel((9, 9)) == pytest.approx(
        (128,) * 3, abs=4
    )


@pytest.mark.parametrize("file_format", ["PNG", "HEIF", "AVIF"])
@pytest.mark.parametrize("codes", [PQ, HLG])
def test_a_high_dynamic_range_is_refused_with_what_to_send(file_format: str, codes: tuple[int, int]) -> None:
    message = refusal(named(file_format, P3_GREEN, codes))
    assert "HDR" in english(message)
    assert "JPEG or PNG" in english(message)


def test_codes_count_before_a_profile_in_a_png_unless_they_are_unknown() -> None:
    exchanged = profile_bytes("profile-exchanged.jpg")
    content = encoded(Image.new("RGB", (64, 64), (10, 240, 10)), "PNG", icc_profile=exchanged).getvalue()
    for codes, expected in ((SRGB, (10, 240, 10)), (UNKNOWN, (240, 10, 10))):
        shown = restored(png_with(content, (b"cICP", bytes([*codes, 0, 1]))))
        assert shown.getpixel((9, 9)) == pytest.approx(expected, abs=20)


@pytest.mark.parametrize("file_format", ["HEIF", "AVIF"])
def test_unreadable_boxes_have_no_colours(file_format: str) -> None:
    content = named(file_format, P3_GREEN, P3).getvalue()
    for box in (b"ipma", b"pitm"):
        at = content.index(box)
        damaged = content[: at - 4] + (8).to_bytes(4) + content[at:]
        assert "read" in english(refusal(io.BytesIO(damaged))) or "damaged" in english(
            refusal(io.BytesIO(damaged))
        )


def test_an_avif_is_known_by_the_brands_it_is_compatible_with() -> None:
    content = encoded(GREY, "AVIF", quality=95).getvalue()
    shown = restored(io.BytesIO(content[:8] + b"mif1" + content[12:]))
    assert difference(shown, GREY) < 4


# Transparency ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_a_picture_that_is_transparent_everywhere_is_refused(file_format: str) -> None:
    """It would be restored as blank paper and charged otherwise."""
    hidden = GREY.convert("RGBA")
    hidden.putalpha(0)
    with pytest.raises(UnreadableImageError, match="invisible"):
        INSPECTOR.inspect(encoded(hidden, file_format))
    hidden.putpixel((5, 5), (255, 255, 255, 1))
    assert restored(encoded(hidden, file_format)).size == SIZE


def test_a_white_page_is_not_transparent() -> None:
    for mode in ("RGB", "RGBA", "L"):
        assert restored(encoded(Image.new(mode, SIZE, "white"), "PNG")).size == SIZE
