"""Angles and colours <-> residuals to what the neighbours promise (spec/prediction.md); integer arithmetic only.

A Gaussian is predicted from the nearest ones coded before it, of coarser levels and of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from splatc.bitstream.attributes import CHANNEL_NAMES, AttributeSymbols
from splatc.bitstream.neighbours import NEIGHBOURS, nearest_earlier
from splatc.bitstream.stream import GaussianSymbols
from splatc.quantize import IntArray, QuantizedGaussians, Quantizer, angle_count_table

Int64Array = NDArray[np.int64]

COLOUR_LIMIT = 1 << 20
"""Colours of neighbours are clamped to 16 times full range, over 2^16, so that no sum overflows."""
NEAR = 64 * 64
"""(4 px)^2: neighbours nearer than that weigh about alike."""
FIRST_COLOUR = {"luma": 1 << 15, "chroma": 0, "alpha": 1 << 16}
"""Prediction of the first Gaussian, over 2^16: middle gray, opaque."""


@dataclass(frozen=True)
class Prediction:
    """All that predictions need to know before the first residual; N Gaussians in coding order."""

    neighbours: NDArray[np.int32]
    """(N, NEIGHBOURS) nearest first, -1 where there are fewer."""
    weights: Int64Array
    """(N, NEIGHBOURS) 2^30 / (squared distance + (4 px)^2), at least 1; 0 where there is no neighbour."""
    steps: Int64Array
    """(N, C) step of each colour channel, over 2^32."""
    first: Int64Array
    """(C,) what the first Gaussian's colour is predicted to be, over 2^16."""


def prepare(quantizer: Quantizer, channels: int, level: IntArray, x: IntArray, y: IntArray) -> Prediction:
    """Find the neighbours, and look the steps up. Positions become common to all levels in units of 1/16 px."""
    levels = range(int(level.max(initial=0)) + 1)
    position_step = np.array([quantizer.position_step(number) for number in levels], np.int64)[level]
    colour_step = np.array([quantizer.colour_steps(number, channels) for number in levels], np.int64)[level]
    common_x, common_y = (((2 * cell.astype(np.int64) + 1) * position_step) >> 29 for cell in (x, y))
    neighbours, distances = nearest_earlier(common_x, common_y)
    weights = np.where(neighbours >= 0, np.maximum((1 << 30) // (np.where(neighbours >= 0, distances, 0) + NEAR), 1), 0)
    first = np.array([FIRST_COLOUR[name] for name in CHANNEL_NAMES[channels]], np.int64)
    return Prediction(neighbours, weights, colour_step, first)


def to_symbols(quantizer: Quantizer, gaussians: QuantizedGaussians) -> GaussianSymbols:
    """What is coded of Gaussians, which are in coding order."""
    g = gaussians
    prediction = prepare(quantizer, g.colour.shape[1], g.level, g.x, g.y)
    directions = angle_count_table(quantizer)[g.level, g.anisotropy]
    turn, residual = np.empty_like(g.angle), np.empty_like(g.colour)
    _angles(prediction.neighbours, directions, g.angle, turn, True)
    _colours(prediction.neighbours, prediction.weights, prediction.steps, prediction.first, g.colour, residual, True)
    return GaussianSymbols(g.level, g.x, g.y, AttributeSymbols(g.size, g.anisotropy, turn, residual))


def from_symbols(quantizer: Quantizer, symbols: GaussianSymbols) -> QuantizedGaussians:
    """The Gaussians; the inverse of to_symbols."""
    coded = symbols.attributes
    prediction = prepare(quantizer, coded.residual.shape[1], symbols.level, symbols.x, symbols.y)
    directions = angle_count_table(quantizer)[symbols.level, coded.anisotropy]
    angle, colour = np.empty_like(coded.turn), np.empty_like(coded.residual)
    _angles(prediction.neighbours, directions, angle, coded.turn, False)
    _colours(
        prediction.neighbours, prediction.weights, prediction.steps, prediction.first, colour, coded.residual, False
    )
    return QuantizedGaussians(symbols.level, symbols.x, symbols.y, coded.size, coded.anisotropy, angle, colour)


@njit(cache=True, nogil=True)
def _colours(neighbours, weights, steps, first, colour, residual, forward):  # type: ignore[no-untyped-def]
    """Fill residual (forward) or colour (backward)."""
    for i in range(len(colour)):
        total = weights[i].sum()
        for c in range(colour.shape[1]):
            expected = first[c]  # over 2^16
            if total > 0:
                mean = 0
                for k in range(NEIGHBOURS):
                    if weights[i, k] > 0:
                        j = neighbours[i, k]
                        value = (colour[j, c] * steps[j, c]) >> 16
                        mean += weights[i, k] * min(max(value, -COLOUR_LIMIT), COLOUR_LIMIT)
                expected = mean // total
            step = steps[i, c]
            index = ((expected << 17) + step) // (2 * step)
            if forward:
                residual[i, c] = _wrap(colour[i, c] - index)
            else:
                colour[i, c] = _wrap(index + residual[i, c])


@njit(cache=True, nogil=True)
def _wrap(value):  # type: ignore[no-untyped-def]
    """The number in -2^15..2^15 - 1 that is equal to value modulo 2^16."""
    return ((value + 32768) & 65535) - 32768


@njit(cache=True, nogil=True)
def _angles(neighbours, directions, angle, turn, forward):  # type: ignore[no-untyped-def]
    """Fill turn (forward) or angle (backward)."""
    for i in range(len(angle)):
        count = np.int64(directions[i])
        expected = 0
        for j in neighbours[i]:
            if j >= 0 and directions[j] > 1:
                other = np.int64(directions[j])
                expected = ((2 * angle[j] * count + other) // (2 * other)) % count
                break
        if forward:
            turn[i] = (angle[i] - expected) % count
        else:
            angle[i] = (expected + turn[i]) % count
