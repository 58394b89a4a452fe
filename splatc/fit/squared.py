"""Squared error of a drawn lattice and its gradient, band by band: no picture of floats ever lies in memory.

The forward kernel draws a tile, compares it with the samples while it is in the cache, and leaves only the gradient of its planes; the
backward kernel gathers them per Gaussian (gather.py). Both work on bands of rows, so memory does not grow with the picture.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from splatc.fit.gather import Moments, gather_rows
from splatc.fit.kernels import simd
from splatc.fit.kernels.footprint import KERNEL, MEAN_Y
from splatc.fit.kernels.forward import bin_tiles, row_stride
from splatc.fit.kernels.scratch import Scratch
from splatc.fit.kernels.tile import TILE_HEIGHT, TILE_WIDTH, add_members
from splatc.fit.lattice import Lattice
from splatc.fit.subset import Samples
from splatc.gaussians import EPSILON, FloatArray

BAND_BYTES = 1 << 26
"""Gradient planes of a band take about so much."""


def bands(lattice: Lattice, planes: int) -> list[tuple[int, int]]:
    """(top, bottom) of the bands of a lattice; all but the last are multiples of the tile height."""
    rows = max(1, BAND_BYTES // (4 * planes * row_stride(lattice.width)) // TILE_HEIGHT) * TILE_HEIGHT
    return [(top, min(top + rows, lattice.height)) for top in range(0, lattice.height, rows)]


def squared_error(
    lattice: Lattice,
    footprint: FloatArray,
    feature: FloatArray,
    background: FloatArray,
    scratch: Scratch | None = None,
) -> tuple[float, Moments]:
    """Sum of squared differences between a lattice and what Gaussians draw of it, and the moments of its gradient.

    ``footprint`` (N, FOOTPRINT) in samples of the lattice; ``feature`` (N, C), or (N, C + 1) for the normalized blend.
    """
    planes = feature.shape[1]
    scratch = scratch or Scratch()
    moments = Moments.zero(len(footprint), planes)
    total = 0.0
    kernel = _forward_kernel(planes, planes > lattice.channels)
    for top, bottom in bands(lattice, planes):
        here = shifted(footprint, top)
        starts, members = bin_tiles(here, lattice.width, bottom - top)
        gradient = scratch.array("planes", bottom - top, planes, row_stride(lattice.width))
        samples, sums = lattice.samples[top:bottom], np.zeros(len(starts) - 1)
        kernel(here, feature, background, starts, members, samples, lattice.unit, lattice.width, gradient, sums)
        total += float(sums.sum())
        gather_rows(here, feature, gradient, lattice.width, moments)
    return total, moments


def shifted(footprint: FloatArray, top: int) -> FloatArray:
    """The footprints in the rows of a band that begins at ``top``."""
    moved = footprint.copy()
    moved[:, MEAN_Y] -= np.float32(top)
    return moved


@functools.cache
def _forward_kernel(planes: int, normalized: bool) -> Any:
    """The forward pass for a number of planes; Numba compiles and caches each variant on disk."""
    ground = np.float32(EPSILON if normalized else 0.0)
    channels = planes - 1 if normalized else planes

    @njit(parallel=True, **KERNEL)
    def forward(
        footprint: FloatArray,
        feature: FloatArray,
        background: FloatArray,
        starts: NDArray[np.int64],
        members: NDArray[np.int32],
        samples: Samples,
        unit: np.float32,
        width: int,
        gradient: FloatArray,
        tile_sums: NDArray[np.float64],
    ) -> None:
        tiles_x = -(-width // TILE_WIDTH)
        height, _, stride = gradient.shape
        flat, flat_samples, flat_gradient = feature.reshape(-1), samples.reshape(-1), gradient.reshape(-1)
        mask = np.zeros(stride, np.float32)
        mask[:width] = np.float32(1.0)
        for tile in prange(len(tile_sums)):
            left, top = (tile % tiles_x) * TILE_WIDTH, (tile // tiles_x) * TILE_HEIGHT
            right, bottom = min(left + TILE_WIDTH, width), min(top + TILE_HEIGHT, height)
            sums = np.zeros(TILE_HEIGHT * TILE_WIDTH * planes, np.float32)  # (block of 8 columns, row, plane, column)
            here = members[starts[tile] : starts[tile + 1]]
            add_members(sums, footprint, here, flat, planes, left, top, right - left, bottom - top)
            two, squares = simd.broadcast(np.float32(2.0)), simd.broadcast(np.float32(0.0))
            for y in range(top, bottom):
                for x in range(left, right, simd.LANES):
                    at = ((x - left) * TILE_HEIGHT + (y - top) * simd.LANES) * planes
                    to = y * planes * stride + x
                    inverse = simd.load(mask, x)
                    if normalized:
                        weight = simd.load(sums, at + channels * simd.LANES)
                        inverse = simd.div(inverse, simd.add(weight, simd.broadcast(ground)))
                    by_weight = simd.broadcast(np.float32(0.0))
                    for channel in range(channels):
                        total = simd.load(sums, at + channel * simd.LANES)
                        out = simd.mul(simd.add(total, simd.broadcast(ground * background[channel])), inverse)
                        sample = simd.load_samples(flat_samples, (y * channels + channel) * stride + x)
                        difference = simd.fma(simd.broadcast(-unit), sample, out)
                        squares = simd.fma(difference, difference, squares)
                        g = simd.mul(simd.mul(two, difference), inverse)
                        simd.store(flat_gradient, to + channel * stride, g)
                        by_weight = simd.sub(by_weight, simd.mul(g, out))
                    if normalized:
                        simd.store(flat_gradient, to + channels * stride, by_weight)
            tile_sums[tile] = simd.total(squares)

    return forward
