"""The fit: too many Gaussians are seeded, moved by Adam, pruned by their cost, and rounded attribute by attribute.

The picture model is differentiable in every parameter (SmartSplat, section 3; GaussianImage). Beyond these papers: a step looks at a
polyphase subset of the pixels; the Gaussians carry the noise of the quantizer from early on; those without which the error rises least are
pruned, and in between new ones are added where the error is largest (densification).

This module only walks the schedule; an `Engine` computes.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from splatc.fit.clock import Clock
from splatc.fit.engine import Engine, Step
from splatc.fit.rate import Predict, RateGradient, rate_gradient
from splatc.fit.rounding import quantize_share
from splatc.fit.schedule import Event, Fill, Mark, Prune, Round, Schedule, Trim
from splatc.fit.table import NAMES, Table
from splatc.fit.task import Task, Tune
from splatc.gaussians import Gaussians
from splatc.steps import Quantizer


@dataclass(frozen=True)
class Moment:
    """What a budget can know of a fit that goes on."""

    time: float
    """0 to 1."""
    gaussians: Gaussians
    quantizer: Quantizer
    """Their steps."""
    error: float
    """Mean squared error of the last step, of full range, noise of the quantization included; nan before the first."""


@dataclass(frozen=True)
class Snapshot:
    """A fit as it was at a `Mark`; others can go on from there."""

    index: int
    """Of the step that is next."""
    time: float
    """Of that step."""
    events: tuple[tuple[float, Event], ...]
    """Those to come."""
    schedule: Schedule
    table: Table
    rng: np.random.Generator
    quantizer: Quantizer
    seeded: int
    final: int
    """Gaussians that the file could hold, by the last answer of the budget."""
    adams: int

    def copy(self) -> Snapshot:
        """The same, with arrays and random numbers of its own."""
        return replace(self, table=self.table.copy(), rng=copy.deepcopy(self.rng))


CountLimit = Callable[[Moment], int]
"""How many Gaussians the fit may end with."""
Refine = Callable[[Moment], Quantizer]
"""The steps from now on; those of what is rounded already must stay."""

RATE_WEIGHTS: dict[Tune, float] = {"psnr": 1.0, "ssim": 2.0, "smartsplat": 0.0}
"""Weight of the rate term; that of SSIM by measurement (tools/README.md), and none in the paper."""

FILLED = 0.01
"""Of the Gaussians: if the file can hold fewer than so many more, none are added."""
FALLING, MOST_FALLING = 3.0, 1.5
"""The more room there is, the more the bits of each Gaussian still fall: (1 + FALLING room) times the room is filled, MOST_FALLING times at
most. The trim removes what is too much."""
LACKING, BEYOND = 0.02, 0.05
"""When only colours can still move: if fewer than the first are lacking, none are added (MARGIN of rate_control.py is among them); else so
many more than these, as colours get cheaper to the end."""


def fit(
    engine: Engine,
    task: Task,
    seeds: Gaussians | Snapshot,
    budget: CountLimit,
    schedule: Schedule,
    *,
    seed: int = 0,
    clock: Clock | None = None,
    predict: Predict | None = None,
    refine: Refine | None = None,
    mark: Callable[[Snapshot], object] | None = None,
) -> tuple[Gaussians, Quantizer]:
    """Fit the Gaussians ``seeds`` to a picture, or take up a fit where it was marked.

    Args:
        engine: computes; it has the Gaussians afterwards.
        seeds: where to begin; more than will stay. A snapshot goes on by its own schedule.
        budget: asked at each pruning for the number of Gaussians to end with.
        clock: how far the fit has come, from the time of the snapshot on; by default it counts the steps of the schedule.
        predict: the colours that a file predicts, for the rate term; without it there is none.
        refine: asked at each trim for the steps of what is not rounded yet; without it they stay.
        mark: called with the fit at each mark of the schedule.

    Returns:
        Gaussians, and the steps on whose grid all their attributes lie, unless the schedule leaves the fit free of it.
    """
    begun = seeds.copy() if isinstance(seeds, Snapshot) else _beginning(seeds, task, schedule, seed)
    state = _Fit(engine, task, begun, budget, seed, predict, refine)
    events = list(begun.events)
    for step, time in enumerate(clock or Clock(begun.schedule.steps, start=begun.time), begun.index):
        while events and events[0][0] <= time:
            when, event = events.pop(0)
            if not isinstance(event, Mark):
                state.react(when, event)
            elif mark is not None:
                mark(state.snapshot(step, time, events))
        if not state.free:
            break  # few Gaussians may all be rounded before the last stage
        state.step(step, time)
    for when, event in events:
        if not isinstance(event, Mark):
            state.react(when, event)
    return engine.fetch().gaussians(), state.quantizer


def _beginning(seeds: Gaussians, task: Task, schedule: Schedule, seed: int) -> Snapshot:
    """A fit before its first step."""
    rng = np.random.default_rng(seed)
    table = Table.from_gaussians(seeds, rng)
    return Snapshot(
        index=0,
        time=0.0,
        events=tuple(schedule.events()),
        schedule=schedule,
        table=table,
        rng=rng,
        quantizer=task.quantizer,
        seeded=len(seeds),
        final=len(seeds),
        adams=0,
    )


class _Fit:
    """The state of a fit: what its steps and events change."""

    def __init__(
        self,
        engine: Engine,
        task: Task,
        begun: Snapshot,
        budget: CountLimit,
        seed: int,
        predict: Predict | None,
        refine: Refine | None,
    ) -> None:
        self.engine, self.task, self.budget, self.schedule = engine, task, budget, begun.schedule
        self.seed, self.predict, self.refine = seed, predict, refine
        self.rng, self.quantizer, self.seeded = begun.rng, begun.quantizer, begun.seeded
        self.final = begun.final
        """Gaussians that the file can hold, by the last answer of the budget."""
        self.reduction = task.reduction(round(self.seeded / self.schedule.oversampling), self.schedule)
        self.free: tuple[str, ...] = NAMES
        """The attributes that may still move in some Gaussian."""
        self.adams = begun.adams
        """Steps that Adam has made."""
        self.stepped = True
        """Whether a step was made since the last pruning: of prunings without a step between them, as when time is short, only the
        first densifies."""
        self.rate: RateGradient | None = None
        engine.send(begun.table)

    def snapshot(self, index: int, time: float, events: list[tuple[float, Event]]) -> Snapshot:
        """The fit before a step, with the events that are to come."""
        return Snapshot(
            index=index,
            time=time,
            events=tuple(events),
            schedule=self.schedule,
            table=self.engine.fetch(),
            rng=self.rng,
            quantizer=self.quantizer,
            seeded=self.seeded,
            final=self.final,
            adams=self.adams,
        ).copy()

    def step(self, index: int, time: float) -> None:
        """One gradient step."""
        plan = self.schedule
        decay = plan.rates.final**time
        noise = self.quantizer if plan.quantized and time >= plan.noise_from else None
        rates = {name: plan.rates.of(name) * decay for name in self.free}
        rate = self.rate_gradient(index, time)
        self.adams += 1
        self.stepped = True
        betas = plan.rates.betas
        self.engine.step(Step(index, self.reduction, noise, self.seed, rates, self.adams, betas, rate))

    def rate_gradient(self, index: int, time: float) -> RateGradient | None:
        """The rate term for this step; it needs the steps of the quantizer, and the loss of a step before."""
        plan, weight = self.schedule, self.schedule.rate * RATE_WEIGHTS[self.task.tune]
        if self.predict is None or not plan.quantized or weight == 0.0 or time < plan.rate_from:
            return None
        if self.rate is None or index % plan.rate_every == 0:
            _, loss = self.engine.measured()
            if math.isnan(loss):  # the first step, of this engine
                return None
            self.rate = rate_gradient(
                self.engine.fetch(), self.quantizer, self.predict, weight * loss * self.task.samples
            )
        return self.rate

    def react(self, time: float, event: Prune | Fill | Trim | Round) -> None:
        """Apply an event of the schedule."""
        if isinstance(event, Round):
            table = self.engine.fetch()
            quantize_share(table, self.quantizer, event.names, event.share)
            self.engine.send(table)
            self.free = table.free()
        elif isinstance(event, Prune):
            if event.asks:
                self.ask(time)
            count = round(self.seeded * (self.final / self.seeded) ** event.share)
            new = round(event.densified * count) if self.stepped else 0
            # Not at a trim: the others must adapt when redundant ones are gone, and then only colours can still move.
            self.engine.prune(count - new, self.reduction, redundant=event.share == 1.0)
            self.refresh()
            if new > 0:
                self.engine.densify(new, self.reduction, self.rng)
                self.refresh()
            self.stepped = False
        elif isinstance(event, Fill):
            self.fill(self.budget(self.moment(time)))
        else:
            self.trim(time)

    def ask(self, time: float) -> None:
        """Set the quantization steps by the error so far, and the number of Gaussians that the file can hold with them."""
        error, _ = self.engine.measured()
        if time >= min(self.schedule.noise_from, self.schedule.adapt_from) and error > 0.0:
            self.quantizer = self.schedule.adapted(self.task.quantizer, error)
        self.final = min(self.budget(self.moment(time)), self.seeded)

    def trim(self, time: float) -> None:
        """Prune to the number that the file can hold; if that is more, and the schedule says so, add what is missing."""
        count = self.budget(self.moment(time))
        if self.schedule.tops_up and self.fill(count, LACKING, BEYOND):
            return  # what is now too much the last trim removes
        self.engine.prune(count, self.reduction)
        if self.refine is not None:
            self.quantizer = self.refine(self.moment(time))
        self.refresh()

    def fill(self, count: int, least: float = FILLED, beyond: float = 0.0) -> bool:
        """Densify to ``count`` Gaussians and some more, unless that is less than ``least`` of them more; whether it was done.

        What of the others is rounded is rounded of the new ones at once.
        """
        now = len(self.engine.fetch())
        room = count / now - 1.0
        if room <= least:
            return False
        settled = tuple(name for name in NAMES if name not in self.free)
        room = room * min(1.0 + FALLING * room, MOST_FALLING) + beyond
        self.engine.densify(min(math.ceil(room * now), self.seeded - now), self.reduction, self.rng)
        if settled:
            table = self.engine.fetch()
            quantize_share(table, self.quantizer, settled, 1.0)
            self.engine.send(table)
        self.refresh()
        return True

    def moment(self, time: float) -> Moment:
        error, _ = self.engine.measured()
        return Moment(time, self.engine.fetch().gaussians(), self.quantizer, error)

    def refresh(self) -> None:
        """After Gaussians were removed or added."""
        self.free = self.engine.fetch().free()
        self.rate = None  # it was made for other Gaussians
