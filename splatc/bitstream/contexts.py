"""Entropy contexts by the names that splatc/attributes.py has for them: what codes an array of symbols, and learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self

import numpy as np

from splatc.bitstream import priors
from splatc.bitstream.coder import SMOOTH, AdaptiveTable, Coder, Symbols, frequencies_of
from splatc.bitstream.parametric import ParametricModel


class Context(Protocol):
    """Codes symbols of one alphabet. What it knows follows from its prior and the symbols coded so far alone, so a decoder has the same."""

    def code(self, coder: Coder, symbols: Symbols) -> None:
        """Code (an encoder) or fill in (a decoder) an array of symbols in order, and learn from them."""

    def inherited(self) -> Self:
        """A fresh context that starts from what this one has learned, with less weight (context inheritance)."""

    def copy(self) -> Self:
        """The same context, to go on with in another place."""


class Uniform:
    """All symbols alike, for ever."""

    def __init__(self, alphabet: int) -> None:
        self._alphabet = alphabet

    def code(self, coder: Coder, symbols: Symbols) -> None:
        coder.code(frequencies_of(np.ones(self._alphabet, np.int64)), symbols)

    def inherited(self) -> Uniform:
        return self

    def copy(self) -> Uniform:
        return self


CONTEXTS: dict[str, Callable[[int], Context]] = {
    "uniform": Uniform,
    "log_scale": lambda alphabet: AdaptiveTable(priors.log_scale(alphabet)),
    "aspect": lambda alphabet: AdaptiveTable(priors.aspect(alphabet)),
    "angle_residual": lambda alphabet: AdaptiveTable(priors.angle_residual(alphabet)),
    "residual": lambda _: AdaptiveTable(priors.luma_residual(), SMOOTH),
    "parametric": lambda _: ParametricModel(),
}
"""By name, what makes one for an alphabet of so many symbols, as a file begins. The positions have theirs in positions.py."""
