"""Age a photograph: `python -m sandbox.samples.age INPUT OUTPUT --seed N`.

`--all` recreates the committed samples from their undamaged originals. The same picture and seed give the same
result, so a test compares the samples with this script.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sandbox.samples import FOLDER, SEEDS, UNDAMAGED, degradation

#: Keeps a grainy megapixel under 350 KB.
JPEG_QUALITY = 86

#: Fainter marks cannot be distinguished from grain.
VISIBLE_OPACITY = 0.15

#: Bare paper and dirt (blue, green, red); neither is quite white or black.
PAPER, DIRT = (228, 238, 242), (28, 32, 36)


@dataclass(frozen=True, kw_only=True)
class Aged:
    """An aged picture (BGR uint8) and its damage (bool, same size)."""

    picture: degradation.Pixels
    damage: NDArray[np.bool_]


def age(picture: degradation.Pixels, seed: int) -> Aged:
    """Age a BGR picture of about a megapixel, deterministically by the seed."""
    rng = np.random.default_rng(seed)
    shape = (picture.shape[0], picture.shape[1])
    aged = degradation.faded(picture, str(rng.choice(sorted(degradation.FADED))), rng)
    damage = np.zeros(shape, np.bool_)
    marks: list[tuple[degradation.Draw, tuple[int, int, int]]] = [
        (degradation.creases, PAPER),
        (degradation.scratches, PAPER),
        (degradation.scratches, DIRT),
        (degradation.fibres, DIRT),
        (degradation.dust, PAPER),
        (degradation.dust, DIRT),
    ]
    for draw, tone in marks:
        opacity = draw(rng, shape)
        aged = degradation.marked(aged, opacity, tone)
        damage |= opacity > VISIBLE_OPACITY
    return Aged(picture=degradation.grainy(aged, rng.uniform(4.0, 5.5), rng), damage=damage)


def age_file(source: Path, target: Path, seed: int, mask: Path | None = None) -> None:
    """Age a picture file; optionally write its damage as an image.

    Raises ValueError if OpenCV cannot read the source.
    """
    picture = cv2.imread(str(source), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{source} is not a picture that can be read; give a JPEG, PNG or WebP file")
    aged = age(picture.astype(np.uint8, copy=False), seed)
    cv2.imwrite(str(target), aged.picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if mask is not None:
        cv2.imwrite(str(mask), aged.damage.astype(np.uint8) * 255)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.samples.age", description="Age a photograph.")
    parser.add_argument("source", metavar="INPUT", type=Path, nargs="?")
    parser.add_argument("target", metavar="OUTPUT", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=1931, help="the same seed ages the same way")
    parser.add_argument("--mask", type=Path, help="also write where the marks lie")
    parser.add_argument("--all", action="store_true", help="make all committed samples anew")
    options = parser.parse_args(arguments)
    if options.all:
        for name, seed in SEEDS.items():
            age_file(UNDAMAGED / name, FOLDER / name, seed)
    elif options.source is None or options.target is None:
        parser.error("give INPUT and OUTPUT, or --all")
    else:
        age_file(options.source, options.target, options.seed, options.mask)


if __name__ == "__main__":
    main()
