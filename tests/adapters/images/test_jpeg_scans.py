import io
import re
import time
from pathlib import Path

import pytest
from PIL import Image

from adapters.images.jpeg_scans import MAX_SCANS, check_scans, count_scans
from domain.ports.errors import UnreadableImageError

PICTURES = Path(__file__).parent / "pictures"


def jpeg(**options: object) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((640, 480), 50).convert("RGB").save(file, "JPEG", **options)
    return file.getvalue()


def with_scans(scans: int, size: tuple[int, int] = (640, 480)) -> bytes:
    """A progressive JPEG whose last, refining scan is repeated."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize(size).save(file, "JPEG", progressive=True, quality=20)
    content = file.getvalue()
    present = count_scans(content, at_most=1000)
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last * (scans - present) + b"\xff\xd9"


@pytest.mark.parametrize(("options", "scans"), [({}, 1), ({"progressive": True}, 10)])
def test_the_scans_of_a_picture_are_counted(options: dict[str, object], scans: int) -> None:
    assert count_scans(jpeg(**options), at_most=1000) == scans


def test_the_scans_of_a_preview_in_the_metadata_are_not_counted() -> None:
    preview = jpeg(progressive=True, quality=10)[:60_000]
    assert count_scans(jpeg(exif=b"Exif\0\0" + preview), at_most=1000) == 1


def test_scans_behind_the_end_are_not_counted() -> None:
    assert count_scans(jpeg() + jpeg(progressive=True), at_most=1000) == 1


def test_counting_ends_at_the_limit() -> None:
    assert count_scans(with_scans(500), at_most=7) == 7


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff\xda", b"\xff\xd8\xff\xda\x00\x00"]
)
def test_a_truncated_file_is_counted_up_to_its_end(content: bytes) -> None:
    assert count_scans(content, at_most=1000) == content.count(b"\xff\xda")


def test_ten_megabytes_of_hostile_markers_are_counted_quickly() -> None:
    before = time.process_time()
    count_scans(b"\xff\xd8\xff\xda\x00\x02" + b"\xff\x00" * 5_000_000, at_most=1000)
    assert time.process_time() - before < 2


def test_a_picture_with_the_most_scans_allowed_is_accepted_and_rewound() -> None:
    file = io.BytesIO(with_scans(MAX_SCANS))
    check_scans(file)
    assert file.tell() == 0


def test_a_picture_with_more_scans_is_refused_with_advice() -> None:
    with pytest.raises(UnreadableImageError, match=re.escape("save it again")):
        check_scans(io.BytesIO(with_scans(MAX_SCANS + 1)))


def test_the_file_with_180_scans_that_took_24_seconds_is_refused() -> None:
    with (PICTURES / "jpeg-many-scans.jpg").open("rb") as file, pytest.raises(UnreadableImageError):
        check_scans(file)
