"""Validation of a model's output against its original: shape, size, content."""

from domain.order.values import FailureReason
from domain.ports.images import ImageFacts
from domain.similarity import LEAST_LIKENESS, likeness

#: Models produce a fixed set of aspect ratios. With few of them, the nearest one is up to 8.5 % wider or narrower than
#: the original: FLUX Kontext, for example, has seventeen from 3:7 to 7:3.
SHAPE_TOLERANCE = 0.10

#: All models round sides to multiples of 8, 16 or 32 pixels, which exceeds the tolerance for tiny originals.
ROUNDING_PIXELS = 32

#: An output of less than half the original's width and height is a preview, not a restoration ...
LEAST_SHARE = 1 / 4

#: ... unless the original exceeds the models' output size: most return one megapixel for any input.
ENOUGH_PIXELS = 500_000

#: From this share of the original's pixels an output counts as equally large: models round sides to multiples of 32.
SAME_SIZE_SHARE = 0.9

#: A sketch within this range of 256 shades is a plain area; noise and JPEG artefacts average out in it. A failing model
#: returns a single colour, mostly black.
FLAT_SHADES = 6

#: A photo of fog or of a white page is nearly flat, too, and restoration may smooth it further: a flat output is a
#: failure only if the original has clearly more shades.
CLEARLY_NOT_FLAT_SHADES = 3 * FLAT_SHADES

#: An output with no lighter shade is black, even with a faint pattern ...
BLACK_SHADE = 8

#: ... which is a failure unless the original is nearly black itself.
CLEARLY_NOT_BLACK_SHADE = 3 * BLACK_SHADE


def validate_output(output: ImageFacts, original: ImageFacts) -> FailureReason | None:
    """The reason to reject an output; None if it is valid."""
    if not (_has_the_shape_of(original, output) and _is_large_enough(output, original)):
        return FailureReason.BAD_OUTPUT
    if max(output.sketch) <= BLACK_SHADE:
        return FailureReason.FLAT_OUTPUT if max(original.sketch) > CLEARLY_NOT_BLACK_SHADE else None
    if _shades(output.sketch) <= FLAT_SHADES:
        return FailureReason.FLAT_OUTPUT if _shades(original.sketch) > CLEARLY_NOT_FLAT_SHADES else None
    if likeness(original.sketch, output.sketch, enough=LEAST_LIKENESS) < LEAST_LIKENESS:
        return FailureReason.WRONG_OUTPUT
    return None


def is_smaller(output: ImageFacts, original: ImageFacts) -> bool:
    """Whether an output has fewer pixels than its original, beyond rounding."""
    return output.pixels < SAME_SIZE_SHARE * original.pixels


def _has_the_shape_of(original: ImageFacts, output: ImageFacts) -> bool:
    ratio = (output.width * original.height) / (output.height * original.width)
    tolerance = max(SHAPE_TOLERANCE, ROUNDING_PIXELS / min(original.width, original.height))
    return max(ratio, 1 / ratio) <= 1 + tolerance


def _is_large_enough(output: ImageFacts, original: ImageFacts) -> bool:
    return output.pixels >= min(LEAST_SHARE * original.pixels, ENOUGH_PIXELS)


def _shades(sketch: bytes) -> int:
    return max(sketch) - min(sketch)
