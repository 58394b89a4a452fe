"""The GAUS payload: the symbols of all levels, coarse to fine (spec/gaussians.md). Symbols only; values are predict.py's business."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from splatc.bitstream import attributes, limits, positions
from splatc.bitstream.attributes import CHANNEL_NAMES, AttributeSymbols, AttributeTables
from splatc.bitstream.coder import Coder, Decoder, Encoder, Symbols
from splatc.bitstream.header import Header
from splatc.bitstream.positions import SplitTables
from splatc.quantize import grid_shape


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
    split_tables: SplitTables = {}
    attribute_tables = AttributeTables()
    for level, start, stop in _ranges(header):
        columns, rows = grid_shape(header.width, header.height, header.quantizer.position_step(level))
        positions.encode(encoder, split_tables, columns, rows, symbols.x[start:stop], symbols.y[start:stop])
        _code_attributes(encoder, attribute_tables, header, level, symbols.attributes.level(start, stop))
    return encoder.finish(limits.minimum_payload(header.count))


def decode(header: Header, payload: bytes) -> tuple[GaussianSymbols, dict[str, float]]:
    """The symbols, and the bits that each part of the stream took. Raises CorruptFileError."""
    limits.check_plausible(header.count, len(payload))
    decoder = Decoder(payload)
    split_tables: SplitTables = {}
    attribute_tables = AttributeTables()
    x, y, size, anisotropy, turn = np.zeros((5, header.count), np.int32)
    residual = np.zeros((header.count, header.channels), np.int32)
    symbols = AttributeSymbols(size, anisotropy, turn, residual)
    for level, start, stop in _ranges(header):
        columns, rows = grid_shape(header.width, header.height, header.quantizer.position_step(level))
        decoder.part = "positions"
        x[start:stop], y[start:stop] = positions.decode(decoder, split_tables, columns, rows, stop - start)
        _code_attributes(decoder, attribute_tables, header, level, symbols.level(start, stop))
    decoder.finish(limits.minimum_payload(header.count))
    return GaussianSymbols(levels_of(header.level_counts), x, y, symbols), dict(decoder.bits)


def _ranges(header: Header) -> list[tuple[int, int, int]]:
    """(level, first Gaussian, one after the last) of each level, coarse to fine."""
    stops = np.cumsum(header.level_counts, dtype=np.int64).tolist()
    tops = range(len(stops) - 1, -1, -1)
    return list(zip(tops, [0, *stops], stops, strict=False))


def _code_attributes(coder: Coder, tables: AttributeTables, header: Header, level: int, symbols: AttributeSymbols) -> None:
    """Code (or fill in) the attributes of one level, one after the other."""
    quantizer = header.quantizer
    coder.part = "size"
    attributes.code_size(coder, tables, level, quantizer.sizes, symbols.size)
    coder.part = "anisotropy"
    attributes.code_anisotropy(coder, tables, level, symbols.anisotropy)
    coder.part = "angle"
    attributes.code_turn(coder, tables, quantizer.angle_counts(level)[symbols.anisotropy], symbols.turn)
    for channel, name in enumerate(CHANNEL_NAMES[header.channels]):
        coder.part = name
        column = symbols.residual[:, channel].copy()
        attributes.code_residual(coder, tables, level, channel, name == "chroma", column)
        symbols.residual[:, channel] = column
