"""Latents that fit a picture better, by the core (``fit/refine.h``)."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatc.core import refine_structs
from splatc.core.loading import address, aligned, check, load

BLOCK = 8
"""Cells a side of what is refined at once."""
COARSE_KERNEL, FINE_KERNEL = 16, 8
"""px a side of what a Gaussian touches."""


@dataclass(frozen=True)
class Refiner:
    """What all blocks of a picture have in common; arrays as in ``core_refinement``."""

    network: NDArray[np.uint8]
    pixels: NDArray[np.uint8 | np.uint16]
    costs: NDArray[np.float32]
    kernels: NDArray[np.float32]
    products: NDArray[np.float32]
    gains: NDArray[np.float32]
    q: int

    def refine(self, latents: NDArray[np.int16], row: int, column: int, worth: float | None) -> float:
        """Goes once through the cells of the block that begins at a row and a column of cells, or without ``worth`` changes nothing.

        The squared differences in its pixels.
        """
        height, width, channels = self.pixels.shape
        size = load().core_refine_workspace()
        workspace = aligned(size)
        task = refine_structs.Refinement(
            address(self.network), address(self.pixels), address(latents), address(self.costs), address(self.kernels),
            address(self.products), address(self.gains), width, height, column, row, channels,
            np.iinfo(self.pixels.dtype).max, self.q, worth is None, 1.0 if worth is None else worth,
            workspace=address(workspace), workspace_bytes=size,
        )  # fmt: skip
        check(load().core_refine(ctypes.byref(task)))
        return float(task.error)
