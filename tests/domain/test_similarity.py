"""Sketches of one scene match whatever its tones; two scenes differ."""

from itertools import product
from math import pi, sin, sqrt
from random import Random
from statistics import correlation, fmean

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


def negative(shades: list[list[int]]) -> list[list[int]]:
    return [[255 - shade for shade in row] for row in shades]


def halves(upper: list[list[int]], lower: list[list[int]]) -> list[list[int]]:
    return [*upper[:24], *lower[24:]]


def columns(left: list[list[int]], right: list[list[int]]) -> list[list[int]]:
    return [[*row[:24], *other[24:]] for row, other in zip(left, right, strict=True)]


def hard(shades: list[list[int]]) -> list[list[int]]:
    """Only black and white, as strongly as a sketch can have it."""
    return [[255 * (shade % 2) for shade in row] for row in shades]


GREY = [[127] * SKETCH_SIDE for _ in range(SKETCH_SIDE)]
#: So wide that its negative is one also where it has moved by a cell; a band of grey keeps the halves apart.
WAVES = [
    [127 if 18 <= y < 30 else round(127 + 100 * sin(x * pi / 12)) for x in range(SKETCH_SIDE)]
    for y in range(SKETCH_SIDE)
]
PAIRS = {
    "the same": (WEDDING, WEDDING),
    "other scenes": (WEDDING, scene(7)),
    "the upper half": (WEDDING, halves(WEDDING, scene(7))),
    "the lower half": (WEDDING, halves(scene(7), WEDDING)),
    "the left half": (WEDDING, columns(WEDDING, scene(7))),
    "a negative below": (WAVES, halves(WAVES, negative(WAVES))),
    "a negative above": (WAVES, halves(negative(WAVES), WAVES)),
    "a negative below, and nothing to the right": (columns(WAVES, GREY), halves(WAVES, negative(WAVES))),
    "nothing below": (halves(WEDDING, GREY), WEDDING),
    "nothing below in the result": (WEDDING, halves(WEDDING, GREY)),
    "moved": (WEDDING, [[*row[1:], row[0]] for row in WEDDING]),
    "mirrored": (WEDDING, [row[::-1] for row in WEDDING]),
    "turned": (WEDDING, [row[::-1] for row in WEDDING[::-1]]),
    "a gradient": (WEDDING, [[5 * x for x in range(SKETCH_SIDE)]] * SKETCH_SIDE),
    "a gradient before": ([[5 * y] * SKETCH_SIDE for y in range(SKETCH_SIDE)], WEDDING),
    "black and white": (hard(WEDDING), hard(scene(7))),
}


@pytest.mark.parametrize(("before", "after"), PAIRS.values(), ids=PAIRS)
def test_a_comparison_that_ends_early_changes_no_decision(
    before: list[list[int]], after: list[list[int]]
) -> None:
    exact = likeness(sketch(before), sketch(after))
    for limit in (*(step / 8 for step in range(1, 8)), LEAST_LIKENESS, exact - 1e-9, exact + 1e-9):
        found = likeness(sketch(before), sketch(after), enough=limit)
        assert (found >= limit) == (exact >= limit)
        assert found <= exact + 1e-9


def test_the_lower_half_is_not_compared_where_it_can_change_nothing() -> None:
    """Its quarters count as negatives, of which one is left out."""
    upper, same, worst = halves(WEDDING, GREY), 1.0, -1.0
    assert likeness(sketch(upper), sketch(upper), enough=0.3) == pytest.approx((same + same + worst) / 3)


def test_a_better_match_is_not_searched_where_the_first_is_enough() -> None:
    before, after = (sketch(shades) for shades in PAIRS["moved"])
    assert 0.5 < likeness(before, after, enough=0.5) < 0.8 < likeness(before, after)


def plain_relief(shades: list[list[int]]) -> list[list[float]]:
    """Each difference from the surroundings, in units of their variation."""
    edge = range(SKETCH_SIDE)

    def surroundings(cells: list[list[float]], y: int, x: int) -> float:
        lines = cells[max(y - 3, 0) : y + 4]
        return fmean(cell for line in lines for cell in line[max(x - 3, 0) : x + 4])

    exact = [[float(shade) for shade in row] for row in shades]
    raised = [[exact[y][x] - surroundings(exact, y, x) for x in edge] for y in edge]
    squares = [[cell**2 for cell in row] for row in raised]
    return [[raised[y][x] / (sqrt(surroundings(squares, y, x)) + 2) for x in edge] for y in edge]


def plain_likeness(before: list[list[int]], after: list[list[int]]) -> float:
    reliefs = plain_relief(before), plain_relief(after)

    def quarter(relief: list[list[float]], top: int, left: int) -> list[float]:
        return [cell for line in relief[top : top + 23] for cell in line[left : left + 23]]

    fits = []
    for top, left in product((1, 24), repeat=2):
        present, wanted = (quarter(relief, top, left) for relief in reliefs)
        if fmean(cell**2 for cell in present) < 0.05:
            continue
        near = [
            quarter(reliefs[0], top + down, left + right) for down, right in product((-1, 0, 1), repeat=2)
        ]
        is_present = fmean(cell**2 for cell in wanted) >= 0.05
        fits.append(max(correlation(cells, wanted) for cells in near) if is_present else 0.0)
    return fmean(sorted(fits)[-3:]) if fits else 1.0


@pytest.mark.parametrize(("before", "after"), PAIRS.values(), ids=PAIRS)
def test_large_numbers_compute_what_the_cells_would_one_by_one(
    before: list[list[int]], after: list[list[int]]
) -> None:
    assert likeness(sketch(before), sketch(after)) == pytest.approx(plain_likeness(before, after), abs=1e-9)


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
