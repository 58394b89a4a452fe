"""The stream of a section decoded by Numba: what stream.decode does with constriction, some thirty times as quick.

The models are those of coder.py, spread.py, positions.py and attributes.py, which are the ones to read first; tests hold both to the same
symbols. Numbers of the range coder are uint64 throughout: Numba makes a float of any sum with another type.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from splatc.bitstream import coder as coding
from splatc.bitstream import layout as layouts
from splatc.bitstream import limits, priors, spread
from splatc.bitstream.attributes import CHANNEL_NAMES, ESCAPE
from splatc.bitstream.coder import FIRST_BATCH, INCREMENT, INHERITED, SMOOTH, TOTAL, Counts
from splatc.bitstream.header import Header
from splatc.bitstream.layout import LevelRange, Section
from splatc.bitstream.positions import ADAPTIVE_COUNT, MANTISSA_BITS, SHARES
from splatc.bitstream.priors import RESIDUAL_RADIUS
from splatc.bitstream.spread import INHERITED as SPREAD_INHERITED
from splatc.bitstream.stream import GaussianSymbols, empty_symbols
from splatc.errors import CorruptFileError
from splatc.quantize import ANGLE_COUNTS, MAX_ANISOTROPY, angle_count_table

FIRST_SHARE = SHARES // 2
"""A first half has at least half of the cells."""
MANTISSAS = 1 << MANTISSA_BITS
RANGE, OFFSET, WORDS = 0, 1, 2
"""The state of the range decoder, as uint64: spec/coder.md, and the number of words read."""
DONE, IMPOSSIBLE, OVERFULL, ESCAPED = 0, 1, 2, 3
MESSAGES = {
    IMPOSSIBLE: "a stream of the GAUS chunk holds an impossible code: the file is damaged",
    OVERFULL: "more points in a half than in the whole: the GAUS chunk is damaged",
    ESCAPED: "an escape stands for a residual that has a symbol of its own: the GAUS chunk is damaged",
}

U8, U16, U24, U32 = (np.uint64(number) for number in (8, 16, 24, 32))
FULL_RANGE = np.uint64(2**64 - 1)
WORD = np.uint64(1 << 32)
QUANTILES = np.uint64(1 << 24)
_GROWTH = np.array(SMOOTH, np.int64)
_DIRECTIONS = np.array(ANGLE_COUNTS, np.int64)


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
        while missing := _missing(nodes, here.columns, here.rows, remaining, _FIXED_MADE):
            _make_fixed(missing)
        status, nodes = _split(
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
        _attributes(
            state,
            words,
            header.quantizer.sizes,
            directions,
            chroma,
            tables.turns,
            tables.turns_seen,
            tables.levels,
            tables.spreads,
            _geometric(),
            coded.size,
            coded.anisotropy,
            coded.turn,
            coded.residual,
        )
    )


@njit(cache=True, nogil=True)
def _quantile(state):  # type: ignore[no-untyped-def]
    """Where the next symbol lies in the code space, 0..2^24 - 1, or more in an invalid stream."""
    return state[OFFSET] // (state[RANGE] >> U24)


@njit(cache=True, nogil=True)
def _take(state, words, low, frequency):  # type: ignore[no-untyped-def]
    """Go on behind a symbol with the share low..low + frequency of the code space."""
    scale = (state[RANGE] >> U24) << U8
    state[OFFSET] -= scale * np.uint64(low)
    state[RANGE] = scale * np.uint64(frequency)
    if state[RANGE] < WORD:
        state[RANGE] <<= U32
        position = np.int64(state[WORDS])
        word = words[position] if position < len(words) else np.uint64(0)
        state[OFFSET] = (state[OFFSET] << U32) | word
        state[WORDS] = np.uint64(position + 1)


@njit(cache=True, nogil=True)
def _symbol(state, words, cumulative, alphabet):  # type: ignore[no-untyped-def]
    """The next symbol, or -1 in an invalid stream. ``cumulative`` is 0, f[0], f[0] + f[1], ..., TOTAL."""
    quantile = _quantile(state)
    if quantile >= QUANTILES:
        return -1
    place = np.int64(quantile >> U8)
    low, high = 0, alphabet
    while high - low > 1:
        middle = (low + high) >> 1
        if cumulative[middle] <= place:
            low = middle
        else:
            high = middle
    _take(state, words, cumulative[low], cumulative[low + 1] - cumulative[low])
    return low


@njit(cache=True, nogil=True)
def _uniform(state, words, bits, numbers, members, count):  # type: ignore[no-untyped-def]
    """Add uniform bits below those of numbers[members[:count]] (coder.code_bits)."""
    while bits > 0:
        width = bits % 8 if bits % 8 else 8
        bits -= width
        for i in range(count):
            quantile = _quantile(state)
            if quantile >= QUANTILES:
                return IMPOSSIBLE
            piece = np.int64(quantile >> U8) >> (16 - width)
            _take(state, words, piece << (16 - width), np.int64(1) << (16 - width))
            numbers[members[i]] += piece << bits
    return DONE


@njit(cache=True, nogil=True)
def _cumulate(weights, extra, alphabet, cumulative):  # type: ignore[no-untyped-def]
    """coder.frequencies_of(weights + extra), summed up."""
    total, largest = np.int64(0), 0
    for s in range(alphabet):
        total += weights[s] + extra[s]
        if weights[s] + extra[s] > weights[largest] + extra[largest]:
            largest = s
    used = np.int64(0)
    for s in range(alphabet):
        used += 1 + (weights[s] + extra[s]) * (TOTAL - alphabet) // total
        cumulative[s + 1] = used
    for s in range(largest + 1, alphabet + 1):
        cumulative[s] += TOTAL - used


@njit(cache=True, nogil=True)
def _adaptive(state, words, counts, seen, alphabet, smooth, symbols, members, count, scratch, zeros):  # type: ignore[no-untyped-def]
    """Fill in symbols[members[:count]] with an adaptive table; returns what was seen afterwards, or -1 in an invalid stream."""
    start = 0
    while start < count:
        stop = min(count, start + max(FIRST_BATCH, seen // 4))
        if alphabet > 1:
            _cumulate(counts, zeros, alphabet, scratch)
        for i in range(start, stop):
            symbol = _symbol(state, words, scratch, alphabet) if alphabet > 1 else 0
            if symbol < 0:
                return -1
            symbols[members[i]] = symbol
        for i in range(start, stop):
            symbol = symbols[members[i]]
            if smooth:
                for k in range(5):
                    near = symbol + k - 2
                    if 0 <= near < alphabet:
                        counts[near] += _GROWTH[k]
            else:
                counts[symbol] += INCREMENT
        seen += stop - start
        start = stop
    return seen


@njit(cache=True, nogil=True)
def _key(node, columns, rows, remaining):  # type: ignore[no-untyped-def]
    """What a node's split is coded with, as mantissa * FIRST_SHARE + share, or 0 if it is not coded; and the bits below the mantissa."""
    half = np.int64(1) << ((remaining - 1) // 2)
    second = min(max((columns - node[0] if remaining % 2 else rows - node[1]) - half, 0), half)
    if second == 0:
        return 0, 0
    mantissa, dropped = node[2], 0
    while mantissa >= MANTISSAS:
        mantissa >>= 1
        dropped += 1
    return mantissa * FIRST_SHARE + SHARES * half // (half + second) - FIRST_SHARE, dropped


@njit(cache=True, nogil=True)
def _missing(nodes, columns, rows, remaining, made):  # type: ignore[no-untyped-def]
    """A key whose fixed table some node needs and that was not made yet, or 0."""
    for i in range(len(nodes)):
        key, _ = _key(nodes[i], columns, rows, remaining)
        if key > 0 and not made[key // FIRST_SHARE, key % FIRST_SHARE]:
            return key
    return 0


@njit(cache=True, nogil=True)
def _split(state, words, nodes, columns, rows, remaining, splits, splits_seen, fixed):  # type: ignore[no-untyped-def]
    """One step down the tree (positions._walk, _code_splits): a status, and the nodes after it."""
    count = len(nodes)
    half = np.int64(1) << ((remaining - 1) // 2)
    down = remaining % 2 == 0
    keys = np.empty(count, np.int64)
    dropped = np.zeros(count, np.int64)
    first = nodes[:, 2].copy()
    starts = np.zeros(MANTISSAS * FIRST_SHARE + 1, np.int64)
    largest = 0
    for i in range(count):
        keys[i], dropped[i] = _key(nodes[i], columns, rows, remaining)
        if keys[i] > 0:
            largest = max(largest, dropped[i])
            starts[keys[i] + 1] += 1
    for key in range(MANTISSAS * FIRST_SHARE):
        starts[key + 1] += starts[key]
    order = np.empty(starts[-1], np.int64)
    places = starts.copy()
    for i in range(count):
        if keys[i] > 0:
            order[places[keys[i]]] = i
            places[keys[i]] += 1
    scratch = np.zeros(MANTISSAS + 1, np.int64)
    zeros = np.zeros(MANTISSAS, np.int64)
    for key in range(FIRST_SHARE, MANTISSAS * FIRST_SHARE):
        members = order[starts[key] : starts[key + 1]]
        if len(members) == 0:
            continue
        mantissa, share = key // FIRST_SHARE, key % FIRST_SHARE
        if 2 <= mantissa <= ADAPTIVE_COUNT:
            seen = _adaptive(
                state,
                words,
                splits[mantissa, share],
                splits_seen[mantissa, share],
                mantissa + 1,
                False,
                first,
                members,
                len(members),
                scratch,
                zeros,
            )
            if seen < 0:
                return IMPOSSIBLE, nodes
            splits_seen[mantissa, share] = seen
        else:
            for i in members:
                symbol = _symbol(state, words, fixed[mantissa, share], mantissa + 1)
                if symbol < 0:
                    return IMPOSSIBLE, nodes
                first[i] = symbol
    members = np.empty(count, np.int64)
    for bits in range(1, largest + 1):
        matching = 0
        for i in range(count):
            if keys[i] > 0 and dropped[i] == bits:
                first[i] <<= bits
                members[matching] = i
                matching += 1
        if _uniform(state, words, bits, first, members, matching):
            return IMPOSSIBLE, nodes
    halves = np.empty((2 * count, 3), np.int64)
    kept = 0
    for i in range(count):
        if first[i] > nodes[i, 2]:
            return OVERFULL, nodes
        for second in range(2):
            points = nodes[i, 2] - first[i] if second else first[i]
            if points > 0:
                halves[kept, 0] = nodes[i, 0] + (half if second and not down else 0)
                halves[kept, 1] = nodes[i, 1] + (half if second and down else 0)
                halves[kept, 2] = points
                kept += 1
    return DONE, halves[:kept].copy()


@njit(cache=True, nogil=True)
def _inherit(counts, spreads, chroma):  # type: ignore[no-untyped-def]
    """Make the table of a level from that of the level before (AdaptiveTable.heir, SpreadTable.heir), unless it is the first."""
    if spreads[0] == 0:
        spreads[0] = 1
        return
    total = counts.sum()
    weight = (SPREAD_INHERITED if chroma else INHERITED) * INCREMENT
    for s in range(len(counts)):
        counts[s] = counts[s] * weight // total
    if chroma:
        number = SPREAD_INHERITED // 2
        spreads[1] = spreads[1] * number // spreads[2]
        spreads[2] = number


@njit(cache=True, nogil=True)
def _attributes(  # type: ignore[no-untyped-def]
    state,
    words,
    sizes,
    directions,
    chroma,
    turns,
    turns_seen,
    levels,
    spreads,
    geometric,
    size,
    anisotropy,
    turn,
    residual,
):
    """Fill in the attributes of one level; returns a status."""
    count = len(size)
    everyone = np.arange(count)
    scratch = np.zeros(MANTISSAS + 1, np.int64)
    zeros = np.zeros(MANTISSAS, np.int64)
    for row in range(2):
        alphabet = sizes if row == 0 else MAX_ANISOTROPY + 1
        counts = levels[row, :alphabet]
        inherits = spreads[row, 0] != 0
        _inherit(counts, spreads[row], False)
        if inherits:
            counts += 1
        symbols = size if row == 0 else anisotropy
        if _adaptive(state, words, counts, 0, alphabet, False, symbols, everyone, count, scratch, zeros) < 0:
            return IMPOSSIBLE

    members = np.empty(count, np.int64)
    for index in range(1, len(_DIRECTIONS)):
        matching = 0
        for i in range(count):
            if directions[anisotropy[i]] == _DIRECTIONS[index]:
                members[matching] = i
                matching += 1
        seen = _adaptive(
            state,
            words,
            turns[index],
            turns_seen[index],
            _DIRECTIONS[index],
            False,
            turn,
            members,
            matching,
            scratch,
            zeros,
        )
        if seen < 0:
            return IMPOSSIBLE
        turns_seen[index] = seen

    far = np.empty(count, np.int64)
    for channel in range(len(chroma)):
        counts, here = levels[2 + channel], spreads[2 + channel]
        symbols = residual[:, channel]
        inherits = here[0] != 0
        _inherit(counts, here, chroma[channel])
        if chroma[channel]:
            if not _spread(state, words, counts, here, geometric, symbols, scratch):
                return IMPOSSIBLE
        else:
            if inherits:
                counts += 1
            if _adaptive(state, words, counts, 0, ESCAPE + 1, True, symbols, everyone, count, scratch, zeros) < 0:
                return IMPOSSIBLE
        matching = 0
        for i in range(count):
            if symbols[i] == ESCAPE:
                members[matching] = i
                far[i] = 0
                matching += 1
            symbols[i] -= RESIDUAL_RADIUS
        if _uniform(state, words, 16, far, members, matching):
            return IMPOSSIBLE
        for i in members[:matching]:
            value = (far[i] >> 1) ^ -(far[i] & 1)
            if abs(value) <= RESIDUAL_RADIUS:
                return ESCAPED
            symbols[i] = value
    return DONE


@njit(cache=True, nogil=True)
def _spread(state, words, counts, here, geometric, symbols, scratch):  # type: ignore[no-untyped-def]
    """Fill in symbols with a spread table; False in an invalid stream."""
    start, seen = 0, 0
    while start < len(symbols):
        stop = min(len(symbols), start + max(FIRST_BATCH, seen // 4))
        ratio = 256 * here[1] // (here[1] + here[2])
        _cumulate(counts, geometric[ratio], ESCAPE + 1, scratch)
        for i in range(start, stop):
            symbol = _symbol(state, words, scratch, ESCAPE + 1)
            if symbol < 0:
                return False
            symbols[i] = symbol
        for i in range(start, stop):
            counts[symbols[i]] += INCREMENT
            here[1] += abs(symbols[i] - RESIDUAL_RADIUS)
        here[2] += stop - start
        seen += stop - start
        start = stop
    return True
