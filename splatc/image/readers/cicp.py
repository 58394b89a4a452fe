"""Colour spaces by their numbers in ITU-T H.273, as PNG (cICP), AVIF (nclx) and JPEG 2000 have them."""

from __future__ import annotations

from splatc.image.readers.icc import D65, SRGB_CURVE, SRGB_PRIMARIES, ColourSpace, Curve, SampledCurve, Transfer, Xy

_C: Xy = (0.310, 0.316)
_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
_SMPTE_C = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
PRIMARIES: dict[int, tuple[tuple[Xy, Xy, Xy], Xy]] = {
    1: (SRGB_PRIMARIES, D65),
    2: (SRGB_PRIMARIES, D65),  # unspecified
    4: (((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), _C),
    5: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), D65),
    6: (_SMPTE_C, D65),
    7: (_SMPTE_C, D65),
    8: (((0.681, 0.319), (0.243, 0.692), (0.145, 0.049)), _C),
    9: (((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), D65),
    10: (((1.0, 0.0), (0.0, 1.0), (0.0, 0.0)), (1 / 3, 1 / 3)),
    11: (_P3, (0.314, 0.351)),
    12: (_P3, D65),
    22: (((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)), D65),
}
"""Chromaticities and white by ColourPrimaries."""

_ALPHA, _BETA = 1.09929682680944, 0.018053968510807  # of BT.709 and BT.2020
_BT709 = Curve(1 / 0.45, 1 / _ALPHA, (_ALPHA - 1) / _ALPHA, 1 / 4.5, 4.5 * _BETA)


def _logarithmic(decades: float) -> SampledCurve:
    return SampledCurve((0, *(round(65535 * 10 ** ((at / 1023 - 1) * decades)) for at in range(1, 1024))))


TRANSFERS: dict[int, Transfer] = {
    1: _BT709,
    2: SRGB_CURVE,  # unspecified
    4: Curve(2.2),
    5: Curve(2.8),
    6: _BT709,
    7: Curve(1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0913),
    8: Curve(1.0),
    9: _logarithmic(2),
    10: _logarithmic(2.5),
    11: _BT709,
    12: _BT709,
    13: SRGB_CURVE,
    14: _BT709,
    15: _BT709,
    17: Curve(2.6, (52.37 / 48) ** (1 / 2.6)),
}
"""By TransferCharacteristics, as they are defined: a BT.709 picture is not taken for an sRGB one, as some browsers do."""
HDR = {16: "PQ", 18: "HLG"}
"""Transfers that are refused."""


def colour_space(primaries: int, transfer: int, full_range: bool = True) -> ColourSpace | None:
    """What two numbers mean; None for a number that is not known, or reserved. `full_range`: of RGB samples."""
    if primaries not in PRIMARIES or transfer not in TRANSFERS:
        return None
    curve = TRANSFERS[transfer]
    if not full_range:
        if isinstance(curve, SampledCurve):
            return None
        curve = curve.of_narrow_range()
    chromaticities, white = PRIMARIES[primaries]
    return ColourSpace(f"CICP {primaries}/{transfer}", chromaticities, white, (curve,))
