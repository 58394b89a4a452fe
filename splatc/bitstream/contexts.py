"""Entropy contexts by the names that splatc/attributes.py has for them: what codes an array of symbols, and learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self

import numpy as np

from splatc.bitstream import priors
from splatc.bitstream.coder import SMOOTH, AdaptiveTable, Coder, Symbols, frequencies_of
from splatc.bitstream.parametric import ParametricModel


class Context(Protocol):
    """Codes symbols of one alphabet: a plug point.

    What it knows follows from its prior and the symbols coded so far alone, so a decoder has the same.

    Source:
        spec/coder.md.
    """

    def code(self, coder: Coder, symbols: Symbols) -> None:
        """Code symbols in order, and learn from them.

        Args:
            coder: an encoder, which writes `symbols`, or a decoder, which fills them in.
            symbols: (N,) whole numbers from 0 to the size of the alphabet - 1.
        """

    def inherited(self) -> Self:
        """Make a context that starts from what this one has learned, with less weight (context inheritance).

        Returns:
            A fresh context of the same alphabet.
        """

    def copy(self) -> Self:
        """Make a context that knows the same, to go on with in another place.

        Returns:
            A context that learns by itself from then on.
        """


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
