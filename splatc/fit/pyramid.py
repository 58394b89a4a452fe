"""Pictures as rows of colour planes, and at half their size: what the losses of several scales (losses.py) look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, prange

from splatc.fit.kernels.footprint import KERNEL
from splatc.fit.kernels.forward import row_stride
from splatc.fit.kernels.scratch import Scratch
from splatc.gaussians import FloatArray


@dataclass(frozen=True)
class Planes:
    """A picture as rows of colour planes, in [0, 1]."""

    rows: FloatArray
    """(H, C, S) with S = row_stride(width); 0 behind the end of each row."""
    width: int
    """px"""

    def half(self, scratch: Scratch, name: str) -> Planes:
        """ceil(H / 2) rows of ceil(width / 2), in the scratch: each pixel is the mean of two by two, at odd edges of those there."""
        height, channels, _ = self.rows.shape
        width = -(-self.width // 2)
        rows = scratch.array(name, -(-height // 2), channels, row_stride(width))
        _halve(self.rows, self.width, rows)
        return Planes(rows, width)


@njit(parallel=True, **KERNEL)
def _halve(rows: FloatArray, width: int, halved: FloatArray) -> None:
    """Means of two by two. A last row or column without a neighbour stands for both."""
    height, channels, _ = rows.shape
    quarter = np.float32(0.25)
    for row in prange(len(halved)):
        for channel in range(channels):
            above, below = rows[2 * row, channel], rows[min(2 * row + 1, height - 1), channel]
            for i in range(width // 2):
                halved[row, channel, i] = quarter * (above[2 * i] + above[2 * i + 1] + below[2 * i] + below[2 * i + 1])
            halved[row, channel, width // 2 :] = np.float32(0.0)
            if width % 2 == 1:
                halved[row, channel, width // 2] = quarter * 2 * (above[width - 1] + below[width - 1])


@njit(parallel=True, **KERNEL)
def add_spread(by_half: FloatArray, width: int, by_rows: FloatArray) -> None:
    """Gradient by the pixels of ``Planes.half`` -> by those that it was made of, added to ``by_rows`` (H, C, S)."""
    height, channels, _ = by_rows.shape
    for row in prange(height):
        scale = np.float32(0.5) if height % 2 == 1 and row == height - 1 else np.float32(0.25)
        for channel in range(channels):
            source, target = by_half[row // 2, channel], by_rows[row, channel]
            for i in range(width // 2):
                g = scale * source[i]
                target[2 * i] += g
                target[2 * i + 1] += g
            if width % 2 == 1:
                target[width - 1] += scale * 2 * source[width // 2]
