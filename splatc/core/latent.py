"""Latents -> Gaussians, or the grids that they are, and grids -> samples, by the core (``core.h``, "Latents")."""

from __future__ import annotations

import ctypes
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatc import core
from splatc.core import structs
from splatc.core.loading import OK, TOO_SMALL, address, aligned, check, load


def decode_latents(
    network: NDArray[np.uint8], stream: bytes, q: int, latents: int, rows: int, columns: int
) -> tuple[int, NDArray[np.int16]]:
    """Status, and (latents, rows, columns), of the stream of a tile of some cells."""
    found = np.zeros((latents, rows, columns), np.int16)
    size = load().core_latent_workspace(columns, rows)
    workspace, content = aligned(max(size, 1)), np.frombuffer(stream + b"\0", np.uint8)
    task = structs.LatentTile(
        address(network), address(content), len(stream), q, latents, columns, rows,
        address(found), address(workspace), size, None,
    )  # fmt: skip
    return int(load().core_decode_latents(ctypes.byref(task))), found


def expect_latents(
    network: NDArray[np.uint8], latents: NDArray[np.int16], q: int
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """The mean of each latent (C, rows, columns) of a tile, and the number of the table with which its residual is coded."""
    count, rows, columns = latents.shape
    latents = np.ascontiguousarray(latents, np.int16)
    means, tables = np.empty(latents.shape, np.int32), np.empty(latents.shape, np.uint8)
    size = load().core_latent_workspace(columns, rows)
    workspace = aligned(max(size, 1))
    task = structs.LatentTile(
        address(network), None, 0, q, count, columns, rows, None, address(workspace), size, None
    )  # fmt: skip
    check(load().core_expect_latents(ctypes.byref(task), address(latents), address(means), address(tables)))
    return means, tables


def synthesize(
    network: NDArray[np.uint8],
    values: NDArray[np.int16],
    q: int,
    place: tuple[int, int],
    picture: tuple[int, int],
    least_level: int,
) -> core.Columns:
    """The Gaussians of cells from their latents (C, rows + 2, columns + 2), those around them included.

    ``place``: column and row of the first cell; ``picture``: width and height, px.
    """
    latents = values.shape[0]
    task, _buffers = _synthesis(network, values, q, place, picture)
    task.least_level = least_level
    found = core.Columns.empty(0, 1 if latents < 96 else 3)
    status = load().core_synthesize(ctypes.byref(task))
    if status == TOO_SMALL:
        found = core.Columns.empty(task.count, 1 if latents < 96 else 3)
        for name, where in found.addresses().items():
            setattr(task, name, where)
        task.room = task.count
        status = load().core_synthesize(ctypes.byref(task))
    check(status)
    assert status == OK
    return found


def _synthesis(
    network: NDArray[np.uint8], values: NDArray[np.int16], q: int, place: tuple[int, int], picture: tuple[int, int]
) -> tuple[structs.Synthesis, list[NDArray[Any]]]:
    """A task without its results, and what must live as long as it does."""
    latents, rows, columns = values.shape[0], values.shape[1] - 2, values.shape[2] - 2
    values = np.ascontiguousarray(values, np.int16)
    size = load().core_synthesis_workspace(columns, rows)
    workspace = aligned(max(size, 1))
    task = structs.Synthesis(
        address(network), address(values), q, latents, columns, rows, *place, *picture,
        workspace=address(workspace), workspace_bytes=size,
    )  # fmt: skip
    return task, [network, values, workspace]


@dataclass(frozen=True)
class Grids:
    """The Gaussians of a box of cells as the two grids that they are."""

    cells: tuple[int, int, int, int]
    """Columns x0 .. x1 - 1 and rows y0 .. y1 - 1 of the picture's cells."""
    picture: tuple[int, int]
    """Width and height, px."""
    tile: int
    """Cells a side of a tile."""
    coarse: NDArray[np.int16]
    """(rows, columns, C, 16) colours."""
    fine: NDArray[np.int16]
    """(busy cells, C, 64) colours."""
    numbers: NDArray[np.int32]
    """(rows, columns) which of the busy cells each is, NOT_BUSY or NO_CELL."""
    steps: core.Steps

    def task(self) -> structs.Grids:
        """The same as the core has it; ``self`` must live as long."""
        x0, y0, x1, y1 = self.cells
        return structs.Grids(
            address(self.coarse), address(self.fine), address(self.numbers), len(self.fine),
            x0, y0, x1 - x0, y1 - y0, *self.picture, self.tile, address(self.steps), address(_weights(self.steps.tobytes())),
        )  # fmt: skip


NOT_BUSY, NO_CELL = -1, -2


def synthesize_grids(
    network: NDArray[np.uint8], values: NDArray[np.int16], q: int, place: tuple[int, int], grids: Grids
) -> None:
    """The same as `synthesize` for the part of grids that begins at the cell ``place``, but for their numbers, which are known."""
    task, _buffers = _synthesis(network, values, q, place, grids.picture)
    check(load().core_synthesize_grids(task, grids.task()))


@functools.lru_cache(maxsize=4)
def _weights(steps: bytes) -> NDArray[np.uint8]:
    """What the Gaussians of grids weigh at the points around them."""
    size = load().core_grid_weights_bytes()
    weights, workspace, given = aligned(size), aligned(size), np.frombuffer(steps, np.uint8)
    check(load().core_make_grid_weights(address(given), address(weights), address(workspace)))
    return weights


def suits(view: structs.CoreView) -> bool:
    """Whether grids can be drawn in a view."""
    return bool(load().core_grids_suit(view))


def draw_grids(
    grids: Grids,
    view: structs.CoreView,
    background: core.Floats,
    first: int,
    last: int,
    out: NDArray[np.uint8 | np.uint16 | np.float32],
) -> None:
    """Draw the rows first .. last - 1 of a view that suits, in the normalized blend, into ``out`` (last - first, columns, C)."""
    core.run_draw(structs.Draw(grids=ctypes.pointer(grids.task()), normalized=1), view, background, first, last, out)
