"""What decoding may cost the machine: bounds below those of the format, checked before anything of their size is allocated.

A file of a few bytes may rightly promise a picture of 2^32 pixels. Whether this machine wants to draw it is no matter of the format:
``--max-pixels`` and ``--max-memory`` say so, and the same arguments of the functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from splatc import arguments
from splatc.errors import LimitError

if TYPE_CHECKING:
    from splatc.render.draw import Plan

MAX_PIXELS = 1 << 29
"""Twice 16384 x 16384."""
MAX_MEMORY = 4 << 30
"""Bytes: all pixels of 16384 x 16384 with four channels of 16 bits, and as much again."""
GAUSSIAN_BYTES = 512
"""What a Gaussian takes while it is read and drawn, with room to spare: 260 to 400 were measured, the latter with sections."""
TABLE_BYTES = 1 << 17
"""What is kept of the tables of a section that others go on from."""


def budget_of(max_pixels: object, max_memory: object) -> Budget:
    """The bounds that a caller gives. Raises UsageError for what is neither None nor a whole number above 0."""
    return Budget(
        None if max_pixels is None else arguments.whole("max_pixels", max_pixels, otherwise="None"),
        None if max_memory is None else arguments.whole("max_memory", max_memory, otherwise="None"),
    )


@dataclass(frozen=True)
class Budget:
    """What a decoder may spend on one picture; None takes the default of a bound."""

    max_pixels: int | None = None
    """Pixels that are drawn: those of the output, not of the file."""
    max_memory: int | None = None
    """Bytes, as estimated from what a file says."""

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
            raise LimitError(
                f"{what} would take some {-(-needed // 2**20)} MiB of memory, more than the {most // 2**20} MiB that splatc takes unasked: "
                "take a smaller scale or a region, or raise --max-memory (in Python max_memory)"
            )

    def check_reading(self, count: int, parents: int) -> None:
        """Raise LimitError if so many Gaussians may not be read, in sections of which others go on from ``parents``."""
        self.check_memory(count * GAUSSIAN_BYTES + parents * TABLE_BYTES, f"reading {count} Gaussians")

    def check_drawing(self, plan: Plan, sample_bytes: int) -> None:
        """Raise LimitError if drawing may take too much. ``sample_bytes`` are those of the samples that lie in memory at once.

        Large Gaussians stand in the lists of many tiles: a file of 50 kB can promise a hundred gigabytes of lists.
        """
        view, count = plan.view, plan.placed.count
        needed = sample_bytes + count * GAUSSIAN_BYTES + plan.list_bytes
        self.check_memory(needed, f"drawing {view.columns} x {view.rows} pixels of {count} Gaussians")
