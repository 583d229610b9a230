import io

import pytest
from PIL import Image

from adapters.images import PillowInspector
from domain.ports.errors import UnreadableImageError
from tests.adapters.images.test_inspector import LYING, encoded, exif, picture

INSPECTOR = PillowInspector(max_pixels=4_000_000)
LONGEST_SIDE = 360


def small(file: io.BytesIO) -> Image.Image:
    image = Image.open(io.BytesIO(INSPECTOR.thumbnail(file)))
    image.load()
    return image


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [
        ("RGB", "JPEG"),
        ("CMYK", "JPEG"),
        ("RGBA", "PNG"),
        ("P", "PNG"),
        ("I;16", "TIFF"),
        ("1", "TIFF"),
        ("RGB", "WEBP"),
        ("RGB", "HEIF"),
    ],
)
def test_every_mode_and_format_has_a_thumbnail(mode: str, file_format: str) -> None:
    image = picture((1200, 800), "L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = image.convert("I").point(lambda value: value * 256).convert("I;16")
    shown = small(encoded(image, file_format))
    assert (shown.format, shown.size) == ("JPEG", (LONGEST_SIDE, 240))
    left, right = (shown.convert("L").crop((x, 100, x + 20, 140)).tobytes() for x in (20, 320))
    assert abs(sum(left) - sum(right)) / len(left) > 100


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_thumbnail_is_upright_and_without_metadata(file_format: str) -> None:
    lying = exif(LYING)
    lying[0x010E] = "the beach at Ostend"
    thumbnail = INSPECTOR.thumbnail(encoded(picture((1200, 800)), file_format, exif=lying))
    with Image.open(io.BytesIO(thumbnail)) as shown:
        assert shown.size == (240, LONGEST_SIDE)
        assert not shown.getexif()
        assert "icc_profile" not in shown.info
    assert b"Ostend" not in thumbnail


def test_a_small_picture_is_not_enlarged() -> None:
    assert small(encoded(picture((120, 80)), "PNG")).size == (120, 80)


def test_a_damaged_or_too_large_picture_has_no_thumbnail() -> None:
    cut = io.BytesIO(encoded(picture((900, 600)), "JPEG").getvalue()[:2000])
    for file in (cut, encoded(picture((2500, 2000)), "PNG")):
        with pytest.raises(UnreadableImageError):
            INSPECTOR.thumbnail(file)
