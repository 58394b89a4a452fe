"""The stream of a section decoded by Numba: what stream.decode does with constriction, some thirty times as quick.

The kernels are in quick_coder.py and quick_models.py; tests hold both decoders to the same symbols.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.typing import NDArray

from splatc.bitstream import coder as coding
from splatc.bitstream import layout as layouts
from splatc.bitstream import limits, priors, spread
from splatc.bitstream.attributes import CHANNEL_NAMES, ESCAPE
from splatc.bitstream.coder import Counts
from splatc.bitstream.header import Header
from splatc.bitstream.layout import LevelRange, Section
from splatc.bitstream.positions import ADAPTIVE_COUNT
from splatc.bitstream.quick_coder import ESCAPED, FULL_RANGE, IMPOSSIBLE, OFFSET, OVERFULL, RANGE, U32, WORDS
from splatc.bitstream.quick_models import FIRST_SHARE, MANTISSAS, attributes, missing_table, split
from splatc.bitstream.stream import GaussianSymbols, empty_symbols
from splatc.errors import CorruptFileError
from splatc.quantize import ANGLE_COUNTS, MAX_ANISOTROPY, angle_count_table, strip_count_table

MESSAGES = {
    IMPOSSIBLE: "a stream of the GAUS chunk holds an impossible code: the file is damaged",
    OVERFULL: "more points in a half than in the whole: the GAUS chunk is damaged",
    ESCAPED: "an escape stands for a residual that has a symbol of its own: the GAUS chunk is damaged",
}


@dataclass(frozen=True)
class QuickTables:
    """Everything that a stream learns, as arrays: counts, and how many symbols were seen with each table."""

    splits: Counts
    """(ADAPTIVE_COUNT + 1, SHARES / 2, ADAPTIVE_COUNT + 1) by points and share."""
    splits_seen: NDArray[np.int64]
    turns: Counts
    """(numbers of directions, largest of them)"""
    turns_seen: NDArray[np.int64]
    levels: Counts
    """(2 + channels, alphabet) size, anisotropy, residuals: the tables that each level inherits."""
    spreads: NDArray[np.int64]
    """(2 + channels, 3) of these: whether there is one yet; sum and number of distances of those that spread."""

    def copy(self) -> QuickTables:
        return QuickTables(**{each.name: getattr(self, each.name).copy() for each in fields(self)})


@cache
def _first_tables(sizes: int, channels: int) -> QuickTables:
    """What a section without a parent starts from; not to be changed."""
    splits = np.zeros((ADAPTIVE_COUNT + 1, FIRST_SHARE, ADAPTIVE_COUNT + 1), np.int64)
    for count in range(2, ADAPTIVE_COUNT + 1):
        for share in range(FIRST_SHARE):
            splits[count, share, : count + 1] = priors.split(count, share + FIRST_SHARE)
    turns = np.zeros((len(ANGLE_COUNTS), max(ANGLE_COUNTS)), np.int64)
    for index, count in enumerate(ANGLE_COUNTS):
        turns[index, :count] = priors.turn(count)
    levels = np.zeros((2 + channels, max(ESCAPE, MAX_ANISOTROPY) + 1), np.int64)
    levels[0, :sizes] = priors.size(sizes)
    levels[1, : MAX_ANISOTROPY + 1] = priors.anisotropy()
    spreads = np.zeros((2 + channels, 3), np.int64)
    for channel, name in enumerate(CHANNEL_NAMES[channels]):
        if name != "chroma":
            levels[2 + channel] = priors.luma_residual()
        spreads[2 + channel] = 0, spread.FIRST_DISTANCE, spread.FIRST_NUMBER
    seen = np.zeros(splits.shape[:2], np.int64), np.zeros(len(ANGLE_COUNTS), np.int64)
    return QuickTables(splits, seen[0], turns, seen[1], levels, spreads)


@cache
def _geometric() -> Counts:
    """(256, ESCAPE + 1) the geometric part of a spread table, by ratio."""
    return np.stack([priors.residual(ratio, spread.GEOMETRIC) for ratio in range(256)])


_FIXED: NDArray[np.int32] = np.zeros((MANTISSAS, FIRST_SHARE, MANTISSAS + 1), np.int32)
"""Cumulative frequencies of the splits of nodes with 1 or many points; each is made when it is first needed."""
_FIXED_MADE = np.zeros((MANTISSAS, FIRST_SHARE), np.bool_)
_FIXED_MADE[2 : ADAPTIVE_COUNT + 1] = True  # these are adaptive


def _make_fixed(key: int) -> None:
    """Make the table of a mantissa and a share."""
    count, share = divmod(key, FIRST_SHARE)
    _FIXED[count, share, 1 : count + 2] = np.cumsum(priors.split_table(count, share + FIRST_SHARE))
    _FIXED_MADE[count, share] = True


def decode(
    header: Header, section: Section, stream: bytes, parent: QuickTables | None, stop_level: int = 0
) -> tuple[GaussianSymbols, QuickTables]:
    """The symbols of the levels >= stop_level, and what was learned, ``parent`` being what the parent section has learned.

    A stream that is shorter than ``section.length`` was cut off: the levels that were complete come back. Raises CorruptFileError.
    """
    tables = (parent or _first_tables(header.quantizer.sizes, header.channels)).copy()
    levels = [each for each in layouts.ranges(header, section) if each.level >= stop_level]
    whole = len(stream) == section.length
    if not whole:
        levels = [each for each in levels if limits.minimum_payload(each.stop) <= len(stream)]
    symbols = empty_symbols(header, levels)
    words = np.frombuffer(stream + bytes(8 + -len(stream) % 4), ">u4").astype(np.uint64)
    state = np.array([FULL_RANGE, words[0] << U32 | words[1], 2], np.uint64)
    complete = 0
    for each in levels:
        status = _decode_level(state, words, header, each, symbols, tables)
        if whole and status:
            raise CorruptFileError(MESSAGES[status])
        if not whole and (status or 4 * int(state[WORDS]) > len(stream)):
            break  # what follows the cut is not what was there
        complete = each.stop
    if whole and complete == section.count:
        _check_end(state, stream, limits.minimum_payload(section.count))
    return symbols.first(complete), tables


def _check_end(state: NDArray[np.uint64], stream: bytes, minimum: int) -> None:
    """Raise CorruptFileError unless the stream is the one that an encoder makes of what was decoded (spec/coder.md, "End").

    The encoder's L is what the decoder has subtracted from the number that it read.
    """
    length = 4 * int(state[WORDS])
    low = int.from_bytes(stream[:length].ljust(length, b"\0"), "big") - int(state[OFFSET])
    settled = low.to_bytes(length, "big")
    shortest = coding.shortest(settled[:-8], int.from_bytes(settled[-8:], "big"), int(state[RANGE]))
    if shortest.ljust(minimum, b"\0") != stream:
        raise CorruptFileError(coding.WRONG_END)


def _decode_level(
    state: NDArray[np.uint64],
    words: NDArray[np.uint64],
    header: Header,
    here: LevelRange,
    symbols: GaussianSymbols,
    tables: QuickTables,
) -> int:
    """Fill in one level of a section; returns DONE or what is wrong."""
    part = slice(here.start, here.stop)
    nodes = np.array([[0, 0, here.stop - here.start]], np.int64)  # (nodes, x y points), in Morton order
    for remaining in range(2 * (max(here.columns, here.rows) - 1).bit_length(), 0, -1):
        while missing := missing_table(nodes, here.columns, here.rows, remaining, _FIXED_MADE):
            _make_fixed(missing)
        status, nodes = split(
            state, words, nodes, here.columns, here.rows, remaining, tables.splits, tables.splits_seen, _FIXED
        )
        if status:
            return int(status)
    symbols.x[part] = here.x + np.repeat(nodes[:, 0], nodes[:, 2])
    symbols.y[part] = here.y + np.repeat(nodes[:, 1], nodes[:, 2])
    coded = symbols.attributes.level(here.start, here.stop)
    chroma = np.array([name == "chroma" for name in CHANNEL_NAMES[header.channels]])
    directions = angle_count_table(header.quantizer)[here.level]
    return int(
        attributes(
            state,
            words,
            header.quantizer.sizes,
            directions,
            strip_count_table(header.quantizer),
            chroma,
            tables.turns,
            tables.turns_seen,
            tables.levels,
            tables.spreads,
            _geometric(),
            coded.size,
            coded.anisotropy,
            coded.turn,
            coded.strip,
            coded.residual,
        )
    )
