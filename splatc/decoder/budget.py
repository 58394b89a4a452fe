"""What decoding may cost: bounds below those of the format, checked before anything of their size is allocated or begun.

A file of a few bytes may rightly declare a picture of 2^32 pixels, and one of 5 kB 3 10^12 evaluations of large Gaussians. Whether to draw
it is no matter of the format but of the user: ``--max-pixels``, ``--max-memory`` and ``--max-work``, and the same arguments of the
functions. Every way of reading a file takes one and the same Budget.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from splatc.errors import LimitError
from splatc.runtime import arguments

if TYPE_CHECKING:
    from splatc.bitstream.cost import Cost
    from splatc.render.draw import Drawable
    from splatc.render.view import View

MAX_PIXELS = 1 << 29
"""Twice 16384 x 16384."""
MAX_MEMORY = 4 << 30
"""Bytes: all pixels of 16384 x 16384 with four channels of 16 bits, and as much again."""
MAX_WORK = 1 << 37
"""Evaluations of Gaussians (spec/limits.md, "Work")."""
GAUSSIAN_BYTES = 512
"""What a Gaussian takes while it is read and drawn, with room to spare: 260 to 400 were measured, the latter with sections."""
TABLE_BYTES = 1 << 17
"""What is kept of the tables of a section that others go on from."""

_SMALLER = (8, 16, 32, 64, 128, 256, 1024)
"""Scales 1 / n, of which an error proposes one to who asked for too much: down to 1/4 fewer pixels are drawn, but as many samples."""


def budget_of(max_pixels: object, max_memory: object, max_work: object) -> Budget:
    """The bounds that a caller gives, in whatever kind of number. Raises UsageError."""
    return Budget(*cast("tuple[int | None, ...]", (max_pixels, max_memory, max_work)))


@dataclass(frozen=True)
class Budget:
    """What a decoder may spend on one picture; None takes the default of a bound.

    Raises UsageError unless each is a whole number from 1 to 2^63 - 1, or None.
    """

    max_pixels: int | None = None
    """Pixels that are drawn: those of the output, not of the file."""
    max_memory: int | None = None
    """Bytes, as estimated from what a file says."""
    max_work: int | None = None
    """Evaluations of Gaussians, likewise."""

    def __post_init__(self) -> None:
        for name, value in list(vars(self).items()):
            object.__setattr__(self, name, None if value is None else arguments.whole(name, value, otherwise="None"))

    @property
    def work(self) -> int:
        """Evaluations of Gaussians that may be spent."""
        return MAX_WORK if self.max_work is None else self.max_work

    def check_pixels(self, columns: int, rows: int) -> None:
        """Raise LimitError if so large an output may not be drawn."""
        most = MAX_PIXELS if self.max_pixels is None else self.max_pixels
        if columns * rows > most:
            raise LimitError(
                f"a picture of {columns} x {rows} is more than the {most} pixels that splatc draws unasked: "
                "take a smaller scale or a region, or raise --max-pixels (in Python max_pixels)"
            )

    def check_memory(self, needed: int, what: str) -> None:
        """Raise LimitError if so many bytes may not be used. ``what`` needs them."""
        most = MAX_MEMORY if self.max_memory is None else self.max_memory
        if needed > most:
            allowed = f"{most // 2**20} MiB" if most >= 2**20 else f"{most} bytes"
            raise LimitError(
                f"{what} would take some {-(-needed // 2**20)} MiB of memory, more than the {allowed} that splatc takes unasked: "
                "take a smaller scale or a region, or raise --max-memory (in Python max_memory)"
            )

    def check_work(self, needed: int, what: str, instead: str = "") -> None:
        """Raise LimitError if so much work may not be done. ``what`` takes it; ``instead``, "take ..., or ", costs less."""
        if needed > self.work:
            raise LimitError(
                f"{what} would take some {needed} evaluations of Gaussians, more than the {self.work} that splatc spends unasked: "
                f"{instead}raise --max-work to {needed} (in Python max_work)"
            )

    def check_reading(self, count: int, parents: int, searched: int = 0, cells: int = 0) -> None:
        """Raise LimitError if Gaussians may not be read: what a `bitstream.cost.Cost` says of them."""
        from splatc.bitstream.cost import Cost

        cost = Cost(count, parents, searched, cells)
        self._check_memory_of(cost)
        self.check_work(cost.work, f"reading {count} Gaussians", "take a region or a coarser --max-level, or ")

    def _check_memory_of(self, cost: Cost) -> None:
        needed = cost.gaussians * GAUSSIAN_BYTES + cost.parents * TABLE_BYTES
        self.check_memory(needed, f"reading {cost.gaussians} Gaussians")

    def check_groups(self, costs: Sequence[Cost]) -> None:
        """Raise LimitError if the groups of a file may not be read one after the other, which keeps one at a time in memory."""
        for each in costs:
            self._check_memory_of(each)
        self.check_work(sum(each.work for each in costs), "reading all of the file")

    def check_evaluations(self, work: Callable[[View], int], count: int, view: View, reading: int = 0) -> None:
        """Raise LimitError if drawing ``count`` Gaussians in a view may take too much time, with the work that ``reading`` has taken.

        ``work``: of drawing them in any view, evaluations.
        """
        needed = reading + work(view)
        if needed > self.work:
            smaller = self._smaller(work, view, reading)
            what = f"drawing {view.columns} x {view.rows} pixels of {count} Gaussians"
            self.check_work(needed, what, f"take {smaller}a smaller region, or ")

    def _smaller(self, work: Callable[[View], int], view: View, reading: int) -> str:
        """The largest scale below that of a view which is within the budget, in words."""
        from fractions import Fraction  # with what it imports it takes 3 ms

        from splatc.render.view import View

        for scale in (Fraction(1, n) for n in _SMALLER if Fraction(1, n) < view.scale):
            other = View(view.width, view.height, view.region, scale)
            if reading + work(other) <= self.work:
                return f"--scale {scale} (in Python scale) or "
        return ""

    def check_drawing(self, plan: Drawable, sample_bytes: int) -> None:
        """Raise LimitError if drawing may take too much. ``sample_bytes`` are those of the samples that lie in memory at once.

        Large Gaussians stand in the lists of many tiles: a file of 50 kB can ask for a hundred gigabytes of lists.
        """
        view, count = plan.view, plan.count
        needed = sample_bytes + count * GAUSSIAN_BYTES + plan.list_bytes
        self.check_memory(needed, f"drawing {view.columns} x {view.rows} pixels of {count} Gaussians")


UNBOUNDED = Budget(sys.maxsize, sys.maxsize, sys.maxsize)
"""For files of our own, of pictures that are in memory."""
