"""Degradation of prints: creases, scratches, fibres, dust, fading, colour cast, grain.

Pictures are of mode RGB; all randomness comes from the given generator. Marks are painted as an opacity map (mode L, 0
to 255) that is blended with the tone of bare paper or of dirt, so that a mark has soft edges like a scanned one.
"""

import math
from collections.abc import Callable
from itertools import accumulate, pairwise
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

Size = tuple[int, int]
Point = tuple[float, float]
Tone = tuple[int, int, int]
Draw = Callable[[Random, Size], Image.Image]

#: Marks are drawn this much larger, for smooth edges and places between two pixels.
OVERSAMPLING = 4
#: The grey of images that are added: lighter values lighten, darker ones darken.
NEUTRAL = 128

#: Black and white of faded dyes.
FADED: dict[str, tuple[Tone, Tone]] = {
    "yellowed": ((54, 46, 30), (228, 208, 160)),
    "magenta": ((60, 34, 52), (230, 182, 196)),
    "brown": ((58, 42, 28), (218, 190, 150)),
}


def faded(picture: Image.Image, style: str, rng: Random) -> Image.Image:
    """Fade a picture: weaker colours, grey black, paper-coloured white, slightly uneven."""
    black, white = FADED[style]
    table = [
        round(low + level / 255 * (high - low))
        for low, high in zip(black, white, strict=True)
        for level in range(256)
    ]
    dulled = ImageEnhance.Color(picture).enhance(0.8).point(table)
    sheet = Image.new("L", (4, 3))
    sheet.putdata([round(NEUTRAL + rng.gauss(0, 3)) for _ in range(12)])
    uneven = sheet.resize(picture.size, Image.Resampling.BICUBIC)
    return ImageChops.add(dulled, Image.merge("RGB", [uneven] * 3), 1, -NEUTRAL)


def grainy(picture: Image.Image, sigma: float, rng: Random) -> Image.Image:
    """Add film grain, mostly in brightness, a little in colour."""
    shared = Image.merge("RGB", [_noise("L", picture.size, 1.3 * sigma, rng)] * 3)
    for noise in (shared, _noise("RGB", picture.size, 1.3 * sigma / 3, rng)):
        picture = ImageChops.add(picture, noise.filter(ImageFilter.GaussianBlur(0.5)), 1, -NEUTRAL)
    return picture


def marked(picture: Image.Image, opacity: Image.Image, tone: Tone) -> Image.Image:
    """Blend marks of this tone over the picture."""
    return Image.composite(Image.new("RGB", picture.size, tone), picture, opacity)


def scratches(rng: Random, size: Size) -> Image.Image:
    """Draw thin, nearly straight lines in a common direction."""
    canvas = _Canvas(size)
    direction = rng.uniform(0, math.pi)
    for _ in range(rng.randrange(5, 9)):
        length = rng.uniform(0.12, 0.6) * max(size)
        line = _arc(rng, size, length, direction + rng.gauss(0, 0.25), bend=0.04)
        depth, drift = rng.uniform(0.55, 1.0), _drift(rng, len(line))
        canvas.trace(
            line, [min(max(depth + 0.3 * wave, 0.15), 0.95) for wave in drift], rng.choice([1, 1, 2])
        )
    return canvas.softened(0.6)


def fibres(rng: Random, size: Size) -> Image.Image:
    """Draw a few short curled fibres."""
    canvas = _Canvas(size)
    for _ in range(rng.randrange(3, 6)):
        line = _arc(rng, size, rng.uniform(40, 110), rng.uniform(0, 2 * math.pi), bend=0.5)
        canvas.trace(line, [0.7] * len(line), 1)
    return canvas.softened(0.6)


def dust(rng: Random, size: Size) -> Image.Image:
    """Draw specks of one to five pixels, most of them small."""
    canvas = _Canvas(size)
    for _ in range(rng.randrange(70, 110)):
        centre = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        length, width = min(5, int(1 + rng.expovariate(0.9))), min(4, int(1 + rng.expovariate(1.25)))
        canvas.spot(centre, length, width, rng.uniform(0, math.pi), rng.uniform(0.6, 1.0))
    return canvas.softened(0.7)


def creases(rng: Random, size: Size) -> Image.Image:
    """Draw a fold and a bent corner, where the paper shows."""
    width, height = size
    canvas = _Canvas(size)
    level = rng.uniform(0.25, 0.75) * height
    _crease(canvas, rng, (0, level), (width, level + rng.gauss(0, 0.06) * height))
    side, reach = rng.choice([0, width]), rng.uniform(0.12, 0.2) * width
    _crease(canvas, rng, (abs(side - reach), 0), (side, reach * rng.uniform(0.8, 1.3)))
    return canvas.softened(0.8)


class _Canvas:
    """An opacity map that is drawn on with soft edges."""

    def __init__(self, size: Size) -> None:
        self._image = Image.new("L", (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING))
        self._draw = ImageDraw.Draw(self._image)

    def trace(self, way: list[Point], depth: list[float], thickness: int) -> None:
        """Draw a polyline of varying depth."""
        for ends, value in zip(pairwise(way), depth, strict=False):
            places = [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in ends]
            self._draw.line(places, fill=round(255 * value), width=thickness * OVERSAMPLING)

    def spot(self, centre: Point, length: float, width: float, angle: float, depth: float) -> None:
        """Draw an ellipse of these half axes."""
        corners = []
        for turn in (2 * math.pi * number / 16 for number in range(16)):
            along, across = length * math.cos(turn), width * math.sin(turn)
            x = centre[0] + along * math.cos(angle) - across * math.sin(angle)
            y = centre[1] + along * math.sin(angle) + across * math.cos(angle)
            corners.append((x * OVERSAMPLING, y * OVERSAMPLING))
        self._draw.polygon(corners, fill=round(255 * depth))

    def softened(self, sigma: float) -> Image.Image:
        """Return what was drawn, slightly blurred."""
        return self._image.reduce(OVERSAMPLING).filter(ImageFilter.GaussianBlur(sigma))


def _crease(canvas: _Canvas, rng: Random, start: Point, end: Point) -> None:
    steps = int(math.dist(start, end) / 4)
    shifts = accumulate(rng.gauss(0, 0.35) for _ in range(steps))
    way = [
        (
            start[0] + (end[0] - start[0]) * number / (steps - 1),
            start[1] + (end[1] - start[1]) * number / (steps - 1) + shift + rng.gauss(0, 0.4),
        )
        for number, shift in enumerate(shifts)
    ]
    canvas.trace(way, [min(max(0.55 + 0.45 * wave, 0.05), 0.95) for wave in _drift(rng, steps)], 2)
    for x, y in rng.choices(way, k=max(1, steps // 10)):
        radius = rng.randrange(1, 4)
        canvas.spot((x + rng.gauss(0, 1), y + rng.gauss(0, 1)), radius, radius, 0, 0.85)


def _arc(rng: Random, size: Size, length: float, direction: float, bend: float) -> list[Point]:
    """Return points every three pixels along a randomly placed arc.

    It turns by about `bend` radians.
    """
    steps, turn = max(4, int(length / 3)), rng.gauss(0, bend)
    angles = [
        direction + turn * (2 * number / (steps - 1) - 1) + rng.gauss(0, bend / 4) for number in range(steps)
    ]
    columns = accumulate((3 * math.cos(angle) for angle in angles), initial=rng.uniform(0, size[0]))
    rows = accumulate((3 * math.sin(angle) for angle in angles), initial=rng.uniform(0, size[1]))
    return list(zip(columns, rows, strict=True))


def _drift(rng: Random, steps: int) -> list[float]:
    """Return a slow random wave of about unit size."""
    knots = [rng.gauss(0, 1) for _ in range(max(4, steps // 12) + 1)]
    wave = []
    for number in range(steps):
        knot, part = divmod(number * (len(knots) - 1) / steps, 1)
        wave.append(knots[int(knot)] * (1 - part) + knots[int(knot) + 1] * part)
    return wave


def _noise(mode: str, size: Size, sigma: float, rng: Random) -> Image.Image:
    """Return noise around NEUTRAL, nearly normally distributed: means of four values."""
    one, other, third, fourth = (
        Image.frombytes(mode, size, rng.randbytes(size[0] * size[1] * len(mode))) for _ in range(4)
    )
    mean = Image.blend(Image.blend(one, other, 0.5), Image.blend(third, fourth, 0.5), 0.5)
    deviation = 256 / math.sqrt(12) / 2
    table = [round(NEUTRAL + (level - 127) * sigma / deviation) for level in range(256)]
    return mean.point(table * len(mode))
