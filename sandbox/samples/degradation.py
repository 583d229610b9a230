"""Degradation of prints: creases, scratches, fibres, dust, fading, colour cast, grain.

Pictures are BGR uint8 arrays; all randomness comes from the given generator. Marks are painted as an opacity map (0
to 1, float32) that is blended with the tone of bare paper or of dirt, so that a mark has soft edges like a scanned
one.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Opacity = NDArray[np.float32]
Draw = Callable[[np.random.Generator, tuple[int, int]], Opacity]

#: Sub-pixel precision of OpenCV's drawing functions, in bits.
SHIFT = 4

#: Black and white (blue, green, red) of faded dyes.
FADED = {
    "yellowed": ((30, 46, 54), (160, 208, 228)),
    "magenta": ((52, 34, 60), (196, 182, 230)),
    "brown": ((28, 42, 58), (150, 190, 218)),
}


def faded(picture: Pixels, style: str, rng: np.random.Generator) -> Pixels:
    """Fade a picture: weaker colours, grey black, paper-coloured white, slightly uneven."""
    black, white = (np.asarray(tone, np.float32) for tone in FADED[style])
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[..., None].astype(np.float32)
    dulled = grey + 0.8 * (picture.astype(np.float32) - grey)
    sheet = cv2.resize(
        rng.normal(0, 1, (3, 4)).astype(np.float32), picture.shape[1::-1], interpolation=cv2.INTER_CUBIC
    )
    return _clipped(black + dulled / 255 * (white - black) + 3 * sheet[..., None])


def grainy(picture: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Add film grain, mostly in brightness, a little in colour."""
    height, width = picture.shape[:2]
    grain = rng.normal(0, sigma, (height, width, 1)) + rng.normal(0, sigma / 3, (height, width, 3))
    return _clipped(picture + cv2.GaussianBlur(grain.astype(np.float32), (0, 0), 0.5) * 1.3)


def marked(picture: Pixels, opacity: Opacity, tone: tuple[int, int, int]) -> Pixels:
    """Blend marks of this tone (blue, green, red) over the picture."""
    cover = opacity[..., None]
    return _clipped(picture * (1 - cover) + np.asarray(tone, np.float32) * cover)


def scratches(rng: np.random.Generator, shape: tuple[int, int]) -> Opacity:
    """Draw thin, nearly straight lines in a common direction."""
    canvas = np.zeros(shape, np.float32)
    direction = rng.uniform(0, np.pi)
    for _ in range(int(rng.integers(5, 9))):
        length = rng.uniform(0.12, 0.6) * max(shape)
        line = _arc(rng, shape, length, direction + rng.normal(0, 0.25), bend=0.04)
        depth = np.clip(rng.uniform(0.55, 1.0) + 0.3 * _drift(rng, len(line)), 0.15, 0.95)
        _trace(canvas, line, depth, int(rng.choice([1, 1, 2])))
    return _softened(canvas, 0.6)


def fibres(rng: np.random.Generator, shape: tuple[int, int]) -> Opacity:
    """Draw a few short curled fibres."""
    canvas = np.zeros(shape, np.float32)
    for _ in range(int(rng.integers(3, 6))):
        line = _arc(rng, shape, rng.uniform(40, 110), rng.uniform(0, 2 * np.pi), bend=0.5)
        _trace(canvas, line, np.full(len(line), 0.7), 1)
    return _softened(canvas, 0.6)


def dust(rng: np.random.Generator, shape: tuple[int, int]) -> Opacity:
    """Draw specks of one to five pixels, most of them small."""
    canvas = np.zeros(shape, np.float32)
    for _ in range(int(rng.integers(70, 110))):
        centre = (int(rng.integers(shape[1])), int(rng.integers(shape[0])))
        axes = (int(min(5, 1 + rng.exponential(1.1))), int(min(4, 1 + rng.exponential(0.8))))
        cv2.ellipse(canvas, centre, axes, rng.uniform(0, 180), 0, 360, rng.uniform(0.6, 1.0), -1, cv2.LINE_AA)
    return _softened(canvas, 0.7)


def creases(rng: np.random.Generator, shape: tuple[int, int]) -> Opacity:
    """Draw a fold and a bent corner, where the paper shows."""
    height, width = shape
    canvas = np.zeros(shape, np.float32)
    level = rng.uniform(0.25, 0.75) * height
    _trace_crease(canvas, rng, (0, level), (width, level + rng.normal(0, 0.06) * height))
    side, reach = int(rng.integers(2)), rng.uniform(0.12, 0.2) * width
    _trace_crease(canvas, rng, (abs(side * width - reach), 0), (side * width, reach * rng.uniform(0.8, 1.3)))
    return _softened(canvas, 0.8)


def _trace_crease(
    canvas: Opacity, rng: np.random.Generator, start: tuple[float, float], end: tuple[float, float]
) -> None:
    steps = int(np.hypot(end[0] - start[0], end[1] - start[1]) / 4)
    way = np.linspace(start, end, steps)
    way[:, 1] += np.cumsum(rng.normal(0, 0.35, steps)) + rng.normal(0, 0.4, steps)
    _trace(canvas, way, np.clip(0.55 + 0.45 * _drift(rng, steps), 0.05, 0.95), 2)
    flakes = rng.choice(way, size=max(1, steps // 10)) + rng.normal(0, 1, 2)
    for x, y in flakes:
        cv2.circle(canvas, (round(x), round(y)), int(rng.integers(1, 4)), 0.85, -1, cv2.LINE_AA)


def _arc(
    rng: np.random.Generator, shape: tuple[int, int], length: float, direction: float, bend: float
) -> NDArray[np.float64]:
    """Return points every three pixels along a randomly placed arc.

    It turns by about `bend` radians.
    """
    steps = max(4, int(length / 3))
    angles = direction + rng.normal(0, bend) * np.linspace(-1, 1, steps) + rng.normal(0, bend / 4, steps)
    start = rng.uniform(0, 1, 2) * (shape[1], shape[0])
    path: NDArray[np.float64] = start + 3 * np.cumsum(
        np.stack([np.cos(angles), np.sin(angles)], axis=1), axis=0
    )
    return path


def _drift(rng: np.random.Generator, steps: int) -> NDArray[np.float64]:
    """Return a slow random wave of about unit size."""
    knots = rng.normal(0, 1, max(4, steps // 12))
    wave: NDArray[np.float64] = np.interp(np.linspace(0, len(knots) - 1, steps), np.arange(len(knots)), knots)
    return wave


def _trace(canvas: Opacity, way: NDArray[np.float64], depth: NDArray[np.float64], thickness: int) -> None:
    """Draw a polyline of varying depth; crossing marks keep the deeper one."""
    layer = np.zeros_like(canvas)
    fixed = np.round(way * (1 << SHIFT)).astype(int)
    for begin, end, value in zip(fixed[:-1], fixed[1:], depth, strict=False):
        cv2.line(layer, begin.tolist(), end.tolist(), float(value), thickness, cv2.LINE_AA, SHIFT)
    np.maximum(canvas, layer, out=canvas)


def _softened(opacity: Opacity, sigma: float) -> Opacity:
    return np.asarray(cv2.GaussianBlur(opacity, (0, 0), sigma), np.float32)


def _clipped(values: NDArray[np.floating]) -> Pixels:
    pixels: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return pixels
