"""What a family photo tells of its family besides the picture: nobody outside needs it."""

import io
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from adapters.images import PillowInspector
from adapters.images.metadata_stripping import without_metadata

SAMPLES = Path(__file__).parents[2] / "sandbox" / "samples"
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
    """A picture with all that a camera or an editor may tell in it."""
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
def test_a_restorer_is_shown_the_picture_and_nothing_else(
    file_format: str, mode: str, options: dict[str, Any]
) -> None:
    source = tagged(file_format, mode, **options)
    file = io.BytesIO(source)
    upright, media_type = INSPECTOR.upright(file)
    told = upright.read()
    assert media_type == ("image/jpeg" if file_format == "MPO" else f"image/{file_format.lower()}")
    for secret in (b"Adele", b"Exif\x00", b"EXIF", b"eXIf", b"xmpmeta", b"MPF\x00"):
        assert secret not in told
    with Image.open(io.BytesIO(told)) as shown, Image.open(io.BytesIO(source)) as original:
        assert not shown.getexif()
        assert shown.info.get("icc_profile") == PROFILE
        assert shown.info.get("transparency") == original.info.get("transparency")
        assert (shown.mode, shown.tobytes()) == (original.mode, original.tobytes())
    assert file.getvalue() == source


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_that_is_turned_for_the_restorer_tells_as_little(file_format: str) -> None:
    upright, _ = INSPECTOR.upright(io.BytesIO(tagged(file_format, orientation=6)))
    told = upright.read()
    assert b"Adele" not in told
    assert b"Exif\x00" not in told


def test_the_colours_of_a_print_shops_jpeg_stay_as_they_were() -> None:
    file = io.BytesIO()
    photo("CMYK").save(file, "JPEG", exif=where_it_was_taken())
    with (
        Image.open(io.BytesIO(without_metadata(file.getvalue(), "JPEG"))) as shown,
        Image.open(file) as original,
    ):
        assert shown.tobytes() == original.tobytes()


def test_what_hangs_behind_the_picture_is_left_out() -> None:
    for file_format in ("JPEG", "PNG", "WEBP"):
        whole = without_metadata(tagged(file_format), file_format)
        assert without_metadata(whole + b"a film of the same moment", file_format) == whole


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.jpg")), ids=lambda path: path.stem)
def test_the_sample_photos_stay_the_same_pictures(sample: Path) -> None:
    bare = io.BytesIO(without_metadata(sample.read_bytes(), "JPEG"))
    with Image.open(bare) as shown, Image.open(sample) as original:
        assert shown.tobytes() == original.tobytes()


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_damage_is_never_answered_with_an_error_or_without_an_end(file_format: str) -> None:
    source, chance = tagged(file_format), random.Random(1931)  # noqa: S311 -- the same damage in every run
    for _ in range(300):
        damaged = bytearray(source)
        for _ in range(chance.randrange(1, 20)):
            damaged[chance.randrange(len(damaged))] = chance.choice([0, 255, chance.randrange(256)])
        shown = without_metadata(bytes(damaged[: chance.randrange(len(damaged))]), file_format)
        assert len(shown) <= len(damaged) + 12
