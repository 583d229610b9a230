"""Which pictures can be the restored original, by their shape and size."""

import pytest

from domain.model.likeness import SKETCH_SIDE
from domain.model.values import FailureReason
from domain.ports.world import PictureFacts
from domain.services.judging import flaw_in


def facts(width: int, height: int) -> PictureFacts:
    return PictureFacts(media_type="image/png", width=width, height=height, sketch=bytes(SKETCH_SIDE**2))


@pytest.mark.parametrize(
    ("original", "output"),
    [
        ((1200, 900), (1200, 900)),
        ((1200, 900), (4800, 3600)),  # enlarged
        ((1200, 900), (600, 450)),
        ((1107, 1020), (1024, 1024)),  # the nearest shape of few
        ((8000, 6000), (1184, 880)),  # a megapixel, as most models work
        ((50, 40), (64, 64)),  # rounded up to multiples of 32
        ((33, 60), (32, 64)),
    ],
)
def test_models_may_round_enlarge_and_work_at_their_own_size(
    original: tuple[int, int], output: tuple[int, int]
) -> None:
    assert flaw_in(facts(*output), facts(*original)) is None


@pytest.mark.parametrize(
    ("original", "output"),
    [
        ((1200, 900), (900, 1200)),  # on its side
        ((1200, 900), (1024, 1024)),
        ((1568, 500), (1568, 672)),  # a panorama squeezed into the broadest shape there is
        ((1200, 900), (599, 449)),
        ((8000, 6000), (800, 600)),
        ((64, 80), (333, 16)),
    ],
)
def test_other_shapes_and_previews_are_no_answer(original: tuple[int, int], output: tuple[int, int]) -> None:
    assert flaw_in(facts(*output), facts(*original)) is FailureReason.BAD_OUTPUT
