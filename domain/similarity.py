"""Whether two images show the same scene, by small grey sketches.

What restoration changes must not count: tones, colours, fading, stains, filled tears and scratches, a border that was
cut off. So the comparison uses the relief instead of the shades: how much lighter or darker each cell is than its
surroundings, in units of their variation. Reliefs of the same scene correlate wherever the image is not destroyed;
those of two scenes do not.
"""

from collections.abc import Sequence
from itertools import accumulate, chain, product, repeat
from math import sqrt
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

Relief = Sequence[Sequence[float]]


def likeness(original: bytes, other: bytes) -> float:
    """The likeness of two sketches, from about 0 to 1.

    It is about 0 for different scenes and 1 for the same one; also 1 where the original has nothing recognisable.
    """
    before, after = _relief(original), _relief(other)
    places = product(_PLACES, repeat=2)
    fits = [_fit(before, after, top, left) for top, left in places if _shows_something(before, top, left)]
    counted = sorted(fits, reverse=True)[:_QUARTERS_COUNTED]
    return sum(counted) / len(counted) if counted else 1.0


def _fit(before: Relief, after: Relief, top: int, left: int) -> float:
    """The best correlation of a quarter near its place in ``before``."""
    if not _shows_something(after, top, left):
        return 0.0
    wanted = _quarter(after, top, left)
    mean = sum(wanted) / len(wanted)
    deviations = [cell - mean for cell in wanted]
    spread = _product(deviations, deviations)
    tops, lefts = (range(at - _STRAY, at + _STRAY + 1) for at in (top, left))
    return max(_correlation(_quarter(before, *place), deviations, spread) for place in product(tops, lefts))


def _shows_something(relief: Relief, top: int, left: int) -> bool:
    cells = _quarter(relief, top, left)
    return _product(cells, cells) >= _LEAST_RELIEF * len(cells)


def _quarter(relief: Relief, top: int, left: int) -> list[float]:
    rows = relief[top : top + _QUARTER]
    return list(chain.from_iterable(row[left : left + _QUARTER] for row in rows))


def _correlation(ones: Sequence[float], deviations: Sequence[float], other_spread: float) -> float:
    """The correlation with cells given as deviations from their mean."""
    mean = sum(ones) / len(ones)
    spread = _product(ones, ones) - len(ones) * mean * mean
    if spread <= 0 or other_spread <= 0:
        return 0.0
    return _product(ones, deviations) / sqrt(spread * other_spread)


def _product(ones: Sequence[float], others: Sequence[float]) -> float:
    total: float = sum(map(mul, ones, others))
    return total


def _relief(sketch: bytes) -> Relief:
    shades = [sketch[start : start + SKETCH_SIDE] for start in range(0, SKETCH_SIDE**2, SKETCH_SIDE)]
    raised = [list(map(sub, *rows)) for rows in zip(shades, _surroundings(shades), strict=True)]
    variances = _surroundings([list(map(mul, row, row)) for row in raised])
    return [
        [cell / (sqrt(variance) + _FAINT) for cell, variance in zip(*rows, strict=True)]
        for rows in zip(raised, variances, strict=True)
    ]


def _surroundings(cells: Sequence[Sequence[float]]) -> list[list[float]]:
    """The mean around each cell, of the cells within the image."""
    across = map(_sums, cells)
    down = map(_sums, zip(*across, strict=True))
    sums = zip(*down, strict=True)
    return [list(map(truediv, row, counts)) for row, counts in zip(sums, _COUNTS, strict=True)]


def _sums(line: Sequence[float]) -> list[float]:
    """The sum around each place, of the places within the line."""
    until = [*repeat(0, _REACH + 1), *accumulate(line)]
    until += repeat(until[-1], _REACH)
    return list(map(sub, until[2 * _REACH + 1 :], until))


#: How many cells each sum of surroundings is of.
_COUNTS = [[across * down for across in _sums([1] * SKETCH_SIDE)] for down in _sums([1] * SKETCH_SIDE)]
