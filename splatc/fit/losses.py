"""What the fit minimizes: squared error, SmartSplat's L1 + SSIM, or the same over several scales.

SSIM: Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004, with its
Gaussian window of 11 taps and sigma 1.5. At the borders of the picture the window is cut off and renormalized, so every pixel
counts and pictures of any size have an SSIM.

The two kernels of SSIM do one picture row per job, sum over the rows above and below first, and keep everything but three planes of
partial derivatives in the cache. Value and gradient of L1 + SSIM on 768 x 512 x 3 take some 20 ms (two busy cores), where torch's
grouped convolutions take 0.9 s for SSIM alone. The loss of several scales leaves SSIM at full size out: that alone is three quarters of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit, prange
from numpy.typing import NDArray

from splatc.fit.pyramid import half
from splatc.render.footprint import KERNEL

Tensor = torch.Tensor
Array = NDArray[np.floating]

TAPS = 11
RADIUS = TAPS // 2
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2
"""For pixels in [0, 1]."""

_DISTANCE = np.arange(TAPS) - RADIUS
WINDOW = np.exp(-0.5 * (_DISTANCE / SIGMA) ** 2) / np.exp(-0.5 * (_DISTANCE / SIGMA) ** 2).sum()


def l2(out: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of two tensors of one shape, float32 or float64; differentiable by ``out``."""
    mean: Tensor = _SquaredError.apply(out, target)  # type: ignore[no-untyped-call]  # torch has no types for it
    return mean


def l1(out: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of two pictures (C, H, W), float32 or float64; differentiable by ``out``."""
    mean: Tensor = _L1.apply(out, target)  # type: ignore[no-untyped-call]  # as above
    return mean


def l1_ssim(out: Tensor, target: Tensor, ssim_weight: float = 0.1) -> Tensor:
    """(1 - k) L1 + k (1 - SSIM), k = ssim_weight (SmartSplat, section 3: 0.1), the mean over all channels.

    Two pictures (C, H, W) in [0, 1], float32 or float64; differentiable by ``out``.
    """
    mean: Tensor = _L1Ssim.apply(out, target, ssim_weight)  # type: ignore[no-untyped-call]  # as above
    return mean


def multiscale(out: Tensor, target: Tensor) -> Tensor:
    """L1 + SSIM for MS-SSIM: 0.2 L1 of the pictures (C, H, W) themselves, 1 - SSIM of them at 1/2, 1/4 and 1/8 of their size.

    MS-SSIM gives the full size 4 % of its weight; SSIM there costs most of the time and pulls bits into what no coarse scale sees.
    """
    loss = 0.2 * l1(out, target)
    for weight in (0.3, 0.4, 0.3):
        out, target = half(out), half(target)
        loss = loss + weight * l1_ssim(out, target, 1.0)
    return loss


class _SquaredError(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, out: Tensor, target: Tensor) -> Tensor:
        x, y = _contiguous(out), _contiguous(target)
        ctx.saved = (x, y)
        return out.new_tensor(sum_of_squares(x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])) / x.size)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        x, y = ctx.saved
        return torch.from_numpy((x - y) * x.dtype.type(2.0 * grad.item() / x.size)), None


class _L1(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, out: Tensor, target: Tensor) -> Tensor:
        x, y = _contiguous(out), _contiguous(target)
        sign = np.empty_like(x)
        row_sums = np.empty(x.shape[:2])
        _absolute(x, y, sign, row_sums)
        ctx.saved = sign
        return out.new_tensor(row_sums.sum() / x.size)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        sign = ctx.saved
        return torch.from_numpy(sign * sign.dtype.type(grad.item() / sign.size)), None


class _L1Ssim(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, out: Tensor, target: Tensor, ssim_weight: float) -> Tensor:
        x, y = _contiguous(out), _contiguous(target)
        channels, height, width = x.shape
        window = WINDOW.astype(x.dtype)
        fit_x, fit_y = _renormalization(width).astype(x.dtype), _renormalization(height).astype(x.dtype)
        partial = np.empty((3, channels, height, width), x.dtype)
        row_sums = np.empty((2, channels, height))
        _similarity(x, y, window, fit_x, fit_y, partial, row_sums)
        ctx.saved = (x, y, window, partial, ssim_weight)
        l1, ssim = row_sums.sum(axis=(1, 2)) / x.size
        return out.new_tensor((1.0 - ssim_weight) * l1 + ssim_weight * (1.0 - ssim))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        x, y, window, partial, ssim_weight = ctx.saved
        each = grad.item() / x.size
        by_out = np.empty_like(x)
        scales = x.dtype.type((1.0 - ssim_weight) * each), x.dtype.type(-ssim_weight * each)
        _similarity_gradient(x, y, window, partial, *scales, by_out)
        return torch.from_numpy(by_out), None, None


def _contiguous(tensor: Tensor) -> Array:
    array: Array = tensor.detach().contiguous().numpy()
    return array


def _renormalization(length: int) -> Array:
    """(length,) what the sum over the part of the window within [0, length) is to be multiplied with."""
    renormalization: Array = 1.0 / np.convolve(np.ones(length), WINDOW)[RADIUS : RADIUS + length]
    return renormalization


@njit(parallel=True, **KERNEL)
def sum_of_squares(x: Array, y: Array) -> float:
    """Sum of (x - y)^2 of two arrays (M, N); by rows, so that it does not depend on the number of threads."""
    row_sums = np.empty(len(x))
    for row in prange(len(x)):
        total = x.dtype.type(0.0)
        for i in range(x.shape[1]):
            difference = x[row, i] - y[row, i]
            total += difference * difference
        row_sums[row] = total
    return float(row_sums.sum())


@njit(parallel=True, **KERNEL)
def _absolute(x: Array, y: Array, sign: Array, row_sums: Array) -> None:
    """|x - y| summed by row, and the sign of x - y."""
    channels, height, width = x.shape
    for job in prange(channels * height):
        channel, row = job // height, job % height
        total = x.dtype.type(0.0)
        for i in range(width):
            a, b = x[channel, row, i], y[channel, row, i]
            sign[channel, row, i] = np.float32(a > b) - np.float32(a < b)
            total += abs(a - b)
        row_sums[channel, row] = total


@njit(parallel=True, **KERNEL)
def _similarity(x: Array, y: Array, window: Array, fit_x: Array, fit_y: Array, partial: Array, row_sums: Array) -> None:
    """|x - y| and SSIM summed by row, and the partial derivatives of SSIM by the windowed sums of x, of x^2 and of x y.

    The derivatives come times the renormalization of their window, ready for being spread by the same window.
    """
    channels, height, width = x.shape
    c1, c2, two = x.dtype.type(C1), x.dtype.type(C2), x.dtype.type(2.0)
    for job in prange(channels * height):
        channel, row = job // height, job % height
        # Sums over rows of x, y, x^2 + y^2 and x y, with zeros on both sides.
        column = np.zeros((4, width + TAPS - 1), x.dtype)
        for k in range(max(0, RADIUS - row), min(TAPS, height + RADIUS - row)):
            g = window[k] * fit_y[row]
            for i in range(width):
                a, b = x[channel, row + k - RADIUS, i], y[channel, row + k - RADIUS, i]
                column[0, i + RADIUS] += g * a
                column[1, i + RADIUS] += g * b
                column[2, i + RADIUS] += g * (a * a + b * b)
                column[3, i + RADIUS] += g * (a * b)
        sums = np.zeros((4, width), x.dtype)
        for plane in range(4):
            for k in range(TAPS):
                for i in range(width):
                    sums[plane, i] += window[k] * column[plane, i + k]
        difference, total = x.dtype.type(0.0), x.dtype.type(0.0)
        for i in range(width):
            f = fit_x[i]
            mx, my = f * sums[0, i], f * sums[1, i]
            product = mx * my
            energy = mx * mx + my * my
            # SSIM = (a1 a2) / (b1 b2)
            a1, a2 = two * product + c1, two * (f * sums[3, i] - product) + c2
            b1, b2 = energy + c1, f * sums[2, i] - energy + c2
            similarity = a1 * a2 / (b1 * b2)
            difference += abs(x[channel, row, i] - y[channel, row, i])
            total += similarity
            scale = f * fit_y[row]
            by_square = -similarity / b2
            by_product = two * a1 / (b1 * b2)
            by_mean = two * (my * a2 / (b1 * b2) - mx * similarity / b1 - mx * by_square) - my * by_product
            partial[0, channel, row, i] = scale * by_mean
            partial[1, channel, row, i] = scale * two * by_square
            partial[2, channel, row, i] = scale * by_product
        row_sums[0, channel, row] = difference
        row_sums[1, channel, row] = total


@njit(parallel=True, **KERNEL)
def _similarity_gradient(
    x: Array, y: Array, window: Array, partial: Array, l1_scale: Any, ssim_scale: Any, by_out: Array
) -> None:
    """by_out = l1_scale sign(x - y) + ssim_scale (spread(partial 0) + x spread(partial 1) + y spread(partial 2)).

    Spreading is the transpose of summing over the window.
    """
    _, channels, height, width = partial.shape
    for job in prange(channels * height):
        channel, row = job // height, job % height
        column = np.zeros((3, width + TAPS - 1), x.dtype)
        spread = np.zeros((3, width), x.dtype)
        for plane in range(3):
            for k in range(max(0, RADIUS - row), min(TAPS, height + RADIUS - row)):
                for i in range(width):
                    column[plane, i + RADIUS] += window[k] * partial[plane, channel, row + k - RADIUS, i]
            for k in range(TAPS):
                for i in range(width):
                    spread[plane, i] += window[k] * column[plane, i + k]
        for i in range(width):
            a, b = x[channel, row, i], y[channel, row, i]
            similarity = spread[0, i] + a * spread[1, i] + b * spread[2, i]
            by_out[channel, row, i] = l1_scale * (np.float32(a > b) - np.float32(a < b)) + ssim_scale * similarity
