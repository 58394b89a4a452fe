"""Bjøntegaard deltas: how much one rate-distortion curve is better than another, as one number.

G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves", VCEG-M33, 2001, with the piecewise cubic interpolation
(PCHIP) that JCT-VC took up later: it stays monotone between the points, where the original cubic fit may swing. Rates enter by
their logarithm; the mean difference is taken over the range that both curves cover. A curve is a sequence of (rate, quality).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Curve = Sequence[tuple[float, float]]
Values = NDArray[np.float64]


def bd_rate(anchor: Curve, test: Curve) -> float | None:
    """How much more rate ``test`` needs for the same quality, in per cent; negative: it is better.

    None where the curves share no range of quality.
    """
    (anchor_rate, anchor_quality), (test_rate, test_quality) = _frontier(anchor), _frontier(test)
    difference = _mean_difference(anchor_quality, anchor_rate, test_quality, test_rate)
    return None if difference is None else 100.0 * math.expm1(difference)


def bd_quality(anchor: Curve, test: Curve) -> float | None:
    """How much more quality ``test`` has at the same rate, in the unit of the quality; None where they share no range of rates."""
    return _mean_difference(*_frontier(anchor), *_frontier(test))


def _frontier(curve: Curve) -> tuple[Values, Values]:
    """Logarithms of the rates, and qualities, both strictly rising: a point that costs more and brings nothing is left out."""
    rates: list[float] = []
    qualities: list[float] = []
    for rate, quality in sorted(curve, key=lambda point: (point[0], -point[1])):
        if not qualities or quality > qualities[-1]:
            rates.append(math.log(rate))
            qualities.append(quality)
    return np.array(rates), np.array(qualities)


def _mean_difference(anchor_x: Values, anchor_y: Values, test_x: Values, test_y: Values) -> float | None:
    """Mean of test minus anchor over the x that both curves cover."""
    if min(len(anchor_x), len(test_x)) < 2:
        return None
    low, high = max(anchor_x[0], test_x[0]), min(anchor_x[-1], test_x[-1])
    if low >= high:
        return None
    anchor_area = PchipInterpolator(anchor_x, anchor_y).integrate(low, high)
    test_area = PchipInterpolator(test_x, test_y).integrate(low, high)
    return float((test_area - anchor_area) / (high - low))
