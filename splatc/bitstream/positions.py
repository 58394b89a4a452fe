"""Positions as an unordered set: a tree of halved squares says how many points lie in each half (spec/positions.md).

The order of a level's Gaussians carries no information, so none is spent on it: the decoder gets the points in Morton order. That
saves log2 N! bits against coding each point by itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from splatc.bitstream import priors
from splatc.bitstream.coder import AdaptiveTable, Coder, Symbols, code_bits
from splatc.errors import CorruptFileError

Int64Array = NDArray[np.int64]

ADAPTIVE_COUNT = 32
"""Nodes with up to so many points learn how they are divided; larger ones are too few for that."""
FRACTIONS = 16
"""The fraction of a node's cells in the grid that its first half has is counted in these parts."""
MANTISSA_BITS = 8
"""Of the count of a node only so many leading bits are modelled."""

PartitionTables = dict[tuple[int, int], AdaptiveTable]
"""What was learned, by (points, fraction); one for the whole file."""
CodePositions = Callable[[Coder, PartitionTables, int, int, Symbols, Symbols], None]
"""``encode`` or ``decode``."""


def morton(x: NDArray[np.integer], y: NDArray[np.integer]) -> Int64Array:
    """(N,) cell numbers 0 <= x, y < 2^31 with their bits interleaved from the top: y, x, y, x, ..."""

    def spread(value: NDArray[np.integer]) -> Int64Array:
        wide = value.astype(np.int64)
        for shift, mask in (
            (16, 0x0000FFFF0000FFFF),
            (8, 0x00FF00FF00FF00FF),
            (4, 0x0F0F0F0F0F0F0F0F),
            (2, 0x3333333333333333),
            (1, 0x5555555555555555),
        ):
            wide |= wide << shift
            wide &= mask
        return wide

    codes: Int64Array = spread(y) << 1 | spread(x)
    return codes


def encode(coder: Coder, tables: PartitionTables, columns: int, rows: int, x: Symbols, y: Symbols) -> None:
    """Code the points of one level, in Morton order, on a grid of columns x rows cells."""
    codes = morton(x, y)

    def first_halves(counts: Int64Array, remaining: int) -> Int64Array:
        is_first = (codes >> (remaining - 1) & 1) == 0
        before = np.concatenate(([0], np.cumsum(is_first)))
        ends = np.cumsum(counts)
        halves: Int64Array = before[ends] - before[ends - counts]
        return halves

    _walk(coder, tables, columns, rows, len(codes), first_halves)


def decode(coder: Coder, tables: PartitionTables, columns: int, rows: int, x: Symbols, y: Symbols) -> None:
    """Fill in the points of one level, in Morton order. Raises CorruptFileError."""
    x[:], y[:] = _walk(coder, tables, columns, rows, len(x), lambda counts, remaining: np.zeros_like(counts))


def _walk(
    coder: Coder,
    tables: PartitionTables,
    columns: int,
    rows: int,
    count: int,
    first_halves: Callable[[Int64Array, int], Int64Array],
) -> tuple[Symbols, Symbols]:
    """Go down the tree breadth first, and return the columns and rows of the points.

    ``first_halves`` is what the encoder knows and the decoder does not: the points in the first half of each node.
    """
    counts = np.full(1 if count else 0, count, np.int64)  # (nodes,) points of each node, nodes in Morton order
    x = np.zeros_like(counts)  # (nodes,) its first column and row
    y = np.zeros_like(counts)
    for remaining in range(2 * (max(columns, rows) - 1).bit_length(), 0, -1):
        half = 1 << (remaining - 1) // 2
        down = remaining % 2 == 0
        second_cells = np.clip(rows - y - half, 0, half) if down else np.clip(columns - x - half, 0, half)
        first = first_halves(counts, remaining)
        divided = second_cells > 0
        first[~divided] = counts[~divided]  # a half outside of the grid is empty, and nothing is coded
        fraction = FRACTIONS * half // (half + second_cells[divided])
        first[divided] = _code_partitions(coder, tables, counts[divided], fraction, first[divided])

        counts = np.column_stack((first, counts - first)).ravel()
        y = np.column_stack((y, y + half if down else y)).ravel()
        x = np.column_stack((x, x if down else x + half)).ravel()
        kept = counts > 0
        counts, x, y = counts[kept], x[kept], y[kept]
    return np.repeat(x, counts).astype(np.int32), np.repeat(y, counts).astype(np.int32)


def _code_partitions(
    coder: Coder, tables: PartitionTables, counts: Int64Array, fraction: Int64Array, first: Int64Array
) -> Int64Array:
    """Code how many points lie in the first half of each node: the leading bits by tables, the others as they are."""
    dropped = np.maximum(
        np.frexp(counts)[1] - MANTISSA_BITS, 0
    )  # (nodes,) bits below the mantissa; frexp gives the bit length
    mantissas = counts >> dropped
    leading = (first >> dropped).astype(np.int32)
    keys = (mantissas * FRACTIONS + fraction).astype(np.uint16)  # 16 bits: NumPy sorts these by radix
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    for group in np.split(order, starts[1:]) if len(order) else ():
        mantissa, part = divmod(int(keys[group[0]]), FRACTIONS)
        symbols = leading[group]
        if 2 <= mantissa <= ADAPTIVE_COUNT:
            if (mantissa, part) not in tables:
                tables[mantissa, part] = AdaptiveTable(priors.partition(mantissa, part))
            tables[mantissa, part].code(coder, symbols)
        else:
            coder.code(priors.partition_table(mantissa, part), symbols)
        leading[group] = symbols

    result: Int64Array = leading.astype(np.int64) << dropped
    for bits in range(1, int(dropped.max(initial=0)) + 1):
        group = np.flatnonzero(dropped == bits)
        low = (first[group] & ((1 << bits) - 1)).astype(np.int32)
        code_bits(coder, low, bits)
        result[group] |= low
    if np.any(result > counts):
        raise CorruptFileError("more points in a half than in the whole: the GAUS chunk is damaged")
    return result
