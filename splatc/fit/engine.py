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
    """A gradient step in numbers. The Gaussians are drawn with noise, and moved without.

    What is differentiated is the loss times all samples of the picture: a sum over the samples of a polyphase subset of reduction r is
    multiplied by r^2, so that Adam's second moments do not jump when r changes.
    """

    index: int
    """Chooses the polyphase subset, and the noise with ``seed``."""
    reduction: int
    noise: Quantizer | None
    """The Gaussians are drawn with the noise of these quantization steps; None draws them as they are."""
    seed: int
    rates: Mapping[str, float]
    """By attribute that may still move, Adam's rate, in units of each Gaussian."""
    adams: int
    """Adam's steps, this one included."""
    betas: tuple[float, float]
    rate_gradient: RateGradient | None = None
    """Of the rate term; the same object for many steps, so that an engine may keep what it makes of it."""


class Engine(Protocol):
    """Holds the Gaussians of a fit between `send` and `fetch`, moves them, prunes and densifies. Made for one `Task`."""

    def send(self, table: Table) -> None:
        """Take over the Gaussians with their moments and frozen mask; the engine may change the table in place."""

    def step(self, step: Step) -> None:
        """Make one step of Adam, within table.bounds. What is frozen, or has no rate, keeps its value."""

    def measured(self) -> tuple[float, float]:
        """Mean squared error and loss of the last step, over its samples; nan before the first."""

    def prune(self, count: int, reduction: int, *, redundant: bool = False) -> None:
        """Keep the ``count`` Gaussians of highest pruning cost (pruning.py); if ``redundant``, none that only repeat the background."""

    def densify(self, count: int, reduction: int, rng: np.random.Generator) -> None:
        """Add at most ``count`` Gaussians where the squared error is largest (densification.py)."""

    def fetch(self) -> Table:
        """The Gaussians with their moments. The table may be changed only if it is sent back."""

    def pruning_costs(self, reduction: int) -> FloatArray:
        """(N,) rise of the squared error of some polyphase subsets if that Gaussian alone were removed."""
