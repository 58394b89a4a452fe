"""The pixels that a step of the fit looks at: one of r x r interleaved polyphase subsets of the picture.

A step compares only every r-th pixel of every r-th row, each step those of another subset, so it costs 1 / r^2 and in r^2 steps every
pixel has been seen. Unlike that of a reduced picture, which lacks what the reduction took away, its gradient is that of
full size plus noise, which Adam averages out as long as every Gaussian meets some tens of samples a step (tools/README.md,
"Polyphase subsets").
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from splatc.core import seeds
from splatc.gaussians import FloatArray

Samples = NDArray[np.uint8 | np.uint16]

MAX_REDUCTION = 8


@dataclass(frozen=True)
class Subset:
    """The pixels (x0 + i r, y0 + j r) of a picture, ``width`` x ``height`` samples."""

    reduction: int
    """r"""
    x0: int
    y0: int
    width: int
    height: int

    @property
    def origin(self) -> tuple[float, float]:
        """Where (0, 0) of the subset lies in the picture, px: the centre of sample i is at i + 1/2, that of its pixel at x0 + i r + 1/2."""
        half = 0.5 - 0.5 * self.reduction
        return self.x0 + half, self.y0 + half

    def pick(self, pixels: Samples) -> Samples:
        """(height, width, C) its samples, a view of a picture (H, W, C)."""
        r = self.reduction
        return pixels[self.y0 :: r, self.x0 :: r][: self.height, : self.width]

    def within(self, rows: Subset) -> Subset:
        """Its samples that lie in some rows of the whole picture."""
        r = self.reduction
        top = rows.y0 + (self.y0 - rows.y0) % r
        bottom = min(rows.y0 + rows.height, self.y0 + self.height * r)
        return replace(self, y0=top, height=max(0, -(-(bottom - top) // r)))

    def bands(self, rows: int) -> Iterator[Subset]:
        """So many rows at a time, from top to bottom."""
        for top in range(0, self.height, rows):
            yield replace(self, y0=self.y0 + top * self.reduction, height=min(rows, self.height - top))

    def rows_in(self, whole: Subset) -> slice:
        """Where its rows are in those of the subset that it is a part of."""
        top = (self.y0 - whole.y0) // self.reduction
        return slice(top, top + self.height)

    def windows(self, samples: int) -> int:
        """Of rows that hold so many samples at most, or are single ones: how many there are."""
        return -(-self.height // max(1, samples // self.width))

    def window(self, step: int, samples: int) -> Subset:
        """One of them, each step the next."""
        windows = self.windows(samples)
        if windows == 1:
            return self
        top = step % windows * self.height // windows
        bottom = (step % windows + 1) * self.height // windows
        return replace(self, y0=self.y0 + top * self.reduction, height=bottom - top)


def subset(width: int, height: int, reduction: int, step: int) -> Subset:
    """That of a step, of a picture of width x height px; reduction^2 steps in a row see every pixel."""
    x0, y0 = _offset(reduction, step % reduction**2)
    # Of a picture narrower than the reduction the far subsets hold nothing; they repeat the last column or row.
    x0, y0 = min(x0, width - 1), min(y0, height - 1)
    return Subset(reduction, x0, y0, -(-(width - x0) // reduction), -(-(height - y0) // reduction))


def reduction_for(width: int, height: int, samples: float) -> int:
    """The largest power of two at which a subset still has so many samples."""
    exponent = max(0, math.floor(0.5 * math.log2(width * height / samples)))
    return min(MAX_REDUCTION, int(2**exponent))


def mean_colour(pixels: Samples) -> FloatArray:
    """(C,) of a picture (H, W, C), in [0, 1]."""
    height, width, _ = pixels.shape
    means: FloatArray = (seeds.sum_samples(pixels) / (width * height * np.iinfo(pixels.dtype).max)).astype(np.float32)
    return means


def _offset(reduction: int, step: int) -> tuple[int, int]:
    """x0 and y0 of the step's subset, in an order in which each is far from those before it (that of ordered dithering)."""
    x = y = 0
    half = reduction // 2
    while half:
        down = step & 1
        x, y = x + half * (down ^ (step >> 1 & 1)), y + half * down
        step >>= 2
        half //= 2
    return x, y
