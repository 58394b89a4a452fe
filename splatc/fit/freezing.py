"""Attribute by attribute, Gaussian by Gaussian, the fit comes to rest on the quantizer's grid.

An attribute is not rounded everywhere at once: a tenth of the Gaussians goes first, the others make up for what that did to the
picture, then the next tenth follows (tools/README.md, "What pays": stages).
"""

from __future__ import annotations

from dataclasses import replace

import torch

from splatc.fit.parameters import NAMES, Parameters, Tensor
from splatc.fit.rounding import freeze
from splatc.steps import Quantizer


class Freezing:
    """Which values have been rounded for good."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self.generator = generator
        self.turn = torch.rand(count, generator=generator)
        """(N,) the order in which Gaussians have their turn, the same for all attributes."""
        self.held = {name: torch.zeros(count, dtype=torch.bool) for name in NAMES}
        """(N,) by attribute, whether it is final."""
        self._free: tuple[str, ...] = NAMES

    def keep(self, index: Tensor) -> None:
        """Forget all Gaussians but those of an index array."""
        self.turn = self.turn[index]
        self.held = {name: held[index] for name, held in self.held.items()}
        self._look()

    def extend(self, count: int) -> None:
        """So many more Gaussians behind the others, all of whose values are free."""
        self.turn = torch.cat([self.turn, torch.rand(count, generator=self.generator)])
        self.held = {name: torch.cat([held, torch.zeros(count, dtype=torch.bool)]) for name, held in self.held.items()}
        self._look()

    def free(self) -> tuple[str, ...]:
        """The attributes that may still move in some Gaussian."""
        return self._free

    def _look(self) -> None:
        self._free = tuple(name for name in NAMES if not bool(self.held[name].all()))

    def advance(self, parameters: Parameters, quantizer: Quantizer, names: tuple[str, ...], share: float) -> Parameters:
        """Round these attributes of the first ``share`` of all Gaussians, unless they have been rounded before."""
        first = torch.ones_like(self.held["mean"]) if share >= 1.0 else self.turn < share
        rounded = freeze(parameters, quantizer, names)
        changed = {}
        for name in names:
            changed[name] = _where(first & ~self.held[name], getattr(rounded, name), getattr(parameters, name))
            self.held[name] = self.held[name] | first
        self._look()
        return replace(parameters, **changed)

    def only_free(self, changes: dict[str, Tensor]) -> dict[str, Tensor]:
        """By attribute, the changes with 0 for everything that is final."""
        return {name: _where(self.held[name], torch.zeros(()), change) for name, change in changes.items()}


def _where(mask: Tensor, this: Tensor, other: Tensor) -> Tensor:
    """Row by row, (N,) or (N, D)."""
    return torch.where(mask if other.dim() == 1 else mask[:, None], this, other)
