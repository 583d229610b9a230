"""Refusals of pictures: the phrase that tells customers what to send instead."""

from collections.abc import Sequence

from domain.ports.errors import RefusalPart, UnreadableImageError

_MEGA = 1_000_000

#: Frames and pages are counted up to here.
COUNTED_AT_MOST = 1000


def not_a_picture() -> UnreadableImageError:
    """The bytes are in no supported format."""
    return UnreadableImageError("not_a_picture")


def damaged() -> UnreadableImageError:
    """The decoder fails, or pixels are missing."""
    return UnreadableImageError("damaged")


def not_opened() -> UnreadableImageError:
    """The decoder process crashed on it."""
    return UnreadableImageError("not_opened")


def too_slow() -> UnreadableImageError:
    """The decoder process used all of its CPU time."""
    return UnreadableImageError("too_slow")


def too_much_memory() -> UnreadableImageError:
    """The picture needs more memory than a decoder process has."""
    return UnreadableImageError("too_much_memory")


def camera_raw() -> UnreadableImageError:
    """Sensor data, which every program develops differently."""
    return UnreadableImageError("camera_raw")


def several_pages(count: int) -> UnreadableImageError:
    """A TIFF file of several photos, e.g. of a scanner's feeder."""
    return _counted("several_pages", "very_many_pages", count)


def preview_first() -> UnreadableImageError:
    """A TIFF file whose photo is behind a smaller version of it."""
    return UnreadableImageError("preview_first")


def too_many_scans(limit: int) -> UnreadableImageError:
    """A JPEG that is made to take its decoder long."""
    return UnreadableImageError("too_many_scans", {"limit": limit})


def unusual_jpeg() -> UnreadableImageError:
    """A JPEG of a kind that the decoder does not support."""
    return UnreadableImageError("unusual_jpeg")


def animation(count: int) -> UnreadableImageError:
    """An animation or video."""
    return _counted("animation", "long_animation", count)


def invisible() -> UnreadableImageError:
    """Every pixel is transparent, whatever colours are hidden in it."""
    return UnreadableImageError("invisible")


def high_dynamic_range() -> UnreadableImageError:
    """A picture brighter than white, which only some screens show."""
    return UnreadableImageError("high_dynamic_range")


def kind_of_tiff(kind: Sequence[RefusalPart], conditions: Sequence[str]) -> UnreadableImageError:
    """A TIFF file of an unsupported kind, which is described.

    ``conditions`` name what else a TIFF has to be, where this one may already have 8 bits per channel in RGB or grey.
    """
    if not conditions:
        return UnreadableImageError("tiff", {"kind": list(kind)})
    also: list[RefusalPart] = [(name, {}) for name in conditions]
    return UnreadableImageError("tiff_also", {"kind": list(kind), "also": also})


def too_large(width: int, height: int, limit: int, jpeg_limit: int | None) -> UnreadableImageError:
    """More pixels than ``limit``; ``jpeg_limit`` is named where JPEG allows more."""
    values = {"width": width, "height": height, "megapixels": limit // _MEGA}
    if jpeg_limit is None:
        return UnreadableImageError("too_large", values)
    return UnreadableImageError("too_large_progressive", {**values, "jpeg_megapixels": jpeg_limit // _MEGA})


def too_small(width: int, height: int, limit: int) -> UnreadableImageError:
    """An icon rather than a photo."""
    return UnreadableImageError("too_small", {"width": width, "height": height, "limit": limit})


def _counted(refusal: str, beyond: str, count: int) -> UnreadableImageError:
    """The refusal with its count; ``beyond`` that is "more than" the limit."""
    if count > COUNTED_AT_MOST:
        return UnreadableImageError(beyond, {"limit": COUNTED_AT_MOST})
    return UnreadableImageError(refusal, {"count": count})
