"""What a fit is for: a picture, the loss, and how many of its samples a step looks at.

A loss that compares neighbourhoods is one of all pixels, drawn in full. But its gradient by the pixels is gathered for the
Gaussians at a polyphase subset of them alone: as good as at all of them (tools/README.md, "What `--tune ssim` looks at").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from splatc.blend import Blend
from splatc.fit.schedule import Schedule
from splatc.fit.subset import Samples, Subset, subset
from splatc.gaussians import FloatArray
from splatc.steps import Quantizer

Tune = Literal["psnr", "ssim", "smartsplat"]

WINDOW = 1 << 23
"""Samples that a loss of neighbourhoods looks at in a step, at most: they all lie in memory as floats, several times."""
NEIGHBOURS = 9.0
"""A sample that is compared together with its neighbours counts as so many where the number of steps is chosen: a step takes eight times as
long as one of squared error on every second pixel of every second row, and more than 1250 of them gain little (tools/README.md)."""

FEW_WINDOWS = 4
"""Of so many at most a loss is asked at each pruning: all of them have to be drawn."""

THINNEST = 0.35
"""What a sample of every eighth pixel counts: its gradient is noisier, so there are more steps. 16384 x 16384 at CR 3000: 25.56 dB with
1170 steps, 25.63 with 1900, and 25.58 with 750 that see every fourth pixel (tools/README.md)."""


@dataclass(frozen=True)
class Task:
    """What a fit is for."""

    pixels: Samples
    """(H, W, C) of 8 or 16 bits."""
    blend: Blend
    background: FloatArray
    """(C,) for the normalized blend, in [0, 1]."""
    quantizer: Quantizer
    """Its steps are for a picture of middling quality; the fit makes them finer or coarser (Schedule.adapted)."""
    tune: Tune = "psnr"
    """"psnr" for squared error, "ssim" for differences and SSIM over several scales, "smartsplat" for L1 + SSIM as in the paper."""

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def channels(self) -> int:
        return int(self.pixels.shape[2])

    def subset(self, reduction: int, step: int = 0) -> Subset:
        """A polyphase subset of all of the picture."""
        return subset(self.width, self.height, reduction, step)

    def windows(self) -> list[Subset]:
        """All of them, from top to bottom."""
        whole = self.subset(1)
        return [whole.window(k, WINDOW) for k in range(whole.windows(WINDOW))]

    @property
    def prunes_by_loss(self) -> bool:
        """Whether the loss decides which Gaussians are pruned, and where new ones come; else their squared error does."""
        return self.tune == "ssim" and self.subset(1).windows(WINDOW) <= FEW_WINDOWS

    def window(self, step: int) -> Subset:
        """All pixels that a loss of neighbourhoods compares in a step: the picture, or some rows of a large one."""
        return self.subset(1).window(step, WINDOW)

    def gathered(self, reduction: int, step: int) -> Subset:
        """At which of the window's pixels a step adds up the gradient: a polyphase subset of them."""
        window = self.window(step)
        # Each window meets all subsets, whatever the number of windows.
        subset = self.subset(reduction, step // self.subset(1).windows(WINDOW)).within(window)
        return subset if subset.height > 0 else window

    @property
    def samples(self) -> int:
        """Values that the gradient of a step stands for."""
        values = self.pixels.size
        return values if self.tune == "psnr" else min(values, WINDOW * self.channels)

    def work(self, count: int) -> float:
        """What a step for so many Gaussians takes, in samples of squared error; the schedule follows from it."""
        samples, reduction = self.samples / self.channels, self.reduction(count, Schedule(0))
        if self.tune != "psnr":
            return NEIGHBOURS * samples
        return samples / reduction**2 * (1.0 if reduction < 8 else THINNEST)

    def reduction(self, count: int, schedule: Schedule) -> int:
        """Of the polyphase subsets for a fit of so many Gaussians; the paper's loss is fitted as in the paper."""
        return schedule.reduction(self.width, self.height, count) if self.tune != "smartsplat" else 1
