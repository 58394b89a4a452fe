"""How many Gaussians a picture needs for a PSNR, told by the error while the fit goes on; in the end, by the pixels of the file.

What a step measures is not yet what the file will show: until the end the Gaussians are moved further, and noise stands for rounding. How
much the PSNR still rises depends on the time and on the picture; a fit at the lowest effort has told it before (`Course`). While the error
is a guess the fit keeps some Gaussians more than it seems to need; the later, the fewer. At the end as few are kept as reach the PSNR.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from splatc import metrics
from splatc.decoder import make_scene
from splatc.rate_control import RateControl, Target
from splatc.render.draw import draw, make_plan
from splatc.render.view import view

if TYPE_CHECKING:
    from splatc.bitstream import Header, Metadata
    from splatc.fit.trainer import Moment
    from splatc.gaussians import FloatArray
    from splatc.image_io import Samples
    from splatc.quantize import QuantizedGaussians

Curve = tuple[tuple[float, ...], tuple[float, ...]]
"""(times, dB), linear between them."""

SLOPE = 2.6
"""dB for twice the Gaussians: 1.8 to 3.0 between CR 100 and CR 25, Kodak."""
TRIMS = (0.5, 0.6, 0.7, 0.78)
"""Times at which the number is made right, after pruning and before the schedule's own trim."""
USUAL_RISE: Curve = ((0.0, 0.08, 0.2, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0), (3.0, 2.0, 1.5, 1.2, 0.8, 0.5, 0.2, 0.03, 0.0))
"""By how many dB the PSNR still rises, of a fit at effort 1 (Kodak, CR 50)."""
MARGIN: Curve = ((0.0, 0.4, 0.5, 0.7, 0.85), (0.4, 0.25, 0.15, 0.08, 0.04))
"""By how many dB more is aimed at, as the rise is a guess."""
EXCESS = 0.004
"""dB above the target that end the last trim."""
ROUND_OFF = 0.0005
"""dB: the decoder adds the Gaussians up in another order."""
LOOKS = 12
"""Pictures that are drawn for the last trim, at most."""


@dataclass(frozen=True)
class Course:
    """What a fit measured on its way, and what came of it."""

    measured: tuple[tuple[float, int, float], ...]
    """(time, Gaussians, PSNR in dB of the step before), by time."""
    count: int
    psnr: float
    """At the end, before the last trim; dB."""

    def rise(self) -> Curve:
        """By how many dB the PSNR still rose, had the number of Gaussians stayed."""
        times = tuple(time for time, _, _ in self.measured)
        rises = (self.psnr + SLOPE * math.log2(count / self.count) - psnr for _, count, psnr in self.measured)
        return times, tuple(rises)


@dataclass(frozen=True)
class Aim:
    """The PSNR that a fit is for."""

    psnr: float
    """dB of what is shown (metrics.shown)."""
    told: Callable[[Course], object]
    """Told at the end what there was to see."""
    rise: Curve = USUAL_RISE
    """By how many dB the PSNR is expected to rise still."""
    spare: float = 0.0
    """dB by which more is aimed at, beside MARGIN, before the last trim."""


class QualityControl(RateControl):
    """Knows the PSNR to reach, and what was measured on the way."""

    def __init__(self, header: Header, target: Target, metadata: Metadata, aim: Aim, shown: Samples) -> None:
        """``target`` is the count to begin with, ``shown`` (H, W, C) what is to be seen of the picture."""
        super().__init__(header, target, metadata)
        self.aim = aim
        self.shown = shown
        self.measured: list[tuple[float, int, float]] = []

    def budget(self, moment: Moment) -> int:
        """How many Gaussians reach the PSNR, with some to spare; more than there are if these do not."""
        now, error = len(moment.gaussians), moment.error
        if not error > 0.0:
            return self.target.value if math.isnan(error) else now
        psnr = -10.0 * math.log10(error)
        self.measured.append((moment.time, now, psnr))
        expected = psnr + _at(moment.time, self.aim.rise)
        missing = self.aim.psnr + self.aim.spare + _at(moment.time, MARGIN) - expected
        return max(1, round(now * 2.0 ** (min(max(missing / SLOPE, -8.0), 8.0))))

    def trim(self, quantized: QuantizedGaussians, cost: FloatArray) -> bytes:
        """The file with as few Gaussians as reach the PSNR, the dearest to remove first; with all if they do not."""
        ranking = np.argsort(-cost, kind="stable")
        count = len(ranking)
        psnr = self.psnr(quantized)
        self.aim.told(Course(tuple(self.measured), count, psnr))
        low, high, above = 0, count, psnr - self.aim.psnr - ROUND_OFF
        slope = SLOPE
        for _ in range(LOOKS):
            if above < EXCESS or high - low <= 1:
                break
            guess = round(high * 2.0 ** (-(above - EXCESS / 2) / slope))
            tried = min(max(guess, low + 1), high - 1)
            found = self.psnr(quantized.take(ranking[:tried])) - self.aim.psnr - ROUND_OFF
            slope = min(max((above - found) / math.log2(high / tried), SLOPE), 100.0)
            if found >= 0.0:
                high, above = tried, found
            else:
                low = tried
        return self.pack(quantized.take(ranking[:high]))

    def psnr(self, quantized: QuantizedGaussians) -> float:
        """dB of a file with these Gaussians."""
        header = self.header
        plan = make_plan(make_scene(header, quantized), view(header.width, header.height))
        samples = draw(plan, np.uint8 if header.depth == 8 else np.uint16)
        return metrics.psnr(self.shown, metrics.shown(samples.reshape(self.shown.shape)))


def _at(time: float, curve: Curve) -> float:
    """A value of a curve (times, values), level beyond its ends."""
    return float(np.interp(time, *curve))
