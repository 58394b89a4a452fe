"""What computes the steps of a fit: on the CPU (engines/core.py), an NVIDIA GPU (cuda/), in PyTorch or with gsplat (engines/).

An engine is a plug point: a class that passes tests/test_engine_protocol.py needs only its line in engines/choice.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from splatc.fit.rate import RateGradient
from splatc.fit.table import Table
from splatc.gaussians import FloatArray
from splatc.steps import Quantizer

ADAM_EPSILON = 1e-15
"""Adam's epsilon, so small that the tiny gradients of small Gaussians count in full."""


@dataclass(frozen=True)
class Step:
    """A gradient step in numbers: the Gaussians are drawn with noise, and moved without.

    What is differentiated is the loss times all samples of the picture: a sum over the samples of a polyphase
    subset of reduction r is multiplied by r^2, so that Adam's second moments do not jump when r changes.

    Source:
        Kingma and Ba, "Adam: A method for stochastic optimization", ICLR 2015.
    """

    index: int
    """Chooses the polyphase subset, and the noise with ``seed``."""
    reduction: int
    """r, 1 or more: every r-th pixel of every r-th row is compared."""
    noise: Quantizer | None
    """The Gaussians are drawn with the noise of these quantization steps; None draws them as they are."""
    seed: int
    """Of the noise."""
    rates: Mapping[str, float]
    """By attribute that may still move, Adam's rate, in units of each Gaussian."""
    adams: int
    """Adam's steps, this one included."""
    betas: tuple[float, float]
    """Adam's decay rates of the first and second moments, each in [0, 1)."""
    rate_gradient: RateGradient | None = None
    """Of the rate term; the same object for many steps, so that an engine may keep what it makes of it."""


class Engine(Protocol):
    """Holds the Gaussians of a fit between `send` and `fetch`, moves them, prunes and densifies: a plug point.

    An engine is made with the task of a fit (``fit/task.py``). It keeps its Gaussians in whatever memory
    and form suit it, and makes a table of them when asked.
    """

    def send(self, table: Table) -> None:
        """Take the Gaussians, with their moments and frozen mask.

        Args:
            table: N Gaussians. It is the engine's from now on, which may change it in place.
        """

    def step(self, step: Step) -> None:
        """Move the Gaussians by a gradient step, within their bounds; what is frozen, or has no rate, keeps its value.

        Args:
            step: what is compared, with which noise, and how far each attribute moves.
        """

    def measured(self) -> tuple[float, float]:
        """Return the error of the last step.

        Returns:
            Mean squared error, of samples in [0, 1], and loss, over the samples of that step; nan before the first.
        """

    def prune(self, count: int, reduction: int, *, redundant: bool = False) -> None:
        """Keep the Gaussians of highest pruning cost (``fit/pruning.py``).

        Args:
            count: how many are kept at most, 0 or more.
            reduction: r, 1 or more: every r-th pixel of every r-th row is compared.
            redundant: whether none are kept that only repeat the background.
        """

    def densify(self, count: int, reduction: int, rng: np.random.Generator) -> None:
        """Add Gaussians where the error is largest (``fit/densification.py``).

        Args:
            count: how many are added at most, 0 or more.
            reduction: r, 1 or more: every r-th pixel of every r-th row is compared.
            rng: where they lie is drawn from it.
        """

    def fetch(self) -> Table:
        """Return the Gaussians with their moments; the table may be changed only if it is sent back.

        Returns:
            N Gaussians, with their moments.
        """

    def pruning_costs(self, reduction: int) -> FloatArray:
        """Return the pruning cost of each Gaussian.

        Args:
            reduction: r, 1 or more: every r-th pixel of every r-th row is compared.

        Returns:
            (N,) rise of the squared error of some polyphase subsets if that Gaussian alone were removed; of a task that
            prunes by its loss, that of the loss times all samples, to second order.
        """
