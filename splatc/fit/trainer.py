"""The fit: too many Gaussians are seeded, moved by Adam, pruned by what each is worth, and rounded attribute by attribute.

The picture model is differentiable in every parameter (SmartSplat, section 3; GaussianImage). What is ours: a step looks at a lattice
of the pixels; the fit knows the quantizer from early on; it keeps the Gaussians whose removal would cost most, and while it drops the
others new ones are born where the picture is worst.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from splatc.fit.births import born
from splatc.fit.clock import Clock
from splatc.fit.engine import Step
from splatc.fit.freezing import Freezing
from splatc.fit.lattice import Picture
from splatc.fit.natural import along_axes, mean_steps, turns
from splatc.fit.parameters import MAX_RATIO, MIN_SIZE, Adam, Parameters, Tensor, from_gaussians, to_gaussians
from splatc.fit.rate import Expected, Pull, pull
from splatc.fit.rounding import noise_for
from splatc.fit.schedule import Cut, Event, Round, Schedule
from splatc.fit.seeding import memory_order
from splatc.fit.task import Task, Tune
from splatc.fit.view import View
from splatc.gaussians import Gaussians
from splatc.steps import Quantizer

Budget = Callable[[Gaussians, Quantizer], int]
"""How many Gaussians the file may hold, told from what they look like now and their steps."""

RATES: dict[Tune, float] = {"psnr": 1.0, "ssim": 2.0, "smartsplat": 0.0}
"""Weight of the rate term; that of SSIM by measurement (tools/README.md), and none in the paper."""
RARELY = 4
"""So many times less often the rate term is made anew where an engine would have to wait for it."""


def fit(
    task: Task,
    seeds: Gaussians,
    budget: Budget,
    schedule: Schedule,
    *,
    seed: int = 0,
    clock: Clock | None = None,
    expected: Expected | None = None,
) -> tuple[Gaussians, Quantizer]:
    """Fit the Gaussians ``seeds`` to a picture.

    Args:
        seeds: where to begin; more than will stay.
        budget: asked at each cut for the number of Gaussians to end with.
        clock: tells how far the fit has come; by default it counts the steps of the schedule.
        expected: tells what colours a file promises, for the rate term; without it there is none.

    Returns:
        Gaussians, and the steps on whose grid all their attributes lie, unless the schedule says that the fit be free of it.
    """
    state = _Fit(task, seeds, budget, schedule, seed, expected)
    events = schedule.events()
    for step, time in enumerate(clock or Clock(schedule.steps)):
        while events and events[0][0] <= time:
            state.happens(*events.pop(0))
        if not state.freezing.free():
            break  # of a few Gaussians, the last may have its turn before the last stage
        state.step(step, time)
    for event in events:
        state.happens(*event)
    state.fetch()
    return to_gaussians(state.parameters), state.quantizer


class _Fit:
    """A fit on its way: what its steps and events change."""

    def __init__(
        self, task: Task, seeds: Gaussians, budget: Budget, schedule: Schedule, seed: int, expected: Expected | None
    ) -> None:
        self.task = task
        self.budget = budget
        self.schedule = schedule
        self.seeded = len(seeds)
        self.parameters = from_gaussians(seeds)
        self.quantizer = task.quantizer
        self.optimizer = Adam(self.parameters)
        self.generator = torch.Generator().manual_seed(seed)
        self.places = np.random.default_rng(seed)
        """For those that are born."""
        self.final = self.seeded
        """Gaussians that the file can hold, as far as is known."""
        self.stepped = True
        """Since the last cut: of cuts that follow at once, as where time is short, the first bears."""
        self.freezing = Freezing(self.seeded, self.generator)
        self.error = math.nan
        """Mean squared error at the last step."""
        self.loss = math.nan
        """At the last step, the mean over its samples; with squared error, that error."""
        self.away = False
        """The engine has the Gaussians, and knows that error."""
        self.moments_away = False
        """It has the moments, even while the Gaussians are here."""
        self.seed = seed
        self.expected = expected
        self.pull: Pull | None = None

    def pulled(self, step: int, time: float) -> Pull | None:
        """The rate term for this step. It speaks of quantized attributes."""
        plan, weight = self.schedule, self.schedule.rate * RATES[self.task.tune]
        if self.expected is None or not plan.quantized or weight == 0.0 or time < plan.rate_from:
            return None
        every = plan.rate_every if self.task.engine is None else RARELY * plan.rate_every
        if self.pull is None or step % every == 0:
            self.fetch()
            loss = weight * self.loss * self.task.samples(self.reduction())
            self.pull = pull(self.parameters, self.quantizer, self.expected, loss)
        return self.pull

    def reduction(self) -> int:
        return self.task.reduction(len(self.parameters), self.schedule)

    def fetch(self) -> None:
        """Have the Gaussians here again."""
        if self.away and self.task.engine is not None:
            self.parameters, self.error = self.task.engine.fetch()
            self.loss = self.error
            self.away = False

    def happens(self, time: float, event: Event) -> None:
        """Bring an event of the schedule about."""
        self.fetch()
        if isinstance(event, Round):
            self.parameters = self.freezing.advance(self.parameters, self.quantizer, event.names, event.share)
            return
        if isinstance(event, Cut):
            if event.asks:
                self.ask(time)
            count = round(self.seeded * (self.final / self.seeded) ** event.share)
            newborn = round(event.births * count) if self.stepped else 0
            # Not at Trim: what the redundant ones covered is for the others to leave, and then only colours can still move.
            self.prune(count - newborn, redundant=event.share == 1.0)
            self.bear(newborn)
            self.stepped = False
        else:
            self.prune(self.budget(to_gaussians(self.parameters), self.quantizer))

    def ask(self, time: float) -> None:
        """How fine the steps should be by now, and how many Gaussians the file can hold with them."""
        if time >= self.schedule.noise_from and self.error > 0.0:
            self.quantizer = self.schedule.adapted(self.task.quantizer, self.error)
        self.final = min(self.budget(to_gaussians(self.parameters), self.quantizer), self.seeded)

    def bear(self, count: int) -> None:
        """At most ``count`` new Gaussians where the picture is worst."""
        if count == 0:
            return
        lattice = self.task.picture.lattice(self.reduction(), int(self.places.integers(self.reduction() ** 2)))
        view = View(self.parameters, lattice, self.task.blend)
        newborn = born(lattice, view, self.task.background, count, self.places)
        self.fetch_moments()
        self.parameters = self.parameters.joined(newborn)
        self.optimizer.extend(newborn)
        self.freezing.extend(len(newborn))
        self.keep(torch.from_numpy(memory_order(self.parameters.mean.numpy())))

    def fetch_moments(self) -> None:
        """Have the moments here again."""
        if self.task.engine is not None and self.moments_away:
            self.task.engine.fetch_moments(self.optimizer)
            self.moments_away = False

    def keep(self, index: Tensor) -> None:
        """Forget all Gaussians but those of an index array, and have these in its order."""
        self.optimizer.keep(index)
        self.freezing.keep(index)
        self.parameters = self.parameters.keep(index)
        self.pull = None  # it speaks of all that were there

    def prune(self, count: int, *, redundant: bool = False) -> None:
        """Keep the ``count`` Gaussians whose removal would raise the squared error most; not the ``redundant`` ones (Task.redundant)."""
        if count >= len(self.parameters) and not redundant:
            return
        cost = self.task.removal_costs(self.parameters, self.reduction())
        kept = np.sort(np.argsort(-cost, kind="stable")[:count])
        if redundant:
            needed = kept[~self.task.redundant(self.parameters, self.reduction(), cost)[kept]]
            kept = needed if len(needed) else kept[:1]
        if len(kept) == len(cost):
            return
        self.fetch_moments()
        self.keep(torch.from_numpy(kept))

    def step(self, step: int, time: float) -> None:
        """One gradient step; the picture is drawn with noise, the step applied without."""
        self.stepped = True
        noisily = self.schedule.quantized and time >= self.schedule.noise_from
        rates, decay = self.schedule.rates, self.schedule.rates.final**time
        if self.task.engine is not None:
            rate = self.pulled(step, time)
            if not self.away:
                moments = None if self.moments_away else self.optimizer
                self.task.engine.send(self.parameters, moments, self.freezing.held)
                self.away = self.moments_away = True
            self.optimizer.steps += 1
            moving = {name: getattr(rates, name) * decay for name in self.freezing.free()}
            noise_of = self.quantizer if noisily else None
            self.task.engine.step(Step(step, self.reduction(), noise_of, self.seed, moving, self.optimizer.steps, rate))
            return
        parameters = noisy = self.parameters
        if noisily:
            noise = noise_for(parameters, self.quantizer, self.freezing.free(), self.generator)
            noise = self.freezing.only_free(noise)
            noisy = replace(parameters, **{name: getattr(parameters, name) + noise[name] for name in noise})
        self.error, self.loss, gradients = self.task.gradients(noisy, self.task.lattice(self.reduction(), step))
        rate = self.pulled(step, time)
        if rate is not None:
            gradients = rate.added(gradients, parameters)
        gradients["mean"] = along_axes(gradients["mean"], parameters.angle)
        directions = self.optimizer.directions({name: gradients[name] for name in self.freezing.free()})
        if "mean" in directions:
            directions["mean"] = mean_steps(directions["mean"], parameters)
        if "angle" in directions:
            directions["angle"] = turns(directions["angle"], parameters.ratio)
        moved = {name: getattr(parameters, name) + getattr(rates, name) * decay * d for name, d in directions.items()}
        bounded = _within_bounds(replace(parameters, **moved), self.task.picture)
        changes = {name: getattr(bounded, name) - getattr(parameters, name) for name in moved}
        final = {name: getattr(parameters, name) + change for name, change in self.freezing.only_free(changes).items()}
        self.parameters = replace(parameters, **final)


def _within_bounds(parameters: Parameters, picture: Picture) -> Parameters:
    """Means inside the picture, so that each has a cell; sizes and ratios in the range that a file can hold."""
    width, height = picture.width, picture.height
    low, high = torch.zeros(2), torch.tensor([width, height], dtype=torch.float32) - 1 / 64
    return replace(
        parameters,
        mean=torch.clamp(parameters.mean, low, high),
        size=parameters.size.clamp(math.log(MIN_SIZE), math.log(2.0 * max(width, height))),
        ratio=parameters.ratio.clamp(-MAX_RATIO, MAX_RATIO),
    )
