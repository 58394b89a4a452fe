"""How long a fit runs and its events: the presets behind ``--effort``, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from splatc.attributes import COORDINATES, Phase
from splatc.fit.subset import reduction_for
from splatc.steps import Quantizer

_USUAL_RATES = {each.name: each.rate for each in COORDINATES}


@dataclass(frozen=True)
class Rates:
    """Adam's rates at the first step; all fall exponentially to ``final`` times that."""

    mean: float = 0.4
    """of s1 along a Gaussian, of s2 across it"""
    log_scale: float = 0.14
    """of ln g"""
    log_aspect: float = 0.2
    """of ln(s1 / s2)"""
    angle: float = 0.4
    """rad, of a round Gaussian; a long one rotates less"""
    colour: float = 0.02
    """of full range"""
    final: float = 0.03
    betas: tuple[float, float] = (0.8, 0.98)
    """Adam's decay of the means of gradients and of their squares."""

    def of(self, name: str) -> float:
        """That of a coordinate; of one that has none here, that of the table (splatc/attributes.py)."""
        return float(getattr(self, name, _USUAL_RATES[name]))


@dataclass(frozen=True)
class Prune:
    """Prune ``share`` of the way (in logarithms) from the number seeded to that which the file can hold."""

    share: float
    densified: float = 0.0
    """Of those that stay, a share makes room for new ones (densification.py)."""
    asks: bool = True
    """Whether the encoder is asked what the file can hold; else its last answer counts."""


@dataclass(frozen=True)
class Trim:
    """Prune to the number of Gaussians that the file can hold, when only colours can still move; or add some (``Schedule.tops_up``)."""


@dataclass(frozen=True)
class Fill:
    """Densify if the file can hold more Gaussians: they may take fewer bits than when they were pruned."""


@dataclass(frozen=True)
class Round:
    """Progressive quantization: round these attributes of ``share`` of the Gaussians, which then stay."""

    names: tuple[str, ...]
    share: float


@dataclass(frozen=True)
class Mark:
    """Keep the fit as it is (trainer.Snapshot), so that it can go on from here a second time, to another number of Gaussians."""


Event = Prune | Fill | Trim | Round | Mark


@dataclass(frozen=True)
class Schedule:
    """The phases of a fit; all times are shares of ``steps``."""

    steps: int
    oversampling: float = 3.0
    """Gaussians seeded for each one that stays."""
    samples: float = 12.0
    """Samples that a step looks at for each Gaussian that will stay, at least, where it takes every second pixel of every second row."""
    samples_beyond: float = 100.0
    """And where it takes fewer than these: details that they do not see are lost sooner."""
    samples_large: float = 40.0
    """The same of a picture of more than LARGE pixels: its fit has so few steps that more of them, which see less, are worth more."""
    prune_from: float = 0.08
    prune_until: float = 0.4
    prunings: int = 40
    asks: int = 10
    """Of so many prunings, and of the last, the encoder is asked how many Gaussians the file can hold."""
    densified: float = 0.1
    """Of the Gaussians after a pruning, so many are new ones; not of the last prunings (LAST_DENSIFIED)."""
    densified_last: float = 0.0
    """But of those so many: prunings that are few may leave holes."""
    fills: tuple[float, ...] = (0.45, 0.55, 0.65)
    """When to look whether the file can hold more: before the last shapes are rounded, or those of new ones never would be."""
    quantized: bool = True
    """False: floats to the end, without noise and rounding, as the papers fit."""
    noise_from: float = 0.1
    """From here on the parameters carry the noise of their quantization."""
    adapt_from: float = 1.0
    """From here on, or where they carry noise, prunings that ask adapt the quantization steps to the error."""
    quantize_shape: tuple[float, float] = (0.5, 0.7)
    """From when to when scale, aspect ratio and angle take their final values."""
    quantize_mean: tuple[float, float] = (0.7, 0.85)
    quantize_colour: tuple[float, float] = (0.85, 1.0)
    trims: tuple[float, ...] = ()
    """More times to trim; the end of quantize_mean is always one."""
    tops_up: bool = False
    """Whether a trim adds Gaussians where the file can hold more: the rate term of a short fit begins after the fills."""
    marks: tuple[float, ...] = ()
    """When to keep the fit as it is."""
    middling: float = 29.0
    """PSNR in dB for which the default steps are best."""
    adapt: float = 0.45
    """By so many eighths of an octave all steps change per dB away from it."""
    rate: float = 1.0
    """Weight of the rate term (rate.py)."""
    rate_from: float = 0.3
    rate_every: int = 50
    """Steps between two predictions from neighbours."""
    stages: int = 10
    """Progressive quantization: within each of these times the Gaussians are rounded in so many parts of equal size."""
    rates: Rates = Rates()

    def reduction(self, width: int, height: int, count: int) -> int:
        """Of the polyphase subsets that the steps look at, for ``count`` Gaussians that will stay of a picture of width x height px."""
        reduction = reduction_for(width, height, self.samples * count)
        if reduction <= 2:
            return reduction
        beyond = self.samples_large if width * height > LARGE else self.samples_beyond
        return max(2, reduction_for(width, height, beyond * count))

    def adapted(self, quantizer: Quantizer, error: float) -> Quantizer:
        """The steps for a picture with that mean squared error: where it is small, rounding must do little harm."""
        psnr = -10.0 * math.log10(max(error, 1e-10))
        delta = round(self.adapt * (self.middling - psnr))
        return quantizer.finer(min(max(delta, -8), 5))

    def events(self) -> list[tuple[float, Event]]:
        """(time, event), in order."""
        span = (self.prune_until - self.prune_from) / max(1, self.prunings - 1)
        every = math.ceil(self.prunings / self.asks)
        events: list[tuple[float, Event]] = []
        for k in range(self.prunings):
            share = (k + 1) / self.prunings
            densified = self.densified if share < LAST_DENSIFIED else self.densified_last
            events.append(
                (self.prune_from + k * span, Prune(share, densified, k % every == 0 or k + 1 == self.prunings))
            )
        events += ((time, Fill()) for time in self.fills)
        events += ((time, Mark()) for time in self.marks)
        for names, (start, end) in (
            (_of_phase("shape"), self.quantize_shape),
            (_of_phase("mean"), self.quantize_mean),
            (_of_phase("colour"), self.quantize_colour),
        ):
            for stage in range(1, self.stages + 1):
                if self.quantized:
                    events.append((start + (end - start) * stage / self.stages, Round(names, stage / self.stages)))
        if self.quantized:
            events += ((time, Trim()) for time in (*self.trims, self.quantize_mean[1]))
        return sorted(events, key=lambda event: event[0])


def _of_phase(phase: Phase) -> tuple[str, ...]:
    """The coordinates that are rounded then."""
    return tuple(each.name for each in COORDINATES if each.phase == phase)


LAST_DENSIFIED = 0.95
"""Share of the prunings after which none is added any more, so that the last prunings judge those that were."""
STEPS_BETWEEN = 8
"""Steps between two prunings, at least: in fewer the cost of removing a new Gaussian means little."""
FEWEST_PRUNINGS = 10
STEPS_TO_ASK = 40
"""To pack all Gaussians takes as long as some ten steps; the quickest fits can do that less often."""
FEWEST_ASKS = 3
_STEPS = {1: 250, 2: 600, 3: 1200, 4: 2000, 5: 3000, 6: 5000, 7: 9000, 8: 15000, 9: 30000}
BRIEF: dict[str, Any] = {
    "rates": Rates(mean=0.41, log_scale=0.19, log_aspect=0.29, angle=0.36, colour=0.038, final=0.13, betas=(0.7, 0.9)),
    "oversampling": 3.0,
    "samples_beyond": 30.0,
    "prune_from": 0.076,
    "prune_until": 0.345,
    "prunings": 3,
    "asks": 3,
    "densified": 0.18,
    "densified_last": 0.013,
    "fills": (0.6,),
    "tops_up": True,
    "rate": 0.7,
    "rate_from": 0.61,
    "noise_from": 0.71,
    "adapt": 0.32,
    "adapt_from": 0.3,
    "middling": 31.6,
    "stages": 6,
    "quantize_shape": (0.57, 0.73),
    "quantize_mean": (0.73, 0.92),
    "quantize_colour": (0.92, 1.0),
}
"""What differs at effort 0, where a network makes the first steps (splatc/neural/engine.py); found by a random search (tools/README.md)."""
BRIEF_STEPS, BRIEF_SAMPLES = 64, 100_000
"""Steps that look at so many samples: with 40 Kodak has 0.35 dB less at CR 100, and takes four fifths of the time."""
STEPS_FALLING = 0.2
"""With samples to this power steps fall: each costs more, and the first gain most."""
FEWEST_BRIEF, MOST_BRIEF = 30, 90
"""At CR 500 pictures of 0.4 megapixels gain as much by 80 steps that look at every fourth pixel of every fourth row as by 40 that look at
every second of every second, in little more than half the time (tools/README.md)."""
FEW = 400
"""Steps up to which a fit does not converge: its rates are higher, its betas smaller, and it prunes and rounds later."""
HASTY: dict[str, Any] = {
    "rates": Rates(mean=0.5, log_scale=0.175, log_aspect=0.25, angle=0.5, colour=0.0375, final=0.1, betas=(0.7, 0.9)),
    "prune_until": 0.5,
    "fills": (0.55, 0.65, 0.75),
    "quantize_shape": (0.65, 0.79),
    "quantize_mean": (0.79, 0.895),
    "quantize_colour": (0.895, 1.0),
}
"""What differs then: +0.1 dB at 250 steps (tools/README.md, "Few steps")."""
FEWER = 1500
"""Steps up to which it moves a little faster and forgets a little sooner."""
BRISK = Rates(mean=0.48, log_scale=0.168, log_aspect=0.24, angle=0.48, colour=0.024, betas=(0.75, 0.97))
"""Then: +0.02 dB at 1200 steps, and +0.0005 MS-SSIM with `--tune ssim` at 1250 (tools/README.md, "Few steps")."""
LARGE = 10_000_000
"""px. At CR 500 pictures of 14 and 31 megapixels lose nothing by r = 4 instead of 2, and take two thirds of the time (tools/README.md)."""
USUAL_SAMPLES = 400_000
"""Samples a step up to which a fit makes all steps of its effort: those of a picture of 0.4 megapixels."""
FEWEST = 0.25
"""Of the steps of its effort; larger pictures get fewer, but not fewer than that."""
USUAL_COUNT, MORE = 2600, 1.5
"""Gaussians of a picture of 0.4 megapixels at CR 100. Of fewer a step costs less: there are more of them, up to so many times (+0.02 dB
for a second at CR 500, Kodak: tools/README.md)."""
FEWEST_STEPS = 100
"""Nor fewer than these."""


def brief(width: int, height: int, count: int) -> Schedule:
    """The preset of effort 0 for about so many Gaussians of a picture of width x height px; a network makes the first steps.

    Without one all are Adam's, and files are 0.1 to 0.2 dB worse (tools/README.md).
    """
    plan = schedule(0)
    samples = width * height / plan.reduction(width, height, count) ** 2
    steps = round(BRIEF_STEPS * (BRIEF_SAMPLES / samples) ** STEPS_FALLING)
    return replace(plan, steps=min(max(steps, FEWEST_BRIEF), MOST_BRIEF))


def schedule(effort: int, samples: float = USUAL_SAMPLES, count: float = USUAL_COUNT) -> Schedule:
    """The preset of an effort, 0 (see `brief`) to 9, for steps that look at so many samples, and about so many Gaussians that will stay.

    A fit of a large picture has most of its gain early, and each step costs more: steps fall with samples^-0.4, the time grows
    with samples^0.6.
    """
    if effort == 0:
        return replace(Schedule(steps=BRIEF_STEPS), **BRIEF)
    share = min(1.0, max(FEWEST, (USUAL_SAMPLES / samples) ** 0.4))
    share *= min(MORE, max(1.0, (USUAL_COUNT / count) ** 0.3))
    plan = Schedule(steps=max(FEWEST_STEPS, round(_STEPS[effort] * share)))
    if plan.steps <= FEW:
        plan = replace(plan, **HASTY)
    elif plan.steps <= FEWER:
        plan = replace(plan, rates=BRISK)
    prunings = int(plan.steps * (plan.prune_until - plan.prune_from) / STEPS_BETWEEN)
    asks = max(FEWEST_ASKS, plan.steps // STEPS_TO_ASK)
    return replace(plan, prunings=min(plan.prunings, max(FEWEST_PRUNINGS, prunings)), asks=min(plan.asks, asks))
