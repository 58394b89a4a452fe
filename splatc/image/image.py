"""A picture in memory: its samples, and what belongs to them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from splatc.bitstream import Metadata

Samples = NDArray[np.uint8 | np.uint16]

MAX_PIXELS = 1 << 29
"""Larger pictures are refused before their pixels are decompressed: 32768 x 16384."""


MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""What Pillow calls 8 bits of so many channels."""


@dataclass(frozen=True)
class Image:
    """A picture as integers."""

    pixels: Samples
    """(H, W, C) uint8 or uint16 over the full range; C = 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha (not premultiplied).
    To be read only: a large one lies in a temporary file (np.memmap), not in memory."""
    description: str = ""
    """What the source was, for people: ``PNG, palette``."""
    notes: tuple[str, ...] = ()
    """What was left out of the source, a sentence each."""
    metadata: Metadata = field(default_factory=Metadata)
    """Its colour profile, EXIF and XMP."""

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def channels(self) -> int:
        return int(self.pixels.shape[2])

    @property
    def bit_depth(self) -> int:
        """8 or 16 bits per sample."""
        return 8 * self.pixels.itemsize
