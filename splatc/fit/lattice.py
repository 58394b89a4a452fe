"""The pixels that a step of the fit looks at: one of r x r interleaved lattices of the picture.

A step compares only every r-th pixel of every r-th row, each step those of another lattice, so it costs 1 / r^2 and in r^2 steps every
pixel has been seen. Unlike a reduced picture, whose fit knows nothing of what the reduction took away, its gradient is that of
full size plus noise, which Adam averages out as long as every Gaussian meets some tens of samples a step (tools/README.md, "Lattices").
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from splatc.core import seeds
from splatc.gaussians import FloatArray

if TYPE_CHECKING:
    from splatc.fit.pyramid import Planes

Samples = NDArray[np.uint8 | np.uint16]

MAX_REDUCTION = 8
LANES = 16
"""The stride of a plane's row is a multiple of it: as many samples as the core works on at a time."""


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
    """(height, C, S) with S >= width, a multiple of LANES; 0 behind the end of each row."""
    unit: np.float32
    """What a sample of 1 stands for; the picture's range is [0, 1]."""

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])

    @functools.cached_property
    def scales(self) -> list[Planes]:
        """The lattice in [0, 1], and at 1/2, 1/4 and 1/8 of its size."""
        from splatc.fit.kernels.scratch import Scratch
        from splatc.fit.pyramid import Planes

        scales = [Planes(self.samples * self.unit, self.width)]
        for _ in range(3):
            scales.append(scales[-1].half(Scratch(), "half"))
        return scales

    @functools.cached_property
    def sensitivity(self) -> FloatArray:
        """(height, C, S) how much SSIM minds a squared difference at each sample."""
        from splatc.fit.similarity import sensitivity

        return sensitivity(self.scales[0])

    def window(self, step: int, samples: int) -> Lattice:
        """As many rows as hold so many samples, each step the next ones."""
        rows = max(1, samples // self.width)
        windows = -(-self.height // rows)
        if windows == 1:
            return self
        top = step % windows * self.height // windows
        bottom = (step % windows + 1) * self.height // windows
        return replace(self, y0=self.y0 + top * self.reduction, height=bottom - top, samples=self.samples[top:bottom])


class Picture:
    """A picture (H, W, C) of 8 or 16 bits, and its lattices: those of one reduction at a time."""

    def __init__(self, pixels: Samples) -> None:
        self.pixels = np.ascontiguousarray(pixels)
        self.height, self.width, self.channels = pixels.shape
        self._lattices: list[Lattice] = []

    def lattice(self, reduction: int, step: int = 0) -> Lattice:
        """The lattice that a step looks at; reduction^2 steps in a row see every pixel."""
        if not self._lattices or self._lattices[0].reduction != reduction:
            self._lattices = []  # before the new ones are made: one set at a time lies in memory
            self._lattices = self._split(reduction)
        return self._lattices[step % reduction**2]

    def reduction(self, samples: float) -> int:
        """The largest power of two at which a lattice still has so many samples."""
        exponent = max(0, math.floor(0.5 * math.log2(self.width * self.height / samples)))
        return min(MAX_REDUCTION, int(2**exponent))

    def mean(self) -> FloatArray:
        """(C,) the mean colour, in [0, 1]."""
        sums = seeds.sum_samples(self.pixels)
        means: FloatArray = (sums / (self.width * self.height * np.iinfo(self.pixels.dtype).max)).astype(np.float32)
        return means

    def _split(self, reduction: int) -> list[Lattice]:
        """All lattices of a reduction, in the order of the steps."""
        stride = -(-self.width // (LANES * reduction)) * LANES
        subsets = seeds.split(self.pixels, reduction, stride)
        unit = np.float32(1.0 / np.iinfo(self.pixels.dtype).max)
        places = (grid(self.width, self.height, reduction, step) for step in range(reduction**2))
        return [
            Lattice(reduction, x0, y0, width, height, subsets[y0, x0, :height], unit)
            for x0, y0, width, height in places
        ]


def grid(width: int, height: int, reduction: int, step: int) -> tuple[int, int, int, int]:
    """x0, y0, and the width and height in samples, of a step's lattice of a picture of width x height px."""
    x0, y0 = _offset(reduction, step % reduction**2)
    # Of a picture narrower than the reduction the far lattices hold nothing; they repeat the last column or row.
    x0, y0 = min(x0, width - 1), min(y0, height - 1)
    return x0, y0, -(-(width - x0) // reduction), -(-(height - y0) // reduction)


def reduced(pixels: Samples, reduction: int) -> FloatArray:
    """(h, w, C) means of boxes of r x r pixels of a picture (H, W, C), in [0, 1]; those at the far borders may be smaller."""
    return seeds.reduce(np.ascontiguousarray(pixels), reduction)


def _offset(reduction: int, step: int) -> tuple[int, int]:
    """x0 and y0 of the step's lattice, in an order in which each is far from those before it (that of ordered dithering)."""
    x = y = 0
    half = reduction // 2
    while half:
        down = step & 1
        x, y = x + half * (down ^ (step >> 1 & 1)), y + half * down
        step >>= 2
        half //= 2
    return x, y
