"""Views of a scene -> samples, on all cores: what the decoder draws with, by the core.

Each tile of the supersampling grid (view.py) is one job. It adds up the Gaussians that reach it, blends, averages the samples of each
output pixel and rounds; only finished samples leave it. Tiles and the column blocks in them have fixed places on that grid, and Gaussians
are placed relative to their tile, so a sample is the same to the last bit whatever region, strip or number of threads it is drawn with.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from splatc import core
from splatc.blend import Blend
from splatc.core import TILE_HEIGHT, TILE_WIDTH, structs
from splatc.gaussians import FloatArray, Scene
from splatc.render.view import View

Samples = NDArray[np.uint8 | np.uint16]
SampleType = type[np.uint8 | np.uint16 | np.float32]
Painter = Callable[[int, int, NDArray[Any]], None]
"""Draws the rows first .. last - 1 of a view into an array (last - first, columns, C)."""


@dataclass(frozen=True)
class Plan:
    """A view made ready: its Gaussians on the supersampling grid, sorted into tiles when it is drawn."""

    view: View
    blend: Blend
    background: FloatArray
    """(C,)"""
    placed: core.Placed

    @property
    def count(self) -> int:
        """Gaussians."""
        return self.placed.count

    @property
    def list_bytes(self) -> int:
        """What the lists of tiles take."""
        return 4 * self.placed.entries + 8 * (self.placed.tiles + 1)

    def painter(self) -> Painter:
        """What draws rows of it."""
        lists = core.sort_into_tiles(self.placed)
        return functools.partial(core.draw, self.placed, lists, self.background, self.blend is Blend.NORMALIZED)


class Drawable(Protocol):
    """What `bands` and `strips` draw: a `Plan`, or grids (grids.py)."""

    @property
    def view(self) -> View: ...
    @property
    def background(self) -> FloatArray: ...
    @property
    def count(self) -> int: ...
    @property
    def list_bytes(self) -> int: ...
    def painter(self) -> Painter: ...


def make_plan(scene: Scene, view: View) -> Plan:
    """Place the Gaussians on the supersampling grid, filtered for its scale."""
    normalized = scene.blend is Blend.NORMALIZED
    placed = core.place(in_core(view), vars(scene.gaussians), normalized)
    return Plan(view, scene.blend, scene.background.astype(np.float32), placed)


def draw(plan: Drawable, dtype: SampleType) -> Any:
    """(H, W, C) samples of a plan. Integers are clamped and rounded (spec/picture.md, "Samples"), floats are neither."""
    (samples,) = bands(plan, dtype, [(0, plan.view.rows)])
    return samples


def strips(plan: Drawable, dtype: SampleType, rows: int = 256) -> Iterator[Any]:
    """The samples of `draw` from top to bottom, about `rows` rows at a time."""
    view, height = plan.view, TILE_HEIGHT // plan.view.samples  # rows of the output that a tile holds
    step = max(1, rows // height) * height
    edges = [edge - view.top for edge in range(view.top // height * height, view.top + view.rows, step)]
    yield from bands(plan, dtype, [(max(edge, 0), min(edge + step, view.rows)) for edge in edges])


def bands(plan: Drawable, dtype: SampleType, rows: Iterable[tuple[int, int]]) -> Iterator[Any]:
    """(R, W, C) samples of the rows [first, last) of each pair. Rows of tiles that two bands share are drawn for both."""
    paint = plan.painter()
    for first, last in rows:
        out = np.empty((last - first, plan.view.columns, len(plan.background)), dtype)
        paint(first, last, out)
        yield out


def in_core(view: View) -> structs.CoreView:
    """The view as the core has it."""
    (x, columns), (y, rows) = (
        _tiles(first, count, size // view.samples)
        for first, count, size in zip(
            (view.left, view.top), (view.columns, view.rows), (TILE_WIDTH, TILE_HEIGHT), strict=True
        )
    )
    return structs.CoreView(
        float(view.grid_scale), *map(float, view.shift), view.added_variance,
        view.samples, view.left, view.top, view.columns, view.rows, *view.ends, x, y, columns, rows,
    )  # fmt: skip


def _tiles(first: int, count: int, pixels: int) -> tuple[int, int]:
    """The first tile and the number of tiles, of ``pixels`` output pixels a side, that hold ``count`` of them from ``first`` on."""
    low = first // pixels
    return low, -(-(first + count) // pixels) - low
