"""The backward pass on the CPU: gradients of a rasterized picture, gathered per Gaussian.

Each Gaussian is one job that reads the gradient planes under its ellipse: no tile lists, no atomics, and a result that does not
depend on the number of threads.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange

from splatc.fit.kernels import simd
from splatc.fit.kernels.footprint import (
    CUT,
    EXTENT_X,
    EXTENT_Y,
    KERNEL,
    MEAN_X,
    MEAN_Y,
    block_rows,
    block_weights,
    pixel_span,
    weights_at,
)
from splatc.fit.kernels.scratch import Scratch
from splatc.gaussians import FloatArray

# Sums over a Gaussian's pixels of h, the gradient of its exponent, times the powers of dx and dy.
_SX, _SY, _SXX, _SXY, _SYY, _MOMENTS = range(6)


def gradient_planes(
    grad: FloatArray, image: FloatArray, weight: FloatArray, normalized: bool, scratch: Scratch
) -> FloatArray:
    """Gradient of the accumulated planes, (H, K, S), from that of the blended picture ``grad`` (H, C, S).

    Normalized blend, out = num / den: d num = grad / den, and the weight plane gets -sum(grad out) / den.
    """
    if not normalized:
        return grad
    height, channels, stride = grad.shape
    planes = scratch.array("planes", height, channels + 1, stride)
    _divide_by_weight(grad, image, weight, planes)
    return planes


@njit(parallel=True, **KERNEL)
def _divide_by_weight(grad: FloatArray, image: FloatArray, weight: FloatArray, planes: FloatArray) -> None:
    height, channels, stride = grad.shape
    for y in prange(height):
        for x in range(stride):
            planes[y, channels, x] = np.float32(0.0)
        for channel in range(channels):
            for x in range(stride):
                g = grad[y, channel, x] / weight[y, x]
                planes[y, channel, x] = g
                planes[y, channels, x] -= g * image[y, channel, x]


@dataclass(frozen=True)
class Moments:
    """What the pixels under each of N Gaussians add up to; the gradients by its parameters follow from it."""

    shape: FloatArray
    """(N, 5) sums of h, the gradient of its exponent -q/2, times dx, dy, dx^2, dx dy and dy^2."""
    feature: FloatArray
    """(N, K) gradient by its features."""

    @staticmethod
    def zero(count: int, planes: int) -> Moments:
        return Moments(np.zeros((count, _MOMENTS), np.float32), np.zeros((count, planes), np.float32))

    def gradients(self, scale: FloatArray, angle: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Gradients by mean (N, 2), log scale (N, 2) and angle (N,)."""
        n = len(angle)
        by_mean, by_log_scale = np.empty((n, 2), np.float32), np.empty((n, 2), np.float32)
        by_angle = np.empty(n, np.float32)
        _shape_gradients(self.shape, scale, angle, by_mean, by_log_scale, by_angle)
        return by_mean, by_log_scale, by_angle


def gather_rows(footprint: FloatArray, feature: FloatArray, planes: FloatArray, width: int, moments: Moments) -> None:
    """Add to the moments what the gradient planes (H, K, S) say under each Gaussian."""
    _gather_kernel(feature.shape[1])(footprint, feature, planes, width, moments.shape, moments.feature)


@functools.cache
def _gather_kernel(planes: int) -> Any:
    """The gather for a number of planes; Numba compiles and caches each variant on disk."""

    @njit(parallel=True, **KERNEL)
    def kernel(
        footprint: FloatArray,
        feature: FloatArray,
        gradient: FloatArray,
        width: int,
        moments: FloatArray,
        by_feature: FloatArray,
    ) -> None:
        height, _, stride = gradient.shape
        flat_gradient, flat_feature, flat_out = gradient.reshape(-1), feature.reshape(-1), by_feature.reshape(-1)
        for i in prange(len(footprint)):
            zero = simd.broadcast(np.float32(0.0))
            cut, one = simd.broadcast(CUT), simd.broadcast(np.float32(1.0))
            value = simd.broadcast_planes(flat_feature, i * planes, planes)
            sums = simd.zero_planes(planes)
            sx, sy, sxx, sxy, syy = zero, zero, zero, zero, zero
            y0, y1 = pixel_span(footprint[i, MEAN_Y], footprint[i, EXTENT_Y], 0, height)
            if y0 >= y1:
                continue
            x0, x1 = pixel_span(footprint[i, MEAN_X], footprint[i, EXTENT_X], 0, width)
            for x in range(x0 - x0 % 8, x1, 8):
                first, last, smooth = block_rows(footprint, i, x, y0, y1)
                if first >= last:
                    continue
                dx, w, ratio, curve = block_weights(footprint, i, x, first)
                dy = simd.broadcast(np.float32(first) + np.float32(0.5) - footprint[i, MEAN_Y])
                # Column sums of h, h dy and h dy^2; dx joins once a block.
                h0, h1, h2 = zero, zero, zero
                at = first * planes * stride + x
                for y in range(first, last):
                    g = simd.load_planes(flat_gradient, at, stride, value)
                    sums = simd.fma_planes(simd.positive_part(w, cut), g, sums)
                    h = simd.mul(simd.where_above(w, cut), simd.dot_planes(g, value))
                    h0 = simd.add(h0, h)
                    h_dy = simd.mul(h, dy)
                    h1 = simd.add(h1, h_dy)
                    h2 = simd.fma(h_dy, dy, h2)
                    dy = simd.add(dy, one)
                    at += planes * stride
                    if smooth:
                        w = simd.mul(w, ratio)
                        ratio = simd.mul(ratio, curve)
                    else:
                        w = weights_at(footprint, i, dx, y + 1)
                h_dx = simd.mul(h0, dx)
                sx = simd.add(sx, h_dx)
                sxx = simd.fma(h_dx, dx, sxx)
                sy = simd.add(sy, h1)
                sxy = simd.fma(h1, dx, sxy)
                syy = simd.add(syy, h2)
            moments[i, _SX] += simd.total(sx)
            moments[i, _SY] += simd.total(sy)
            moments[i, _SXX] += simd.total(sxx)
            moments[i, _SXY] += simd.total(sxy)
            moments[i, _SYY] += simd.total(syy)
            simd.add_totals(flat_out, i * planes, sums)

    return kernel


@njit(**KERNEL)
def _shape_gradients(
    moments: FloatArray,
    scale: FloatArray,
    angle: FloatArray,
    by_mean: FloatArray,
    by_log_scale: FloatArray,
    by_angle: FloatArray,
) -> None:
    """Chain rule from the moments of h = dL/d(-q/2) to the parameters, in float64.

    With u, v the coordinates along the long and the short axis, q = u^2 / s1^2 + v^2 / s2^2.
    """
    for i in range(len(angle)):
        cos, sin = math.cos(float(angle[i])), math.sin(float(angle[i]))
        p1, p2 = 1.0 / float(scale[i, 0]) ** 2, 1.0 / float(scale[i, 1]) ** 2
        sx, sy = float(moments[i, _SX]), float(moments[i, _SY])
        sxx, sxy, syy = float(moments[i, _SXX]), float(moments[i, _SXY]), float(moments[i, _SYY])
        su, sv = cos * sx + sin * sy, cos * sy - sin * sx
        suu = cos * cos * sxx + 2.0 * cos * sin * sxy + sin * sin * syy
        svv = sin * sin * sxx - 2.0 * cos * sin * sxy + cos * cos * syy
        suv = cos * sin * (syy - sxx) + (cos * cos - sin * sin) * sxy
        by_mean[i, 0] = cos * p1 * su - sin * p2 * sv
        by_mean[i, 1] = sin * p1 * su + cos * p2 * sv
        by_log_scale[i, 0] = p1 * suu
        by_log_scale[i, 1] = p2 * svv
        by_angle[i] = (p2 - p1) * suv
