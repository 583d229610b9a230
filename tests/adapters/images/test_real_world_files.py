"""Files as real scanners, editors, phones and cameras write them."""

import io
import re
import struct
import zlib
from pathlib import Path
from statistics import mean

import pytest
from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat

from adapters.images import PillowInspector
from adapters.images.normalization import MEDIA_TYPES
from domain.ports.errors import UnreadableImageError
from domain.similarity import likeness
from tests.adapters.images.test_inspector import encoded, exif
from tests.adapters.support.made_tiff import Page, tiff
from tests.adapters.support.refusal_sentences import english, german

PICTURES = Path(__file__).parent / "pictures"
INSPECTOR = PillowInspector()
SIZE = (240, 160)
RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)


def file_of(name: str) -> io.BytesIO:
    return io.BytesIO((PICTURES / name).read_bytes())


def restored(file: io.BytesIO) -> Image.Image:
    """The restorer's input, after an inspection."""
    facts = INSPECTOR.inspect(file)
    upright, media_type = INSPECTOR.upright(file)
    image = Image.open(upright)
    image.load()
    assert (image.mode, image.size) == ("RGB", (facts.width, facts.height))
    assert MEDIA_TYPES[image.format or ""] == media_type
    return image


def delivered(file: io.BytesIO, output: io.BytesIO | None = None) -> Image.Image:
    """The delivered result of an output, by default the restorer's input."""
    finished, facts = INSPECTOR.finished(output or INSPECTOR.upright(file)[0], file)
    image = Image.open(finished)
    image.load()
    assert (MEDIA_TYPES[image.format or ""], image.size) == (facts.media_type, (facts.width, facts.height))
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    return mean(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean)


def refusal(file: io.BytesIO) -> UnreadableImageError:
    with pytest.raises(UnreadableImageError) as caught:
        INSPECTOR.inspect(file)
    for look in (INSPECTOR.upright, INSPECTOR.thumbnail):
        with pytest.raises(UnreadableImageError, match=re.escape(str(caught.value))):
            look(file)
    assert german(caught.value)
    return caught.value


# Orientation ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["exif-resolution-signed.jpg", "exif-unit-rational.jpg"])
def test_a_picture_with_malformed_exif_data_is_turned(name: str) -> None:
    shown = restored(file_of(name))
    assert shown.size == SIZE
    corners = [shown.getpixel(place) for place in ((20, 20), (220, 20), (20, 140), (220, 140))]
    for found, colour in zip(corners, (RED, GREEN, BLUE, YELLOW), strict=True):
        assert found == pytest.approx(colour, abs=110)


#: Fields that viewers ignore, each in an entry of 12 bytes: tag, type, count, value.
MALFORMED = {
    "signed resolution by zero": struct.pack("<HHII", 0x011A, 10, 1, 60),
    "a unit as a rational": struct.pack("<HHII", 0x0128, 5, 1, 60),
    "a text as a number": struct.pack("<HHII", 0x010F, 3, 9, 60),
    "a number as a text": struct.pack("<HHII", 0x0128, 2, 200, 4_000_000_000),
    "an unknown type": struct.pack("<HHII", 0x0131, 77, 1, 1),
    "a camera's directory in the void": struct.pack("<HHII", 0x8769, 4, 1, 4_000_000_000),
    "a place directory on itself": struct.pack("<HHII", 0x8825, 4, 1, 8),
    "an endless count": struct.pack("<HHII", 0x0132, 2, 0xFFFFFFFF, 8),
}


def in_order(*entries: bytes) -> bytes:
    """Entries sorted by tag, as in a directory."""
    by_tag = {int.from_bytes(entry[:2], "little"): entry for entry in entries}
    return b"".join(by_tag[tag] for tag in sorted(by_tag))


@pytest.mark.parametrize("entry", MALFORMED.values(), ids=MALFORMED.keys())
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_any_malformed_field_beside_the_orientation_is_ignored(entry: bytes, file_format: str) -> None:
    orientation = struct.pack("<HHII", 0x0112, 3, 1, 6)
    entries = in_order(orientation, entry)
    block = b"Exif\0\0II*\0\x08\0\0\0\x02\0" + entries + bytes(4) + struct.pack("<ii", -1, 0) + bytes(40)
    image = Image.linear_gradient("L").resize(SIZE).convert("RGB")
    if file_format == "TIFF":
        tag, kind, count, value = struct.unpack("<HHII", entry)
        whole = tiff(Page(size=SIZE, pixels=image.convert("L").tobytes(), tags={274: 6, tag: (1,)}))
        at = whole.index(struct.pack("<HHI", tag, 3, 1))
        file = io.BytesIO(whole[:at] + struct.pack("<HHII", tag, kind, count, value) + whole[at + 12 :])
    else:
        file = io.BytesIO()
        image.save(file, file_format)
        plain = encoded(image, file_format, exif=exif(6)).getvalue()
        file = io.BytesIO(with_exif(plain, block, file_format))
    assert restored(file).size == SIZE[::-1]


def test_an_avif_is_turned_by_its_container_not_by_its_exif_data() -> None:
    notes = exif(6)
    notes[0x010E] = "The harvest of 1926"
    whole = encoded(Image.linear_gradient("L").resize(SIZE), "AVIF", exif=notes).getvalue()
    text, rational = b"\x01\x0e\x00\x02", b"\x01\x0e\x00\x05"
    assert text in whole
    for content in (whole, whole.replace(text, rational)):
        assert restored(io.BytesIO(content)).size == SIZE[::-1]


def with_exif(content: bytes, block: bytes, file_format: str) -> bytes:
    """The file with its EXIF block replaced by one no longer."""
    malformed = block.removeprefix(b"Exif\0\0")
    if file_format == "JPEG":
        data = b"Exif\0\0" + malformed
        return content[:2] + b"\xff\xe1" + (len(data) + 2).to_bytes(2) + data + content[2:]
    if file_format == "PNG":
        at = content.index(b"IDAT") - 4
        chunk = b"eXIf" + malformed
        return (
            content[: content.index(b"eXIf") - 4]
            + len(malformed).to_bytes(4)
            + chunk
            + zlib.crc32(chunk).to_bytes(4)
            + content[at:]
        )
    at = content.index(b"EXIF")
    whole = content[:at] + b"EXIF" + len(malformed).to_bytes(4, "little") + malformed
    return whole[:4] + (len(whole) - 8).to_bytes(4, "little") + whole[8:]


@pytest.mark.parametrize("kind", [1, 3, 4, 8, 9])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_counts_whatever_integer_it_is_written_as(kind: int, orientation: int) -> None:
    block = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x0112, kind, 1, orientation) + bytes(4)
    shown = Image.radial_gradient("L").crop((0, 0, 160, 80)).convert("RGB")
    file = io.BytesIO(with_exif(encoded(shown, "JPEG", quality=95).getvalue(), block, "JPEG"))
    expected = Image.open(encoded(shown, "PNG", exif=exif(orientation)))
    assert difference(restored(file), ImageOps.exif_transpose(expected)) < 3


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation: int) -> None:
    image = Image.linear_gradient("L").resize(SIZE)
    assert restored(encoded(image, "JPEG", exif=exif(orientation))).size == SIZE


# The wrong picture ----------------------------------------------------------------------------------------------------


def test_a_cameras_raw_file_is_refused_instead_of_its_thumbnail() -> None:
    message = refusal(file_of("raw-dng.dng"))
    assert "camera's raw file" in english(message)
    assert "JPEG or TIFF" in english(message)


RAW_TAGS = {
    "a colour filter array": {262: 32803},
    "a sensor's linear data": {262: 34892},
    "DNG's version": {50706: (1, 4, 0, 0)},
    "Nikon's compression": {259: 34713},
    "Sony's compression": {259: 32767},
}


@pytest.mark.parametrize("tags", RAW_TAGS.values(), ids=RAW_TAGS.keys())
def test_raw_data_anywhere_in_the_file_makes_it_a_raw_file(tags: dict[int, int]) -> None:
    preview = Page(size=SIZE, pixels=bytes(SIZE[0] * SIZE[1]), tags={254: 1})
    sensor = Page(size=SIZE, pixels=bytes(SIZE[0] * SIZE[1]), tags=tags)
    assert "camera's raw file" in english(refusal(io.BytesIO(tiff(preview, sensor))))


def test_raw_data_below_a_preview_makes_it_a_raw_file() -> None:
    sensor = Page(size=SIZE, pixels=bytes(SIZE[0] * SIZE[1]), tags={262: 32803})
    preview = Page(size=SIZE, pixels=bytes(SIZE[0] * SIZE[1]), tags={254: 1}, below=[sensor])
    for order in "<>":
        assert "camera's raw file" in english(refusal(io.BytesIO(tiff(preview, order=order))))


@pytest.mark.parametrize(
    "begins",
    [
        b"FUJIFILMCCD-RAW 0201",
        b"\0\0\0\x18ftypcrx \0\0\0\1",
        b"IIRO\x08\0\0\0",
        b"IIU\0\x18\0\0\0",
        b"FOVb\0\0\2\0",
        b"\0MRM\0\0\0\0",
        b"II\x1a\0\0\0HEAPCCDR",
        b"II*\0\x10\0\0\0CR\2\0",
    ],
)
def test_raw_files_of_all_makers_are_known_by_their_first_bytes(begins: bytes) -> None:
    assert "camera's raw file" in english(refusal(io.BytesIO(begins + bytes(500))))


def test_pages_are_refused_by_number() -> None:
    message = refusal(file_of("tiff-three-pages.tif"))
    assert english(message).startswith("This file holds 3 pages.")
    assert "each page as a file of its own" in english(message)
    assert "3 Seiten" in german(message)


def grey_page(**tags: int) -> Page:
    shades = Image.linear_gradient("L").resize(SIZE).tobytes()
    return Page(size=SIZE, pixels=shades, tags={int(name[1:]): value for name, value in tags.items()})


def test_smaller_versions_and_masks_are_not_pages() -> None:
    small = Page(size=(60, 40), pixels=bytes(2400), tags={254: 1})
    mask = Page(size=SIZE, pixels=bytes(SIZE[0] * SIZE[1]), tags={254: 4, 262: 4})
    old = Page(size=(60, 40), pixels=bytes(2400), tags={255: 2})
    photo = grey_page()
    for pages in ([photo, small], [small, photo], [photo, mask, small], [old, photo, small]):
        shown = restored(io.BytesIO(tiff(*pages)))
        assert difference(shown, Image.frombytes("L", SIZE, photo.pixels)) < 1


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_animations_are_refused_with_what_to_send(file_format: str) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "green", "blue")]
    message = refusal(encoded(frames[0], file_format, save_all=True, append_images=frames[1:]))
    assert english(message).startswith("This file is an animation of 3 pictures.")


def test_an_avif_animation_is_refused() -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "green", "blue")]
    message = refusal(encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:]))
    assert english(message).startswith("This file is an animation of 3 pictures.")


@pytest.mark.parametrize("file_format", ["MPO", "HEIF"])
def test_the_first_picture_of_a_cameras_file_is_the_photo(file_format: str) -> None:
    photo, depth = (Image.new("RGB", (64, 64), colour) for colour in ("red", "blue"))
    shown = restored(encoded(photo, file_format, save_all=True, append_images=[depth]))
    assert shown.getpixel((32, 32))[0] > 200  # type: ignore[index]


# Kinds of TIFF --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tiff-16-white-is-zero.tif", "tiff-16-white-is-zero-big-endian.tif"])
def test_sixteen_bits_with_white_as_zero_are_not_inverted(name: str) -> None:
    reference = Image.open(PICTURES / "reference-grey.png")
    assert difference(restored(file_of(name)), reference) < 2
    assert likeness(INSPECTOR.inspect(file_of(name)).sketch, sketch("reference-grey.png")) > 0.9


def sketch(name: str) -> bytes:
    return INSPECTOR.inspect(file_of(name)).sketch


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("white_is_zero", [0, 1])
def test_black_is_black_in_grey_of_any_depth(order: str, bits: int, white_is_zero: int) -> None:
    dark = 2**bits - 1 if white_is_zero == 0 else 0
    light = 2**bits - 1 - dark
    per_byte = 8 // bits if bits < 8 else 1
    values = [dark] * 32 + [light] * 32
    if bits == 16:
        row = struct.pack(f"{order}64H", *values)
    else:
        row = bytes(
            sum(value << (8 - bits * (n + 1)) for n, value in enumerate(values[at : at + per_byte]))
            for at in range(0, 64, per_byte)
        )
    page = Page(size=(64, 64), pixels=row * 64, tags={258: bits, 262: white_is_zero})
    shown = restored(io.BytesIO(tiff(page, order=order)))
    assert (shown.getpixel((10, 10)), shown.getpixel((50, 10))) == ((0, 0, 0), (255, 255, 255))


@pytest.mark.parametrize("order", "<>")
def test_sixteen_bits_of_colour_keep_their_colours(order: str) -> None:
    row = struct.pack(f"{order}3H", 0xFFFF, 0x8080, 0) * 64
    page = Page(size=(64, 64), pixels=row * 64, tags={258: (16, 16, 16), 262: 2, 277: 3})
    assert restored(io.BytesIO(tiff(page, order=order))).getpixel((9, 9)) == pytest.approx(
        (255, 128, 0), abs=3
    )


def test_colours_in_planes_of_their_own_come_together() -> None:
    plane = 64 * 64
    pixels = b"\xff" * plane + b"\x80" * plane + b"\0" * plane
    page = Page(size=(64, 64), pixels=pixels, tags={258: (8, 8, 8), 262: 2, 277: 3, 284: 2})
    whole = bytearray(tiff(page))
    # One strip per plane.
    at = whole.index(struct.pack("<HHI", 273, 4, 1))
    start = struct.unpack_from("<I", whole, at + 8)[0]
    offsets, lengths = len(whole), len(whole) + 12
    whole += struct.pack("<6I", start, start + plane, start + 2 * plane, plane, plane, plane)
    struct.pack_into("<HHII", whole, at, 273, 4, 3, offsets)
    struct.pack_into("<HHII", whole, whole.index(struct.pack("<HHI", 279, 4, 1)), 279, 4, 3, lengths)
    assert restored(io.BytesIO(whole)).getpixel((9, 9)) == pytest.approx((255, 128, 0), abs=3)


def test_colours_of_print_and_film_come_out_right() -> None:
    cmyk = Page(size=(64, 64), pixels=bytes((0, 255, 255, 0)) * 4096, tags={258: (8,) * 4, 262: 5, 277: 4})
    red = restored(io.BytesIO(tiff(cmyk))).getpixel((9, 9))
    assert isinstance(red, tuple)
    assert red[0] > 200
    assert max(red[1:]) < 60
    lab = Page(size=(64, 64), pixels=bytes((137, 81, 70)) * 4096, tags={258: (8,) * 3, 262: 8, 277: 3})
    assert restored(io.BytesIO(tiff(lab))).getpixel((9, 9)) == pytest.approx((254, 1, 0), abs=6)
    # Luma and chroma, chroma once per square of four pixels.
    square = bytes((76, 76, 76, 76, 85, 255))
    film = Page(size=(64, 64), pixels=square * 1024, tags={258: (8,) * 3, 262: 6, 277: 3, 530: (2, 2)})
    assert restored(io.BytesIO(tiff(film))).getpixel((9, 9)) == pytest.approx((254, 0, 0), abs=4)


def test_a_tiff_palette_has_its_colours() -> None:
    colours = [0x0000] * 768
    colours[5], colours[256 + 5], colours[512 + 5] = 0xFFFF, 0x8080, 0
    page = Page(size=(64, 64), pixels=b"\5" * 4096, tags={262: 3, 320: colours})
    assert restored(io.BytesIO(tiff(page))).getpixel((9, 9)) == pytest.approx((255, 128, 0), abs=3)


KINDS = {
    "32-bit floating point grey": {258: 32, 339: 3},
    "64-bit floating point grey": {258: 64, 339: 3},
    "32-bit grey": {258: 32},
    "32-bit signed grey": {258: 32, 339: 2},
    "16-bit signed grey": {258: 16, 339: 2},
    "32-bit floating point RGB, 3 channels": {258: (32, 32, 32), 262: 2, 277: 3, 339: (3, 3, 3)},
    "16-bit Lab, 3 channels": {258: (16, 16, 16), 262: 8, 277: 3},
    "8-bit ICC Lab, 3 channels": {258: (8, 8, 8), 262: 9, 277: 3},
    "8-bit grey, compression 34712": {259: 34712},
}


@pytest.mark.parametrize(("words", "tags"), KINDS.items(), ids=KINDS.keys())
@pytest.mark.parametrize("order", "<>")
def test_a_kind_of_tiff_that_is_not_read_is_named_with_what_to_send(
    words: str, tags: dict[int, int], order: str
) -> None:
    page = Page(size=(64, 64), pixels=bytes(64 * 64 * 12), tags=tags)
    message = refusal(io.BytesIO(tiff(page, order=order)))
    assert english(message).startswith(f"This is a TIFF file of a kind we cannot read ({words}).")
    assert "JPEG or PNG" in english(message)


#: What is wrong with a picture of 8 bits per channel in grey or RGB, and what the advice says about it.
NEARLY_READ = {
    "8-bit grey stored as a negative, 2 channels with transparency": (
        {258: (8, 8), 262: 0, 277: 2, 338: 2},
        "8 Bit, Graustufen als Negativ, 2 Kanäle mit Transparenz",
        "in RGB or grey, without transparency, not as a negative, and send",
        "RGB oder Graustufen, ohne Transparenz, nicht als Negativ, und schicken",
    ),
    "8-bit grey stored as a negative, 2 channels": (
        {258: (8, 8), 262: 0, 277: 2, 338: 0},
        "8 Bit, Graustufen als Negativ, 2 Kanäle",
        "in RGB or grey, without extra channels, not as a negative, and send",
        "RGB oder Graustufen, ohne zusätzliche Kanäle, nicht als Negativ, und schicken",
    ),
    "8-bit grey, 3 channels": (
        {258: (8, 8, 8), 277: 3},
        "8 Bit, Graustufen, 3 Kanäle",
        "in RGB or grey, without extra channels, and send",
        "RGB oder Graustufen, ohne zusätzliche Kanäle, und schicken",
    ),
    "8-bit RGB, 5 channels with transparency": (
        {258: (8,) * 5, 262: 2, 277: 5, 338: (1, 1)},
        "8 Bit, RGB, 5 Kanäle mit Transparenz",
        "in RGB or grey, without transparency, and send",
        "RGB oder Graustufen, ohne Transparenz, und schicken",
    ),
    "8-bit RGB, 3 channels, compression 34712": (
        {258: (8,) * 3, 262: 2, 277: 3, 259: 34712},
        "8 Bit, RGB, 3 Kanäle, Kompression 34712",
        "in RGB or grey, uncompressed, and send",
        "RGB oder Graustufen, unkomprimiert, und schicken",
    ),
    "32-bit floating point grey": (
        {258: 32, 339: 3},
        "32 Bit Gleitkomma, Graustufen",
        "in RGB or grey, and send",
        "RGB oder Graustufen und schicken",
    ),
}


@pytest.mark.parametrize("words", NEARLY_READ)
@pytest.mark.parametrize("order", "<>")
def test_the_advice_about_a_tiff_is_not_what_was_sent_already(words: str, order: str) -> None:
    tags, german_words, advice, german_advice = NEARLY_READ[words]
    page = Page(size=(64, 64), pixels=bytes(64 * 64 * 5), tags=tags)  # type: ignore[arg-type]
    message = refusal(io.BytesIO(tiff(page, order=order)))
    assert english(message).startswith(f"This is a TIFF file of a kind we cannot read ({words}).")
    assert advice in english(message)
    assert f"({german_words})" in german(message)
    assert german_advice in german(message)


def test_grey_multiplied_by_its_transparency_is_divided_again() -> None:
    for kind, stored in ((1, 60), (2, 120)):
        page = Page(size=(64, 64), pixels=bytes((stored, 128)) * 4096, tags={258: (8, 8), 277: 2, 338: kind})
        file = io.BytesIO(tiff(page))
        shown = restored(file)
        assert shown.getpixel((9, 9)) == pytest.approx((187,) * 3, abs=2)
        assert delivered(file, encoded(shown, "PNG")).getpixel((9, 9)) == pytest.approx(
            (120, 120, 120, 128), abs=2
        )


def test_floating_point_is_refused() -> None:
    assert "32-bit floating point grey" in english(refusal(file_of("tiff-float.tif")))


# Transparency ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["alpha-oval-png.png", "alpha-oval-palette.png"])
def test_an_oval_portrait_is_sent_on_white_and_stays_cut_out(name: str) -> None:
    shown = restored(file_of(name))
    assert shown.getpixel((2, 2)) == (255, 255, 255)
    output = encoded(shown, "PNG")
    before, after = sketch(name), INSPECTOR.inspect(output).sketch
    assert likeness(before, after) > 0.95
    result = delivered(file_of(name), output)
    assert result.mode == "RGBA"
    assert result.getpixel((2, 2)) == (255, 255, 255, 0)
    middle = result.getpixel((120, 80))
    assert isinstance(middle, tuple)
    assert middle[3] == 255
    assert difference(on_white(result), shown) < 1


def on_white(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("RGB")


MODES = [
    ("LA", "PNG"),
    ("RGBA", "PNG"),
    ("RGBA", "WEBP"),
    ("RGBA", "TIFF"),
    ("LA", "TIFF"),
    ("RGBA", "AVIF"),
    ("RGBA", "HEIF"),
]


@pytest.mark.parametrize(("mode", "file_format"), MODES)
@pytest.mark.parametrize("result_format", ["PNG", "WEBP", "JPEG"])
def test_transparency_is_kept_where_the_format_of_the_result_has_it(
    mode: str, file_format: str, result_format: str
) -> None:
    photo = Image.linear_gradient("L").resize(SIZE).convert("RGBA")
    photo.putalpha(Image.linear_gradient("L").rotate(90).resize(SIZE))
    options = {"lossless": True} if file_format == "WEBP" else {}
    file = encoded(photo.convert(mode), file_format, **options)
    shown = restored(file)
    output = encoded(
        shown.resize((480, 320)), result_format, **({"quality": 95} if result_format != "PNG" else {})
    )
    result = delivered(file, output)
    assert result.size == (480, 320)
    assert result.mode == ("RGB" if result_format == "JPEG" else "RGBA")
    assert difference(on_white(result), shown.resize((480, 320))) < 4


def test_a_transparent_colour_becomes_white_in_sixteen_bits_too() -> None:
    row = struct.pack("<64H", *[500] * 16, *[40_000] * 32, *[500] * 16)
    grey = Image.frombytes("I;16", (64, 64), row * 64)
    file = encoded(grey, "PNG", transparency=500)
    assert restored(file).getpixel((2, 2)) == (255, 255, 255)
    assert restored(file).getpixel((30, 30)) == (156, 156, 156)


def test_an_opaque_picture_is_delivered_without_transparency() -> None:
    opaque = Image.linear_gradient("L").resize(SIZE).convert("RGBA")
    assert delivered(encoded(opaque, "PNG")).mode == "RGB"


# Colour profiles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("profile-exchanged.jpg", "reference-colours.png"),
        ("profile-wide-gamut.png", "reference-colours.png"),
        ("profile-linear-grey.tif", "reference-grey.png"),
    ],
)
def test_colours_are_converted_by_their_profile(name: str, reference: str) -> None:
    shown = restored(file_of(name))
    assert difference(shown, Image.open(PICTURES / reference)) < 3
    tagged = delivered(file_of(name))
    assert difference(tagged, Image.open(PICTURES / reference)) < 3
    described = ImageCms.ImageCmsProfile(io.BytesIO(tagged.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(described)


def profile_bytes(name: str) -> bytes:
    with Image.open(PICTURES / name) as image:
        found: bytes = image.info["icc_profile"]
    return found


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_a_profile_counts_in_every_format(mode: str, file_format: str) -> None:
    if (mode, file_format) in {("RGBA", "JPEG"), ("P", "JPEG"), ("P", "WEBP"), ("P", "HEIF"), ("P", "AVIF")}:
        pytest.skip("the format has no such pixels")
    green = Image.new("RGB", (64, 64), (10, 240, 10)).convert(mode)
    options = {"lossless": True} if file_format == "WEBP" else {}
    shown = restored(
        encoded(green, file_format, icc_profile=profile_bytes("profile-exchanged.jpg"), **options)
    )
    assert shown.getpixel((30, 30)) == pytest.approx((240, 10, 10), abs=20)


@pytest.mark.parametrize("mode", ["L", "I;16", "LA", "1"])
def test_a_linear_profile_counts_in_every_kind_of_grey(mode: str) -> None:
    linear = profile_bytes("profile-linear-grey.tif")
    grey = Image.new("L", (64, 64), 55)
    if mode == "I;16":
        image = Image.new("I;16", (64, 64), 55 * 257)
    elif mode == "1":
        image = Image.new("1", (64, 64), 1)
    else:
        image = grey.convert(mode)
    expected = 255 if mode == "1" else 128
    shown = restored(encoded(image, "TIFF", icc_profile=linear)).getpixel((30, 30))
    assert shown == pytest.approx((expected,) * 3, abs=2)


def test_the_shadows_of_a_linear_scan_of_sixteen_bits_stay_apart() -> None:
    linear = profile_bytes("profile-linear-grey.tif")
    shades = [
        restored(encoded(Image.new("I;16", (64, 64), value), "TIFF", icc_profile=linear)).tobytes()[0]
        for value in (0, 64, 128, 192, 256)
    ]
    assert shades == sorted(set(shades))


def test_a_broken_profile_is_ignored_as_viewers_do() -> None:
    whole = profile_bytes("profile-exchanged.jpg")
    green = Image.new("RGB", (64, 64), (10, 240, 10))
    for broken in (
        b"a letter",
        whole[:100],
        whole[:40],
        whole[:16] + b"CMYK" + whole[20:],
        whole[:16] + b"GRAY" + whole[20:],
    ):
        for file_format in ("JPEG", "PNG", "TIFF"):
            shown = restored(encoded(green, file_format, icc_profile=broken))
            assert shown.getpixel((30, 30)) == pytest.approx((10, 240, 10), abs=4)


def png_with(content: bytes, *chunks: tuple[bytes, bytes]) -> io.BytesIO:
    made = b"".join(
        len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4) for name, data in chunks
    )
    return io.BytesIO(content[:33] + made + content[33:])


def test_gamma_and_primaries_of_a_png_count_like_a_profile() -> None:
    plain = encoded(Image.new("RGB", (64, 64), (55, 55, 55)), "PNG").getvalue()
    linear = (b"gAMA", (100_000).to_bytes(4))
    assert restored(png_with(plain, linear)).getpixel((9, 9)) == pytest.approx((128,) * 3, abs=2)
    assert restored(png_with(plain, linear, (b"sRGB", b"\0"))).getpixel((9, 9)) == (55, 55, 55)
    usual = (b"gAMA", (45_455).to_bytes(4))
    assert restored(png_with(plain, usual)).getpixel((9, 9)) == (55, 55, 55)
    # Adobe RGB, as some editors write it.
    wide = struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
    green = encoded(Image.new("RGB", (64, 64), (150, 200, 100)), "PNG").getvalue()
    shown = restored(png_with(green, usual, (b"cHRM", wide))).getpixel((9, 9))
    assert shown == pytest.approx((124, 201, 92), abs=2)
    for nonsense in (bytes(32), b"\0\0\x7a\x26" * 8, b"\xff" * 32):
        assert restored(png_with(green, usual, (b"cHRM", nonsense))).size == (64, 64)


# Readable files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["png-large-text.png", "png-large-profile.png", "png-text-checksum.png", "png-without-end.png"],
)
def test_a_png_that_every_browser_shows_is_accepted(name: str) -> None:
    assert difference(restored(file_of(name)), restored(file_of("reference-colours.png"))) < 0.1


def test_a_jpeg_without_its_end_is_accepted() -> None:
    # The reference is the picture before compression, so it differs by the loss.
    assert (
        difference(restored(file_of("jpeg-without-end.jpg")), Image.open(PICTURES / "reference-colours.png"))
        < 5
    )


def noise(file_format: str, **options: object) -> bytes:
    image = Image.effect_noise((400, 300), 60).convert("RGB")
    return encoded(image, file_format, **options).getvalue()


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}, {"subsampling": 0}]
)
def test_only_the_end_of_a_jpeg_may_be_missing(options: dict[str, object]) -> None:
    whole = noise("JPEG", **options)
    for missing in (1, 2):
        assert restored(io.BytesIO(whole[:-missing])).size == (400, 300)
    for missing in (40, 400, 4000, len(whole) // 2):
        assert "damaged or incomplete" in english(refusal(io.BytesIO(whole[:-missing])))


def test_a_progressive_jpeg_that_ends_before_its_last_scan_is_refused() -> None:
    whole = noise("JPEG", progressive=True)
    last_scan = whole.rindex(b"\xff\xda")
    assert "damaged or incomplete" in english(refusal(io.BytesIO(whole[:last_scan])))


def test_only_the_end_of_a_png_may_be_missing() -> None:
    whole = noise("PNG")
    for missing in (1, 4, 8, 12, 13, 16, 18, 20):
        assert restored(io.BytesIO(whole[:-missing])).size == (400, 300)
    for missing in (60, 600, 6000, len(whole) // 2):
        assert "damaged or incomplete" in english(refusal(io.BytesIO(whole[:-missing])))


def test_a_decompression_bomb_in_a_text_is_skipped() -> None:
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(300)) + packer.flush()
    plain = encoded(Image.new("RGB", (64, 64), (55, 55, 55)), "PNG").getvalue()
    for chunk in ((b"zTXt", b"Comment\0\0" + bomb), (b"iCCP", b"icc\0\0" + bomb)):
        assert restored(png_with(plain, chunk)).getpixel((9, 9)) == (55, 55, 55)
