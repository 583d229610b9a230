import io

import pytest

from adapters.images import PillowInspector
from domain.ports.errors import UnreadableImageError
from domain.ports.images import Thumbnailer
from tests.adapters.images.test_inspector import encoded, picture
from tests.doubles.images import JPEG_BEGINS, PlainInspector

BYTES_AT_MOST = 100_000


@pytest.fixture(params=[PlainInspector, PillowInspector])
def thumbnailer(request: pytest.FixtureRequest) -> Thumbnailer:
    made: Thumbnailer = request.param()
    return made


def test_a_thumbnail_is_a_small_jpeg_whatever_the_position(thumbnailer: Thumbnailer) -> None:
    file = encoded(picture((1600, 1200)), "TIFF")
    file.seek(7)
    small = thumbnailer.thumbnail(file)
    assert small.startswith(JPEG_BEGINS)
    assert len(small) < BYTES_AT_MOST
    assert thumbnailer.thumbnail(file) == small


def test_a_file_that_is_not_a_picture_has_no_thumbnail(thumbnailer: Thumbnailer) -> None:
    with pytest.raises(UnreadableImageError):
        thumbnailer.thumbnail(io.BytesIO(b"broken"))
