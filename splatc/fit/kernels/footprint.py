"""What a rasterizer needs of each Gaussian: its conic, how far it reaches, and which rows of an 8-pixel column block it touches.

Weights are 2^t with t = A dx^2 + B dx dy + C dy^2; A, B and C hold the inverse covariance and the factor -log2(e)/2. Far from the
mean of a thin, tilted Gaussian these terms cancel; there t = -(u^2 + v^2) keeps its digits, u and v along the axes of the Gaussian.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from splatc.fit.kernels import simd
from splatc.gaussians import CUTOFF, Q_MAX, FloatArray, Gaussians

MEAN_X, MEAN_Y, A, B, C, EXTENT_X, EXTENT_Y, U_X, U_Y, V_X, V_Y, FOOTPRINT = range(12)
"""Columns of a footprint array (N, FOOTPRINT) float32; px, 1/px^2 for A, B and C, 1/px for U and V."""

CUT = np.float32(CUTOFF)
T_MIN = np.float32(-0.5 * Q_MAX * math.log2(math.e))
"""t on the ellipse where a Gaussian ends."""
# Lowest t in a block for which the weight may run down the rows as a product: 2^-100 is still a normal float32, with room for the
# ratio of two rows.
_T_SMOOTH = np.float32(-100.0)

# fastmath without nnan and ninf; no division-by-zero checks. Compiled once, then read from Numba's on-disk cache.
KERNEL: dict[str, Any] = {
    "fastmath": {"contract", "reassoc", "nsz", "arcp", "afn"},
    "error_model": "numpy",
    "boundscheck": False,
    "nogil": True,
    "cache": True,
}


def footprints(gaussians: Gaussians) -> FloatArray:
    """(N, FOOTPRINT) float32, columns as named above."""
    result: FloatArray = footprints_from(gaussians.mean, gaussians.scale, gaussians.angle)
    return result


@njit(**KERNEL)
def footprints_from(mean: FloatArray, scale: FloatArray, angle: FloatArray) -> FloatArray:
    """(N, FOOTPRINT) footprints of means (N, 2) px, scales (N, 2) px and angles (N,) rad; computed in float64."""
    out = np.empty((len(mean), FOOTPRINT), np.float32)
    half = -0.5 * math.log2(math.e)
    for i in range(len(mean)):
        cos, sin = math.cos(float(angle[i])), math.sin(float(angle[i]))
        v1, v2 = float(scale[i, 0]) ** 2, float(scale[i, 1]) ** 2
        out[i, MEAN_X] = mean[i, 0]
        out[i, MEAN_Y] = mean[i, 1]
        out[i, A] = half * (cos * cos / v1 + sin * sin / v2)
        out[i, B] = 2.0 * half * cos * sin * (1.0 / v1 - 1.0 / v2)
        out[i, C] = half * (sin * sin / v1 + cos * cos / v2)
        root = math.sqrt(-half)
        out[i, U_X], out[i, U_Y] = root * cos / math.sqrt(v1), root * sin / math.sqrt(v1)
        out[i, V_X], out[i, V_Y] = -root * sin / math.sqrt(v2), root * cos / math.sqrt(v2)
        out[i, EXTENT_X] = math.sqrt(Q_MAX * (cos * cos * v1 + sin * sin * v2))
        out[i, EXTENT_Y] = math.sqrt(Q_MAX * (sin * sin * v1 + cos * cos * v2))
    return out


@njit(inline="always", **KERNEL)
def pixel_span(centre: np.float32, extent: np.float32, low: int, high: int) -> tuple[int, int]:
    """First and one past the last pixel whose centre lies within ``extent`` of ``centre``, clipped to [low, high)."""
    first = int(math.ceil(centre - extent - np.float32(0.5)))
    last = int(math.floor(centre + extent - np.float32(0.5))) + 1
    return max(first, low), min(last, high)


@njit(inline="always", **KERNEL)
def block_rows(footprint: FloatArray, i: int, x: int, low: int, high: int) -> tuple[int, int, bool]:
    """Rows [first, last) of the column block x .. x+7 that Gaussian i touches, clipped to [low, high).

    The third value tells whether the weight stays a normal float all over the block, so that it can be run down the rows as a
    product (t is concave: its minimum over the block lies at a corner).
    """
    a, b, c = footprint[i, A], footprint[i, B], footprint[i, C]
    extent_x, extent_y = footprint[i, EXTENT_X], footprint[i, EXTENT_Y]
    left = max(np.float32(x) + np.float32(0.5) - footprint[i, MEAN_X], -extent_x)
    right = min(np.float32(x + simd.LANES) - np.float32(0.5) - footprint[i, MEAN_X], extent_x)
    # The ellipse is widest downwards at dx = apex and upwards at dx = -apex.
    apex = -b / (np.float32(2.0) * a) * extent_y
    bottom = _boundary(a, b, c, min(max(apex, left), right), np.float32(1.0))
    top = _boundary(a, b, c, min(max(-apex, left), right), np.float32(-1.0))
    mean_y = footprint[i, MEAN_Y]
    first = max(int(math.ceil(mean_y + top - np.float32(0.5))), low)
    last = min(int(math.floor(mean_y + bottom - np.float32(0.5))) + 1, high)
    x0 = np.float32(x) + np.float32(0.5) - footprint[i, MEAN_X]
    x1 = x0 + np.float32(simd.LANES - 1)
    y0 = np.float32(first) + np.float32(0.5) - mean_y
    y1 = np.float32(last) - np.float32(0.5) - mean_y
    lowest = min(
        min((a * x0 + b * y0) * x0 + c * y0 * y0, (a * x1 + b * y0) * x1 + c * y0 * y0),
        min((a * x0 + b * y1) * x0 + c * y1 * y1, (a * x1 + b * y1) * x1 + c * y1 * y1),
    )
    return first, last, lowest > _T_SMOOTH


@njit(inline="always", **KERNEL)
def _boundary(a: np.float32, b: np.float32, c: np.float32, dx: np.float32, side: np.float32) -> np.float32:
    """dy of the lower (side = 1) or upper (side = -1) end of the ellipse t = T_MIN above dx."""
    discriminant = b * b * dx * dx - np.float32(4.0) * c * (a * dx * dx - T_MIN)
    root = np.float32(math.sqrt(max(discriminant, np.float32(0.0))))
    return (-b * dx - side * root) / (np.float32(2.0) * c)


@njit(inline="always", **KERNEL)
def block_weights(footprint: FloatArray, i: int, x: int, row: int) -> tuple[Any, Any, Any, Any]:
    """Start of the recurrence down the columns x .. x+7: (dx, w, ratio, curve), each a v8.

    w is the weight 2^t at ``row``; the next row has w * ratio and ratio * curve.
    """
    dx = simd.add(simd.iota(), simd.broadcast(np.float32(x) + np.float32(0.5) - footprint[i, MEAN_X]))
    dy = np.float32(row) + np.float32(0.5) - footprint[i, MEAN_Y]
    b, c = simd.broadcast(footprint[i, B]), footprint[i, C]
    w = weights_at(footprint, i, dx, row)
    ratio = simd.exp2(simd.fma(b, dx, simd.broadcast(c * (np.float32(2.0) * dy + np.float32(1.0)))))
    return dx, w, ratio, simd.exp2(simd.broadcast(c * np.float32(2.0)))


@njit(inline="always", **KERNEL)
def weights_at(footprint: FloatArray, i: int, dx: Any, row: int) -> Any:
    """The weights 2^t of eight pixels of a row, dx (v8) from the mean."""
    dy = np.float32(row) + np.float32(0.5) - footprint[i, MEAN_Y]
    u = simd.fma(simd.broadcast(footprint[i, U_X]), dx, simd.broadcast(footprint[i, U_Y] * dy))
    v = simd.fma(simd.broadcast(footprint[i, V_X]), dx, simd.broadcast(footprint[i, V_Y] * dy))
    minus = simd.broadcast(np.float32(-1.0))
    return simd.exp2(simd.mul(minus, simd.fma(u, u, simd.mul(v, v))))
