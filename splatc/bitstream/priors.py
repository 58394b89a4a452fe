"""What every table starts from, before a file has taught it anything: integers, alike everywhere (spec/priors.md).

A prior is an array of counts in units of 1 / INCREMENT symbol: it weighs as much as that many symbols already seen.
"""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np

from splatc.bitstream.coder import INCREMENT, Counts, Frequencies, frequencies_of
from splatc.quantize import MAX_ANISOTROPY

SPLIT_WEIGHT = 1
"""Points that each sixteenth of a node is taken to hold already: the fewer, the more unevenly points are believed to lie."""
SPLIT_SYMBOLS = 64
"""Symbols that the prior of a small node's split weighs as much as."""
TURN_WIDTH = 512
TURN_FLOOR = 1 << 13
"""The shape of the prior of turns; these and the constants above: tools/train_priors.py."""
RESIDUAL_RADIUS = 48
"""Colour residuals up to this far have a symbol of their own, the others follow an escape."""


def _counts(weights: list[int], symbols: int) -> Counts:
    """Weights scaled to the weight of so many symbols seen, each at least 1."""
    total = sum(weights)
    return np.array([1 + weight * symbols * INCREMENT // total for weight in weights], np.int64)


def _decay(length: int, ratio: int) -> list[int]:
    """2^16 at first, then each the one before it times ratio / 256, rounded down."""
    weights = [1 << 16]
    while len(weights) < length:
        weights.append(weights[-1] * ratio >> 8)
    return weights


def _split_weights(count: int, share: int) -> list[int]:
    """Beta-binomial weights for k = 0..count points in the first of two halves, which has share / 16 of the cells.

    Exact integers: C(n, k) a (a+1) ... (a+k-1) b (b+1) ... (b+n-k-1), with a and b the points that the halves hold already.
    """
    first, second = [1], [1]
    for k in range(count):
        first.append(first[-1] * (SPLIT_WEIGHT * share + k))
        second.append(second[-1] * (SPLIT_WEIGHT * (16 - share) + k))
    weights = [comb(count, k) * first[k] * second[count - k] for k in range(count + 1)]
    total = sum(weights)
    return [(weight << 30) // total for weight in weights]


@cache
def split_table(count: int, share: int) -> Frequencies:
    """The fixed table for the split of a node with many points."""
    return frequencies_of(np.array(_split_weights(count, share), np.int64))


def split(count: int, share: int) -> Counts:
    """The prior for the split of a node with few points."""
    return _counts(_split_weights(count, share), SPLIT_SYMBOLS)


def size(bins: int) -> Counts:
    """All sizes of a level alike."""
    return _counts([1] * bins, bins)


def anisotropy() -> Counts:
    """Round Gaussians are likelier than long ones."""
    return _counts(_decay(MAX_ANISOTROPY + 1, 208), 16)


def turn(directions: int) -> Counts:
    """Directions near the predicted one are likelier, the more so the more there are; the distance is counted both ways round."""
    distance = [min(turn, directions - turn) for turn in range(directions)]
    return _counts([TURN_FLOOR + (1 << 20) // (d * d + 1 + TURN_WIDTH // directions) for d in distance], 8 * directions)


@cache
def residual(ratio: int, symbols: int) -> Counts:
    """Residuals -RESIDUAL_RADIUS..RESIDUAL_RADIUS around 0, each step outwards ratio / 256 times as likely, then the escape."""
    decay = _decay(RESIDUAL_RADIUS + 1, ratio)
    return _counts(decay[:0:-1] + decay + [1 << 8], symbols)


def luma_residual() -> Counts:
    """Also that of alpha."""
    return residual(236, 16)
