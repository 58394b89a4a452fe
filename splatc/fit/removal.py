"""What the picture would lose without each Gaussian: the exact rise of the squared error, which decides whom pruning drops.

Normalized blend: removing Gaussian i turns out into out + m (out - c_i) with m = w_i / (W - w_i). Sum blend: into out - w_i c_i.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, prange

from splatc.blend import Blend
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
from splatc.fit.kernels.forward import render_rows
from splatc.fit.lattice import Lattice
from splatc.fit.squared import bands, shifted
from splatc.gaussians import FloatArray

if TYPE_CHECKING:
    from splatc.fit.engines.core import View


def removal_costs(lattice: Lattice, view: View, background: FloatArray) -> FloatArray:
    """(N,) rise of the squared error of a lattice when Gaussian i alone is removed."""
    normalized = view.blend is Blend.NORMALIZED
    cost = np.zeros(len(view.angle), np.float32)
    kernel = _removal_kernel(lattice.channels, normalized)
    # Rows of the picture, the error and the weight lie in memory at a time.
    for top, bottom in bands(lattice, 2 * lattice.channels + 1):
        footprint = shifted(view.footprint, top)
        image, weight = render_rows(footprint, view.feature, background, lattice.width, bottom - top)
        error = image - lattice.samples[top:bottom] * lattice.unit
        kernel(footprint, view.colour, error, image, weight, lattice.width, cost)
    return cost


@functools.cache
def _removal_kernel(channels: int, normalized: bool) -> Any:
    """The gather for a number of channels; Numba compiles and caches each variant on disk."""

    @njit(parallel=True, **KERNEL)
    def kernel(
        footprint: FloatArray,
        colour: FloatArray,
        error: FloatArray,
        image: FloatArray,
        weight: FloatArray,
        width: int,
        cost: FloatArray,
    ) -> None:
        height, _, stride = error.shape
        flat_colour, flat_error = colour.reshape(-1), error.reshape(-1)
        flat_image, flat_weight = image.reshape(-1), weight.reshape(-1)
        for i in prange(len(footprint)):
            cut, minus, two = simd.broadcast(CUT), simd.broadcast(np.float32(-1.0)), simd.broadcast(np.float32(2.0))
            value = simd.broadcast_planes(flat_colour, i * channels, channels)
            sums = simd.broadcast(np.float32(0.0))
            y0, y1 = pixel_span(footprint[i, MEAN_Y], footprint[i, EXTENT_Y], 0, height)
            if y0 >= y1:
                continue
            x0, x1 = pixel_span(footprint[i, MEAN_X], footprint[i, EXTENT_X], 0, width)
            for x in range(x0 - x0 % 8, x1, 8):
                first, last, smooth = block_rows(footprint, i, x, y0, y1)
                if first >= last:
                    continue
                dx, w, ratio, curve = block_weights(footprint, i, x, first)
                for y in range(first, last):
                    at = y * channels * stride + x
                    m = simd.positive_part(w, cut)
                    d = simd.load_planes(flat_error, at, stride, value)
                    total = simd.load(flat_weight, y * stride + x)
                    if normalized:
                        m = simd.div(m, simd.sub(total, m))
                        change = simd.fma_planes(minus, value, simd.load_planes(flat_image, at, stride, value))
                    else:
                        m = simd.div(simd.mul(m, minus), total)
                        change = value
                    # (d + m change)^2 - d^2 = m (2 d change + m change^2)
                    rise = simd.fma(m, simd.dot_planes(change, change), simd.mul(two, simd.dot_planes(d, change)))
                    sums = simd.fma(m, rise, sums)
                    if smooth:
                        w = simd.mul(w, ratio)
                        ratio = simd.mul(ratio, curve)
                    else:
                        w = weights_at(footprint, i, dx, y + 1)
            cost[i] += simd.total(sums)

    return kernel
