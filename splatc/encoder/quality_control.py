"""How many Gaussians a picture needs for a PSNR, known from another fit of it; in the end, by the pixels of the file.

What a step measures is not yet what the file will show: until the end the Gaussians are moved further, and noise stands for rounding. How
much the PSNR still rises depends on the time, the picture and the steps of the fit; the fit before has measured it (`Course`). The first
one is not steered: it ends with the number that was guessed.

There are three means, in this order. Up to half of the fit Gaussians are pruned as long as the rest reaches the PSNR; later that costs
more quality than they brought. Then the quantization steps of what is still to be rounded are made finer or coarser, which near the best
steps changes bytes and error as much as the number would. What is too much at the end, very little, is trimmed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from splatc.decoder.scene import make_scene
from splatc.encoder.rate_control import RateControl, Target
from splatc.fit.schedule import Schedule
from splatc.image import metrics
from splatc.render.draw import draw, make_plan
from splatc.render.view import view

if TYPE_CHECKING:
    from splatc.bitstream import Header, Metadata
    from splatc.fit.trainer import Moment, Snapshot
    from splatc.gaussians import FloatArray
    from splatc.image.image import Samples
    from splatc.quantize import QuantizedGaussians
    from splatc.steps import Quantizer

Curve = tuple[tuple[float, ...], tuple[float, ...]]
"""(times, dB), linear between them."""

SLOPE = 2.6
"""dB for twice the Gaussians: 1.8 to 3.0 between CR 100 and CR 25, Kodak."""
STEERED_FROM = 0.35
"""The time from which the error decides on the number of Gaussians."""
MARK = 0.3
"""The time from which a fit can go on a second time, to another number of Gaussians: there are still two fifths more than will stay."""
TRIMS = (0.45, 0.5, 0.7)
"""Times at which the number or the steps are made right, after pruning and before the schedule's own trim. Of 9 % too many at 0.4, those
pruned until 0.5 cost nothing, half of them pruned later 0.1 dB (kodim03, 05, 23, effort 3)."""
MARGIN: Curve = ((0.5, 0.501), (0.04, 0.3))
"""By how many dB more is aimed at when pruning; from half of the fit on, what is more is for the steps."""
TRUST, MOST_DOUBT = 0.7, 0.3
"""In the number of Gaussians that is estimated from other fits; the error of the fit itself shows the rest, within so many octaves."""
FINE: Curve = ((0.7, 0.85), (0.04, 0.03))
"""By how many dB more is aimed at when the steps change."""
FINER, COARSER = (0.04, 0.06), (0.08, 0.12)
"""dB that steps an eighth of an octave finer bring, or coarser cost: those of colour alone, and of mean and colour (kodim03, 05, 23, effort
2)."""
MOST_FINER = 3
"""Eighths of an octave, each time; 4 cost 0.06 dB at equal bytes there."""
MOST_SURPRISE = 0.5
"""dB, at most, of the difference between a measured and a predicted rise that count for the next prediction."""
PLAN = Schedule(0)
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
    refined: tuple[tuple[float, float], ...]
    """(time, dB that finer steps from then on should bring)."""
    count: int
    psnr: float
    """At the end, before the last trim; dB."""

    @property
    def plain(self) -> float:
        """dB, had the steps stayed."""
        return self.psnr - sum(gain for _, gain in self.refined)

    def rise(self, predicted: Curve | None) -> Curve:
        """By how many dB the PSNR still rose, had the number of Gaussians and the steps stayed.

        Of a fit that was steered this is an estimate, as what finer steps bring is one: then the mean of that and of what was
        ``predicted``, so that the next prediction does not swing.
        """
        rises = []
        for time, count, psnr in self.measured:
            brought = SLOPE * math.log2(self.count / count) + sum(gain for when, gain in self.refined if when >= time)
            found = self.psnr - brought - psnr
            before = found if predicted is None else at(time, predicted)
            rises.append(before + 0.5 * min(max(found - before, -MOST_SURPRISE), MOST_SURPRISE))
        return tuple(time for time, _, _ in self.measured), tuple(rises)


@dataclass(frozen=True)
class Aim:
    """The PSNR that a fit is for."""

    psnr: float
    """dB"""
    shown: Samples
    """(H, W, C) what is to be seen of the picture (metrics.shown)."""
    report: Callable[[Course], object]
    """Called at the end with what was measured."""
    rise: Curve | None = None
    """By how many dB the PSNR is predicted to rise still. Without it the fit ends with the number of Gaussians that it is for."""
    spare: float = 0.0
    """dB by which more is aimed at, beside MARGIN, before the last trim."""
    begun: Snapshot | None = None
    """What to go on from, instead of new seeds."""
    mark: Callable[[Snapshot], object] | None = None
    """Called with the fit as it is at MARK."""


class QualityControl(RateControl):
    """Rate control for a PSNR: it keeps what was measured on the way."""

    def __init__(self, header: Header, target: Target, metadata: Metadata, aim: Aim) -> None:
        """``target`` is the count that the fit is for."""
        super().__init__(header, target, metadata)
        self.aim = aim
        self.measured: list[tuple[float, int, float]] = []
        self.refined: list[tuple[float, float]] = []

    def budget(self, moment: Moment) -> int:
        """How many Gaussians reach the PSNR, with some to spare; more than there are if these do not."""
        now, error = len(moment.gaussians), moment.error
        if error > 0.0:
            self.measured.append((moment.time, now, -10.0 * math.log10(error)))
        if self.aim.rise is None or not error > 0.0 or moment.time < STEERED_FROM:
            return self.target.value
        margin = at(moment.time, MARGIN)
        missing = self.aim.psnr + self.aim.spare + margin - predicted_psnr(moment, self.aim.rise)
        guess = math.log2(self.target.value / now) + margin / SLOPE  # octaves off what there is
        doubt = min(max(missing / SLOPE - guess, -MOST_DOUBT), MOST_DOUBT)
        return max(1, round(now * math.exp2(guess + (1.0 - TRUST) * doubt)))

    def refine(self, moment: Moment) -> Quantizer:
        """The steps with which these Gaussians reach the PSNR: before the means are rounded of mean and colour, else of colour."""
        quantizer, (from_mean, from_colour) = moment.quantizer, (PLAN.quantize_mean[0], PLAN.quantize_colour[0])
        if self.aim.rise is None or moment.time < from_mean or not moment.error > 0.0:
            return quantizer
        pruned = SLOPE * math.log2(len(moment.gaussians) / self.measured[-1][1])  # since the error was measured
        spare = predicted_psnr(moment, self.aim.rise) + pruned - self.aim.psnr - self.aim.spare - at(moment.time, FINE)
        means = moment.time < from_colour
        each = (FINER if spare < 0.0 else COARSER)[means]
        delta = min(max(round(spare / each), -MOST_FINER), MOST_FINER)
        self.refined.append((moment.time, -delta * each))
        return replace(
            quantizer,
            position=quantizer.position + (delta if means else 0),
            luma=quantizer.luma + delta,
            chroma=quantizer.chroma + delta,
        )

    def trim(self, quantized: QuantizedGaussians, cost: FloatArray) -> bytes:
        """The file with as few Gaussians as reach the PSNR, those of highest pruning cost first; with all if they do not."""
        ranking = np.argsort(-cost, kind="stable")
        count = len(ranking)
        psnr = self.psnr(quantized)
        self.aim.report(Course(tuple(self.measured), tuple(self.refined), count, psnr))
        low, high, above, slope = 0, count, self._above(psnr), SLOPE
        for look in range(LOOKS):
            if above < EXCESS or high - low <= 1:
                break
            guess = round(high * math.exp2(-(above - EXCESS / 2) / slope))
            # The curve may bend, so every other look halves what is left.
            tried = guess if look % 2 == 0 and low < guess < high else (low + high) // 2
            found = self._above(self.psnr(quantized.take(ranking[:tried])))
            slope = max((above - found) / math.log2(high / tried), SLOPE)
            if found >= 0.0:
                high, above = tried, found
            else:
                low = tried
        return self.pack(quantized.take(ranking[:high]))

    def _above(self, psnr: float) -> float:
        """dB above the target; not infinitely many, as of equal pictures."""
        return min(psnr - self.aim.psnr - ROUND_OFF, 30.0)

    def psnr(self, quantized: QuantizedGaussians) -> float:
        """dB of a file with these Gaussians."""
        header = self.header
        plan = make_plan(make_scene(header, quantized), view(header.width, header.height))
        samples = draw(plan, np.uint8 if header.depth == 8 else np.uint16)
        return metrics.psnr(self.aim.shown, metrics.shown(samples.reshape(self.aim.shown.shape)))


def predicted_psnr(moment: Moment, rise: Curve) -> float:
    """dB that these Gaussians will have at the end."""
    return -10.0 * math.log10(moment.error) + at(moment.time, rise)


def at(time: float, curve: Curve) -> float:
    """A value of a curve (times, values), level beyond its ends."""
    return float(np.interp(time, *curve))
