"""The GAUS payload: the symbols of all levels, coarse to fine (spec/gaussians.md).

Symbols only: what they mean, given a prediction, is the business of predict.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splatc.bitstream import attributes, limits, positions
from splatc.bitstream.attributes import CHANNEL_NAMES, AttributeSymbols, AttributeTables
from splatc.bitstream.coder import Coder, Decoder, Encoder, Symbols
from splatc.bitstream.header import Header
from splatc.bitstream.positions import SplitTables
from splatc.quantize import angle_count_table, grid_shape


@dataclass(frozen=True)
class GaussianSymbols:
    """All that a GAUS payload holds; N Gaussians in coding order."""

    level: Symbols
    """(N,)"""
    x: Symbols
    """(N,) column of the level's position grid."""
    y: Symbols
    attributes: AttributeSymbols


def levels_of(level_counts: tuple[int, ...]) -> Symbols:
    """(N,) the level of each Gaussian in coding order."""
    return np.repeat(np.arange(len(level_counts) - 1, -1, -1, dtype=np.int32), level_counts)


def encode(header: Header, symbols: GaussianSymbols) -> bytes:
    """The payload."""
    encoder = Encoder()
    code(encoder, header, symbols, positions.encode)
    return encoder.finish(limits.minimum_payload(header.count))


def decode(header: Header, payload: bytes) -> tuple[GaussianSymbols, dict[str, float]]:
    """The symbols, and the bits that each part of the stream took. Raises CorruptFileError."""
    limits.check_plausible(header.count, len(payload))
    x, y, size, anisotropy, turn = np.zeros((5, header.count), np.int32)
    residual = np.zeros((header.count, header.channels), np.int32)
    level = levels_of(header.level_counts)
    symbols = GaussianSymbols(level, x, y, AttributeSymbols(size, anisotropy, turn, residual))
    decoder = Decoder(payload)
    code(decoder, header, symbols, positions.decode)
    decoder.finish(limits.minimum_payload(header.count))
    return symbols, dict(decoder.bits)


def code(coder: Coder, header: Header, symbols: GaussianSymbols, code_positions: positions.CodePositions) -> None:
    """Code (or fill in) the levels, coarse to fine: of each the positions, then one attribute after the other."""
    quantizer = header.quantizer
    split_tables: SplitTables = {}
    tables = AttributeTables()
    for level, start, stop in _ranges(header):
        if start == stop:
            continue
        coder.part = "positions"
        columns, rows = grid_shape(header.width, header.height, quantizer.position_step(level))
        code_positions(coder, split_tables, columns, rows, symbols.x[start:stop], symbols.y[start:stop])
        here = symbols.attributes.level(start, stop)
        coder.part = "size"
        attributes.code_size(coder, tables, quantizer.sizes, here.size)
        coder.part = "anisotropy"
        attributes.code_anisotropy(coder, tables, here.anisotropy)
        coder.part = "angle"
        attributes.code_turn(coder, tables, angle_count_table(quantizer)[level, here.anisotropy], here.turn)
        for channel, name in enumerate(CHANNEL_NAMES[header.channels]):
            coder.part = name
            attributes.code_residual(coder, tables, channel, name == "chroma", here.residual[:, channel])


def _ranges(header: Header) -> list[tuple[int, int, int]]:
    """(level, first Gaussian, one after the last) of each level, coarse to fine."""
    counts = header.level_counts
    stops = np.cumsum(counts, dtype=np.int64).tolist()
    return [(len(counts) - 1 - i, stops[i] - counts[i], stops[i]) for i in range(len(counts))]
