"""Which pictures can be the restored original, by shape and size."""

from dataclasses import replace

import pytest

from domain.order.values import FailureReason
from domain.ports.images import ImageFacts
from domain.similarity import SKETCH_SIDE
from domain.use_cases.restoration.output_validation import validate_output


def facts(width: int, height: int) -> ImageFacts:
    return ImageFacts(media_type="image/png", width=width, height=height, sketch=bytes(SKETCH_SIDE**2))


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
    assert validate_output(facts(*output), facts(*original)) is None


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
    assert validate_output(facts(*output), facts(*original)) is FailureReason.BAD_OUTPUT


def shaded(*shades: int) -> ImageFacts:
    """A picture of broad stripes."""
    stripes = [shades[row * len(shades) // SKETCH_SIDE] for row in range(SKETCH_SIDE)]
    return replace(facts(1200, 900), sketch=b"".join(bytes([shade]) * SKETCH_SIDE for shade in stripes))


PHOTO = shaded(30, 200, 90, 160, 60, 220)


@pytest.mark.parametrize("output", [shaded(0), shaded(127), shaded(255), shaded(120, 126), shaded(0, 8)])
def test_an_output_of_one_colour_is_no_answer(output: ImageFacts) -> None:
    assert validate_output(output, PHOTO) is FailureReason.FLAT_OUTPUT


@pytest.mark.parametrize(
    ("original", "output"),
    [
        (shaded(250), shaded(250)),  # a white page
        (shaded(118, 124), shaded(127)),  # fog, smoothed
        (shaded(100, 115), shaded(120, 124)),
        (shaded(0, 10), shaded(0)),  # a photo of the night
        (shaded(2, 20), shaded(0, 8)),
    ],
)
def test_a_photo_that_is_nearly_flat_or_black_may_stay_so(original: ImageFacts, output: ImageFacts) -> None:
    assert validate_output(output, original) is None


@pytest.mark.parametrize("original", [shaded(128), shaded(250), shaded(40, 46)])
def test_a_plain_photo_that_comes_back_black_is_no_answer(original: ImageFacts) -> None:
    assert validate_output(shaded(0, 3), original) is FailureReason.FLAT_OUTPUT


def test_a_faded_photo_may_come_back_with_all_its_shades() -> None:
    assert validate_output(PHOTO, shaded(140, 157, 146, 153, 143, 159)) is None
