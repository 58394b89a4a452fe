"""A picture as the compiled engine reads it: each polyphase subset as rows of planes."""

from __future__ import annotations

import numpy as np

from splatc.core import seeds
from splatc.fit.subset import Samples, Subset

LANES = 16
"""The stride of a plane's row is a multiple of it: as many samples as the core works on at a time."""


SMALL = 1 << 25
"""Bytes of a picture whose subsets of several reductions may lie in memory."""


class Planes:
    """The polyphase subsets of a picture (H, W, C): those of so many reductions at a time, unless it is small."""

    def __init__(self, pixels: Samples, reductions: int = 1) -> None:
        self._pixels, self._most = pixels, reductions
        self._subsets: dict[int, Samples] = {}

    @property
    def small(self) -> bool:
        """Whether it costs little to ask for another reduction in between."""
        return self._pixels.nbytes <= SMALL

    @property
    def unit(self) -> float:
        """What a sample of 1 stands for; the picture's range is [0, 1]."""
        return 1.0 / int(np.iinfo(self._pixels.dtype).max)

    def of(self, where: Subset) -> Samples:
        """(height, C, S) the samples of a subset or of rows of it, S a multiple of LANES; 0 behind the end of each row."""
        r = where.reduction
        if r not in self._subsets:
            while not self.small and len(self._subsets) >= self._most:
                self._subsets.pop(next(iter(self._subsets)))  # before the new ones are made
            width = self._pixels.shape[1]
            self._subsets[r] = seeds.split(self._pixels, r, -(-width // (LANES * r)) * LANES)
        top = where.y0 // r
        whole: Samples = self._subsets[r][where.y0 % r, where.x0 % r]
        return whole[top : top + where.height]
