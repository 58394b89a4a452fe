"""Pictures at half their size, differentiable: what the losses of several scales (losses.py) look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit, prange
from numpy.typing import NDArray

from splatc.render.footprint import KERNEL

Tensor = torch.Tensor
Array = NDArray[np.floating]


def half(picture: Tensor) -> Tensor:
    """(C, ceil(H / 2), ceil(W / 2)): each pixel is the mean of two by two of a picture (C, H, W), at odd edges of those that are there."""
    halved: Tensor = _Half.apply(picture)  # type: ignore[no-untyped-call]  # torch has no types for it
    return halved


class _Half(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, picture: Tensor) -> Tensor:
        array: Array = picture.detach().contiguous().numpy()
        channels, height, width = ctx.shape = array.shape
        halved = np.empty((channels, -(-height // 2), -(-width // 2)), array.dtype)
        _halve(array, halved)
        return torch.from_numpy(halved)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        array: Array = grad.contiguous().numpy()
        by_picture = np.empty(ctx.shape, array.dtype)
        _spread(array, by_picture)
        return torch.from_numpy(by_picture)


@njit(parallel=True, **KERNEL)
def _halve(picture: Array, halved: Array) -> None:
    """Means of two by two. A last row or column without a neighbour stands for both."""
    _, height, width = picture.shape
    channels, rows, columns = halved.shape
    quarter = picture.dtype.type(0.25)
    for job in prange(channels * rows):
        channel, row = job // rows, job % rows
        above, below = picture[channel, 2 * row], picture[channel, min(2 * row + 1, height - 1)]
        for i in range(width // 2):
            halved[channel, row, i] = quarter * (above[2 * i] + above[2 * i + 1] + below[2 * i] + below[2 * i + 1])
        if width % 2 == 1:
            halved[channel, row, columns - 1] = quarter * 2 * (above[width - 1] + below[width - 1])


@njit(parallel=True, **KERNEL)
def _spread(by_halved: Array, by_picture: Array) -> None:
    """The transpose of _halve."""
    channels, height, width = by_picture.shape
    quarter = by_picture.dtype.type(0.25)
    for job in prange(channels * height):
        channel, row = job // height, job % height
        scale = quarter
        if height % 2 == 1 and row == height - 1:
            scale = quarter * 2
        source, target = by_halved[channel, row // 2], by_picture[channel, row]
        for i in range(width):
            target[i] = scale * source[i // 2]
        if width % 2 == 1:
            target[width - 1] *= 2
