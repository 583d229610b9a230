"""Pictures whose pixels are not all in the file, whatever ends it."""

import io
import struct
import zlib

import pytest
from PIL import Image

from tests.adapters.images.test_inspector import encoded
from tests.adapters.images.test_picture_variants import GREY, RAMP, png
from tests.adapters.images.test_real_world_files import SIZE, difference, noise, refusal, restored

END, SCAN = b"\xff\xd9", b"\xff\xda"


def is_refused(content: bytes) -> bool:
    return refusal(io.BytesIO(content)).refusal == "damaged"


def is_taken(content: bytes) -> bool:
    return restored(io.BytesIO(content)).size in {SIZE, (400, 300)}


# JPEG -----------------------------------------------------------------------------------------------------------------

ENDS = {
    "the end marker": END,
    "an end marker behind fill bytes": b"\xff\xff\xff" + END,
    "a comment and the end": b"\xff\xfe\x00\x04hi" + END,
    "a temporary marker and the end": b"\xff\x01" + END,
    "the end, and another picture": END + noise("JPEG"),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("options", [{}, {"restart_marker_blocks": 4}, {"subsampling": 0, "optimize": True}])
def test_a_jpeg_needs_the_data_of_all_its_pixels(options: dict[str, object], end: bytes) -> None:
    data = noise("JPEG", **options).removesuffix(END)
    for missing in (100, len(data) // 10, len(data) // 2):
        assert is_refused(data[:-missing].rstrip(b"\xff") + end)
    assert is_taken(data + end)


def test_restart_markers_without_an_interval_replace_no_pixels() -> None:
    data = noise("JPEG").removesuffix(END)
    assert is_refused(data[: len(data) // 2].rstrip(b"\xff") + b"\xff\xd0\xff\xd1" + END)
    assert is_taken(data + b"\xff\xd0" + END)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("size", [(33, 32), (40, 40), (400, 300), (1001, 67)])
@pytest.mark.parametrize("quality", [5, 75, 100])
def test_the_last_pixel_of_a_whole_jpeg_is_never_missed(
    mode: str, size: tuple[int, int], quality: int
) -> None:
    for picture in (Image.effect_noise(size, 60), Image.new("L", size, 128), Image.new("L", size)):
        for options in ({}, {"optimize": True}, {"restart_marker_blocks": 1}, {"progressive": True}):
            assert restored(encoded(picture.convert(mode), "JPEG", quality=quality, **options)).size == size


def test_a_jpeg_lacks_no_interval_between_restart_markers() -> None:
    for options in ({"restart_marker_rows": 1}, {"restart_marker_blocks": 5}):
        whole = noise("JPEG", **options)
        for first, next_kept in ((b"\xff\xd3", b"\xff\xd5"), (b"\xff\xd0", b"\xff\xd1")):
            at = whole.index(first)
            assert is_refused(whole[:at] + whole[whole.index(next_kept, at) :])
    # Eight lost intervals leave the numbers in order.
    at = whole.index(b"\xff\xd1")
    assert is_refused(whole[:at] + whole[whole.index(b"\xff\xd1", at + 2) :])


def test_a_progressive_jpeg_needs_all_its_scans() -> None:
    whole = noise("JPEG", progressive=True)
    first, second = whole.index(SCAN), whole.index(SCAN, whole.index(SCAN) + 2)
    assert is_refused(whole[: (first + second) // 2].rstrip(b"\xff") + END)
    assert is_refused(whole[: whole.rindex(SCAN)] + END)


def in_single_scans() -> tuple[bytes, ...]:
    """The header of a baseline JPEG, and a scan for each channel."""
    whole = [encoded(each, "JPEG", quality=90).getvalue() for each in (RAMP, RAMP.rotate(180), RAMP)]
    first = whole[0]
    frame = first.index(b"\xff\xc0")
    one = first[frame + 10 : frame + 13]
    three = b"".join(bytes([number]) + one[1:] for number in (1, 2, 3))
    head = first[:frame] + b"\xff\xc0\x00\x11" + first[frame + 4 : frame + 9] + b"\x03" + three
    tables = first[frame + 13 : first.index(SCAN)]
    scans = [each[each.index(SCAN) + 10 : -2] for each in whole]
    made = (SCAN + bytes([0, 8, 1, number, 0, 0, 63, 0]) + data for number, data in enumerate(scans, start=1))
    return (head + tables, *made)


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_jpeg_needs_the_data_of_every_channel(cut: int) -> None:
    parts = list(in_single_scans())
    assert is_taken(b"".join(parts) + END)
    lost = parts[:cut] + parts[cut + 1 :]
    assert is_refused(b"".join(lost) + END)
    parts[cut] = parts[cut][: len(parts[cut]) // 2]
    assert is_refused(b"".join(parts) + END)


def test_harmless_defects_of_a_jpeg_are_accepted() -> None:
    whole = encoded(GREY, "JPEG", quality=95).getvalue()
    scan = whole.index(SCAN)
    last = scan + 2 + int.from_bytes(whole[scan + 2 : scan + 4])
    for made in (
        whole[:-2] + bytes(5000) + END,
        whole[: last - 3] + b"\x00\x00\x00" + whole[last:],  # no coefficients, says a baseline scan
        whole[: last - 3] + b"\x01\x3f\x21" + whole[last:],
    ):
        assert difference(restored(io.BytesIO(made)), GREY) < 2
    restarts = encoded(GREY, "JPEG", quality=95, restart_marker_rows=1).getvalue()
    following = 0xD0 + (SIZE[1] // 16 - 1) % 8
    assert difference(restored(io.BytesIO(restarts[:-2] + bytes([0xFF, following]) + END)), GREY) < 2


# PNG ------------------------------------------------------------------------------------------------------------------

PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def with_rows(content: bytes, kept: int) -> bytes:
    """The PNG with the first bytes of its rows, in valid data."""
    at = content.index(b"IDAT") - 4
    rows = zlib.decompress(content[at + 8 : at + 8 + int.from_bytes(content[at : at + 4])])
    assert 0 < abs(kept) < len(rows)
    data = b"IDAT" + zlib.compress(rows[:kept])
    return (
        content[:at]
        + struct.pack(">I", len(data) - 4)
        + data
        + struct.pack(">I", zlib.crc32(data))
        + content[-12:]
    )


def interlaced(picture: Image.Image) -> bytes:
    pixels, (width, height) = picture.tobytes(), picture.size
    rows = b"".join(
        b"\0" + pixels[y * width + left : (y + 1) * width : across]
        for left, top, across, down in PASSES
        for y in range(top, height, down)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1)
    made = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


BITS = {
    (1, 0): 1,
    (4, 0): 4,
    (8, 0): 8,
    (16, 0): 16,
    (8, 2): 24,
    (16, 2): 48,
    (8, 4): 16,
    (8, 6): 32,
    (16, 6): 64,
}


@pytest.mark.parametrize(("depth", "colour_type"), BITS)
@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_a_png_needs_the_data_of_all_its_rows(depth: int, colour_type: int, level: int) -> None:
    row = bytes([0xFF] * 8 + [level] * (BITS[depth, colour_type] * SIZE[0] // 8 - 8))
    whole = png(depth, colour_type, row * (SIZE[1] - 1) + bytes([level]) * len(row)).getvalue()
    assert is_taken(whole)
    for kept in (-1, -len(row) - 1, (len(row) + 1) * (SIZE[1] // 2)):
        assert is_refused(with_rows(whole, kept))


@pytest.mark.parametrize("height", [160, 161])
def test_an_interlaced_png_needs_the_data_of_all_its_rows(height: int) -> None:
    for picture in (
        RAMP.resize((240, height)),
        Image.new("L", (240, height)),
        Image.new("L", (241, height), 9),
    ):
        if picture.getextrema() != (0, 0):
            assert is_refused(with_rows(interlaced(picture), -1))
            assert is_refused(with_rows(interlaced(picture), 240 * height // 2))
        assert restored(io.BytesIO(interlaced(picture))).size == picture.size


@pytest.mark.parametrize("bottom", [(0, 0, 0, 0), (0, 0, 0, 255), (255, 255, 255, 0)])
def test_a_png_that_ends_black_or_transparent_is_accepted(bottom: tuple[int, ...]) -> None:
    picture = GREY.convert("RGBA")
    picture.paste(bottom, (0, SIZE[1] // 2, *SIZE))
    assert is_taken(encoded(picture, "PNG").getvalue())
    assert is_taken(encoded(picture.convert("RGB").convert("P"), "PNG").getvalue())


def test_a_png_of_many_small_pieces_is_accepted() -> None:
    whole = encoded(Image.new("L", SIZE), "PNG").getvalue()
    at = whole.index(b"IDAT") - 4
    data = whole[at + 8 : at + 8 + int.from_bytes(whole[at : at + 4])]
    pieces = (b"IDAT" + bytes([byte]) for byte in data)
    made = b"".join(struct.pack(">I", 1) + each + struct.pack(">I", zlib.crc32(each)) for each in pieces)
    assert is_taken(whole[:at] + made + whole[-12:])
