"""Positions and attributes as Numba kernels: those of positions.py and attributes.py, which are the ones to read first."""

from __future__ import annotations

import numpy as np
from numba import njit

from splatc.bitstream.attributes import ESCAPE
from splatc.bitstream.positions import ADAPTIVE_COUNT, MANTISSA_BITS, SHARES
from splatc.bitstream.priors import RESIDUAL_RADIUS
from splatc.bitstream.quick_coder import (
    DONE,
    ESCAPED,
    IMPOSSIBLE,
    OVERFULL,
    adaptive,
    cumulate,
    inherit,
    spread_table,
    symbol_of,
    uniform,
)
from splatc.quantize import ANGLE_COUNTS, MAX_ANISOTROPY, STRIP_COUNTS

FIRST_SHARE = SHARES // 2
"""A first half has at least half of the cells."""
MANTISSAS = 1 << MANTISSA_BITS
_STRIPS = np.array(STRIP_COUNTS, np.int64)
_DIRECTIONS = np.array(ANGLE_COUNTS, np.int64)


@njit(cache=True, nogil=True)
def key_of(node, columns, rows, remaining):  # type: ignore[no-untyped-def]
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
def missing_table(nodes, columns, rows, remaining, made):  # type: ignore[no-untyped-def]
    """A key whose fixed table some node needs and that was not made yet, or 0."""
    for i in range(len(nodes)):
        key, _ = key_of(nodes[i], columns, rows, remaining)
        if key > 0 and not made[key // FIRST_SHARE, key % FIRST_SHARE]:
            return key
    return 0


@njit(cache=True, nogil=True)
def split(state, words, nodes, columns, rows, remaining, splits, splits_seen, fixed):  # type: ignore[no-untyped-def]
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
        keys[i], dropped[i] = key_of(nodes[i], columns, rows, remaining)
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
            seen = adaptive(
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
                symbol = symbol_of(state, words, fixed[mantissa, share], mantissa + 1)
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
        if uniform(state, words, bits, first, members, matching):
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
def attributes(  # type: ignore[no-untyped-def]
    state,
    words,
    sizes,
    directions,
    strips,
    chroma,
    turns,
    turns_seen,
    levels,
    spreads,
    geometric,
    size,
    anisotropy,
    turn,
    strip,
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
        inherit(counts, spreads[row], False)
        if inherits:
            counts += 1
        symbols = size if row == 0 else anisotropy
        if adaptive(state, words, counts, 0, alphabet, False, symbols, everyone, count, scratch, zeros) < 0:
            return IMPOSSIBLE

    members = np.empty(count, np.int64)
    for index in range(1, len(_DIRECTIONS)):
        matching = 0
        for i in range(count):
            if directions[anisotropy[i]] == _DIRECTIONS[index]:
                members[matching] = i
                matching += 1
        seen = adaptive(
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

    ones = np.ones(_STRIPS[-1], np.int64)
    for alphabet in _STRIPS[1:]:
        cumulate(ones, zeros, alphabet, scratch)
        for i in range(count):
            if strips[anisotropy[i]] == alphabet:
                symbol = symbol_of(state, words, scratch, alphabet)
                if symbol < 0:
                    return IMPOSSIBLE
                strip[i] = symbol

    far = np.empty(count, np.int64)
    for channel in range(len(chroma)):
        counts, here = levels[2 + channel], spreads[2 + channel]
        symbols = residual[:, channel]
        inherits = here[0] != 0
        inherit(counts, here, chroma[channel])
        if chroma[channel]:
            if not spread_table(state, words, counts, here, geometric, symbols, scratch):
                return IMPOSSIBLE
        else:
            if inherits:
                counts += 1
            if adaptive(state, words, counts, 0, ESCAPE + 1, True, symbols, everyone, count, scratch, zeros) < 0:
                return IMPOSSIBLE
        matching = 0
        for i in range(count):
            if symbols[i] == ESCAPE:
                members[matching] = i
                far[i] = 0
                matching += 1
            symbols[i] -= RESIDUAL_RADIUS
        if uniform(state, words, 16, far, members, matching):
            return IMPOSSIBLE
        for i in members[:matching]:
            value = (far[i] >> 1) ^ -(far[i] & 1)
            if abs(value) <= RESIDUAL_RADIUS:
                return ESCAPED
            symbols[i] = value
    return DONE
