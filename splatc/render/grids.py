"""Grids of round Gaussians -> samples: the short way of a file with latents.

All Gaussians of a grid are alike and lie alike on the pixels. So it needs no list of Gaussians, no lists of tiles, and one
exponential for all of them, and draws to the same bits as they (splatc/core/grids.c).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from splatc.bitstream import Header
from splatc.bitstream.latent_layout import COARSE, FINE
from splatc.core import latent as core
from splatc.gaussians import FloatArray
from splatc.render.draw import Painter, in_core
from splatc.render.view import View


def suits(view: View) -> bool:
    """Whether grids can be drawn in a view: at 1, 1/2 and 1/4 from a pixel on that is a whole output pixel."""
    return core.suits(in_core(view))


@dataclass(frozen=True)
class GridPlan:
    """Grids in a view that suits."""

    view: View
    background: FloatArray
    """(C,)"""
    grids: core.Grids

    @property
    def count(self) -> int:
        """Gaussians, those beyond the edge of the picture among them."""
        numbers = self.grids.numbers
        return COARSE * COARSE * int(np.count_nonzero(numbers >= core.NOT_BUSY)) + FINE * FINE * len(self.grids.fine)

    @property
    def list_bytes(self) -> int:
        """There are no lists."""
        return 0

    def painter(self) -> Painter:
        """What draws rows of it."""
        return functools.partial(core.draw_grids, self.grids, in_core(self.view), self.background)


def make_grid_plan(header: Header, grids: core.Grids, view: View) -> GridPlan:
    """The grids of a file in a view that suits."""
    return GridPlan(view, np.array(header.background, np.float32) / np.float32(255), grids)
