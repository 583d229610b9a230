"""Colours given as H.273 codes, in PNG's cICP and HEIF's nclx."""

from dataclasses import dataclass

from adapters.images import refusals
from adapters.images.matrix_profiles import (
    SRGB_CHROMATICITIES,
    Chromaticities,
    Curve,
    matrix_profile,
    power,
    srgb_curve,
)

_D65 = (0.3127, 0.3290)
_BT601_525 = (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070)

#: Without the primaries of sRGB and television, and unspecified ones, which are treated as sRGB, as viewers do.
_PRIMARIES: dict[int, Chromaticities] = {
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: _BT601_525,
    7: _BT601_525,
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}

#: Television's curves are treated as sRGB's: stills that name them were made on sRGB screens.
_CURVES: dict[int, Curve] = {4: power(2.2), 5: power(2.8), 8: power(1.0)}

#: Codes that are treated as sRGB.
_SRGB_PRIMARIES = 1
_SRGB_CURVES = frozenset({1, 6, 13, 14, 15})

#: PQ and HLG: brighter than white, which 8 bits of sRGB cannot represent.
_HIGH_DYNAMIC_RANGE = frozenset({16, 18})


@dataclass(frozen=True, kw_only=True)
class ColourCodes:
    """Colour primaries and transfer characteristics."""

    primaries: int
    transfer: int

    @property
    def is_known(self) -> bool:
        """Whether both codes are supported."""
        is_known_curve = self.transfer in _SRGB_CURVES | _CURVES.keys() | _HIGH_DYNAMIC_RANGE
        return is_known_curve and (self.primaries == _SRGB_PRIMARIES or self.primaries in _PRIMARIES)


def profile_of(codes: ColourCodes) -> bytes | None:
    """Return the profile of the codes; None for sRGB or unknown ones.

    Raises UnreadableImageError for a high dynamic range: rendered as plain levels it looks dull and flat.
    """
    if codes.transfer in _HIGH_DYNAMIC_RANGE:
        raise refusals.high_dynamic_range()
    primaries, curve = _PRIMARIES.get(codes.primaries), _CURVES.get(codes.transfer)
    if primaries is None and curve is None:
        return None
    return matrix_profile(primaries or SRGB_CHROMATICITIES, curve or srgb_curve())
