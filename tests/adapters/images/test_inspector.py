import io
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image, ImageDraw, ImageOps

from adapters.images import PillowInspector
from adapters.images.colours import srgb_profile
from domain.ports.errors import UnreadableImageError
from domain.ports.images import ImageFacts
from domain.similarity import LEAST_LIKENESS, SKETCH_SIDE, likeness
from tests.adapters.support.refusal_sentences import english

pillow_heif.register_heif_opener()

INSPECTOR = PillowInspector(max_pixels=4_000_000)
ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "sandbox" / "samples"
#: How a phone held upright writes a picture: sideways, with its orientation in EXIF data.
LYING = 6


def picture(size: tuple[int, int] = (120, 80), mode: str = "RGB") -> Image.Image:
    """Darker to the right, so that its orientation is visible."""
    return Image.linear_gradient("L").rotate(90).resize(size).convert(mode)


def encoded(image: Image.Image, file_format: str, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file


def exif(orientation: int) -> Image.Exif:
    data = Image.Exif()
    data[0x0112] = orientation
    return data


@pytest.mark.parametrize(
    ("file_format", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("TIFF", "image/tiff"),
        ("HEIF", "image/heic"),
        ("AVIF", "image/avif"),
    ],
)
def test_formats_of_cameras_and_scanners_are_read(file_format: str, media_type: str) -> None:
    facts = INSPECTOR.inspect(encoded(picture(), file_format))
    assert facts == ImageFacts(media_type=media_type, width=120, height=80, sketch=facts.sketch)


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.jpg")), ids=lambda path: path.stem)
def test_the_sample_photos_are_read(sample: Path) -> None:
    with sample.open("rb") as file:
        assert INSPECTOR.inspect(file).media_type == "image/jpeg"


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_width_and_height_are_what_a_viewer_shows(file_format: str) -> None:
    facts = INSPECTOR.inspect(encoded(picture(), file_format, exif=exif(LYING)))
    assert (facts.width, facts.height) == (80, 120)


def test_the_inspector_reads_from_the_beginning_whatever_the_position() -> None:
    file = encoded(picture(), "PNG")
    file.seek(7)
    assert INSPECTOR.inspect(file).width == 120


@pytest.mark.parametrize(
    "content",
    [b"", b"dear shop, please find my photo attached", b"%PDF-1.7", bytes(5_000)],
    ids=["nothing", "a letter", "a pdf", "zeros"],
)
def test_a_file_that_is_not_a_picture_is_refused_with_what_to_send(content: bytes) -> None:
    with pytest.raises(UnreadableImageError) as refusal:
        INSPECTOR.inspect(io.BytesIO(content))
    assert english(refusal.value) == (
        "This file is not a picture we can read. Please send a JPEG, PNG, WebP, TIFF, HEIC or AVIF file."
    )


@pytest.mark.parametrize("file_format", ["GIF", "BMP", "ICO", "PPM", "PDF", "JPEG2000"])
def test_other_formats_are_not_opened(file_format: str) -> None:
    with pytest.raises(UnreadableImageError, match="not_a_picture"):
        INSPECTOR.inspect(encoded(picture(), file_format))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_picture_that_was_cut_off_is_refused(file_format: str, kept: float) -> None:
    noise = Image.effect_noise((400, 300), 60).convert("RGB")
    whole = encoded(noise, file_format).getvalue()
    with pytest.raises(UnreadableImageError) as refusal:
        INSPECTOR.inspect(io.BytesIO(whole[: int(len(whole) * kept)]))
    assert refusal.value.refusal in {"damaged", "not_a_picture"}


def heic_with_thumbnail() -> bytes:
    """A HEIC photo with an embedded thumbnail, as phones write it."""
    photo = pillow_heif.from_pillow(Image.effect_noise((1600, 1200), 60).convert("RGB"))
    photo.info["thumbnails"] = [400]
    file = io.BytesIO()
    photo.save(file, quality=60)
    return file.getvalue()


def test_a_heic_whose_thumbnail_alone_is_intact_is_refused() -> None:
    whole = heic_with_thumbnail()
    INSPECTOR.inspect(io.BytesIO(whole))
    begin = whole.index(b"mdat") + 4
    half = (len(whole) - begin) // 2
    damaged = whole[:begin] + b"\xff" * half + whole[begin + half :]
    with Image.open(io.BytesIO(damaged)) as image:
        image.draft(None, (200, 150))
        image.load()  # the thumbnail
    for read in (INSPECTOR.inspect, INSPECTOR.thumbnail):
        with pytest.raises(UnreadableImageError, match="damaged"):
            read(io.BytesIO(damaged))


def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableImageError) as refusal:
            INSPECTOR.inspect(bomb(60_000, 60_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert english(refusal.value) == (
        "This picture is too large: 60000 x 60000 pixels. "
        "Please send it with at most 4 megapixels, or as a JPEG that is not progressive, with at most 100."
    )
    assert peak < 5_000_000


def test_a_jpeg_may_be_larger_than_formats_that_need_more_memory() -> None:
    inspector = PillowInspector(max_pixels=9_000, max_jpeg_pixels=10_000)
    allowed, larger = picture((120, 80)), picture((120, 90))
    for file_format in ("JPEG", "MPO"):
        assert inspector.inspect(encoded(allowed, file_format)).width == 120
        with pytest.raises(UnreadableImageError, match="too_large, width 120, height 90, megapixels 0"):
            inspector.inspect(encoded(larger, file_format))
    for file_format, options in (("PNG", {}), ("WEBP", {}), ("TIFF", {}), ("JPEG", {"progressive": True})):
        with pytest.raises(UnreadableImageError, match="too_large_progressive"):
            inspector.inspect(encoded(allowed, file_format, **options))


#: Turns a picture upright in a process of its own, and prints that process's growth in bytes per pixel.
PEAK = """
import re, sys
from pathlib import Path
from PIL import Image
from adapters.images import PillowInspector

def peak_bytes():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

inspector = PillowInspector()
Image.init()
before = peak_bytes()
with open(sys.argv[1], "rb") as file:
    inspector.upright(file)
print((peak_bytes() - before) / 16_000_000)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from Linux's procfs")
@pytest.mark.parametrize("mode", ["LA", "RGBA", "I;16", "P"])
def test_no_picture_is_held_more_than_twice(mode: str, tmp_path: Path) -> None:
    file = tmp_path / "the-whole-village-1911.png"
    Image.new(mode, (4_000, 4_000)).save(file, exif=exif(LYING), compress_level=1)
    printed = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PEAK, str(file)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert float(printed.stdout) < 2 * 4 + 2


def bomb(width: int, height: int) -> io.BytesIO:
    """A few hundred bytes that claim ten gigabytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return io.BytesIO(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100)))
    )


def test_a_picture_that_is_too_small_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match="too_small, width 120, height 31"):
        INSPECTOR.inspect(encoded(picture((120, 31)), "PNG"))


@pytest.mark.parametrize("file_format", ["JPEG", "MPO", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_restorer_gets_plain_jpeg_for_every_format(file_format: str, mode: str) -> None:
    upright, media_type = INSPECTOR.upright(encoded(picture(mode=mode), file_format))
    assert media_type == "image/jpeg"
    assert upright.tell() == 0
    with Image.open(upright) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (120, 80))
        assert image.info["icc_profile"] == srgb_profile()


def test_a_picture_longer_than_a_jpeg_can_be_is_sent_as_png() -> None:
    upright, media_type = PillowInspector().upright(encoded(Image.new("L", (66_000, 70)), "PNG"))
    assert media_type == "image/png"
    with Image.open(upright) as image:
        assert image.size == (66_000, 70)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_sideways_picture_is_turned_upright_without_metadata(file_format: str) -> None:
    upright, media_type = INSPECTOR.upright(encoded(picture(), file_format, exif=exif(LYING)))
    assert media_type == "image/jpeg"
    with Image.open(upright) as image:
        assert image.size == (80, 120)
        assert not image.getexif()
        grey = image.convert("L")
        corners = [
            grey.crop(box).resize((1, 1)).tobytes()[0]
            for box in ((0, 0, 9, 9), (71, 0, 80, 9), (0, 111, 9, 120))
        ]
    top_left, top_right, bottom_left = corners
    assert top_left == pytest.approx(top_right, abs=4)
    assert abs(top_left - bottom_left) > 200


def test_sixteen_bits_of_grey_keep_their_shades() -> None:
    shades = Image.new("I;16", (64, 64), 128 * 256)
    upright, _ = INSPECTOR.upright(encoded(shades, "TIFF"))
    with Image.open(upright) as image:
        assert image.getpixel((30, 30)) == (128, 128, 128)


@pytest.mark.parametrize(
    ("mode", "file_format"), [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("1", "TIFF"), ("LAB", "TIFF")]
)
def test_print_shop_and_fax_colours_become_plain_ones(mode: str, file_format: str) -> None:
    source = Image.new("LAB", (64, 64), (128, 128, 128)) if mode == "LAB" else picture(mode=mode)
    upright, _ = INSPECTOR.upright(encoded(source, file_format))
    with Image.open(upright) as image:
        assert image.mode == "RGB"


def test_transparent_pixels_become_white() -> None:
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    upright, _ = INSPECTOR.upright(encoded(clear, "TIFF"))
    with Image.open(upright) as image:
        assert image.getpixel((30, 30)) == (255, 255, 255)


def test_a_damaged_picture_cannot_be_set_upright() -> None:
    whole = encoded(picture((400, 300)), "TIFF").getvalue()
    with pytest.raises(UnreadableImageError):
        INSPECTOR.upright(io.BytesIO(whole[: len(whole) // 2]))


def sketch_of(picture: Path | Image.Image | io.BytesIO) -> bytes:
    if isinstance(picture, Path):
        return INSPECTOR.inspect(io.BytesIO(picture.read_bytes())).sketch
    file = encoded(picture, "PNG", compress_level=1) if isinstance(picture, Image.Image) else picture
    return INSPECTOR.inspect(file).sketch


AGED = sorted(SAMPLES.glob("*.jpg"))


@pytest.mark.parametrize("aged", AGED, ids=lambda path: path.stem)
def test_an_aged_photo_is_similar_to_its_undamaged_one_only(aged: Path) -> None:
    for undamaged in sorted((SAMPLES / "undamaged").glob("*.jpg")):
        found = likeness(sketch_of(aged), sketch_of(undamaged))
        assert found > 0.8 if undamaged.name == aged.name else found < 0.2


@pytest.mark.parametrize(
    "change", ["grey", "sepia", "faded", "darker", "scratched", "framed", "narrower", "small"]
)
def test_changes_of_a_restoration_keep_a_photo_similar(change: str) -> None:
    with Image.open(SAMPLES / "undamaged" / AGED[0].name) as image:
        photo = image.convert("RGB").reduce(2)
    changed = photo.copy()
    if change == "grey":
        changed = photo.convert("L")
    elif change == "sepia":
        changed = ImageOps.colorize(photo.convert("L"), "#2b1d0e", "#f2e2c4")
    elif change == "faded":
        changed = photo.point(lambda shade: 170 + shade // 5)
    elif change == "darker":
        changed = photo.point(lambda shade: shade // 3)
    elif change == "scratched":
        for at in range(0, photo.width, photo.width // 25):
            ImageDraw.Draw(changed).line((at, 0, photo.width - at, photo.height), "white", 3)
    elif change == "framed":
        changed = ImageOps.expand(photo, photo.width // 40, "white")
    elif change == "narrower":
        changed = photo.resize((photo.width * 11 // 12, photo.height))
    else:
        changed = photo.resize((photo.width // 8, photo.height // 8))
    assert likeness(sketch_of(photo), sketch_of(changed)) > 2 * LEAST_LIKENESS
    assert likeness(sketch_of(changed), sketch_of(photo)) > 2 * LEAST_LIKENESS


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_sketch_is_upright(orientation: int) -> None:
    photo = Image.open(AGED[0]).resize((400, 300))
    lying = encoded(photo, "JPEG", exif=exif(orientation))
    assert likeness(sketch_of(lying), sketch_of(ImageOps.exif_transpose(Image.open(lying)))) > 0.95


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [
        ("1", "PNG"),
        ("L", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("RGBA", "PNG"),
        ("I;16", "PNG"),
        ("CMYK", "TIFF"),
    ],
)
def test_a_picture_of_any_mode_is_sketched(mode: str, file_format: str) -> None:
    photo = Image.open(AGED[0]).convert("L").resize((300, 300))
    if mode == "I;16":
        image = Image.new("I;16", photo.size)
        image.putdata([shade * 256 for shade in photo.tobytes()])
    else:
        image = photo.convert(mode)
    found = INSPECTOR.inspect(encoded(image, file_format)).sketch
    assert len(found) == SKETCH_SIDE**2
    assert likeness(sketch_of(photo), found) > 0.7


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_a_finished_result_has_the_facts_of_an_inspection(file_format: str, orientation: int) -> None:
    output = encoded(Image.open(AGED[0]), file_format, exif=exif(orientation))
    _, facts = INSPECTOR.finished(output, None)
    inspected = INSPECTOR.inspect(output)
    assert facts == inspected
    assert likeness(facts.sketch, inspected.sketch) > 0.95


def test_a_tiny_picture_is_sketched_too() -> None:
    assert len(sketch_of(picture((32, 40)))) == SKETCH_SIDE**2
