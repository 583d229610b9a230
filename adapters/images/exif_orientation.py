"""EXIF orientation, parsed as leniently as viewers do."""

from PIL import Image

from adapters.images.tiff_directories import Tag, first_directory

#: The prefix of EXIF blocks in JPEG files, and sometimes elsewhere.
EXIF_HEADER = b"Exif\x00\x00"

UPRIGHT = 1

#: The transposition that makes a picture upright, by orientation.
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

#: Orientations that swap width and height.
SIDEWAYS = frozenset({5, 6, 7, 8})
#: Orientations whose last row becomes the first row or column.
_REVERSED = frozenset({3, 4, 6, 7})


def orientation_in(exif: bytes) -> int:
    """Return an EXIF block's orientation, 1 to 8, or else 1.

    Only this tag is parsed, so malformed other ones do not matter.
    """
    return stated_orientation(exif) or UPRIGHT


def stated_orientation(exif: bytes) -> int | None:
    """Return an EXIF block's orientation; None if missing or invalid."""
    directory = first_directory(exif.removeprefix(EXIF_HEADER))
    stated = directory.number(Tag.ORIENTATION) if directory else None
    return stated if stated == UPRIGHT or stated in _TRANSPOSITIONS else None


def known_orientation(value: int | None) -> int:
    """Return the value if it is an orientation, otherwise UPRIGHT."""
    return value if value in _TRANSPOSITIONS else UPRIGHT


def turned_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return the picture as a viewer shows it."""
    turn = _TRANSPOSITIONS.get(orientation)
    return image if turn is None else image.transpose(turn)


def turned_corner(orientation: int, top: int, bottom: int, height: int) -> tuple[int, int]:
    """Return a full-width strip's upper left corner in the turned picture."""
    along = height - bottom if orientation in _REVERSED else top
    return (along, 0) if orientation in SIDEWAYS else (0, along)
