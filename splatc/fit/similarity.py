"""SSIM of two pictures and its gradient.

Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004, with its Gaussian
window of 11 taps and sigma 1.5. At the borders of the picture the window is cut off and renormalized, so every pixel counts and
pictures of any size have an SSIM.

Two kernels do one picture row per job. Each sums over the rows above and below first, eight columns in registers, then along the row,
and keeps everything but three planes of partial derivatives in the cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from splatc.fit.kernels import simd
from splatc.fit.kernels.footprint import KERNEL
from splatc.fit.kernels.scratch import Scratch
from splatc.fit.pyramid import Planes
from splatc.gaussians import FloatArray

TAPS = 11
RADIUS = TAPS // 2
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2
"""For pixels in [0, 1]."""

_DISTANCE = np.arange(TAPS) - RADIUS
_BELL = np.exp(-0.5 * (_DISTANCE / SIGMA) ** 2)
WINDOW: FloatArray = (_BELL / _BELL.sum()).astype(np.float32)


def add_similarity(x: Planes, y: Planes, weight: float, by_x: FloatArray, scratch: Scratch) -> float:
    """Sum of SSIM over all pixels and planes; ``weight`` times its gradient by x is added to ``by_x`` (H, C, S)."""
    height, _, stride = x.rows.shape
    fit_x = np.zeros(stride, np.float32)  # nothing behind the end of a row counts
    fit_x[: x.width] = _renormalization(x.width)
    fit_y = _renormalization(height)
    partial = scratch.array("partial", 3, *x.rows.shape)
    row_sums = np.empty(height)
    _similarity(x.rows, y.rows, x.width, WINDOW, fit_x, fit_y, partial, row_sums)
    _add_gradient(x.rows, y.rows, x.width, WINDOW, partial, np.float32(weight), by_x)
    return float(row_sums.sum())


def sensitivity(picture: Planes) -> FloatArray:
    """(H, C, S) how much SSIM minds a squared difference at each pixel: 1 / (2 variance + C2), averaged over the window.

    For small differences SSIM is 1 minus the squared difference divided by the variances of both pictures: an error in smooth areas
    weighs more than one in texture.
    """
    mean, square = _blurred(picture.rows, picture.width), _blurred(picture.rows**2, picture.width)
    variance = np.maximum(square - mean**2, np.float32(0.0))
    return _blurred((1.0 / (2.0 * variance + C2)).astype(np.float32), picture.width)


def _blurred(rows: FloatArray, width: int) -> FloatArray:
    """(H, C, S) means over the window; 0 behind the end of a row."""
    result: FloatArray = np.zeros_like(rows)
    _blur(rows, width, WINDOW, _renormalization(width), _renormalization(len(rows)), result)
    return result


def _renormalization(length: int) -> FloatArray:
    """(length,) what the sum over the part of the window within [0, length) is to be multiplied with."""
    part = np.convolve(np.ones(length), WINDOW.astype(np.float64))[RADIUS : RADIUS + length]
    renormalization: FloatArray = (1.0 / part).astype(np.float32)
    return renormalization


@njit(parallel=True, **KERNEL)
def _blur(
    rows: FloatArray, width: int, window: FloatArray, fit_x: FloatArray, fit_y: FloatArray, result: FloatArray
) -> None:
    """Sums over the window, times the renormalizations."""
    height, channels, _ = rows.shape
    for row in prange(height):
        for channel in range(channels):
            column = np.zeros(width + TAPS - 1, np.float32)
            for k in range(max(0, RADIUS - row), min(TAPS, height + RADIUS - row)):
                g = window[k] * fit_y[row]
                for i in range(width):
                    column[i + RADIUS] += g * rows[row + k - RADIUS, channel, i]
            for k in range(TAPS):
                for i in range(width):
                    result[row, channel, i] += window[k] * column[i + k]
            for i in range(width):
                result[row, channel, i] *= fit_x[i]


@njit(parallel=True, **KERNEL)
def _similarity(
    x: FloatArray,
    y: FloatArray,
    width: int,
    window: FloatArray,
    fit_x: FloatArray,
    fit_y: FloatArray,
    partial: FloatArray,
    row_sums: FloatArray,
) -> None:
    """SSIM summed by row, and its partial derivatives by the windowed sums of x, of x^2 and of x y.

    The derivatives come times the renormalization of their window, ready for being spread by the same window.
    """
    height, channels, stride = x.shape
    flat_x, flat_y, flat_partial = x.reshape(-1), y.reshape(-1), partial.reshape(-1)
    plane, wide = height * channels * stride, stride + 2 * simd.LANES
    inside = np.zeros(stride, np.float32)
    inside[:width] = np.float32(1.0)
    for row in prange(height):
        # Sums over rows of x, y, x^2 + y^2 and x y, with zeros on both sides.
        column = np.zeros(4 * wide, np.float32)
        zero, two = simd.broadcast(np.float32(0.0)), simd.broadcast(np.float32(2.0))
        c1, c2 = simd.broadcast(np.float32(C1)), simd.broadcast(np.float32(C2))
        total = zero
        for channel in range(channels):
            for i in range(0, width, simd.LANES):
                sx, sy, squares, products = zero, zero, zero, zero
                for k in range(max(0, RADIUS - row), min(TAPS, height + RADIUS - row)):
                    at = ((row + k - RADIUS) * channels + channel) * stride + i
                    a, b, g = simd.load(flat_x, at), simd.load(flat_y, at), simd.broadcast(window[k])
                    ga, gb = simd.mul(g, a), simd.mul(g, b)
                    sx, sy = simd.add(sx, ga), simd.add(sy, gb)
                    squares = simd.fma(ga, a, simd.fma(gb, b, squares))
                    products = simd.fma(ga, b, products)
                to = i + simd.LANES
                simd.store(column, to, sx)
                simd.store(column, to + wide, sy)
                simd.store(column, to + 2 * wide, squares)
                simd.store(column, to + 3 * wide, products)
            for i in range(0, width, simd.LANES):
                sx, sy, squares, products = zero, zero, zero, zero
                for k in range(TAPS):
                    at, g = i + simd.LANES + k - RADIUS, simd.broadcast(window[k])
                    sx = simd.fma(g, simd.load(column, at), sx)
                    sy = simd.fma(g, simd.load(column, at + wide), sy)
                    squares = simd.fma(g, simd.load(column, at + 2 * wide), squares)
                    products = simd.fma(g, simd.load(column, at + 3 * wide), products)
                f = simd.mul(simd.broadcast(fit_y[row]), simd.load(fit_x, i))
                mx, my = simd.mul(f, sx), simd.mul(f, sy)
                product = simd.mul(mx, my)
                energy = simd.fma(mx, mx, simd.mul(my, my))
                # SSIM = (a1 a2) / (b1 b2)
                a1, b1 = simd.fma(two, product, c1), simd.add(energy, c1)
                a2 = simd.fma(two, simd.sub(simd.mul(f, products), product), c2)
                b2 = simd.add(simd.sub(simd.mul(f, squares), energy), c2)
                by_a2 = simd.div(a1, simd.mul(b1, b2))
                similarity = simd.mul(a2, by_a2)
                total = simd.fma(simd.load(inside, i), similarity, total)
                by_product = simd.mul(two, by_a2)
                by_square = simd.sub(zero, simd.div(similarity, b2))
                by_energy = simd.add(simd.div(similarity, b1), by_square)
                by_my = simd.sub(simd.mul(two, simd.div(a2, simd.mul(b1, b2))), by_product)
                by_mean = simd.sub(simd.mul(my, by_my), simd.mul(simd.mul(two, mx), by_energy))
                at = (row * channels + channel) * stride + i
                simd.store(flat_partial, at, simd.mul(f, by_mean))
                simd.store(flat_partial, at + plane, simd.mul(f, simd.mul(two, by_square)))
                simd.store(flat_partial, at + 2 * plane, simd.mul(f, by_product))
        row_sums[row] = simd.total(total)


@njit(parallel=True, **KERNEL)
def _add_gradient(
    x: FloatArray,
    y: FloatArray,
    width: int,
    window: FloatArray,
    partial: FloatArray,
    weight: np.float32,
    by_x: FloatArray,
) -> None:
    """by_x += weight (spread(partial 0) + x spread(partial 1) + y spread(partial 2)).

    Spreading is the transpose of summing over the window.
    """
    height, channels, stride = x.shape
    flat_x, flat_y, flat_by_x, flat_partial = x.reshape(-1), y.reshape(-1), by_x.reshape(-1), partial.reshape(-1)
    plane, wide = height * channels * stride, stride + 2 * simd.LANES
    scale = np.zeros(stride, np.float32)
    scale[:width] = weight
    for row in prange(height):
        column = np.zeros(3 * wide, np.float32)
        zero = simd.broadcast(np.float32(0.0))
        for channel in range(channels):
            for i in range(0, width, simd.LANES):
                mean, square, product = zero, zero, zero
                for k in range(max(0, RADIUS - row), min(TAPS, height + RADIUS - row)):
                    at = ((row + k - RADIUS) * channels + channel) * stride + i
                    g = simd.broadcast(window[k])
                    mean = simd.fma(g, simd.load(flat_partial, at), mean)
                    square = simd.fma(g, simd.load(flat_partial, at + plane), square)
                    product = simd.fma(g, simd.load(flat_partial, at + 2 * plane), product)
                to = i + simd.LANES
                simd.store(column, to, mean)
                simd.store(column, to + wide, square)
                simd.store(column, to + 2 * wide, product)
            for i in range(0, width, simd.LANES):
                mean, square, product = zero, zero, zero
                for k in range(TAPS):
                    at, g = i + simd.LANES + k - RADIUS, simd.broadcast(window[k])
                    mean = simd.fma(g, simd.load(column, at), mean)
                    square = simd.fma(g, simd.load(column, at + wide), square)
                    product = simd.fma(g, simd.load(column, at + 2 * wide), product)
                at = (row * channels + channel) * stride + i
                slope = simd.fma(simd.load(flat_x, at), square, simd.fma(simd.load(flat_y, at), product, mean))
                simd.store(flat_by_x, at, simd.fma(simd.load(scale, i), slope, simd.load(flat_by_x, at)))
