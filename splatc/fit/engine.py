"""What can make the steps of a fit in place of the trainer's own arithmetic: a GPU (cuda/), or what a test puts there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from splatc.fit.parameters import Adam, Parameters, Tensor
from splatc.fit.rate import Pull
from splatc.gaussians import FloatArray
from splatc.steps import Quantizer


@dataclass(frozen=True)
class Step:
    """A gradient step in numbers."""

    index: int
    """Chooses the lattice, and the noise with ``seed``."""
    reduction: int
    noise: Quantizer | None
    """The Gaussians are drawn with the noise of these steps; None draws them as they are."""
    seed: int
    rates: Mapping[str, float]
    """By attribute that may still move, Adam's rate, in units of each Gaussian (natural.py)."""
    adams: int
    """Adam's steps, this one included."""
    pull: Pull | None = None
    """The rate term, for many steps the same object."""


class Engine(Protocol):
    """Squared error only. Between `send` and `fetch` the Gaussians are with the engine."""

    def send(self, parameters: Parameters, optimizer: Adam | None, held: Mapping[str, Tensor]) -> None:
        """Take the Gaussians, their moments (None: those that it has), and what is final: by attribute (N,) of bool."""

    def step(self, step: Step) -> None:
        """Move them, within bounds; what is final stays."""

    def fetch(self) -> tuple[Parameters, float]:
        """The Gaussians, and the mean squared error that the last step met."""

    def fetch_moments(self, optimizer: Adam) -> None:
        """Put the moments into ``optimizer``."""

    def removal_costs(self, parameters: Parameters, reduction: int, steps: Sequence[int]) -> FloatArray:
        """(N,) rise of the squared error of the lattices of these steps if that Gaussian alone were removed."""
