"""The range decoder and its tables as Numba kernels: those of coder.py and spread.py, which are the ones to read first.

Numbers of the range decoder are uint64 throughout: Numba makes a float of any sum with another type. After a change here, ``make uncache``:
the kernels of quick_models.py call these.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from splatc.bitstream.attributes import ESCAPE
from splatc.bitstream.coder import FIRST_BATCH, INCREMENT, INHERITED, SMOOTH, TOTAL
from splatc.bitstream.priors import RESIDUAL_RADIUS
from splatc.bitstream.spread import INHERITED as SPREAD_INHERITED

RANGE, OFFSET, WORDS = 0, 1, 2
"""The state of the range decoder, as uint64: spec/coder.md, and the number of words read."""
DONE, IMPOSSIBLE, OVERFULL, ESCAPED = 0, 1, 2, 3
"""What kernels return."""
U8, U24, U32 = (np.uint64(number) for number in (8, 24, 32))
FULL_RANGE = np.uint64(2**64 - 1)
WORD = np.uint64(1 << 32)
QUANTILES = np.uint64(1 << 24)
_GROWTH = np.array(SMOOTH, np.int64)


@njit(cache=True, nogil=True)
def quantile_of(state):  # type: ignore[no-untyped-def]
    """Where the next symbol lies in the code space, 0..2^24 - 1, or more in an invalid stream."""
    return state[OFFSET] // (state[RANGE] >> U24)


@njit(cache=True, nogil=True)
def take(state, words, low, frequency):  # type: ignore[no-untyped-def]
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
def symbol_of(state, words, cumulative, alphabet):  # type: ignore[no-untyped-def]
    """The next symbol, or -1 in an invalid stream. ``cumulative`` is 0, f[0], f[0] + f[1], ..., TOTAL."""
    quantile = quantile_of(state)
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
    take(state, words, cumulative[low], cumulative[low + 1] - cumulative[low])
    return low


@njit(cache=True, nogil=True)
def uniform(state, words, bits, numbers, members, count):  # type: ignore[no-untyped-def]
    """Add uniform bits below those of numbers[members[:count]] (coder.code_bits)."""
    while bits > 0:
        width = bits % 8 if bits % 8 else 8
        bits -= width
        for i in range(count):
            quantile = quantile_of(state)
            if quantile >= QUANTILES:
                return IMPOSSIBLE
            piece = np.int64(quantile >> U8) >> (16 - width)
            take(state, words, piece << (16 - width), np.int64(1) << (16 - width))
            numbers[members[i]] += piece << bits
    return DONE


@njit(cache=True, nogil=True)
def cumulate(weights, extra, alphabet, cumulative):  # type: ignore[no-untyped-def]
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
def adaptive(state, words, counts, seen, alphabet, smooth, symbols, members, count, scratch, zeros):  # type: ignore[no-untyped-def]
    """Fill in symbols[members[:count]] with an adaptive table; returns what was seen afterwards, or -1 in an invalid stream."""
    start = 0
    while start < count:
        stop = min(count, start + max(FIRST_BATCH, seen // 4))
        if alphabet > 1:
            cumulate(counts, zeros, alphabet, scratch)
        for i in range(start, stop):
            symbol = symbol_of(state, words, scratch, alphabet) if alphabet > 1 else 0
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
def spread_table(state, words, counts, here, geometric, symbols, scratch):  # type: ignore[no-untyped-def]
    """Fill in symbols with a spread table; False in an invalid stream."""
    start, seen = 0, 0
    while start < len(symbols):
        stop = min(len(symbols), start + max(FIRST_BATCH, seen // 4))
        ratio = 256 * here[1] // (here[1] + here[2])
        cumulate(counts, geometric[ratio], ESCAPE + 1, scratch)
        for i in range(start, stop):
            symbol = symbol_of(state, words, scratch, ESCAPE + 1)
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


@njit(cache=True, nogil=True)
def inherit(counts, spreads, chroma):  # type: ignore[no-untyped-def]
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
