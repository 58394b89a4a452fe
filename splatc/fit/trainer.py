"""The fit: too many Gaussians are seeded, moved by Adam, pruned by what each is worth, and rounded attribute by attribute.

The picture model is differentiable in every parameter (SmartSplat, section 3; GaussianImage). What is ours: a step looks at a lattice
of the pixels; the fit knows the quantizer from early on; it keeps the Gaussians whose removal would cost most instead of growing from few.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from splatc.fit.clock import Clock
from splatc.fit.freezing import Freezing
from splatc.fit.lattice import Lattice, Picture
from splatc.fit.losses import l1_ssim, multiscale
from splatc.fit.parameters import MAX_RATIO, MIN_SIZE, Adam, Parameters, Tensor, from_gaussians, to_gaussians
from splatc.fit.perceptual import perceptual_error
from splatc.fit.removal import removal_costs
from splatc.fit.rounding import noise_for
from splatc.fit.schedule import Cut, Event, Schedule, Trim
from splatc.fit.squared import squared_error
from splatc.fit.view import View
from splatc.gaussians import Blend, FloatArray, Gaussians
from splatc.quantize import Quantizer

Tune = Literal["psnr", "ssim", "smartsplat"]

Budget = Callable[[Gaussians], int]
"""How many Gaussians the file may hold, told from what they look like now."""

PRUNING_LATTICES = 4
"""A removal is judged by so many lattices."""


@dataclass(frozen=True)
class Task:
    """What a fit is for."""

    picture: Picture
    blend: Blend
    background: FloatArray
    """(C,) for the normalized blend, in [0, 1]."""
    quantizer: Quantizer
    tune: Tune = "psnr"
    """"psnr" for squared error, "ssim" for L1 + SSIM over several scales, "smartsplat" for L1 + SSIM as in the paper."""

    def gradients(self, parameters: Parameters, lattice: Lattice) -> dict[str, Tensor]:
        """By name, the gradient of the loss of a lattice, times its pixels."""
        view = View(parameters, lattice, self.blend)
        if self.tune == "psnr":
            _, moments = squared_error(lattice, view.footprint, view.feature, self.background)
        else:
            loss = multiscale if self.tune == "ssim" else l1_ssim
            moments = perceptual_error(lattice, view, self.background, loss)
        return view.gradients(moments)

    def removal_costs(self, parameters: Parameters, reduction: int) -> FloatArray:
        """(N,) rise of the squared error of some lattices if that Gaussian alone were removed."""
        cost = np.zeros(len(parameters), np.float32)
        for step in range(min(reduction**2, PRUNING_LATTICES)):
            lattice = self.picture.lattice(reduction, step)
            cost += removal_costs(lattice, View(parameters, lattice, self.blend), self.background)
        return cost

    def reduction(self, count: int, samples: float) -> int:
        """Of the lattices for so many Gaussians. Losses that compare neighbourhoods need all pixels."""
        return self.picture.reduction(count, samples) if self.tune == "psnr" else 1


def fit(
    task: Task,
    seeds: Gaussians,
    budget: Budget,
    schedule: Schedule,
    *,
    seed: int = 0,
    clock: Clock | None = None,
) -> Gaussians:
    """Fit the Gaussians ``seeds`` to a picture.

    Args:
        seeds: where to begin; more than will stay.
        budget: asked at each cut for the number of Gaussians to end with.
        clock: tells how far the fit has come; by default it counts the steps of the schedule.

    Returns:
        Gaussians whose attributes all lie on the quantizer's grid, unless the schedule says that the fit be free of it.
    """
    generator = torch.Generator().manual_seed(seed)
    parameters = from_gaussians(seeds)
    optimizer = Adam(parameters)
    seeded = len(parameters)
    freezing = Freezing(seeded, generator)

    def prune(count: int) -> None:
        """Keep the ``count`` Gaussians whose removal would raise the squared error most."""
        nonlocal parameters
        if count >= len(parameters):
            return
        cost = task.removal_costs(parameters, task.reduction(len(parameters), schedule.samples))
        kept = torch.from_numpy(np.sort(np.argsort(-cost, kind="stable")[:count]))
        optimizer.keep(kept)
        freezing.keep(kept)
        parameters = parameters.keep(kept)

    def happens(event: Event) -> None:
        nonlocal parameters
        if isinstance(event, Cut):
            final = min(budget(to_gaussians(parameters)), seeded)
            prune(round(seeded * (final / seeded) ** event.share))
        elif isinstance(event, Trim):
            prune(budget(to_gaussians(parameters)))
        else:
            parameters = freezing.advance(parameters, task.quantizer, event.names, event.share)

    events = schedule.events()
    for step, time in enumerate(clock or Clock(schedule.steps)):
        while events and events[0][0] <= time:
            happens(events.pop(0)[1])
        if not freezing.free():
            break  # of a few Gaussians, the last may have its turn before the last stage
        noisy = parameters
        if schedule.quantized and time >= schedule.noise_from:
            noise = freezing.only_free(noise_for(parameters, task.quantizer, freezing.free(), generator))
            noisy = replace(parameters, **{name: getattr(parameters, name) + noise[name] for name in noise})
        lattice = task.picture.lattice(task.reduction(len(parameters), schedule.samples), step)
        gradients = task.gradients(noisy, lattice)
        free = {name: gradients[name] for name in freezing.free()}
        parameters = _move(parameters, optimizer.directions(free), freezing, schedule, time, task.picture)
    for _, event in events:
        happens(event)
    return to_gaussians(parameters)


def _move(
    parameters: Parameters,
    directions: dict[str, Tensor],
    freezing: Freezing,
    schedule: Schedule,
    time: float,
    picture: Picture,
) -> Parameters:
    """Follow the directions at the rates of the time, within bounds, where nothing is final."""
    rates, decay = schedule.rates, schedule.rates.final**time
    if "mean" in directions:
        directions["mean"] *= torch.exp(parameters.size)[:, None]
    moved = {name: getattr(parameters, name) + getattr(rates, name) * decay * d for name, d in directions.items()}
    bounded = _within_bounds(replace(parameters, **moved), picture.width, picture.height)
    changes = {name: getattr(bounded, name) - getattr(parameters, name) for name in moved}
    final = {name: getattr(parameters, name) + change for name, change in freezing.only_free(changes).items()}
    return replace(parameters, **final)


def _within_bounds(parameters: Parameters, width: int, height: int) -> Parameters:
    """Means inside the picture, so that each has a cell; sizes and ratios in the range that a file can hold."""
    low, high = torch.zeros(2), torch.tensor([width, height], dtype=torch.float32) - 1 / 64
    return replace(
        parameters,
        mean=torch.clamp(parameters.mean, low, high),
        size=parameters.size.clamp(math.log(MIN_SIZE), math.log(2.0 * max(width, height))),
        ratio=parameters.ratio.clamp(-MAX_RATIO, MAX_RATIO),
    )
