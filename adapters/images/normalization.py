"""Output pictures, encoded anew from their pixels.

They contain the pixels and a small sRGB profile only: no location, no names, no thumbnail, no trailing data.
"""

from typing import Any, BinaryIO

from PIL import Image, ImageMath

from adapters.images.colours import srgb_profile, strips
from adapters.images.opening import OPAQUE_FORMATS, SizeLimits, opened
from adapters.images.similarity_sketch import visible_sketch_of
from domain.ports.images import ImageFacts

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "HEIF": "image/heic",
    "AVIF": "image/avif",
}

_QUALITY = 95
#: Zlib's usual level of 6 takes two and a half times as long for files that are 4 % smaller.
_PNG_LEVEL = 4
#: Models do not need colours at full resolution; customers get them.
_FOR_MODELS, _FOR_CUSTOMERS = "4:2:0", "4:4:4"

#: The longest side a JPEG can have.
_JPEG_SIDE_PIXELS = 65_500

#: Formats of results; any other one is delivered as PNG.
_RESULT_FORMATS = frozenset({"JPEG", "PNG", "WEBP"})


def normalize(source: BinaryIO, target: BinaryIO, limits: SizeLimits) -> str:
    """Write the restorer's input: upright JPEG in sRGB on white.

    PNG if it is too long for a JPEG. Returns its media type; raises UnreadableImageError.
    """
    with opened(source, limits) as picture:
        plain = picture.plain()
    file_format = "PNG" if max(plain.size) > _JPEG_SIDE_PIXELS else "JPEG"
    return _write(plain, target, file_format, _FOR_MODELS)


def finish(output: BinaryIO, original: BinaryIO | None, target: BinaryIO, limits: SizeLimits) -> ImageFacts:
    """Write a result in its own format, transparent where the original was.

    It is in sRGB. A JPEG, which cannot be transparent, has white there. Returns its facts; raises UnreadableImageError.
    """
    alpha = _alpha(original, limits) if original is not None else None
    with opened(output, limits) as picture:
        sketch, result = visible_sketch_of(picture), picture.plain()
        file_format = picture.file_format if picture.file_format in _RESULT_FORMATS else "PNG"
    if alpha is not None and file_format not in OPAQUE_FORMATS:
        result = _cut_out(result, alpha.resize(result.size, Image.Resampling.BILINEAR))
    media_type = _write(result, target, file_format, _FOR_CUSTOMERS)
    return ImageFacts(media_type=media_type, width=result.width, height=result.height, sketch=sketch)


def _alpha(original: BinaryIO, limits: SizeLimits) -> Image.Image | None:
    with opened(original, limits) as picture:
        return None if picture.file_format in OPAQUE_FORMATS else picture.alpha()


def _write(image: Image.Image, target: BinaryIO, file_format: str, subsampling: str) -> str:
    target.seek(0)
    target.truncate()
    # Pillow would write the decoder's metadata into the output.
    image.info = {}
    options: dict[str, Any] = {"icc_profile": srgb_profile(), "exif": b""}
    if file_format == "JPEG":
        options |= {"quality": _QUALITY, "subsampling": subsampling, "comment": b""}
    elif file_format == "PNG":
        options |= {"compress_level": _PNG_LEVEL}
    elif file_format == "WEBP":
        options |= {"quality": _QUALITY, "exact": True, "xmp": b""}
    image.save(target, file_format, **options)
    return MEDIA_TYPES[file_format]


def _cut_out(on_white: Image.Image, alpha: Image.Image) -> Image.Image:
    """Return the transparent picture that looks like ``on_white`` on white."""
    cut = Image.new("RGBA", on_white.size)
    for box in strips(cut.size):
        opacity = alpha.crop(box)
        bands = [_without_white(band, opacity) for band in on_white.crop(box).split()]
        cut.paste(Image.merge("RGBA", (*bands, opacity)), box)
    return cut


def _without_white(band: Image.Image, opacity: Image.Image) -> Image.Image:
    if opacity.getextrema() == (255, 255):
        return band
    pure = ImageMath.lambda_eval(
        lambda args: args["max"](255 - ((255 - args["band"]) * 255) / args["max"](args["opacity"], 1), 0),
        band=band,
        opacity=opacity,
    )
    white = Image.new("L", band.size, 255)
    return Image.composite(pure.convert("L"), white, opacity.point(lambda value: 255 * (value > 0)))
