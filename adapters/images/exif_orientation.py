"""How a picture is to be turned, read from EXIF data as leniently as viewers read it."""

from PIL import Image

from adapters.images.tiff_directories import Tag, first_directory

#: What EXIF blocks begin with in JPEG files, and sometimes elsewhere.
EXIF_HEADER = b"Exif\x00\x00"

UPRIGHT = 1

#: What makes a picture upright, by its orientation.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

#: The orientations of a picture that lies on its side.
SIDEWAYS = frozenset({5, 6, 7, 8})
#: Those of which the last row becomes the first row or column.
_FROM_THE_FAR_END = frozenset({3, 4, 6, 7})


def orientation_in(exif: bytes) -> int:
    """The orientation, 1 to 8, in an EXIF block; 1 where the block does not say or cannot be read.

    Only this one tag is read: the others may be malformed without any consequence.
    """
    return stated_orientation(exif) or UPRIGHT


def stated_orientation(exif: bytes) -> int | None:
    """The orientation that an EXIF block states; None where it states none that exists."""
    directory = first_directory(exif.removeprefix(EXIF_HEADER))
    stated = directory.number(Tag.ORIENTATION) if directory else None
    return stated if stated == UPRIGHT or stated in _TURNS else None


def known_orientation(value: int | None) -> int:
    """The value if it is an orientation, otherwise upright."""
    return value if value in _TURNS else UPRIGHT


def turned_upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as a viewer shows it."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def turned_corner(orientation: int, top: int, bottom: int, height: int) -> tuple[int, int]:
    """Where the upper left corner of a strip over the whole width comes to lie once picture and strip are turned."""
    along = height - bottom if orientation in _FROM_THE_FAR_END else top
    return (along, 0) if orientation in SIDEWAYS else (0, along)
