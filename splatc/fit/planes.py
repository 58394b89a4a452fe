"""A picture as the compiled engine reads it: each polyphase subset as rows of planes."""

from __future__ import annotations

import numpy as np

from splatc.core import seeds
from splatc.fit.subset import Samples, Subset

LANES = 16
"""The stride of a plane's row is a multiple of it: as many samples as the core works on at a time."""


class Planes:
    """The polyphase subsets of a picture (H, W, C), those of one reduction at a time."""

    def __init__(self, pixels: Samples) -> None:
        self._pixels = pixels
        self._reduction = 0
        self._subsets: Samples = pixels[:0]

    @property
    def unit(self) -> float:
        """What a sample of 1 stands for; the picture's range is [0, 1]."""
        return 1.0 / int(np.iinfo(self._pixels.dtype).max)

    def of(self, where: Subset) -> Samples:
        """(height, C, S) the samples of a subset or of rows of it, S a multiple of LANES; 0 behind the end of each row."""
        r = where.reduction
        if self._reduction != r:
            self._subsets = self._pixels[:0]  # before the new ones are made
            width = self._pixels.shape[1]
            self._subsets, self._reduction = seeds.split(self._pixels, r, -(-width // (LANES * r)) * LANES), r
        top = where.y0 // r
        whole: Samples = self._subsets[where.y0 % r, where.x0 % r]
        return whole[top : top + where.height]
