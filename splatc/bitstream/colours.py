"""Colours <-> residuals to what the neighbours promise (spec/prediction.md, "Colour"); integer arithmetic only.

A neighbour counts by how near it lies, in terms of the sizes and shapes of both; for chroma also by how like it is in what of the colour is
known already: in luma, and for V in U.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from splatc.bitstream.neighbours import NEIGHBOURS
from splatc.quantize import STEP8, IntArray, Quantizer, ratio_table

Int64Array = NDArray[np.int64]

COLOUR_LIMIT = 1 << 20
"""Colours are clamped to 16 times full range, over 2^16, so that no sum overflows."""
SOFT = 48
"""Added to 16 times the squared distance: neighbours that overlap weigh about alike."""
NEAR, ALIKE = 40, 35
"""Weights are 2^NEAR / distance^4 for luma and alpha, 2^ALIKE / distance^2 for chroma, before likeness."""
LIKE_LUMA, LIKE_U = 4, 1
"""At a difference of so many steps the likeness has fallen to a quarter."""
_QUARTER = (16384, 16305, 16069, 15679, 15137, 14449, 13623, 12665, 11585, 10394, 9102, 7723, 6270, 4756, 3196, 1606, 0)
"""cos(2 pi k / 64) over 2^14, k = 0..16."""
COSINES = np.array(
    [*_QUARTER, *(-c for c in _QUARTER[15::-1]), *(-c for c in _QUARTER[1:]), *_QUARTER[15:0:-1]], np.int64
)


def covariances(
    quantizer: Quantizer, level: IntArray, size: IntArray, anisotropy: IntArray, angle: IntArray, directions: IntArray
) -> Int64Array:
    """(N, 3) rough covariances xx, xy, yy, (1/16 px)^2: variances to eighths of an octave, angles to 1/64 of pi."""
    eighths = 16 * level.astype(np.int64) - 16 + 8 * (2 * size.astype(np.int64) + 1) // quantizer.sizes + 64  # of g^2
    ratio = ratio_table(quantizer)[anisotropy]
    stretch = (ratio * 2955) >> 24  # of s1^2 / g^2: 8 / ln 2 = 2955 / 2^8
    step8 = np.array(STEP8, np.int64)
    large, small = ((step8[e & 7] << (np.maximum(e, 0) >> 3)) >> 16 for e in (eighths + stretch, eighths - stretch))
    turn = (128 * angle.astype(np.int64) + directions) // (2 * directions) & 63
    half, difference = (large + small) >> 1, (large - small) >> 1
    across, slant = (
        (difference >> 14) * part + (((difference & 16383) * part) >> 14)
        for part in (COSINES[turn], COSINES[turn - 16 & 63])
    )
    return np.column_stack((half + across, slant, half - across))


@njit(cache=True, nogil=True)
def _distance(dx, dy, xx, xy, yy):  # type: ignore[no-untyped-def]
    """16 times the squared Mahalanobis distance, at most 2^20."""
    shift = 0
    while (xx + yy) >> (20 + 2 * shift):
        shift += 1
    xx, xy, yy = xx >> 2 * shift, xy >> 2 * shift, yy >> 2 * shift
    dx = min(abs(dx) >> shift, 32767) * (1 if dx >= 0 else -1)
    dy = min(abs(dy) >> shift, 32767) * (1 if dy >= 0 else -1)
    determinant = max(xx * yy - xy * xy, 1)
    return min(16 * max(dx * dx * yy - 2 * dx * dy * xy + dy * dy * xx, 0) // determinant, 1 << 20)


@njit(cache=True, nogil=True)
def colours(start, neighbours, x, y, covariance, steps, first, chroma, colour, residual, forward):  # type: ignore[no-untyped-def]
    """Fill residual (forward) or colour (backward) from Gaussian ``start`` on.

    ``neighbours`` (N, NEIGHBOURS) nearest first, -1 where there are fewer; ``x``, ``y`` (N,) 1/16 px; ``steps`` (N, C) over 2^32;
    ``first`` (C,) what the first Gaussian's colour is predicted to be, over 2^16; ``chroma`` (C,) which channels are.
    """
    channels = colour.shape[1]
    value = np.empty((len(colour), channels), np.int64)  # clamped colours, over 2^16
    for i in range(start):
        for c in range(channels):
            value[i, c] = _clamped(colour[i, c], steps[i, c])
    near, alike = np.empty(NEIGHBOURS, np.int64), np.empty(NEIGHBOURS, np.int64)
    for i in range(start, len(colour)):
        count = 0
        while count < NEIGHBOURS and neighbours[i, count] >= 0:
            j = neighbours[i, count]
            xx, xy = covariance[i, 0] + covariance[j, 0], covariance[i, 1] + covariance[j, 1]
            yy = covariance[i, 2] + covariance[j, 2]
            distance = SOFT + _distance(x[i] - x[j], y[i] - y[j], xx, xy, yy)
            near[count] = max((1 << NEAR) // (distance * distance), 1)
            alike[count] = (1 << ALIKE) // distance
            count += 1
        for c in range(channels):
            expected = first[c]
            if count:
                mean, total = np.int64(0), np.int64(0)
                for k in range(count):
                    weight = alike[k] if chroma[c] else near[k]
                    mean += weight * value[neighbours[i, k], c]
                    total += weight
                expected = mean // total
            step = steps[i, c]
            index = ((expected << 17) + step) // (2 * step)
            if forward:
                residual[i, c] = _wrapped(colour[i, c] - index)
            else:
                colour[i, c] = _wrapped(index + residual[i, c])
            value[i, c] = _clamped(colour[i, c], step)
            if channels > 2 and c < 2:
                unit = max((LIKE_U if chroma[c] else LIKE_LUMA) * step >> 16, 1)
                for k in range(count):
                    apart = min(16 * abs(value[neighbours[i, k], c] - value[i, c]) // unit, 1 << 10)
                    fall = 256 + apart * apart
                    alike[k] = max((alike[k] << 16) // (fall * fall), 1)


@njit(cache=True, nogil=True)
def _clamped(index, step):  # type: ignore[no-untyped-def]
    """A colour over 2^16."""
    return min(max((index * step) >> 16, -COLOUR_LIMIT), COLOUR_LIMIT)


@njit(cache=True, nogil=True)
def _wrapped(value):  # type: ignore[no-untyped-def]
    """The number in -2^15..2^15 - 1 that is equal to value modulo 2^16."""
    return ((value + 32768) & 65535) - 32768
