"""The rasterizer of the fit: Gaussians -> rows of colour planes and total weights, by tiles, on all cores.

Each tile of the picture is one job. It runs over the Gaussians that reach it in their coding order, adds weight times colour (and, for
the normalized blend, the weight) into a tile-sized accumulator, and blends at the end, so the result does not depend on the number of
threads. The decoder draws with the core, which adds the same to a tile.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from splatc.blend import Blend
from splatc.fit.kernels import simd
from splatc.fit.kernels.footprint import EXTENT_X, EXTENT_Y, KERNEL, MEAN_X, MEAN_Y, pixel_span
from splatc.fit.kernels.scratch import Scratch
from splatc.fit.kernels.tile import TILE_HEIGHT, TILE_WIDTH, add_members
from splatc.gaussians import EPSILON, FloatArray


def row_stride(width: int) -> int:
    """Floats from plane to plane within a row: a multiple of 8, and never a power of two, which would thrash the cache."""
    stride = (-(-width // simd.LANES) + 2) * simd.LANES
    return stride if stride & (stride - 1) else stride + simd.LANES


def features(colour: FloatArray, blend: Blend) -> FloatArray:
    """(N, K) what each Gaussian adds to the planes: its C colours and, for the normalized blend, 1 for the weight plane."""
    if blend is Blend.SUM:
        return np.ascontiguousarray(colour, np.float32)
    return np.concatenate([colour, np.ones((len(colour), 1))], axis=1, dtype=np.float32)


def render_rows(
    footprint: FloatArray,
    feature: FloatArray,
    background: FloatArray,
    width: int,
    height: int,
    scratch: Scratch | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Picture as (H, C, S) float32 rows of planes, and the total weight with EPSILON, (H, S); S = row_stride(width).

    ``feature`` is (N, C) for the sum blend and (N, C + 1) for the normalized one; for the sum blend the weight is 1 everywhere.
    Behind each row lie S - width pixels that count for nothing: colour 0, weight infinite. With a ``scratch`` both are in its memory.
    """
    channels, planes = len(background), feature.shape[1]
    stride = row_stride(width)
    scratch = scratch or Scratch()
    image = scratch.array("image", height, channels, stride)
    weight = scratch.array("weight", height, stride)
    starts, members = bin_tiles(footprint, width, height)
    kernel = _forward_kernel(planes, planes > channels)
    kernel(footprint, feature, background, starts, members, width, height, image, weight)
    return image, weight


@njit(**KERNEL)
def bin_tiles(footprint: FloatArray, width: int, height: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Tile lists: tile t holds members[starts[t] : starts[t + 1]], Gaussian indices in ascending order."""
    tiles_x, tiles_y = -(-width // TILE_WIDTH), -(-height // TILE_HEIGHT)
    starts = np.zeros(tiles_x * tiles_y + 1, np.int64)
    cursor = starts
    members = np.empty(0, np.int32)
    for fill in (False, True):
        for i in range(len(footprint)):
            x0, x1 = pixel_span(footprint[i, MEAN_X], footprint[i, EXTENT_X], 0, width)
            y0, y1 = pixel_span(footprint[i, MEAN_Y], footprint[i, EXTENT_Y], 0, height)
            if x0 >= x1 or y0 >= y1:
                continue
            for ty in range(y0 // TILE_HEIGHT, (y1 - 1) // TILE_HEIGHT + 1):
                for tx in range(x0 // TILE_WIDTH, (x1 - 1) // TILE_WIDTH + 1):
                    tile = ty * tiles_x + tx
                    if fill:
                        members[cursor[tile]] = i
                        cursor[tile] += 1
                    else:
                        starts[tile + 1] += 1
        if not fill:
            starts = np.cumsum(starts)
            cursor = starts.copy()
            members = np.empty(starts[-1], np.int32)
    return starts, members


@functools.cache
def _forward_kernel(planes: int, normalized: bool) -> Any:
    """The forward rasterizer for a number of planes; Numba compiles and caches each variant on disk."""
    epsilon = np.float32(EPSILON)

    @njit(parallel=True, **KERNEL)
    def forward(
        footprint: FloatArray,
        feature: FloatArray,
        background: FloatArray,
        starts: NDArray[np.int64],
        members: NDArray[np.int32],
        width: int,
        height: int,
        image: FloatArray,
        weight: FloatArray,
    ) -> None:
        tiles_x, tiles_y = -(-width // TILE_WIDTH), -(-height // TILE_HEIGHT)
        stride = weight.shape[1]
        flat = feature.reshape(-1)
        for tile in prange(tiles_x * tiles_y):
            left, top = (tile % tiles_x) * TILE_WIDTH, (tile // tiles_x) * TILE_HEIGHT
            right, bottom = min(left + TILE_WIDTH, width), min(top + TILE_HEIGHT, height)
            sums = np.zeros(TILE_HEIGHT * TILE_WIDTH * planes, np.float32)  # (block of 8 columns, row, plane, column)
            here = members[starts[tile] : starts[tile + 1]]
            add_members(sums, footprint, here, flat, planes, left, top, right - left, bottom - top)
            edge = stride if right == width else right
            for y in range(top, bottom):
                for x in range(right, edge):
                    weight[y, x] = np.float32(np.inf)
                    for channel in range(image.shape[1]):
                        image[y, channel, x] = np.float32(0.0)
                for x in range(left, right):
                    at = (((x - left) // simd.LANES) * TILE_HEIGHT + y - top) * planes * simd.LANES + (
                        x - left
                    ) % simd.LANES
                    if normalized:
                        total = sums[at + (planes - 1) * simd.LANES] + epsilon
                        weight[y, x] = total
                        for channel in range(planes - 1):
                            sum_ = sums[at + channel * simd.LANES]
                            image[y, channel, x] = (sum_ + epsilon * background[channel]) / total
                    else:
                        weight[y, x] = np.float32(1.0)
                        for channel in range(planes):
                            image[y, channel, x] = sums[at + channel * simd.LANES]

    return forward
