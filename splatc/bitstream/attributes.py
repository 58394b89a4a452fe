"""Size, anisotropy, angle, strip and colour of one level as symbols (spec/attributes.md).

Each attribute is coded in bulk. A context needs only levels and attributes coded before it, never a prediction, so that all symbols
of a file can be read before the first value is reconstructed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from splatc.bitstream import priors
from splatc.bitstream.coder import SMOOTH, AdaptiveTable, Coder, Symbols, code_bits, frequencies_of
from splatc.bitstream.parametric import SpreadTable
from splatc.bitstream.priors import RESIDUAL_RADIUS
from splatc.errors import CorruptFileError
from splatc.quantize import IntArray

Table = AdaptiveTable | SpreadTable
ESCAPE = 2 * RESIDUAL_RADIUS + 1
"""The symbol after those of the residuals -RESIDUAL_RADIUS..RESIDUAL_RADIUS."""
CHANNEL_NAMES = {
    1: ("luma",),
    2: ("luma", "alpha"),
    3: ("luma", "chroma", "chroma"),
    4: ("luma", "chroma", "chroma", "alpha"),
}
"""The kind of each coded channel, by the number of channels."""


@dataclass(frozen=True)
class AttributeSymbols:
    """What is coded of N Gaussians besides their positions."""

    size: Symbols
    """(N,)"""
    anisotropy: Symbols
    """(N,)"""
    turn: Symbols
    """(N,) angle less its prediction, modulo the number of directions M; 0 where M = 1."""
    strip: Symbols
    """(N,) 0 where a cell has one."""
    residual: Symbols
    """(N, C) colour less its prediction, modulo 2^16, in -2^15..2^15 - 1."""

    def level(self, start: int, stop: int) -> AttributeSymbols:
        """Views of the Gaussians start..stop - 1."""
        return AttributeSymbols(
            *(array[start:stop] for array in (self.size, self.anisotropy, self.turn, self.strip, self.residual))
        )


class AttributeTables:
    """The adaptive tables of a section and its ancestors, made when first needed."""

    def __init__(self) -> None:
        self._of_level: dict[tuple[str, int], Table] = {}
        self._of_directions: dict[int, AdaptiveTable] = {}

    def copy(self) -> AttributeTables:
        """The same tables, to go on with in another section."""
        tables = AttributeTables()
        tables._of_level = {key: table.copy() for key, table in self._of_level.items()}
        tables._of_directions = {key: table.copy() for key, table in self._of_directions.items()}
        return tables

    def of_level(self, attribute: str, channel: int, first: Callable[[], Table]) -> Table:
        """A new table, to be asked for once a level: the first of a file, or the heir of the coarser level's."""
        coarser = self._of_level.get((attribute, channel))
        self._of_level[attribute, channel] = table = first() if coarser is None else coarser.heir()
        return table

    def of_directions(self, count: int) -> AdaptiveTable:
        """The one table of a number of directions."""
        if count not in self._of_directions:
            self._of_directions[count] = AdaptiveTable(priors.turn(count))
        return self._of_directions[count]


def code_size(coder: Coder, tables: AttributeTables, bins: int, size: Symbols) -> None:
    """Code (or fill in) 0 <= size < bins."""
    tables.of_level("size", 0, lambda: AdaptiveTable(priors.size(bins))).code(coder, size)


def code_anisotropy(coder: Coder, tables: AttributeTables, anisotropy: Symbols) -> None:
    """Code (or fill in) 0 <= anisotropy <= MAX_ANISOTROPY."""
    tables.of_level("anisotropy", 0, lambda: AdaptiveTable(priors.anisotropy())).code(coder, anisotropy)


def code_turn(coder: Coder, tables: AttributeTables, directions: IntArray, turn: Symbols) -> None:
    """Code (or fill in) 0 <= turn < M for the M > 1 directions of each Gaussian, in ascending order of M."""
    for count in np.unique(directions[directions > 1]).tolist():
        group = np.flatnonzero(directions == count)
        symbols = turn[group]
        tables.of_directions(count).code(coder, symbols)
        turn[group] = symbols


def code_strip(coder: Coder, strips: IntArray, strip: Symbols) -> None:
    """Code (or fill in) 0 <= strip < F for the F > 1 strips of each cell, all alike, in ascending order of F."""
    for count in np.unique(strips[strips > 1]).tolist():
        group = np.flatnonzero(strips == count)
        symbols = strip[group]
        coder.code(frequencies_of(np.ones(count, np.int64)), symbols)
        strip[group] = symbols


def code_residual(coder: Coder, tables: AttributeTables, channel: int, chroma: bool, residual: Symbols) -> None:
    """Code (or fill in) one channel's residuals; those beyond RESIDUAL_RADIUS follow as 16 bits after all the others.

    Raises CorruptFileError where one of these is not beyond it.
    """
    table = tables.of_level(
        "residual", channel, lambda: SpreadTable() if chroma else AdaptiveTable(priors.luma_residual(), SMOOTH)
    )
    symbols = np.where(np.abs(residual) <= RESIDUAL_RADIUS, residual + RESIDUAL_RADIUS, ESCAPE).astype(np.int32)
    table.code(coder, symbols)
    escaped = np.flatnonzero(symbols == ESCAPE)
    far = residual[escaped]
    folded = (far << 1) ^ (far >> 31)  # 0, -1, 1, -2, ... -> 0, 1, 2, 3, ...
    code_bits(coder, folded, 16)
    far = (folded >> 1) ^ -(folded & 1)
    if np.any(np.abs(far) <= RESIDUAL_RADIUS):
        raise CorruptFileError(
            "an escape stands for a residual that has a symbol of its own: the GAUS chunk is damaged"
        )
    residual[:] = symbols - RESIDUAL_RADIUS
    residual[escaped] = far
