"""The fit's step in the core (``fit/fit.h``): Gaussians drawn on a lattice, compared, moved; and what each of them is worth."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_float, c_int32, c_int64, c_uint32, c_void_p

import numpy as np
from numpy.typing import NDArray

from splatc.core import structs
from splatc.core.library import OK, TOO_SMALL, address, aligned, check, load, size_of
from splatc.core.pool import Work, threads

Floats = NDArray[np.float32]

STEP, DRAW, MOVE, COSTS = range(4)
SUMS = 10
"""Floats of a Gaussian in a tile."""
_FIT = 4
_PHASES = 4
_SPARE = 1.25
"""So many more entries than there are get room: the next steps will not need more at once."""


class Adam(ctypes.Structure):
    """``core_fit_adam``."""

    _fields_ = [
        *(
            (name, c_float)
            for name in (
                "mean", "log_scale", "log_aspect", "angle", "colour", "beta1", "beta2", "unbias1", "unbias2", "epsilon",
                "end_x", "end_y", "least_scale", "most_scale", "most_aspect",
            )
        ),
        ("moving", c_int32),
    ]  # fmt: skip


class Rate(ctypes.Structure):
    """``core_fit_rate``."""

    _fields_ = [
        ("expected", c_void_p),
        ("colour_step", c_void_p),
        ("by_colour", c_float * structs.MAX_CHANNELS),
        *((name, c_float) for name in ("aspect_step", "by_aspect", "soft")),
        ("unused", c_int32),
    ]


class Fit(ctypes.Structure):
    """``core_fit``."""

    _fields_ = [
        *((name, c_int32) for name in ("what", "channels", "normalized", "depth")),
        ("count", c_int64),
        *((name, c_void_p) for name in ("values", "first", "second", "frozen")),
        *((name, c_int64) for name in ("width", "height", "stride")),
        ("samples", c_void_p),
        ("unit", c_float),
        ("background", c_float * structs.MAX_CHANNELS),
        *((name, c_float) for name in ("origin_x", "origin_y", "reduction")),
        *((name, c_uint32) for name in ("seed", "step")),
        ("widths", c_void_p),
        ("adam", POINTER(Adam)),
        ("rate", POINTER(Rate)),
        *((name, c_void_p) for name in ("placed", "boxes", "entry_starts", "tile_starts", "members", "sums")),
        ("entries", c_int64),
        *((name, c_void_p) for name in ("tile_squares", "image", "weight", "gradient", "cost", "workspace")),
        ("workspace_bytes", c_int64),
        ("needed", c_int64),
        ("stop", c_void_p),
        ("workers", c_int32),
        ("unused", c_int32),
    ]


def make_widths(steps: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(bytes,) ``core_fit_widths`` of the steps of a file, as core.make_steps returns them."""
    widths = np.zeros(size_of("fit_widths"), np.uint8)
    check(load().core_fit_make_widths(address(steps), address(widths)))
    return widths


class Workspace:
    """Memory for calls one after the other; it grows as it must."""

    def __init__(self) -> None:
        self._room: dict[str, NDArray[np.generic]] = {}
        self.entries = 0

    def array(self, name: str, size: int, dtype: type[np.generic]) -> NDArray[np.generic]:
        """An array of at least that size; what it held may be lost."""
        found = self._room.get(name)
        if found is None or len(found) < size:
            self._room.pop(name, None)  # before the new one is made
            found = self._room[name] = np.empty(size, dtype)
        return found

    def workers(self, count: int) -> NDArray[np.uint8]:
        """Workspaces for so many workers."""
        size = load().core_fit_workspace() * count
        if "workers" not in self._room or len(self._room["workers"]) < size:
            self._room["workers"] = aligned(size)
        return self._room["workers"].view(np.uint8)


def tiles(width: int, height: int) -> int:
    """Tiles of a lattice."""
    return int(load().core_fit_tiles(width, height))


def run(task: Fit, workspace: Workspace) -> Floats | NDArray[np.float64]:
    """Run a task whose buffers of Gaussians and samples are set; returns its squared differences by tile, (tiles,)."""
    count, workers = task.count, threads()
    number = tiles(task.width, task.height)
    squares = workspace.array("squares", number, np.float64)[:number]
    task.placed = address(workspace.array("placed", count * size_of("fit_placed"), np.uint8))
    task.boxes = address(workspace.array("boxes", 4 * count, np.int32))
    task.entry_starts = address(workspace.array("entry_starts", count + 1, np.int64))
    task.tile_starts = address(workspace.array("tile_starts", number + 1, np.int64))
    task.tile_squares = address(squares)
    task.workspace, task.workspace_bytes = address(workspace.workers(workers)), load().core_fit_workspace()
    task.workers = workers
    if workspace.entries == 0:
        workspace.entries = 4 * count + number
    while True:
        task.members = address(workspace.array("members", workspace.entries, np.int32))
        task.sums = address(workspace.array("sums", workspace.entries * SUMS, np.float32))
        task.entries = workspace.entries
        work = Work(_FIT, workers)
        task.stop = work.stop
        phases = np.zeros(_PHASES, np.int64)
        check(OK if load().core_fit_phases(ctypes.addressof(task), address(phases)) > 0 else 6)
        status = work.run(task, int(phases[-1]), phases=phases)
        if status != TOO_SMALL:
            check(status)
            return squares.view(np.float64)
        workspace.entries = int(_SPARE * task.needed)
