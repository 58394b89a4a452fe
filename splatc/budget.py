"""What decoding may cost the machine: bounds below those of the format, checked before anything of their size is allocated.

A file of a few bytes may rightly promise a picture of 2^32 pixels. Whether this machine wants to draw it is no matter of the format:
``--max-pixels`` and ``--max-memory`` say so, and the same arguments of the functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from splatc.errors import LimitError

if TYPE_CHECKING:
    from splatc.gaussians import Gaussians
    from splatc.render.view import View

MAX_PIXELS = 1 << 29
"""Twice 16384 x 16384."""
MAX_MEMORY = 4 << 30
"""Bytes: all pixels of 16384 x 16384 with four channels of 16 bits, and as much again."""
GAUSSIAN_BYTES = 512
"""What a Gaussian takes while it is read and drawn, with room to spare: 260 to 400 were measured, the latter with sections."""


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

    def check_gaussians(self, count: int) -> None:
        """Raise LimitError if so many Gaussians may not be read."""
        self.check_memory(count * GAUSSIAN_BYTES, f"reading {count} Gaussians")

    def check_drawing(self, gaussians: Gaussians, view: View, sample_bytes: int) -> None:
        """Raise LimitError if drawing these may take too much. ``sample_bytes`` are those of the samples that lie in memory at once.

        Large Gaussians stand in the lists of many tiles: a file of 50 kB can promise a hundred gigabytes of lists.
        """
        needed = sample_bytes + len(gaussians) * GAUSSIAN_BYTES + list_bytes(gaussians, view)
        self.check_memory(needed, f"drawing {view.columns} x {view.rows} pixels of {len(gaussians)} Gaussians")


def list_bytes(gaussians: Gaussians, view: View) -> int:
    """The tile lists of the renderer (render/draw.py), bytes, from above."""
    import numpy as np

    from splatc.gaussians import Q_MAX
    from splatc.render.draw import tile_size

    cos, sin = np.cos(gaussians.angle), np.sin(gaussians.angle)
    s1, s2 = np.sqrt(gaussians.scale.astype(float) ** 2 + view.added_variance).T
    reaches = np.hypot(s1 * cos, s2 * sin), np.hypot(s1 * sin, s2 * cos)  # of one standard deviation, px
    means = view.in_frame(gaussians.mean).T
    sizes = tile_size(view.samples)
    entries, grid = np.ones(len(gaussians)), 1
    for mean, reach, size, first, count in zip(
        means, reaches, sizes, (view.left, view.top), (view.columns, view.rows), strict=True
    ):
        half = np.sqrt(Q_MAX) * float(view.density) * reach + 1.0
        low, high = first * view.samples // size, -(-(first + count) * view.samples // size)  # whole tiles
        start, stop = np.floor((mean - half) / size), np.floor((mean + half) / size)
        entries *= np.maximum(np.minimum(stop, high - 1) - np.maximum(start, low) + 1.0, 0.0)
        grid *= high - low
    return 4 * int(entries.sum()) + 8 * (grid + 1)
