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


def rate_at(curve: Curve, quality: float) -> float | None:
    """The rate of a quality on a curve; None beyond its ends."""
    rates, qualities = _frontier(curve)
    rate = _value_at(qualities, rates, quality)
    return None if rate is None else math.exp(rate)


def quality_at(curve: Curve, rate: float) -> float | None:
    """The quality of a rate on a curve; None beyond its ends."""
    return _value_at(*_frontier(curve), math.log(rate))


def _value_at(x: Values, y: Values, where: float) -> float | None:
    """Of the curve through the points; None beyond its ends."""
    if len(x) < 2 or not x[0] <= where <= x[-1]:
        return None
    piece = min(int(np.searchsorted(x, where, "right")), len(x) - 1) - 1
    width, slope = x[piece + 1] - x[piece], _slopes(x, y)[piece : piece + 2]
    t = (where - x[piece]) / width
    left, right = y[piece], y[piece + 1]
    by_slopes = width * (t * (1 - t) ** 2 * slope[0] - t**2 * (1 - t) * slope[1])
    return float(left + t**2 * (3 - 2 * t) * (right - left) + by_slopes)


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
    difference = _area(test_x, test_y, low, high) - _area(anchor_x, anchor_y, low, high)
    return difference / float(high - low)


def _area(x: Values, y: Values, low: float, high: float) -> float:
    """The integral of the curve through the points from ``low`` to ``high``, which lie among the x."""
    width, slope = np.diff(x), _slopes(x, y)
    first, last = (np.clip((end - x[:-1]) / width, 0.0, 1.0) for end in (low, high))

    def until(t: Values) -> Values:
        """Of each piece, a cubic in Hermite's form, what lies before t of its width."""
        left, right = t - t**3 + t**4 / 2, t**3 - t**4 / 2
        by_slopes = width * (slope[:-1] * (t**2 / 2 - 2 * t**3 / 3 + t**4 / 4) + slope[1:] * (t**4 / 4 - t**3 / 3))
        return np.asarray(width * (y[:-1] * left + y[1:] * right + by_slopes))

    return float((until(last) - until(first)).sum())


def _slopes(x: Values, y: Values) -> Values:
    """At the points, such that the curve rises with them: weighted harmonic means (Fritsch and Butland 1984), parabolas at the ends."""
    width, rise = np.diff(x), np.diff(y) / np.diff(x)
    if len(x) == 2:
        return np.repeat(rise, 2)
    before, after = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
    middle = (before + after) / (before / rise[:-1] + after / rise[1:])
    ends = [
        max(0.0, ((2 * w0 + w1) * r0 - w0 * r1) / (w0 + w1))
        for w0, w1, r0, r1 in ((*width[:2], *rise[:2]), (*width[:-3:-1], *rise[:-3:-1]))
    ]
    return np.array([ends[0], *middle, ends[1]])
