"""The stream of a section: the symbols of its levels, coarse to fine (spec/gaussians.md).

Symbols only: what they mean, given a prediction, is the business of predict.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from splatc.bitstream import attributes, layout, limits, positions
from splatc.bitstream.attributes import AttributeContexts, AttributeSymbols
from splatc.bitstream.coder import Coder, Decoder, Encoder, Symbols
from splatc.bitstream.header import Header
from splatc.bitstream.layout import LevelRange, Section
from splatc.bitstream.positions import PartitionTables
from splatc.errors import CorruptFileError


@dataclass(frozen=True)
class GaussianSymbols:
    """All that a stream holds; N Gaussians in coding order."""

    level: Symbols
    """(N,)"""
    x: Symbols
    """(N,) column of the level's position grid."""
    y: Symbols
    attributes: AttributeSymbols

    def first(self, count: int) -> GaussianSymbols:
        """Views of the first Gaussians."""
        coded = {name: array[:count] for name, array in self.attributes.items()}
        return GaussianSymbols(self.level[:count], self.x[:count], self.y[:count], coded)


@dataclass(frozen=True)
class Tables:
    """Everything that a stream learns; a section goes on with a copy of what its parent has learned."""

    partitions: PartitionTables = field(default_factory=dict)
    attributes: AttributeContexts = field(default_factory=AttributeContexts)

    def copy(self) -> Tables:
        return Tables({key: table.copy() for key, table in self.partitions.items()}, self.attributes.copy())


def encode(header: Header, section: Section, symbols: GaussianSymbols, tables: Tables) -> bytes:
    """The stream of a section. ``tables`` are its own: they learn."""
    encoder = Encoder()
    for each in layout.ranges(header, section):
        code_level(encoder, header, each, symbols, tables, positions.encode)
    return encoder.finish(limits.minimum_payload(section.count))


def decode(
    header: Header, section: Section, stream: bytes, tables: Tables, stop_level: int = 0
) -> tuple[GaussianSymbols, dict[str, float]]:
    """The symbols of the levels >= stop_level, and the bits that each part of the stream took.

    ``tables`` are the section's own: they learn. A stream that is shorter than ``section.length`` was cut off: the levels that were
    complete come back. Raises CorruptFileError.
    """
    levels = [each for each in layout.ranges(header, section) if each.level >= stop_level]
    whole = len(stream) == section.length
    if not whole:
        levels = [each for each in levels if limits.minimum_payload(each.stop) <= len(stream)]
    symbols = empty_symbols(header, levels)
    decoder = Decoder(stream)
    complete = 0
    for each in levels:
        try:
            code_level(decoder, header, each, symbols, tables, positions.decode)
        except CorruptFileError:
            if whole:
                raise
            break  # what follows the end is not what was there
        if not whole and decoder.bytes_read > len(stream):
            break
        complete = each.stop
    if whole and complete == section.count:
        decoder.finish(limits.minimum_payload(section.count))
    return symbols.first(complete), dict(decoder.bits)


def empty_symbols(header: Header, levels: list[LevelRange]) -> GaussianSymbols:
    """Room for the Gaussians of levels."""
    count = levels[-1].stop if levels else 0
    level = np.repeat(np.array([each.level for each in levels], np.int32), [each.stop - each.start for each in levels])
    x, y = np.zeros((2, count), np.int32)
    return GaussianSymbols(level, x, y, attributes.empty_symbols(count, header.channels))


def code_level(
    coder: Coder,
    header: Header,
    here: LevelRange,
    symbols: GaussianSymbols,
    tables: Tables,
    code_positions: positions.CodePositions,
) -> None:
    """Code (or fill in) one level of a section: the positions, then one attribute after the other."""
    coder.part = "positions"
    x, y = symbols.x[here.start : here.stop] - here.x, symbols.y[here.start : here.stop] - here.y
    code_positions(coder, tables.partitions, here.columns, here.rows, x, y)
    symbols.x[here.start : here.stop], symbols.y[here.start : here.stop] = x + here.x, y + here.y
    coded = {name: array[here.start : here.stop] for name, array in symbols.attributes.items()}
    attributes.code_level(coder, tables.attributes, header.quantizer, here.level, coded)
