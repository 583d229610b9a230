"""Sketches of one scene match whatever its tones; two scenes differ."""

from itertools import product
from random import Random

import pytest

from domain.similarity import LEAST_LIKENESS, SKETCH_SIDE, likeness

BLANK = bytes(SKETCH_SIDE**2)
KNOTS = 20


def scene(seed: int) -> list[list[int]]:
    """Smooth gradients of grey, as photos have them."""
    chance = Random(seed)  # noqa: S311 -- a scene is no secret
    knots = [[chance.uniform(30, 220) for _ in range(KNOTS + 1)] for _ in range(KNOTS + 1)]

    def shade(y: int, x: int) -> int:
        (row, down), (column, right) = divmod(y * KNOTS / SKETCH_SIDE, 1), divmod(x * KNOTS / SKETCH_SIDE, 1)
        upper, lower = knots[int(row)], knots[int(row) + 1]
        left = upper[int(column)] * (1 - down) + lower[int(column)] * down
        further = upper[int(column) + 1] * (1 - down) + lower[int(column) + 1] * down
        return round(left * (1 - right) + further * right)

    return [[shade(y, x) for x in range(SKETCH_SIDE)] for y in range(SKETCH_SIDE)]


def sketch(shades: list[list[int]]) -> bytes:
    return bytes(max(0, min(255, shade)) for row in shades for shade in row)


WEDDING = scene(1931)


def test_a_sketch_is_like_itself() -> None:
    assert likeness(sketch(WEDDING), sketch(WEDDING)) == pytest.approx(1)


def test_fading_does_not_count() -> None:
    faded = [[round(190 + shade * 0.2) for shade in row] for row in WEDDING]
    assert likeness(sketch(faded), sketch(WEDDING)) > 0.9


def test_a_stain_over_half_a_photo_does_not_count() -> None:
    stained = [[shade - round(90 * y / SKETCH_SIDE) for shade in row] for y, row in enumerate(WEDDING)]
    assert likeness(sketch(stained), sketch(WEDDING)) > 0.8


def test_a_quarter_may_have_been_invented_anew() -> None:
    torn = [
        [*row[:24], *other[24:]] if y < 24 else row
        for y, (row, other) in enumerate(zip(WEDDING, scene(7), strict=True))
    ]
    assert likeness(sketch(torn), sketch(WEDDING)) > 0.8


@pytest.mark.parametrize(("down", "right"), list(product((-1, 0, 1), repeat=2)))
def test_a_picture_may_have_moved_a_little(down: int, right: int) -> None:
    edge = range(SKETCH_SIDE)
    moved = [[WEDDING[min(max(y + down, 0), 47)][min(max(x + right, 0), 47)] for x in edge] for y in edge]
    assert likeness(sketch(WEDDING), sketch(moved)) > 0.6


@pytest.mark.parametrize("right", [0, 1, 4])
def test_what_is_enough_changes_no_decision(right: int) -> None:
    moved = sketch([[*row[right:], *row[:right]] for row in WEDDING])
    exact = likeness(sketch(WEDDING), moved)
    assert exact - 1e-9 < likeness(sketch(WEDDING), moved, enough=exact + 1e-9) < exact + 1e-9
    assert exact >= likeness(sketch(WEDDING), moved, enough=exact - 1e-9) >= exact - 1e-9


def test_other_scenes_are_distinguished() -> None:
    others = [likeness(sketch(WEDDING), sketch(scene(seed))) for seed in range(1, 31)]
    assert sum(other < LEAST_LIKENESS for other in others) >= 24


def test_a_negative_is_another_picture() -> None:
    negative = [[255 - shade for shade in row] for row in WEDDING]
    assert likeness(sketch(WEDDING), sketch(negative)) < LEAST_LIKENESS


def test_a_blank_answer_to_a_picture_is_none() -> None:
    assert likeness(sketch(WEDDING), BLANK) == 0


def test_a_picture_that_shows_nothing_is_like_any() -> None:
    assert likeness(BLANK, sketch(WEDDING)) == 1
    assert likeness(BLANK, BLANK) == 1
