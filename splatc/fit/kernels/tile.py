"""Adding one Gaussian to the accumulator of a tile: the inner loop of every rasterizer.

The accumulator is a flat array ordered (block of 8 columns, row, plane, column): what a Gaussian adds down a block lies together.

Down a column block of eight pixels the weight follows a recurrence: w(y+1) = w(y) R(y), R(y+1) = R(y) Q; one exponential a block instead of
one a pixel. Blocks where a factor could leave the range of float32 (thin, tilted Gaussians) take the exponential at every row.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from splatc.fit.kernels import simd
from splatc.fit.kernels.footprint import (
    CUT,
    EXTENT_X,
    FOOTPRINT,
    KERNEL,
    MEAN_X,
    MEAN_Y,
    block_rows,
    block_weights,
    pixel_span,
    weights_at,
)
from splatc.gaussians import FloatArray

TILE_WIDTH = 128
TILE_HEIGHT = 32


@njit(inline="always", **KERNEL)
def add_gaussian(
    sums: FloatArray,
    footprint: FloatArray,
    i: int,
    flat: FloatArray,
    at_feature: int,
    planes: int,
    width: int,
    height: int,
) -> None:
    """Add footprint i, placed relative to the tile, to the ``width`` x ``height`` pixels of a tile.

    Its features are flat[at_feature : at_feature + planes]; ``planes`` must be a constant of the caller.
    """
    value = simd.broadcast_planes(flat, at_feature, planes)
    cut = simd.broadcast(CUT)
    x0, x1 = pixel_span(footprint[i, MEAN_X], footprint[i, EXTENT_X], 0, width)
    for x in range(x0 - x0 % simd.LANES, x1, simd.LANES):
        first, last, smooth = block_rows(footprint, i, x, 0, height)
        if first >= last:
            continue
        dx, w, ratio, curve = block_weights(footprint, i, x, first)
        at = (x * TILE_HEIGHT + first * simd.LANES) * planes
        for y in range(first, last):
            simd.accumulate_planes(sums, at, simd.LANES, simd.positive_part(w, cut), value)
            at += planes * simd.LANES
            if smooth:
                w = simd.mul(w, ratio)
                ratio = simd.mul(ratio, curve)
            else:
                w = weights_at(footprint, i, dx, y + 1)


@njit(inline="always", **KERNEL)
def add_members(
    sums: FloatArray,
    footprint: FloatArray,
    members: NDArray[np.int32],
    flat: FloatArray,
    planes: int,
    left: int,
    top: int,
    width: int,
    height: int,
) -> None:
    """Add the footprints ``members`` to a tile at (left, top); ``flat`` holds their features, ``planes`` apart."""
    local = np.empty((1, FOOTPRINT), np.float32)
    for i in members:
        for column in range(FOOTPRINT):  # local[0] = ... would be a parallel loop in Numba's eyes, long to compile
            local[0, column] = footprint[i, column]
        local[0, MEAN_X] -= np.float32(left)
        local[0, MEAN_Y] -= np.float32(top)
        add_gaussian(sums, local, 0, flat, i * planes, planes, width, height)
