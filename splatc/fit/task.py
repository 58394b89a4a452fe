"""What a fit is for: a picture, what counts as near to it, and who computes the steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from splatc.blend import Blend
from splatc.fit.engine import Engine
from splatc.fit.kernels.scratch import Scratch
from splatc.fit.lattice import Lattice, Picture
from splatc.fit.losses import l1_ssim, multiscale
from splatc.fit.parameters import Parameters, Tensor
from splatc.fit.perceptual import perceptual_error
from splatc.fit.removal import on_background, removal_costs
from splatc.fit.schedule import Schedule
from splatc.fit.squared import squared_error
from splatc.fit.view import View
from splatc.gaussians import FloatArray
from splatc.steps import Quantizer

Tune = Literal["psnr", "ssim", "smartsplat"]

WINDOW = 1 << 23
"""Samples that a loss of neighbourhoods looks at in a step, at most: they all lie in memory as floats, several times."""
NEIGHBOURS = 3.0
"""So many times as long takes a sample that is compared together with its neighbours."""
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
    """Its steps are for a picture of middling quality; the fit makes them finer or coarser (Schedule.adapted)."""
    tune: Tune = "psnr"
    """"psnr" for squared error, "ssim" for differences and SSIM over several scales, "smartsplat" for L1 + SSIM as in the paper."""
    engine: Engine | None = None
    """Makes the steps, on a GPU; for squared error only. None makes them here."""
    scratch: Scratch = field(default_factory=Scratch, repr=False, compare=False)

    def gradients(self, parameters: Parameters, lattice: Lattice) -> tuple[float, float, dict[str, Tensor]]:
        """Mean squared error of a lattice, the loss, and by name its gradient, times the samples."""
        view = View(parameters, lattice, self.blend)
        samples = lattice.width * lattice.height * lattice.channels
        if self.tune == "psnr":
            total, moments = squared_error(lattice, view.footprint, view.feature, self.background, self.scratch)
            return total / samples, total / samples, view.gradients(moments)
        compare = multiscale if self.tune == "ssim" else l1_ssim
        total, loss, moments = perceptual_error(lattice, view, self.background, compare, self.scratch)
        return total / samples, loss, view.gradients(moments)

    def removal_costs(self, parameters: Parameters, reduction: int) -> FloatArray:
        """(N,) rise of the squared error of some lattices if that Gaussian alone were removed."""
        steps = range(min(reduction**2, PRUNING_LATTICES))
        if self.engine is not None:
            return self.engine.removal_costs(parameters, reduction, steps)
        cost = np.zeros(len(parameters), np.float32)
        for step in steps:
            lattice = self.picture.lattice(reduction, step)
            cost += removal_costs(lattice, View(parameters, lattice, self.blend), self.background)
        return cost

    def redundant(self, parameters: Parameters, reduction: int, cost: FloatArray) -> NDArray[np.bool_]:
        """(N,) the Gaussians that only repeat the background: nothing else is in their reach, and their removal costs nothing.

        Flat parts of a picture are full of them, for pruning prefers them to those whose removal would lower the error.
        """
        lattice = self.picture.lattice(reduction)
        return (cost <= 0.0) & on_background(lattice, View(parameters, lattice, self.blend), self.background)

    def lattice(self, reduction: int, step: int) -> Lattice:
        """What a step looks at: a lattice; for a loss that compares neighbourhoods, of a large picture some rows of it."""
        lattice = self.picture.lattice(reduction, step)
        return lattice if self.tune == "psnr" else lattice.window(step, WINDOW)

    def samples(self, reduction: int) -> float:
        """Values that a step looks at, about."""
        values = self.picture.pixels.size / reduction**2
        return values if self.tune == "psnr" else min(values, WINDOW * self.picture.channels)

    def work(self, count: int) -> float:
        """What a step for so many Gaussians takes, in samples of squared error."""
        samples = self.samples(self.reduction(count, Schedule(0))) / self.picture.channels
        return float(samples if self.tune == "psnr" else NEIGHBOURS * samples)

    def reduction(self, count: int, schedule: Schedule) -> int:
        """Of the lattices for so many Gaussians. Losses that compare neighbourhoods need all pixels."""
        samples = max(schedule.samples * count, schedule.least_samples)
        return self.picture.reduction(samples) if self.tune == "psnr" else 1
