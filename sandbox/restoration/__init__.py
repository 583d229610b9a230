"""A local preview of photo restoration, with classical image processing.

No model, no GPU, about a second. It finds scratches, creases and dust and fills them from their surroundings, and it
reduces grain, fading and colour cast. The sandbox uses it to show real results, which are not comparable with those
of GPU models: it invents nothing, so a torn-off corner stays torn off and a blurred face stays blurred.

It does not recognize faces and lettering, but leaves them alone as follows: a speck is filled only where its
surroundings are smooth, so lights in eyes, teeth, print and texture stay; a line only if it is thin, long, nearly
straight and equally light on both sides. What is as thin and straight as a scratch (a wire against the sky, a
whisker) may be removed, and dust on busy texture stays.
"""

from sandbox.restoration.engine import (
    DESCRIPTION,
    NAME,
    OutputFormat,
    UnreadableImageError,
    restore,
    restore_pixels,
)

__all__ = ["DESCRIPTION", "NAME", "OutputFormat", "UnreadableImageError", "restore", "restore_pixels"]
