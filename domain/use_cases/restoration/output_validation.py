"""Whether a model's output is an answer to what was asked."""

from domain.order.values import FailureReason
from domain.ports.images import ImageFacts
from domain.similarity import LEAST_LIKENESS, likeness

#: Models work in shapes of their own. The nearest to an original is up to 8.5 % broader or narrower than it where there
#: are few of them: FLUX Kontext, for one, has seventeen from 3:7 to 7:3.
SHAPE_TOLERANCE = 0.10

#: All round sides to multiples of 8, 16 or 32 pixels, which is more than the tolerance where the original is tiny.
ROUNDING_PIXELS = 32

#: Half as wide and half as high as the original is a preview, not a restoration ...
LEAST_SHARE = 1 / 4

#: ... unless the original is larger than models work: most give a megapixel back, whatever they are handed.
ENOUGH_PIXELS = 500_000

#: An output of so large a share of the original's pixels has its size: models round sides to multiples of up to 32.
SAME_SIZE_SHARE = 0.9

#: Within so many of 256 shades a sketch is one plain area; noise and JPEG artefacts average out in it. A model that
#: breaks down answers in one colour, mostly black.
FLAT_SHADES = 6

#: A photo of fog or of a white page is nearly flat as well, and restoring may smooth it further: only where the
#: original shows clearly more is a flat output a failure.
CLEARLY_NOT_FLAT_SHADES = 3 * FLAT_SHADES

#: An output with nothing lighter is black, whatever faint pattern it has ...
BLACK_SHADE = 8

#: ... which is a failure unless the original is nearly black itself.
CLEARLY_NOT_BLACK_SHADE = 3 * BLACK_SHADE


def validate_output(output: ImageFacts, original: ImageFacts) -> FailureReason | None:
    """Why an output cannot be the restored original; none if it can."""
    if not (_has_the_shape_of(original, output) and _is_large_enough(output, original)):
        return FailureReason.BAD_OUTPUT
    if max(output.sketch) <= BLACK_SHADE:
        return FailureReason.FLAT_OUTPUT if max(original.sketch) > CLEARLY_NOT_BLACK_SHADE else None
    if _shades(output.sketch) <= FLAT_SHADES:
        return FailureReason.FLAT_OUTPUT if _shades(original.sketch) > CLEARLY_NOT_FLAT_SHADES else None
    if likeness(original.sketch, output.sketch) < LEAST_LIKENESS:
        return FailureReason.WRONG_OUTPUT
    return None


def is_smaller(output: ImageFacts, original: ImageFacts) -> bool:
    """Whether an output has clearly fewer pixels than its original, beyond what rounding its sides costs."""
    return output.pixels < SAME_SIZE_SHARE * original.pixels


def _has_the_shape_of(original: ImageFacts, output: ImageFacts) -> bool:
    ratio = (output.width * original.height) / (output.height * original.width)
    tolerance = max(SHAPE_TOLERANCE, ROUNDING_PIXELS / min(original.width, original.height))
    return max(ratio, 1 / ratio) <= 1 + tolerance


def _is_large_enough(output: ImageFacts, original: ImageFacts) -> bool:
    return output.pixels >= min(LEAST_SHARE * original.pixels, ENOUGH_PIXELS)


def _shades(sketch: bytes) -> int:
    return max(sketch) - min(sketch)
