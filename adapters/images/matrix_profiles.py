"""ICC profiles built from primaries and a transfer curve."""

import struct
from functools import cache

Matrix = tuple[tuple[float, ...], ...]

#: x and y of white, red, green and blue.
Chromaticities = tuple[float, ...]

#: One exponent in 256ths, or a table from levels to light in 65535ths.
Curve = tuple[int, ...]

SRGB_CHROMATICITIES: Chromaticities = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)

_CURVE_POINTS = 1024

#: The white point of ICC profiles.
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD: Matrix = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))


def matrix_profile(chromaticities: Chromaticities, curve: Curve) -> bytes | None:
    """Return a matrix profile (ICC.1:2001-04, version 2); None for impossible primaries."""
    try:
        return _profile(chromaticities, curve)
    except ZeroDivisionError:
        return None  # primaries on one line


def power(exponent: float) -> Curve:
    """Return the curve of an exponent."""
    return (round(exponent * 256),)


@cache
def srgb_curve() -> Curve:
    """Return sRGB's curve from levels to light."""
    levels = (place / (_CURVE_POINTS - 1) for place in range(_CURVE_POINTS))
    light = (
        level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 -- IEC 61966-2-1
        for level in levels
    )
    return tuple(round(each * 0xFFFF) for each in light)


def _profile(chromaticities: Chromaticities, values: Curve) -> bytes:
    curve = b"curv" + bytes(4) + struct.pack(f">I{len(values)}H", len(values), *values)
    curve += bytes(-len(curve) % 4)
    colorants = zip(*_to_d50(chromaticities), strict=True)
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 4) + b"PNG\x00" + bytes(78),
        b"wtpt": _xyz(_D50),
        **{name: _xyz(each) for name, each in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)},
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, data, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        table += name + struct.pack(">II", at + len(data), len(content))
        data += padded
    header = bytearray(128)
    header[4:] = bytes(124)
    struct.pack_into(">I", header, 0, 128 + len(table) + len(data))
    header[8:12] = b"\x02\x10\x00\x00"
    header[12:24] = b"mntrRGB XYZ "
    struct.pack_into(">6H", header, 24, 2000, 1, 1, 0, 0, 0)
    header[36:40] = b"acsp"
    header[68:80] = _xyz(_D50)[8:]
    return bytes(header) + table + data


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _to_d50(chromaticities: Chromaticities) -> Matrix:
    """Return the matrix from linear RGB to XYZ, adapted to D50."""
    white, *primaries = (
        (x / y, 1.0, (1 - x - y) / y) for x, y in zip(chromaticities[::2], chromaticities[1::2], strict=True)
    )
    columns = _transposed(tuple(primaries))
    shares = _applied(_inverse(columns), white)
    to_xyz = tuple(tuple(cell * share for cell, share in zip(row, shares, strict=True)) for row in columns)
    before, after = _applied(_BRADFORD, white), _applied(_BRADFORD, _D50)
    scaled = tuple(
        tuple(cell * there / here for cell in row)
        for row, here, there in zip(_BRADFORD, before, after, strict=True)
    )
    return _product(_product(_inverse(_BRADFORD), scaled), to_xyz)


def _applied(matrix: Matrix, vector: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sum(cell * value for cell, value in zip(row, vector, strict=True)) for row in matrix)


def _transposed(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix, strict=True))


def _product(one: Matrix, other: Matrix) -> Matrix:
    return _transposed(tuple(_applied(one, column) for column in _transposed(other)))


def _inverse(matrix: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    adjugate = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    return tuple(tuple(cell / determinant for cell in row) for row in adjugate)
