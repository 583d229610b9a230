import io
import math
import time
from pathlib import Path

import pytest
from PIL import Image

from adapters.images import PillowInspector
from adapters.images.completeness import MAX_SCANNED_SAMPLES, check_scans
from adapters.images.jpeg_scans import scans_in
from adapters.images.metadata_stripping import MAX_SCANS, stripped
from adapters.images.opening import MAX_PIXELS
from domain.ports.errors import UnreadableImageError
from tests.adapters.images.test_missing_pixels import in_single_scans
from tests.adapters.support.refusal_sentences import english, german

PICTURES = Path(__file__).parent / "pictures"
SCAN = b"\xff\xda"


def jpeg(**options: object) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((640, 480), 50).convert("RGB").save(file, "JPEG", **options)
    return file.getvalue()


def with_scans(scans: int, size: tuple[int, int] = (640, 480)) -> bytes:
    """A progressive JPEG whose last, refining scan is repeated."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize(size).save(file, "JPEG", progressive=True, quality=20)
    content = file.getvalue()
    last = content[content.rindex(SCAN) : -2]
    return content[:-2] + last * (scans - content.count(SCAN)) + b"\xff\xd9"


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_the_scans_of_usual_pictures_are_accepted(options: dict[str, object]) -> None:
    assert stripped(jpeg(**options)) is not None


def test_the_scans_of_a_preview_in_the_metadata_are_not_counted() -> None:
    preview = with_scans(MAX_SCANS + 1, (64, 48))
    assert stripped(jpeg(exif=b"Exif\0\0" + preview)) is not None


def test_scans_behind_the_end_are_not_counted() -> None:
    assert stripped(jpeg() + with_scans(MAX_SCANS + 1)) is not None


def test_reading_ends_at_the_limit() -> None:
    before = time.process_time()
    with pytest.raises(UnreadableImageError):
        stripped(b"\xff\xd8\xff\xe0\x00\x02" + b"\xff\xda\x00\x02" * 5_000_000)
    assert time.process_time() - before < 1


@pytest.mark.parametrize("content", [b"\xff\xd8\xff", b"\xff\xd8\xff\xda", b"\xff\xd8\xff\xda\x00\x00"])
def test_a_truncated_file_is_read_up_to_its_end(content: bytes) -> None:
    bare = stripped(content)
    assert bare is not None
    assert bare.is_cut_short


@pytest.mark.parametrize("hostile", [b"\xff\x00" * 5_000_000, b"\xff" * 10_000_000 + b"\x00"])
def test_ten_megabytes_of_hostile_markers_are_read_quickly(hostile: bytes) -> None:
    before = time.process_time()
    stripped(b"\xff\xd8\xff\xda\x00\x02" + hostile)
    assert time.process_time() - before < 2


def test_a_picture_with_the_most_scans_allowed_is_accepted() -> None:
    assert stripped(with_scans(MAX_SCANS)) is not None


def test_a_picture_with_more_scans_is_refused_with_advice() -> None:
    with pytest.raises(UnreadableImageError, match="too_many_scans, limit 100"):
        stripped(with_scans(MAX_SCANS + 1))


def test_the_file_with_180_scans_that_took_24_seconds_is_refused() -> None:
    with pytest.raises(UnreadableImageError):
        stripped((PICTURES / "jpeg-many-scans.jpg").read_bytes())


def of_size(content: bytes, side: int, frame: bytes = b"\xff\xc2") -> bytes:
    """A JPEG whose header states another size."""
    at = content.index(frame) + 5
    return content[:at] + side.to_bytes(2) * 2 + content[at + 4 :]


def check(content: bytes) -> None:
    bare = stripped(content)
    assert bare is not None
    check_scans(bare, tuple(scans_in(bare.content)))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_the_usual_scans_of_the_largest_progressive_picture_are_accepted(mode: str) -> None:
    file = io.BytesIO()
    Image.new(mode, (64, 64)).save(file, "JPEG", progressive=True, subsampling=0)
    check(of_size(file.getvalue(), math.isqrt(MAX_PIXELS)))


def test_the_scans_of_large_pictures_are_limited_by_their_pixels() -> None:
    side = 7000
    most = MAX_SCANNED_SAMPLES // side**2
    check(of_size(with_scans(most), side))
    for scans in (most + 1, MAX_SCANS - 1):
        hostile = io.BytesIO(of_size(with_scans(scans), side))
        before = time.process_time()
        with pytest.raises(UnreadableImageError, match="too_many_scans, limit"):
            PillowInspector().inspect(hostile)
        assert time.process_time() - before < 0.2


def test_the_repeated_scans_of_a_baseline_picture_are_limited_too() -> None:
    """Such a file is decoded three times to find missing pixels."""
    head, *scans = in_single_scans()
    content = head + b"".join(scans[:1] * 8 + scans) + b"\xff\xd9"
    assert PillowInspector().inspect(io.BytesIO(content)).width
    hostile = io.BytesIO(of_size(content, 7000, b"\xff\xc0"))
    before = time.process_time()
    with pytest.raises(UnreadableImageError, match="too_many_scans, limit"):
        PillowInspector().inspect(hostile)
    assert time.process_time() - before < 0.2


def with_frame(content: bytes, *, code: int | None = None, bits: int = 8, height: int | None = None) -> bytes:
    """The JPEG file with another frame header."""
    made = bytearray(content)
    at = next(made.index(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if marker in made)
    made[at + 1] = made[at + 1] if code is None else code
    made[at + 4] = bits
    if height is not None:
        made[at + 5 : at + 7] = height.to_bytes(2)
    return bytes(made)


LOSSLESS, HIERARCHICAL = 0xC3, 0xC5


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize(
    "changes",
    [{"bits": 12}, {"bits": 12, "code": 0xC1}, {"code": LOSSLESS}, {"code": HIERARCHICAL}, {"height": 0}],
    ids=["12 bits", "12 bits, extended", "lossless", "hierarchical", "height behind the data"],
)
def test_a_jpeg_of_an_unsupported_kind_is_not_called_damaged(changes: dict[str, int], mode: str) -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").convert(mode).save(file, "JPEG")
    content = with_frame(file.getvalue(), **changes)
    for inspect in (PillowInspector().inspect, PillowInspector().upright):
        with pytest.raises(UnreadableImageError) as refused:
            inspect(io.BytesIO(content))
        assert english(refused.value) == (
            "This is a JPEG file of a kind we cannot read. Please open it on your computer, save it again as an "
            "ordinary JPEG or PNG file and send that."
        )
        assert "gewöhnliche JPEG" in german(refused.value)


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_damaged_jpeg_of_a_usual_kind_is_called_damaged(options: dict[str, object]) -> None:
    content = jpeg(**options)
    frame = content.index(b"\xff\xc2" if options else b"\xff\xc0")
    for length in (3, 100, *range(frame, frame + 20), len(content) // 2):
        with pytest.raises(UnreadableImageError, match="damaged"):
            PillowInspector().inspect(io.BytesIO(content[:length]))
