"""What the fit minimizes if not squared error: SmartSplat's L1 + SSIM, or the same over several scales.

A loss takes the picture as drawn and the scales of the picture wanted, and returns its value and its gradient by the pixels drawn,
times their number: gradients of single Gaussians shall not vanish in float32 as pictures grow.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit, prange

from splatc.fit.pyramid import Planes, add_spread
from splatc.fit.similarity import add_similarity
from splatc.gaussians import FloatArray
from splatc.render.footprint import KERNEL
from splatc.render.scratch import Scratch

SSIM_WEIGHT = 0.1
"""SmartSplat, section 3."""
L1_WEIGHT = 0.2
SCALE_WEIGHTS = (0.3, 0.4, 0.3)
"""Of the SSIM at 1/2, 1/4 and 1/8 of the size."""


def l1_ssim(drawn: Planes, wanted: Sequence[Planes], scratch: Scratch) -> tuple[float, FloatArray]:
    """(1 - k) L1 + k (1 - SSIM), k = SSIM_WEIGHT, of two pictures at their full size."""
    target, samples = wanted[0], _samples(drawn)
    gradient = scratch.array("gradient", *drawn.rows.shape)
    difference = _absolute(drawn.rows, target.rows, drawn.width, np.float32(1.0 - SSIM_WEIGHT), gradient)
    ssim = add_similarity(drawn, target, -SSIM_WEIGHT, gradient, scratch) / samples
    return (1.0 - SSIM_WEIGHT) * difference / samples + SSIM_WEIGHT * (1.0 - ssim), gradient


def multiscale(drawn: Planes, wanted: Sequence[Planes], scratch: Scratch) -> tuple[float, FloatArray]:
    """L1 + SSIM for MS-SSIM: L1 of the pictures themselves, and 1 - SSIM of them at 1/2, 1/4 and 1/8 of their size.

    MS-SSIM gives the full size 4 % of its weight; SSIM there costs most of the time and pulls bits into what no coarse scale sees.
    """
    samples = _samples(drawn)
    gradients = [scratch.array("gradient", *drawn.rows.shape)]
    difference = _absolute(drawn.rows, wanted[0].rows, drawn.width, np.float32(L1_WEIGHT), gradients[0])
    loss = L1_WEIGHT * difference / samples
    for k, (weight, target) in enumerate(zip(SCALE_WEIGHTS, wanted[1:], strict=True)):
        drawn = drawn.half(scratch, f"half {k}")
        gradients.append(scratch.array(f"gradient of half {k}", *drawn.rows.shape))
        gradients[-1].fill(0.0)
        each = weight / _samples(drawn)
        loss += weight - each * add_similarity(drawn, target, -each * samples, gradients[-1], scratch)
    for finer, coarser, scale in zip(gradients[-2::-1], gradients[:0:-1], wanted[-2::-1], strict=True):
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
def _absolute(x: FloatArray, y: FloatArray, width: int, weight: np.float32, by_x: FloatArray) -> float:
    """Sum of |x - y|; ``weight`` times its gradient by x, which is the sign of x - y, goes to ``by_x`` (H, C, S)."""
    height, channels, stride = x.shape
    row_sums = np.empty(height)
    for row in prange(height):
        total = np.float32(0.0)
        for channel in range(channels):
            for i in range(width):
                a, b = x[row, channel, i], y[row, channel, i]
                by_x[row, channel, i] = weight * (np.float32(a > b) - np.float32(a < b))
                total += abs(a - b)
            for i in range(width, stride):
                by_x[row, channel, i] = np.float32(0.0)
        row_sums[row] = total
    return float(row_sums.sum())
