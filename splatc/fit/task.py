"""What a fit is for: a picture, the loss, and how many of its samples a step looks at."""

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
NEIGHBOURS = 3.0
"""Times as long that a sample takes which is compared together with its neighbours."""

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

    def compared(self, reduction: int, step: int) -> Subset:
        """What a step looks at: a polyphase subset; for a loss that compares neighbourhoods, of a large picture some rows of it."""
        whole = self.subset(reduction, step)
        return whole if self.tune == "psnr" else whole.window(step, WINDOW)

    def samples(self, reduction: int) -> float:
        """Values that a step looks at, about."""
        values = self.pixels.size / reduction**2
        return values if self.tune == "psnr" else min(values, WINDOW * self.channels)

    def work(self, count: int) -> float:
        """What a step for so many Gaussians takes, in samples of squared error; the schedule follows from it."""
        reduction = self.reduction(count, Schedule(0))
        samples = self.samples(reduction) / self.channels
        if self.tune != "psnr":
            return float(NEIGHBOURS * samples)
        return float(samples if reduction < 8 else THINNEST * samples)

    def reduction(self, count: int, schedule: Schedule) -> int:
        """Of the polyphase subsets for a fit of so many Gaussians. Losses that compare neighbourhoods need all pixels."""
        return schedule.reduction(self.width, self.height, count) if self.tune == "psnr" else 1
