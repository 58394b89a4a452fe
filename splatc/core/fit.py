"""A step of the fit in the core (``fit/fit.h``): Gaussians drawn on a polyphase subset, compared, moved; and what each of them is worth."""

from __future__ import annotations

import ctypes
import math

import numpy as np
from numpy.typing import NDArray

from splatc.core.fit_structs import Fit
from splatc.core.loading import INVALID, OK, TOO_SMALL, address, aligned, check, load, size_of
from splatc.core.pool import Work, threads

STEP, DRAW, MOVE, COSTS, ERRORS, LOSS_COSTS = range(6)
SUMS = 10
"""Floats of a Gaussian in a tile."""
_JOB = 4
_PHASES = 4
_ENTRIES = 3
"""Tiles that a Gaussian reaches, as a first guess."""
_SPARE = 1.25
"""So many more entries than there are get room: the next steps will not need more at once."""


def make_widths(steps: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``core_fit_widths`` of the steps of a file, as core.make_steps returns them."""
    widths = np.zeros(size_of("fit_widths"), np.uint8)
    check(load().core_fit_make_widths(address(steps), address(widths)))
    return widths


class Workspace:
    """Memory for tasks that follow one another; it grows as it must. Not for two threads at a time."""

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[np.generic]] = {}
        self._entries = 0

    def run(self, task: Fit) -> NDArray[np.float64]:
        """Run a task whose Gaussians, samples and results are set: (tiles,) its squared differences, until the next one."""
        tiles, workers = int(load().core_fit_tiles(task.width, task.height)), threads()
        squares = self._array("tile_squares", tiles, np.float64)
        task.placed = address(self._array("placed", task.count * size_of("fit_placed"), np.uint8))
        task.boxes = address(self._array("boxes", 4 * task.count, np.int32))
        task.entry_starts = address(self._array("entry_starts", task.count + 1, np.int64))
        task.tile_starts = address(self._array("tile_starts", tiles + 1, np.int64))
        task.tile_squares = address(squares)
        task.workspace = address(self._for_workers(workers))
        task.workspace_bytes, task.workers = load().core_fit_workspace(), workers
        self._entries = max(self._entries, _ENTRIES * task.count)
        while True:
            task.members = address(self._array("members", self._entries, np.int32))
            task.sums = address(self._array("sums", self._entries * SUMS, np.float32))
            task.entries = self._entries
            work, phases = Work(_JOB, workers, joined=True), np.zeros(_PHASES, np.int64)
            task.stop = work.stop
            count = load().core_fit_phases(ctypes.addressof(task), address(phases))
            check(OK if count == _PHASES else INVALID)
            status = work.run(task, int(phases[-1]), phases=phases)
            if status != TOO_SMALL:
                check(status)
                return squares[:tiles].view(np.float64)
            self._entries = int(_SPARE * task.needed) + 1

    def floats(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """An array for results, the same at each call."""
        return self._array(name, math.prod(shape), np.float32)[: math.prod(shape)].reshape(shape).view(np.float32)

    def _array(self, name: str, size: int, dtype: type[np.generic]) -> NDArray[np.generic]:
        """An array of at least that size; its content stays only if it was large enough."""
        found = self._arrays.get(name)
        if found is None or len(found) < size:
            self._arrays.pop(name, None)  # before the new one is made
            found = self._arrays[name] = np.empty(max(size, 1), dtype)
        return found

    def _for_workers(self, count: int) -> NDArray[np.uint8]:
        size = load().core_fit_workspace() * count
        if "workers" not in self._arrays or len(self._arrays["workers"]) < size:
            self._arrays["workers"] = aligned(size)
        return self._arrays["workers"].view(np.uint8)
