"""A local preview of photo restoration, in classical image processing: no model, no GPU, about a second.

It finds scratches, creases and dust and fills them from their surroundings, and it reduces grain, fading and
colour cast. It is there so that the sandbox has something real to show; it is not comparable with the models
that run on GPUs: it invents nothing, so a torn-off corner stays torn off and a blurred face stays blurred.

Faces and lettering are left alone in this sense, and no other: nothing here knows what a face or a letter is.
A speck is filled only where its surroundings are smooth, so lights in eyes, teeth, print and texture stay; a
line only if it is thin, long, nearly straight and equally light on both sides. What is as thin and straight as
a scratch (a wire against the sky, a whisker) may be taken for one, and dust on busy texture is left where it is.
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
