"""Colour profiles for PNG files that state gamma and primaries in chunks of their own instead of in a profile."""

import struct
from collections.abc import Mapping

Matrix = tuple[tuple[float, ...], ...]

#: The gamma of sRGB as PNG files write it, and what counts as the same.
_SRGB_GAMMA = 0.45455
_SAME_GAMMA = 0.05

#: White and primaries of sRGB, as a cHRM chunk has them, and how far off counts as the same.
_SRGB_CHROMATICITIES = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_SAME_CHROMATICITY = 0.005

#: Profiles are relative to this white.
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD: Matrix = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))

#: Exponents beyond these are nonsense.
_GAMMA_RANGE = (0.1, 5.0)


def profile_from_chunks(chunks: Mapping[bytes, bytes]) -> bytes | None:
    """The profile that gAMA and cHRM describe; None if they describe sRGB, or nothing, or sRGB is stated."""
    if b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:  # noqa: PLR2004 -- one integer
        return None
    gamma = int.from_bytes(chunks[b"gAMA"]) / 100_000
    if not _GAMMA_RANGE[0] <= gamma <= _GAMMA_RANGE[1]:
        return None
    chromaticities = _SRGB_CHROMATICITIES
    if len(chunks.get(b"cHRM", b"")) == 32:  # noqa: PLR2004 -- eight integers
        stated = tuple(value / 100_000 for value in struct.unpack(">8I", chunks[b"cHRM"]))
        if all(0 < y < 1 and 0 <= x < 1 for x, y in zip(stated[::2], stated[1::2], strict=True)):
            chromaticities = stated
    is_same_gamma = abs(gamma - _SRGB_GAMMA) <= _SAME_GAMMA * _SRGB_GAMMA
    are_same_primaries = all(
        abs(one - other) <= _SAME_CHROMATICITY
        for one, other in zip(chromaticities, _SRGB_CHROMATICITIES, strict=True)
    )
    if is_same_gamma and are_same_primaries:
        return None
    try:
        return _profile(1 / gamma, chromaticities)
    except ZeroDivisionError:
        return None  # primaries on one line


def _profile(exponent: float, chromaticities: tuple[float, ...]) -> bytes:
    """A profile of version 2 with three colorants and one curve: ICC.1:2001-04."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(exponent * 256)) + bytes(2)
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


def _to_d50(chromaticities: tuple[float, ...]) -> Matrix:
    """The matrix from linear RGB to XYZ, adapted to D50."""
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
