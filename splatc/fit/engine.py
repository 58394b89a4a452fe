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

EPSILON = 1e-15
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
    """Holds the Gaussians of a fit between `send` and `fetch`, moves them, prunes and densifies.

    An engine is a plug point. It is made with the task of a fit (``fit/task.py``), and keeps its arrays wherever it
    likes.
    """

    def send(self, table: Table) -> None:
        """Take over the Gaussians with their moments and frozen mask.

        Args:
            table: N Gaussians, which the engine may change in place.
        """

    def step(self, step: Step) -> None:
        """Make one step of Adam, within the bounds of the table.

        Args:
            step: what is compared, with which noise, and at which rates. What is frozen, or has no rate, keeps its
                value.
        """

    def measured(self) -> tuple[float, float]:
        """Tell the error of the last step.

        Returns:
            Mean squared error and loss, of samples in [0, 1], over the samples of that step; nan before the first.
        """

    def prune(self, count: int, reduction: int, *, redundant: bool = False) -> None:
        """Keep the Gaussians of highest pruning cost (``fit/pruning.py``).

        Args:
            count: how many are kept at most, 0 or more.
            reduction: r, 1 or more: every r-th pixel of every r-th row is compared.
            redundant: whether those go, too, that only repeat the background.
        """

    def densify(self, count: int, reduction: int, rng: np.random.Generator) -> None:
        """Add Gaussians where the squared error is largest (``fit/densification.py``).

        Args:
            count: how many are added at most, 0 or more.
            reduction: r, 1 or more: every r-th pixel of every r-th row is compared.
            rng: the only source of chance.
        """

    def fetch(self) -> Table:
        """Give the Gaussians back.

        Returns:
            N Gaussians with their moments. The table may be changed only if it is sent back.
        """

    def pruning_costs(self, reduction: int) -> FloatArray:
        """Tell what each Gaussian is worth.

        Args:
            reduction: r, 1 or more: every r-th pixel of every r-th row is compared.

        Returns:
            (N,) rise of the squared error of some polyphase subsets if that Gaussian alone were removed.
        """
