"""Filling of damage from its surroundings."""

from PIL import Image, ImageChops

from sandbox.restoration.pixels import Mask, Picture, above


def filled(picture: Picture, damage: Mask) -> Picture:
    """Replace the damaged pixels; every other pixel stays.

    A pyramid: each half of the size holds the means of what is known, until nothing is missing, and what is missing is
    taken from there, smoothly enlarged.
    """
    if damage.getbbox() is None:
        return picture
    known = picture.copy()
    known.putalpha(ImageChops.invert(damage))
    size = [(side + 1) // 2 for side in picture.size]
    smaller = known.resize(size, Image.Resampling.BOX)
    means = smaller.convert(picture.mode)
    if picture.size != (1, 1):
        means = filled(means, ImageChops.invert(above(smaller.getchannel("A"), 0)))
    return Image.composite(means.resize(picture.size, Image.Resampling.BICUBIC), picture, damage)
