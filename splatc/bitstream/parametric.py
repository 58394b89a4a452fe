"""A parametric (geometric) model: it knows how far residuals spread before how often each occurs (spec/coder.md, "Parametric models").

How colourful a picture is differs from picture to picture, more than any prior could know, and a small file has too few symbols to
learn a hundred frequencies from. One number is learned at once: the mean distance of residuals from 0. The table is the sum of the
geometric distribution with that mean, and of what was counted.
"""

from __future__ import annotations

import numpy as np

from splatc.bitstream import priors
from splatc.bitstream.coder import INCREMENT, Coder, Counts, Symbols, batches, frequencies_of, scaled
from splatc.bitstream.priors import RESIDUAL_RADIUS

ALPHABET = 2 * RESIDUAL_RADIUS + 2
FIRST_DISTANCE, FIRST_NUMBER = 12, 4
"""The prior: before the first residual a mean distance of 12 / 4, with the weight of so many residuals."""
GEOMETRIC = 96
"""Symbols that the geometric distribution weighs as much as."""
INHERITED = 8
"""Symbols that the counts of another table weigh as much as; half as many for the mean."""


class ParametricModel:
    """The frequencies of chroma residuals in one level."""

    def __init__(self) -> None:
        self._counts: Counts = np.zeros(ALPHABET, np.int64)
        self._seen = 0
        self._distance = FIRST_DISTANCE
        self._number = FIRST_NUMBER

    def inherited(self) -> ParametricModel:
        """A fresh table that starts from what this one has learned, with less weight; it has coded a symbol."""
        table = ParametricModel()
        table._counts = scaled(self._counts, INHERITED)
        table._number = INHERITED // 2
        table._distance = self._distance * table._number // self._number
        return table

    def copy(self) -> ParametricModel:
        """The same table, to go on with in another place."""
        table = ParametricModel()
        table._counts = self._counts.copy()
        table._seen, table._distance, table._number = self._seen, self._distance, self._number
        return table

    def code(self, coder: Coder, symbols: Symbols) -> None:
        """Code symbols in order, in batches: each uses what is known after the batch before it."""
        for batch in batches(symbols, self._seen):
            ratio = 256 * self._distance // (self._distance + self._number)
            coder.code(frequencies_of(self._counts + priors.residual(ratio, GEOMETRIC)), batch)
            self._counts += INCREMENT * np.bincount(batch, minlength=ALPHABET)
            self._distance += int(np.abs(batch - RESIDUAL_RADIUS).sum())
            self._number += len(batch)
            self._seen += len(batch)
