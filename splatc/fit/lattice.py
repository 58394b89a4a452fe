"""The pixels that a step of the fit looks at: one of r x r interleaved lattices of the picture.

A step compares only every r-th pixel of every r-th row, each step those of another lattice, so it costs 1 / r^2 and in r^2 steps every
pixel has been seen. Unlike a reduced picture, whose fit knows nothing of what the reduction took away, its gradient is that of
full size plus noise, which Adam averages out as long as every Gaussian meets some tens of samples a step (tools/README.md, "Lattices").
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit, prange

from splatc.fit.kernels.footprint import KERNEL
from splatc.fit.kernels.forward import row_stride
from splatc.fit.kernels.scratch import Scratch
from splatc.fit.pyramid import Planes
from splatc.fit.similarity import sensitivity
from splatc.fit.subset import Samples, subset
from splatc.gaussians import FloatArray


@dataclass(frozen=True)
class Lattice:
    """The pixels (x0 + i r, y0 + j r) of a picture as rows of planes."""

    reduction: int
    """r"""
    x0: int
    y0: int
    width: int
    height: int
    """Samples."""
    samples: Samples
    """(height, C, S) with S = row_stride(width); 0 behind the end of each row."""
    unit: np.float32
    """What a sample of 1 stands for; the picture's range is [0, 1]."""

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])

    @functools.cached_property
    def scales(self) -> list[Planes]:
        """The lattice in [0, 1], and at 1/2, 1/4 and 1/8 of its size."""
        scales = [Planes(self.samples * self.unit, self.width)]
        for _ in range(3):
            scales.append(scales[-1].half(Scratch(), "half"))
        return scales

    @functools.cached_property
    def sensitivity(self) -> FloatArray:
        """(height, C, S) how much SSIM minds a squared difference at each sample."""
        return sensitivity(self.scales[0])

    def rows(self, top: int, bottom: int) -> Lattice:
        """Those rows of samples alone."""
        return replace(self, y0=self.y0 + top * self.reduction, height=bottom - top, samples=self.samples[top:bottom])


class Picture:
    """A picture (H, W, C) of 8 or 16 bits, and its lattices: those of one reduction at a time."""

    def __init__(self, pixels: Samples) -> None:
        self.pixels = pixels
        self.height, self.width, self.channels = pixels.shape
        self._lattices: list[Lattice] = []

    def lattice(self, reduction: int, step: int = 0) -> Lattice:
        """The lattice that a step looks at; reduction^2 steps in a row see every pixel."""
        if not self._lattices or self._lattices[0].reduction != reduction:
            self._lattices = []  # before the new ones are made: one set at a time lies in memory
            self._lattices = [self._pick(reduction, k) for k in range(reduction**2)]
        return self._lattices[step % reduction**2]

    def _pick(self, reduction: int, step: int) -> Lattice:
        where = subset(self.width, self.height, reduction, step)
        x0, y0, width, height = where.x0, where.y0, where.width, where.height
        samples = np.zeros((height, self.channels, row_stride(width)), self.pixels.dtype)
        _pick_kernel(self.pixels, reduction, x0, y0, samples, width)
        unit = np.float32(1.0 / np.iinfo(self.pixels.dtype).max)
        return Lattice(reduction, x0, y0, width, height, samples, unit)


def reduced(pixels: Samples, reduction: int) -> FloatArray:
    """(h, w, C) means of boxes of r x r pixels of a picture (H, W, C), in [0, 1]; those at the far borders may be smaller."""
    height, width, channels = pixels.shape
    result = np.empty((-(-height // reduction), -(-width // reduction), channels), np.float32)
    _mean_kernel(pixels, reduction, np.float32(1.0 / np.iinfo(pixels.dtype).max), result)
    return result


@njit(parallel=True, **KERNEL)
def _pick_kernel(pixels: Samples, reduction: int, x0: int, y0: int, samples: Any, width: int) -> None:
    channels = pixels.shape[2]
    for y in prange(len(samples)):
        for channel in range(channels):
            for x in range(width):
                samples[y, channel, x] = pixels[y0 + y * reduction, x0 + x * reduction, channel]


@njit(parallel=True, **KERNEL)
def _mean_kernel(pixels: Samples, reduction: int, unit: Any, result: Any) -> None:
    height, width, channels = pixels.shape
    for row in prange(len(result)):
        bottom = min((row + 1) * reduction, height)
        for column in range(result.shape[1]):
            right = min((column + 1) * reduction, width)
            area = (bottom - row * reduction) * (right - column * reduction)
            for channel in range(channels):
                total = np.int64(0)
                for y in range(row * reduction, bottom):
                    for x in range(column * reduction, right):
                        total += pixels[y, x, channel]
                result[row, column, channel] = np.float32(total) * unit / np.float32(area)
