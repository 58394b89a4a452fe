"""What the fit minimizes if not squared error: SmartSplat's L1 + SSIM, or differences and SSIM over several scales.

A loss takes the picture as drawn and the lattice that it should be, and returns its value and its gradient by the pixels drawn, times
their number: gradients of single Gaussians shall not vanish in float32 as pictures grow.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from splatc.fit.kernels.footprint import KERNEL
from splatc.fit.kernels.scratch import Scratch
from splatc.fit.lattice import Lattice
from splatc.fit.pyramid import Planes, add_spread
from splatc.fit.similarity import add_similarity
from splatc.gaussians import FloatArray

SSIM_WEIGHT = 0.1
"""SmartSplat, section 3."""
L1_WEIGHT = 0.1
SQUARED_WEIGHT = 0.05
"""About what MS-SSIM gives the full size: 4.5 %."""
SCALE_WEIGHTS = (0.3, 0.4, 0.3)
"""Of the SSIM at 1/2, 1/4 and 1/8 of the size."""


def l1_ssim(drawn: Planes, wanted: Lattice, scratch: Scratch) -> tuple[float, FloatArray]:
    """(1 - k) L1 + k (1 - SSIM), k = SSIM_WEIGHT, at full size."""
    target, samples = wanted.scales[0], _samples(drawn)
    gradient = scratch.array("gradient", *drawn.rows.shape)
    differences = _differences(drawn.rows, target.rows, drawn.width, 1.0 - SSIM_WEIGHT, gradient)
    ssim = add_similarity(drawn, target, -SSIM_WEIGHT, gradient, scratch) / samples
    return differences / samples + SSIM_WEIGHT * (1.0 - ssim), gradient


def multiscale(drawn: Planes, wanted: Lattice, scratch: Scratch) -> tuple[float, FloatArray]:
    """For MS-SSIM: L1, squared differences weighed by what SSIM minds, and 1 - SSIM at 1/2, 1/4 and 1/8 of the size.

    The squared differences stand for SSIM at full size, which would take longer than all the rest.
    """
    samples = _samples(drawn)
    gradients = [scratch.array("gradient", *drawn.rows.shape)]
    target = wanted.scales[0].rows
    loss = _differences(drawn.rows, target, drawn.width, L1_WEIGHT, gradients[0])
    loss += _add_squares(drawn.rows, target, wanted.sensitivity, SQUARED_WEIGHT, gradients[0])
    loss /= samples
    for k, (weight, coarse) in enumerate(zip(SCALE_WEIGHTS, wanted.scales[1:], strict=True)):
        drawn = drawn.half(scratch, f"half {k}")
        gradients.append(scratch.array(f"gradient of half {k}", *drawn.rows.shape))
        gradients[-1].fill(0.0)
        each = weight / _samples(drawn)
        loss += weight - each * add_similarity(drawn, coarse, -each * samples, gradients[-1], scratch)
    for finer, coarser, scale in zip(gradients[-2::-1], gradients[:0:-1], wanted.scales[-2::-1], strict=True):
        add_spread(coarser, scale.width, finer)
    return loss, gradients[0]


def _samples(picture: Planes) -> int:
    height, channels, _ = picture.rows.shape
    return int(height * channels * picture.width)


@njit(parallel=True, **KERNEL)
def sum_of_squares(x: FloatArray, y: FloatArray) -> float:
    """Sum of (x - y)^2 of two arrays (H, C, S); by rows, so that it does not depend on the number of threads."""
    height, channels, stride = x.shape
    row_sums = np.empty(height)
    for row in prange(height):
        total = np.float32(0.0)
        for channel in range(channels):
            for i in range(stride):
                difference = x[row, channel, i] - y[row, channel, i]
                total += difference * difference
        row_sums[row] = total
    return float(row_sums.sum())


@njit(parallel=True, **KERNEL)
def _differences(x: FloatArray, y: FloatArray, width: int, weight: float, by_x: FloatArray) -> float:
    """``weight`` times the sum of |x - y|; its gradient by x, the sign of x - y, goes to ``by_x`` (H, C, S)."""
    height, channels, stride = x.shape
    slope = np.float32(weight)
    row_sums = np.empty(height)
    for row in prange(height):
        total = np.float32(0.0)
        for channel in range(channels):
            for i in range(width):
                a, b = x[row, channel, i], y[row, channel, i]
                by_x[row, channel, i] = slope * (np.float32(a > b) - np.float32(a < b))
                total += abs(a - b)
            for i in range(width, stride):
                by_x[row, channel, i] = np.float32(0.0)
        row_sums[row] = total
    return float(weight * row_sums.sum())


@njit(parallel=True, **KERNEL)
def _add_squares(x: FloatArray, y: FloatArray, sensitivity: FloatArray, weight: float, by_x: FloatArray) -> float:
    """``weight`` times the sum of sensitivity (x - y)^2; its gradient by x is added to ``by_x`` (H, C, S)."""
    height, channels, stride = x.shape
    slope = np.float32(2.0 * weight)
    row_sums = np.empty(height)
    for row in prange(height):
        total = np.float32(0.0)
        for channel in range(channels):
            for i in range(stride):
                difference = x[row, channel, i] - y[row, channel, i]
                weighed = sensitivity[row, channel, i] * difference
                by_x[row, channel, i] += slope * weighed
                total += weighed * difference
        row_sums[row] = total
    return float(weight * row_sums.sum())
