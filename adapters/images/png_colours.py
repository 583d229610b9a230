"""Colours of PNG files in their own chunks: profiles and transparency."""

import struct
from collections.abc import Mapping

from adapters.images.colour_codes import ColourCodes
from adapters.images.matrix_profiles import SRGB_CHROMATICITIES, Chromaticities, matrix_profile, power

#: SRGB's gamma in PNG files, and the tolerance.
_SRGB_GAMMA = 0.45455
_SAME_GAMMA = 0.05

#: Tolerance of white and primaries.
_SAME_CHROMATICITY = 0.005

#: Exponents outside this range are invalid.
_GAMMA_RANGE = (0.1, 5.0)

_PALETTE = 3
_RGB_BYTES = 3
#: The length of a transparent colour by colour type: grey and RGB.
_KEY_BYTES = {0: 2, 2: 6}


def codes_in(chunks: Mapping[bytes, bytes]) -> ColourCodes | None:
    """Return a cICP chunk's codes, which have precedence; None if malformed."""
    stated = chunks.get(b"cICP", b"")
    if len(stated) != 4 or stated[2:] != b"\x00\x01":  # noqa: PLR2004 -- RGB in full range, as PNG files have it
        return None
    return ColourCodes(primaries=stated[0], transfer=stated[1])


def profile_from_chunks(chunks: Mapping[bytes, bytes]) -> bytes | None:
    """Return the profile of gAMA and cHRM; None for sRGB or none."""
    if b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:  # noqa: PLR2004 -- one integer
        return None
    gamma = int.from_bytes(chunks[b"gAMA"]) / 100_000
    if not _GAMMA_RANGE[0] <= gamma <= _GAMMA_RANGE[1]:
        return None
    chromaticities: Chromaticities = SRGB_CHROMATICITIES
    if len(chunks.get(b"cHRM", b"")) == 32:  # noqa: PLR2004 -- eight integers
        stated = tuple(value / 100_000 for value in struct.unpack(">8I", chunks[b"cHRM"]))
        if all(0 < y < 1 and 0 <= x < 1 for x, y in zip(stated[::2], stated[1::2], strict=True)):
            chromaticities = stated
    is_same_gamma = abs(gamma - _SRGB_GAMMA) <= _SAME_GAMMA * _SRGB_GAMMA
    are_same_primaries = all(
        abs(one - other) <= _SAME_CHROMATICITY
        for one, other in zip(chromaticities, SRGB_CHROMATICITIES, strict=True)
    )
    if is_same_gamma and are_same_primaries:
        return None
    return matrix_profile(chromaticities, power(1 / gamma))


def is_transparency(data: bytes, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a tRNS chunk's length fits the colour type.

    Others are ignored by libpng, and fail in Pillow. ``headers`` are the chunks IHDR and PLTE before it. A picture with
    an alpha channel has no such chunk.
    """
    bits, colour_type = headers.get(b"IHDR", b"")[8:10].ljust(2, b"\0")
    if colour_type == _PALETTE:
        entries = min(len(headers.get(b"PLTE", b"")) // _RGB_BYTES, 1 << bits)
        return 0 < len(data) <= entries
    return len(data) == _KEY_BYTES.get(colour_type)
