"""Conversion of any colours to 8-bit sRGB on white."""

import io
from collections.abc import Callable, Iterator
from functools import cache, lru_cache

from PIL import Image, ImageCms

#: Pictures are converted in strips of about this size, so that only the source and the result are held whole.
STRIP_PIXELS = 1_000_000

#: Grey with sixteen or more bits.
DEEP_GREY_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N", "I"})
_DEEP_LEVELS = 65536
_GREY_MODES = frozenset({"1", "L", "LA", "La"})
_RGB_MODES = frozenset({"P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr", "HSV"})

#: By a profile's colour space: the mode of the pixels passed to it, and the modes it applies to.
_SPACES = {
    "RGB ": ("RGB", _GREY_MODES | DEEP_GREY_MODES | _RGB_MODES),
    "GRAY": ("L", _GREY_MODES | DEEP_GREY_MODES),
    "CMYK": ("CMYK", frozenset({"CMYK"})),
    "Lab ": ("LAB", frozenset({"LAB"})),
}

#: The bytes of a profile that hold its creation date.
_PROFILE_DATE = slice(24, 36)
_A_DATE = bytes.fromhex("07d000010001000000000000")

#: A profile that moves no colour by more than this is treated as sRGB.
_SAME_LEVELS = 1

Conversion = Callable[[Image.Image], Image.Image]


@cache
def srgb_profile() -> bytes:
    """Return the sRGB profile of all output: a few hundred constant bytes."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[_PROFILE_DATE] = _A_DATE
    return bytes(made)


class PlainColours:
    """The conversion of one file's pixels to sRGB.

    ``white`` is the highest value of grey with more than eight bits, and ``is_negative`` says that it is black. A
    profile that is broken, or for other channels than the file has, is ignored, as viewers do.
    """

    def __init__(
        self,
        image: Image.Image,
        profile: bytes | None,
        *,
        white: int = _DEEP_LEVELS - 1,
        is_negative: bool = False,
    ) -> None:
        self._transparent_grey = image.info.get("transparency") if image.mode in DEEP_GREY_MODES else None
        transform = _transform(image.mode, profile)
        #: Whether RGB pixels need no conversion.
        self.keeps_rgb = transform is None and not image.has_transparency_data
        self._convert: Conversion
        if image.mode in DEEP_GREY_MODES:
            self._convert = _deep_grey(transform, white, is_negative=is_negative)
        elif transform is not None:
            self._convert = transform
        elif image.mode == "LAB":
            lab = ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb(), "LAB", "RGB")
            self._convert = lambda strip: _applied(lab, strip)
        else:
            self._convert = lambda strip: strip.convert("RGB")

    def on_white(self, strip: Image.Image) -> Image.Image:
        """Convert a strip to RGB, with transparent pixels on white."""
        strip = _separate(strip)
        colours = self._convert(strip)
        alpha = self.alpha(strip)
        if alpha is None:
            return colours
        return Image.composite(colours, Image.new("RGB", strip.size, "white"), alpha)

    def alpha(self, strip: Image.Image) -> Image.Image | None:
        """Return a strip's opacity; None if nothing can be transparent."""
        if strip.mode in DEEP_GREY_MODES:
            key = self._transparent_grey
            if not isinstance(key, int) or not 0 <= key < _DEEP_LEVELS:
                return None
            table = [255] * _DEEP_LEVELS
            table[key] = 0
            return strip.convert("I").point(table, "L")
        if not strip.has_transparency_data:
            return None
        return _separate(strip).convert("RGBA").getchannel("A")


def _separate(strip: Image.Image) -> Image.Image:
    """Divide grey that is multiplied by its transparency."""
    return strip.convert("LA") if strip.mode == "La" else strip


def strips(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Yield full-width boxes that cover a picture from the top."""
    width, height = size
    rows = max(1, STRIP_PIXELS // width)
    for top in range(0, height, rows):
        yield 0, top, width, min(top + rows, height)


# Most pictures have one of few profiles. Few are kept, because each may be 16 MiB.
@lru_cache(maxsize=4)
def _transform(mode: str, profile: bytes | None) -> Conversion | None:
    """Return a profile's conversion; None if inapplicable or invisible."""
    if profile is None:
        return None
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        input_mode, modes = _SPACES.get(opened.profile.xcolor_space, ("", frozenset()))
        if mode not in modes:
            return None
        transform = ImageCms.buildTransform(opened, _srgb(), input_mode, "RGB")
        if input_mode == "L":
            return _grey(transform)
        if input_mode == "RGB" and _changes_nothing(transform):
            return None
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None
    return lambda strip: _applied(transform, strip if strip.mode == input_mode else strip.convert(input_mode))


def _grey(transform: ImageCms.ImageCmsTransform) -> Conversion:
    table = _greys(transform)
    return lambda strip: (strip if strip.mode == "L" else strip.convert("L")).point(table).convert("RGB")


def _greys(transform: ImageCms.ImageCmsTransform) -> list[int]:
    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    return list(_applied(transform, ramp).getchannel("G").tobytes())


def _deep_grey(transform: Conversion | None, white: int, *, is_negative: bool) -> Conversion:
    """Convert through a table of 16 bits: rounding first would lose shadows."""
    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    levels = list(transform(ramp).getchannel("G").tobytes()) if transform else list(range(256))
    table = []
    for value in range(_DEEP_LEVELS):
        place = min(value, white) * 255 / white
        place = 255 - place if is_negative else place
        lower = min(int(place), 254)
        table.append(round(levels[lower] + (levels[lower + 1] - levels[lower]) * (place - lower)))
    return lambda strip: strip.convert("I").point(table, "L").convert("RGB")


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform leaves a cube of colours unchanged."""
    steps = (0, 32, 64, 96, 128, 160, 192, 224, 255)
    cube = bytes(level for red in steps for green in steps for blue in steps for level in (red, green, blue))
    before = Image.frombytes("RGB", (len(steps) ** 2, len(steps)), cube)
    after = _applied(transform, before).tobytes()
    return all(abs(one - other) <= _SAME_LEVELS for one, other in zip(cube, after, strict=True))


def _applied(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    changed = ImageCms.applyTransform(image, transform)
    if changed is None:
        raise AssertionError("ImageCms returned no image for a transform that is not in place.")
    return changed


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
