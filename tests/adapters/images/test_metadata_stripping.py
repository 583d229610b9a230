"""Removal of metadata, which in a family photo is private."""

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from adapters.images import PillowInspector
from adapters.images.colours import srgb_profile
from adapters.images.metadata_stripping import stripped
from domain.ports.errors import UnreadableImageError

SAMPLES = Path(__file__).parents[3] / "sandbox" / "samples"
INSPECTOR = PillowInspector()
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
MAKER = "A camera of Adele Brandt"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>A camera of Adele Brandt, 52.5 N</x:xmpmeta>"


def where_it_was_taken(orientation: int = 1) -> Image.Exif:
    data = Image.Exif()
    data[0x010F], data[0x0112] = MAKER, orientation
    data.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return data


def photo(mode: str = "RGB") -> Image.Image:
    return Image.effect_noise((120, 80), 60).convert(mode)


def tagged(file_format: str, mode: str = "RGB", orientation: int = 1, **options: Any) -> bytes:
    """A picture with all metadata that cameras and editors write."""
    if file_format == "PNG":
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Author", MAKER)
        notes.add_itxt("XML:com.adobe.xmp", XMP.decode())
        notes.add_text("Comment", MAKER, zip=True)
        options["pnginfo"] = notes
    elif file_format in {"JPEG", "MPO"}:
        options |= {"comment": MAKER, "xmp": XMP}
    else:
        options["xmp"] = XMP
    file = io.BytesIO()
    photo(mode).save(file, file_format, exif=where_it_was_taken(orientation), icc_profile=PROFILE, **options)
    return file.getvalue()


CAMERAS: list[tuple[str, str, dict[str, Any]]] = [
    ("JPEG", "RGB", {}),
    ("JPEG", "L", {}),
    ("JPEG", "RGB", {"progressive": True}),
    ("JPEG", "RGB", {"restart_marker_blocks": 1}),
    ("MPO", "RGB", {"save_all": True, "append_images": [photo()]}),
    ("PNG", "RGB", {}),
    ("PNG", "P", {"transparency": 3}),
    ("WEBP", "RGB", {}),
    ("WEBP", "RGBA", {"lossless": True}),
]


@pytest.mark.parametrize(("file_format", "mode", "options"), CAMERAS)
def test_a_decoder_is_given_the_same_picture_and_nothing_else(
    file_format: str, mode: str, options: dict[str, Any]
) -> None:
    source = tagged(file_format, mode, orientation=6, **options)
    bare = stripped(source)
    assert bare is not None
    assert (bare.orientation, bare.profile, bare.frames, bare.is_cut_short) == (6, PROFILE, 1, False)
    for secret in (b"Adele", b"Exif\x00", b"EXIF", b"eXIf", b"xmpmeta", b"MPF\x00", b"acsp"):
        assert secret not in bare.content
    with Image.open(io.BytesIO(bare.content)) as shown, Image.open(io.BytesIO(source)) as original:
        assert shown.info.get("transparency") == original.info.get("transparency")
        assert (shown.mode, shown.tobytes()) == (original.mode, original.tobytes())


def test_the_colours_of_a_print_shops_jpeg_stay_as_they_were() -> None:
    file = io.BytesIO()
    photo("CMYK").save(file, "JPEG", exif=where_it_was_taken())
    with Image.open(io.BytesIO(bare_content(file.getvalue()))) as shown, Image.open(file) as original:
        assert shown.tobytes() == original.tobytes()


def test_data_behind_the_picture_is_removed() -> None:
    for file_format in ("JPEG", "PNG", "WEBP"):
        whole = tagged(file_format)
        assert bare_content(whole + b"a film of the same moment") == bare_content(whole)


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.jpg")), ids=lambda path: path.stem)
def test_the_sample_photos_stay_the_same_pictures(sample: Path) -> None:
    with Image.open(io.BytesIO(bare_content(sample.read_bytes()))) as shown, Image.open(sample) as original:
        assert shown.tobytes() == original.tobytes()


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_damaged_picture_accepted_at_upload_can_be_normalized(file_format: str) -> None:
    chance = random.Random(1931)  # noqa: S311 -- the same damage in every run
    source = tagged(file_format, compression="tiff_lzw") if file_format == "TIFF" else tagged(file_format)
    passed = 0
    for _ in range(150):
        damaged = bytearray(source)
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.choice([0, 255, chance.randrange(256)])
        if chance.random() < 0.2:
            del damaged[chance.randrange(len(damaged)) :]
        file = io.BytesIO(damaged)
        try:
            facts = INSPECTOR.inspect(file)
        except UnreadableImageError:
            continue
        passed += 1
        with Image.open(INSPECTOR.upright(file)[0]) as shown:
            assert (shown.mode, *shown.size) == ("RGB", facts.width, facts.height)
    assert passed


CANARIES = {
    "a film behind the end": lambda whole: whole + b"Canary",
    "a thumbnail in a JFXX segment": lambda whole: with_segment(whole, 0xE0, b"JFXX\x00\x13Canary"),
    "a thumbnail in the JFIF segment": lambda whole: with_segment(
        whole, 0xE0, b"JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x02\x01Canary"
    ),
    "a comment": lambda whole: with_segment(whole, 0xFE, b"Canary"),
    "photo editors' notes": lambda whole: with_segment(whole, 0xED, b"Photoshop 3.0\x008BIMCanary"),
    "behind the Adobe marker": lambda whole: with_segment(
        whole, 0xEE, b"Adobe\x00d\x00\x00\x00\x00\x01Canary"
    ),
    "an unknown application's segment": lambda whole: with_segment(whole, 0xEB, b"Canary"),
    "behind the profile": lambda whole: with_segment(
        whole, 0xE2, b"ICC_PROFILE\x00\x01\x01" + PROFILE + b"Canary"
    ),
    "in the profile": lambda whole: with_segment(
        whole, 0xE2, b"ICC_PROFILE\x00\x01\x01" + with_secret_tag(PROFILE)
    ),
    "an unused table": lambda whole: with_segment(whole, 0xDB, b"\x03" + b"Canary".ljust(64, b"\x01")),
}


@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES.keys())
def test_nothing_but_pixels_leaves_the_shop(canary: Callable[[bytes], bytes]) -> None:
    plain = io.BytesIO()
    photo().save(plain, "JPEG")
    sung = canary(plain.getvalue())
    assert b"Canary" in sung
    file = io.BytesIO(sung)
    for given, _ in (INSPECTOR.upright(file), INSPECTOR.finished(file, file)):
        assert b"Canary" not in given.read()
    assert b"Canary" not in INSPECTOR.thumbnail(file)


@pytest.mark.parametrize(("file_format", "mode", "options"), [*CAMERAS, ("TIFF", "RGB", {})])
@pytest.mark.parametrize("orientation", [1, 6])
def test_neither_restorer_nor_customer_gets_a_cameras_metadata(
    file_format: str, mode: str, options: dict[str, Any], orientation: int
) -> None:
    source = tagged(file_format, mode, orientation=orientation, **options)
    file = io.BytesIO(source + b"Adele")
    for given, _ in (INSPECTOR.upright(file), INSPECTOR.finished(file, file)):
        written = given.read()
        for secret in (b"Adele", b"Exif\x00", b"EXIF", b"eXIf", b"xmpmeta", b"MPF\x00"):
            assert secret not in written
        with Image.open(io.BytesIO(written)) as shown:
            assert not shown.getexif()
            assert shown.info["icc_profile"] == srgb_profile()


def bare_content(content: bytes) -> bytes:
    bare = stripped(content)
    assert bare is not None
    return bare.content


def with_segment(jpeg: bytes, code: int, data: bytes) -> bytes:
    return jpeg[:2] + bytes((0xFF, code)) + (len(data) + 2).to_bytes(2) + data + jpeg[2:]


def with_secret_tag(profile: bytes) -> bytes:
    """The profile with a private tag, like a camera's serial number."""
    count = int.from_bytes(profile[128:132])
    shifted = bytearray(profile[:128] + (count + 1).to_bytes(4))
    for at in range(132, 132 + 12 * count, 12):
        name, offset = profile[at : at + 4], int.from_bytes(profile[at + 4 : at + 8])
        shifted += name + (offset + 12).to_bytes(4) + profile[at + 8 : at + 12]
    shifted += b"priv" + (len(profile) + 12).to_bytes(4) + (14).to_bytes(4)
    shifted += profile[132 + 12 * count :] + b"text\x00\x00\x00\x00Canary"
    shifted[:4] = len(shifted).to_bytes(4)
    return bytes(shifted)
