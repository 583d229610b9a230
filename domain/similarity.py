"""Whether two images show the same scene, by small grey sketches.

What restoration changes must not count: tones, colours, fading, stains, filled tears and scratches, a border that was
cut off. So the comparison uses the relief instead of the shades: how much lighter or darker each cell is than its
surroundings, in units of their variation. Reliefs of the same scene correlate wherever the image is not destroyed;
those of two scenes do not.
"""

from collections.abc import Sequence
from itertools import chain, product
from math import dist, hypot, lcm, sqrt
from operator import mul, truediv
from struct import Struct

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

#: No correlation is below this, so a half that is not compared yet cannot be worse.
_LEAST_FIT = -1.0

#: Start and length of the upper quarters; the outermost cells are left free for content that has moved.
_TOP = _STRAY
_LEFTS = (_STRAY, SKETCH_SIDE // 2)
_QUARTER = SKETCH_SIDE // 2 - _STRAY

#: The relief of the upper half has so many lines, and depends on so many of the sketch.
_LINES = _TOP + _STRAY + _QUARTER
_SKETCH_LINES = _LINES + 2 * _REACH

#: Follows each line, so that surroundings have cells of one line only.
_GAP = bytes(_REACH)
_LINE = SKETCH_SIDE + len(_GAP)

#: One figure a cell, line by line, with the gaps.
Relief = Sequence[float]


def likeness(original: bytes, other: bytes, *, enough: float = 1.0) -> float:
    """The likeness of two sketches, from about 0 to 1.

    It is about 0 for different scenes and 1 for the same one; also 1 where the original has nothing recognisable. From
    ``enough`` on, it is only known to be at least what is returned: then neither a lower half that can change nothing
    is compared, nor a better match searched.
    """
    upper = _relief(original), _relief(other)
    fits = _fits(*upper)
    least = _mean_of_best([*fits, _LEAST_FIT, _LEAST_FIT])
    if least >= enough:
        return least
    # Turned by half a circle, the lower half is the upper one.
    lower = _relief(original[::-1]), _relief(other[::-1])
    unmoved = _mean_of_best([*fits, *_fits(*lower)])
    if unmoved >= enough:
        return unmoved
    return _mean_of_best([*_fits(*upper, stray=_STRAY), *_fits(*lower, stray=_STRAY)])


def _mean_of_best(fits: Sequence[float]) -> float:
    counted = sorted(fits, reverse=True)[:_QUARTERS_COUNTED]
    return sum(counted) / len(counted) if counted else 1.0


def _fits(before: Relief, after: Relief, *, stray: int = 0) -> list[float]:
    """The fit of each quarter that shows something in ``before``."""
    return [
        _fit(before, _quarter(after, _TOP, left), left, stray)
        for left in _LEFTS
        if _shows_something(_quarter(before, _TOP, left))
    ]


def _fit(before: Relief, wanted: Sequence[float], left: int, stray: int) -> float:
    """The best correlation of a quarter near its place in ``before``."""
    if not _shows_something(wanted):
        return 0.0
    tops, lefts = (range(at - stray, at + stray + 1) for at in (_TOP, left))
    return max(_correlation(_quarter(before, *place), wanted) for place in product(tops, lefts))


def _shows_something(cells: Sequence[float]) -> bool:
    return _square(cells) >= _LEAST_RELIEF * len(cells)


def _quarter(relief: Relief, top: int, left: int) -> list[float]:
    starts = range(top * _LINE + left, (top + _QUARTER) * _LINE, _LINE)
    return list(chain.from_iterable([relief[start : start + _QUARTER] for start in starts]))


def _correlation(ones: Sequence[float], others: Sequence[float]) -> float:
    total, other_total = sum(ones), sum(others)
    square, other_square = _square(ones), _square(others)
    spread, other_spread = square - total**2 / len(ones), other_square - other_total**2 / len(others)
    if spread <= 0 or other_spread <= 0:
        return 0.0
    # By the law of cosines: the distance is computed in C.
    inner = (square + other_square - dist(ones, others) ** 2) / 2
    return (inner - total * other_total / len(ones)) / sqrt(spread * other_spread)


def _square(cells: Sequence[float]) -> float:
    return hypot(*cells) ** 2


def _relief(sketch: bytes) -> Relief:
    """The relief of the upper half.

    Cells are digits of large numbers, so that one operation in C adds all of them, without rounding: differences from
    the surroundings are counted in units of which a shade has ``_UNIT``.
    """
    starts = range(0, _SKETCH_LINES * SKETCH_SIDE, SKETCH_SIDE)
    digits = bytearray(_RAISED.size)
    digits[::_RAISED_BYTES] = b"".join([sketch[start : start + SKETCH_SIDE] + _GAP for start in starts])
    cells = int.from_bytes(digits, "little")
    sums = _surroundings(cells, _RAISED_BYTES)
    means = sum([(sums & places) * share for places, share in _SHARES])
    raised = _RAISED.unpack((cells * _UNIT + _SIGNS - means ^ _SIGNS).to_bytes(_RAISED.size, "little"))
    squares = int.from_bytes(_SQUARES.pack(*map(mul, raised, raised)), "little")
    summed = _surroundings(squares, _SQUARES_BYTES).to_bytes(2 * _SQUARES.size, "little")
    variances = map(mul, _VARIANCES.unpack_from(summed), _PARTS)
    return list(map(truediv, raised, [sqrt(variance) + _FAINT_UNITS for variance in variances]))


def _surroundings(cells: int, digit_bytes: int) -> int:
    """The sum around each cell; of a gap's, it means nothing."""
    for step in (8 * digit_bytes, 8 * digit_bytes * _LINE):
        # Seven cells are four, two and one.
        two = cells + (cells << step)
        four = two + (two << 2 * step)
        cells = four + (two << 4 * step) + (cells << 6 * step) >> _REACH * step
    return cells


#: How many cells the surroundings of each cell have; none in a gap.
_NEAR = [min(at, _REACH) + 1 + min(SKETCH_SIDE - 1 - at, _REACH) for at in range(SKETCH_SIDE)]
_COUNTS = [count for near in _NEAR[:_SKETCH_LINES] for count in (*(near * other for other in _NEAR), *_GAP)]
_PARTS = [1 / count if count else 0.0 for count in _COUNTS[: _LINES * _LINE]]

#: A shade has so many units that each mean is a whole number of them.
_UNIT = lcm(*filter(None, _COUNTS))
_FAINT_UNITS = _FAINT * _UNIT

#: Differences have a sign, their squares need twice the bytes.
_RAISED_BYTES, _SQUARES_BYTES = 4, 8
_RAISED, _SQUARES = Struct(f"<{len(_COUNTS)}i"), Struct(f"<{len(_COUNTS)}Q")
_VARIANCES = Struct(f"<{len(_PARTS)}Q")
_SIGNS = int.from_bytes(_RAISED.pack(*[-(2**31)] * len(_COUNTS)), "little")

#: For each number of cells: all places that have it, and the units that a shade of their sum is worth.
_SHARES = [
    (int.from_bytes(_RAISED.pack(*[-(count == other) for other in _COUNTS]), "little"), _UNIT // count)
    for count in sorted(set(filter(None, _COUNTS)))
]
