"""Whether two images show the same scene, by small grey sketches.

What restoration changes must not count: tones, colours, fading, stains, filled tears and scratches, a border that was
cut off. So the comparison uses the relief instead of the shades: how much lighter or darker each cell is than its
surroundings, in units of their variation. Reliefs of the same scene correlate wherever the image is not destroyed;
those of two scenes do not.
"""

from collections.abc import Sequence
from itertools import accumulate, chain, product, repeat
from math import dist, hypot, sqrt
from operator import mul, sub, truediv

#: A sketch is a square of this many cells a side, scaled from an image of any shape; one byte a cell.
SKETCH_SIDE = 48

#: Measured on 1,246 pairs of a photo aged in one of eleven ways (faded, sepia, stained, torn, scratched, noisy) and
#: the same photo restored, recoloured, cropped, stretched or partly invented: half are above 0.83, 99 of 100 above
#: 0.34, and the lowest, a moon in a nearly empty sky, is at 0.21. Two different photos have a median of 0.09, and 93 of
#: 100 are below this limit; two faces that fill their images alike may reach 0.2. Refusing a true result costs a
#: customer the image, and a wrong one is very rare, so the limit is below all true results. (Where scratches are seven
#: times brighter than the image, one in forty is refused, and retried.)
LEAST_LIKENESS = 0.15

#: The number of cells in each direction that count as surroundings.
_REACH = 3

#: In shades of grey; where the variation is smaller, the relief stays faint instead of being amplified to noise.
_FAINT = 2.0

#: The mean square of a relief below which nothing can be recognised.
_LEAST_RELIEF = 0.05

#: Each quarter is searched for this many cells around its place, because models crop borders and stretch a little.
#: Farther off, chance matches would outnumber moved content.
_STRAY = 1

#: The quarter with the worst match does not count: it may have been torn off and invented anew.
_QUARTERS_COUNTED = 3

#: Start and length of the quarters; the outermost cells are left free for content that has moved.
_PLACES = (_STRAY, SKETCH_SIDE // 2)
_QUARTER = SKETCH_SIDE // 2 - _STRAY

#: One figure a cell, line by line.
Relief = Sequence[float]


def likeness(original: bytes, other: bytes, *, enough: float = 1.0) -> float:
    """The likeness of two sketches, from about 0 to 1.

    It is about 0 for different scenes and 1 for the same one; also 1 where the original has nothing recognisable. Only
    below ``enough`` it is searched for the best match.
    """
    before, after = _relief(original), _relief(other)
    unmoved = _likeness(before, after, stray=0)
    return unmoved if unmoved >= enough else _likeness(before, after, stray=_STRAY)


def _likeness(before: Relief, after: Relief, *, stray: int) -> float:
    places = product(_PLACES, repeat=2)
    fits = [
        _fit(before, after, top, left, stray) for top, left in places if _shows_something(before, top, left)
    ]
    counted = sorted(fits, reverse=True)[:_QUARTERS_COUNTED]
    return sum(counted) / len(counted) if counted else 1.0


def _fit(before: Relief, after: Relief, top: int, left: int, stray: int) -> float:
    """The best correlation of a quarter near its place in ``before``."""
    if not _shows_something(after, top, left):
        return 0.0
    wanted = _quarter(after, top, left)
    mean = sum(wanted) / len(wanted)
    deviations = [cell - mean for cell in wanted]
    tops, lefts = (range(at - stray, at + stray + 1) for at in (top, left))
    return max(_correlation(_quarter(before, *place), deviations) for place in product(tops, lefts))


def _shows_something(relief: Relief, top: int, left: int) -> bool:
    cells = _quarter(relief, top, left)
    return _square(cells) >= _LEAST_RELIEF * len(cells)


def _quarter(relief: Relief, top: int, left: int) -> list[float]:
    starts = range(top * SKETCH_SIDE + left, (top + _QUARTER) * SKETCH_SIDE, SKETCH_SIDE)
    return list(chain.from_iterable(relief[start : start + _QUARTER] for start in starts))


def _correlation(ones: Sequence[float], deviations: Sequence[float]) -> float:
    """The correlation with cells given as deviations from their mean."""
    square, other_spread = _square(ones), _square(deviations)
    spread = square - sum(ones) ** 2 / len(ones)
    if spread <= 0 or other_spread <= 0:
        return 0.0
    # By the law of cosines: the distance is computed in C.
    inner = (square + other_spread - dist(ones, deviations) ** 2) / 2
    return inner / sqrt(spread * other_spread)


def _square(cells: Sequence[float]) -> float:
    return hypot(*cells) ** 2


def _relief(sketch: bytes) -> Relief:
    raised = list(map(sub, sketch, _surroundings(sketch)))
    variances = _surroundings(list(map(mul, raised, raised)))
    return [cell / (sqrt(variance) + _FAINT) for cell, variance in zip(raised, variances, strict=True)]


def _surroundings(cells: Sequence[float]) -> Sequence[float]:
    """The mean around each cell, of the cells within the image."""
    return list(map(truediv, _sums(_sums(cells)), _COUNTS))


def _sums(cells: Sequence[float]) -> Sequence[float]:
    """The sum around each cell, of the cells within its line, transposed."""
    apart: list[float] = []
    for start in _LINES:
        apart += cells[start : start + SKETCH_SIDE]
        apart += _GAP
    until = [*repeat(0, _REACH + 1), *accumulate(apart)]
    sums = list(map(sub, until[2 * _REACH + 1 :], until))
    columns = (sums[column :: SKETCH_SIDE + _REACH] for column in range(SKETCH_SIDE))
    return list(chain.from_iterable(columns))


_LINES = range(0, SKETCH_SIDE**2, SKETCH_SIDE)

#: Follows each line, so that a sum has cells of one line only.
_GAP = (0,) * _REACH

#: How many cells each sum of surroundings is of.
_COUNTS = _sums(_sums([1] * SKETCH_SIDE**2))
