"""What every table starts from, before a file has taught it anything: integers, alike everywhere (spec/priors.md).

A prior is an array of counts in units of 1 / INCREMENT symbol: it weighs as much as that many symbols already seen.
"""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np

from splatc.bitstream.coder import INCREMENT, Counts, Frequencies, frequencies_of

PARTITION_WEIGHT = 1
"""Points that each sixteenth of a node is taken to hold already: the fewer, the more unevenly spread the points are in the prior."""
PARTITION_SYMBOLS = 64
"""Symbols that the prior of a small node's binary partition count weighs as much as."""
ANGLE_WIDTH = 512
ANGLE_FLOOR = 1 << 13
"""The shape of the prior of orientation residuals; these and the constants above: tools/train_priors.py."""
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


def _partition_weights(count: int, fraction: int) -> list[int]:
    """Beta-binomial weights for k = 0..count points in the first of two halves, which has fraction / 16 of the cells.

    Exact integers: C(n, k) a (a+1) ... (a+k-1) b (b+1) ... (b+n-k-1), with a and b the points that the halves hold already.
    """
    first, second = [1], [1]
    for k in range(count):
        first.append(first[-1] * (PARTITION_WEIGHT * fraction + k))
        second.append(second[-1] * (PARTITION_WEIGHT * (16 - fraction) + k))
    weights = [comb(count, k) * first[k] * second[count - k] for k in range(count + 1)]
    total = sum(weights)
    return [(weight << 30) // total for weight in weights]


@cache
def partition_table(count: int, fraction: int) -> Frequencies:
    """The fixed table for the binary partition count of a node with many points."""
    return frequencies_of(np.array(_partition_weights(count, fraction), np.int64))


def partition(count: int, fraction: int) -> Counts:
    """The prior for the binary partition count of a node with few points."""
    return _counts(_partition_weights(count, fraction), PARTITION_SYMBOLS)


def log_scale(bins: int) -> Counts:
    """All log scales of a level alike."""
    return _counts([1] * bins, bins)


def aspect(aspects: int) -> Counts:
    """Round Gaussians are likelier than long ones."""
    return _counts(_decay(aspects, 208), 16)


def angle_residual(directions: int) -> Counts:
    """Directions near the predicted one are likelier, the more so the more there are; the distance is counted both ways round."""
    distance = [min(residual, directions - residual) for residual in range(directions)]
    return _counts(
        [ANGLE_FLOOR + (1 << 20) // (d * d + 1 + ANGLE_WIDTH // directions) for d in distance], 8 * directions
    )


@cache
def residual(ratio: int, symbols: int) -> Counts:
    """Residuals -RESIDUAL_RADIUS..RESIDUAL_RADIUS around 0, each step outwards ratio / 256 times as likely, then the escape."""
    decay = _decay(RESIDUAL_RADIUS + 1, ratio)
    return _counts(decay[:0:-1] + decay + [1 << 8], symbols)


def luma_residual() -> Counts:
    """Also that of alpha."""
    return residual(236, 16)
