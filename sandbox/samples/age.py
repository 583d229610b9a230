"""Age a photograph: `python -m sandbox.samples.age INPUT OUTPUT --seed N`.

`--all` recreates the committed samples from their undamaged originals. The same picture and seed give the same
result, so a test compares the samples with this script.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image, ImageChops, ImageOps

from sandbox.samples import FOLDER, SEEDS, UNDAMAGED, degradation

#: Keeps a grainy megapixel under 350 KB.
JPEG_QUALITY = 86

#: Fainter marks cannot be distinguished from grain.
VISIBLE_OPACITY = 38

#: Bare paper and dirt; neither is quite white or black.
PAPER, DIRT = (242, 238, 228), (36, 32, 28)


@dataclass(frozen=True, kw_only=True)
class Aged:
    """An aged picture, and the mask of its damage, 0 or 255."""

    picture: Image.Image
    damage: Image.Image


def age(picture: Image.Image, seed: int) -> Aged:
    """Age a picture of about a megapixel, deterministically by the seed."""
    rng = Random(seed)  # noqa: S311 -- repeatable, not secret
    aged = degradation.faded(picture, rng.choice(sorted(degradation.FADED)), rng)
    damage = Image.new("L", picture.size)
    marks: list[tuple[degradation.Draw, degradation.Tone]] = [
        (degradation.creases, PAPER),
        (degradation.scratches, PAPER),
        (degradation.scratches, DIRT),
        (degradation.fibres, DIRT),
        (degradation.dust, PAPER),
        (degradation.dust, DIRT),
    ]
    for draw, tone in marks:
        opacity = draw(rng, picture.size)
        aged = degradation.marked(aged, opacity, tone)
        damage = ImageChops.lighter(damage, opacity.point(lambda value: 255 * (value > VISIBLE_OPACITY)))
    return Aged(picture=degradation.grainy(aged, rng.uniform(4.0, 5.5), rng), damage=damage)


def age_file(source: Path, target: Path, seed: int, mask: Path | None = None) -> None:
    """Age a picture file; optionally write its damage as an image.

    Raises ValueError if Pillow cannot read the source.
    """
    try:
        with Image.open(source) as image:
            picture = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError) as error:
        raise ValueError(
            f"{source} is not a picture that can be read; give a JPEG, PNG or WebP file"
        ) from error
    aged = age(picture, seed)
    aged.picture.save(target, quality=JPEG_QUALITY)
    if mask is not None:
        aged.damage.save(mask)


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
