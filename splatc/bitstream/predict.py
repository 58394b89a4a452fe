"""Angles and colours <-> residuals to what the neighbours promise (spec/prediction.md); integer arithmetic only.

A Gaussian is predicted from the nearest ones coded before it, in its own section and in the ancestors of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numba import njit
from numpy.typing import NDArray

from splatc.bitstream.attributes import CHANNEL_NAMES, AttributeSymbols
from splatc.bitstream.neighbours import NEIGHBOURS, nearest_earlier
from splatc.bitstream.positions import morton
from splatc.bitstream.stream import GaussianSymbols
from splatc.quantize import IntArray, QuantizedGaussians, Quantizer, angle_count_table, colour_step_table

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


def prepare(
    quantizer: Quantizer, channels: int, level: IntArray, x: IntArray, y: IntArray, first: int = 0
) -> Prediction:
    """Find the neighbours of the Gaussians from the number ``first`` on, and look the steps up. Positions become common to all levels in
    units of 1/16 px.
    """
    levels = range(int(level.max(initial=0)) + 1)
    position_step = np.array([quantizer.position_step(number) for number in levels], np.int64)[level]
    colour_step = np.array([quantizer.colour_steps(number, channels) for number in levels], np.int64)[level]
    common_x, common_y = (((2 * cell.astype(np.int64) + 1) * position_step) >> 29 for cell in (x, y))
    neighbours, distances = nearest_earlier(common_x, common_y, first)
    weights = np.where(neighbours >= 0, np.maximum((1 << 30) // (np.where(neighbours >= 0, distances, 0) + NEAR), 1), 0)
    first_colour = np.array([FIRST_COLOUR[name] for name in CHANNEL_NAMES[channels]], np.int64)
    return Prediction(neighbours, weights, colour_step, first_colour)


def to_symbols(
    quantizer: Quantizer, gaussians: QuantizedGaussians, earlier: QuantizedGaussians | None = None
) -> GaussianSymbols:
    """What is coded of the Gaussians of a section, in coding order; ``earlier`` are those of its ancestors."""
    g = gaussians if earlier is None else joined([earlier, gaussians])
    first = len(g) - len(gaussians)
    prediction = prepare(quantizer, g.colour.shape[1], g.level, g.x, g.y, first)
    directions = angle_count_table(quantizer)[g.level, g.anisotropy]
    turn, residual = np.empty_like(g.angle), np.empty_like(g.colour)
    _angles(first, prediction.neighbours, directions, g.angle, turn, True)
    _colours(
        first, prediction.neighbours, prediction.weights, prediction.steps, prediction.first, g.colour, residual, True
    )
    coded = AttributeSymbols(gaussians.size, gaussians.anisotropy, turn[first:], residual[first:])
    return GaussianSymbols(gaussians.level, gaussians.x, gaussians.y, coded)


def from_symbols(
    quantizer: Quantizer, symbols: GaussianSymbols, earlier: QuantizedGaussians | None = None
) -> QuantizedGaussians:
    """The Gaussians of a section, ``earlier`` those of its ancestors; the inverse of to_symbols."""
    coded = symbols.attributes
    here = QuantizedGaussians(
        symbols.level, symbols.x, symbols.y, coded.size, coded.anisotropy, coded.turn, coded.residual
    )
    g = joined([here] if earlier is None else [earlier, here])  # copies: angle and colour are filled in below
    first = len(g) - len(here)
    prediction = prepare(quantizer, g.colour.shape[1], g.level, g.x, g.y, first)
    directions = angle_count_table(quantizer)[g.level, g.anisotropy]
    turn, residual = g.angle.copy(), g.colour.copy()
    _angles(first, prediction.neighbours, directions, g.angle, turn, False)
    _colours(
        first, prediction.neighbours, prediction.weights, prediction.steps, prediction.first, g.colour, residual, False
    )
    return QuantizedGaussians(here.level, here.x, here.y, here.size, here.anisotropy, g.angle[first:], g.colour[first:])


def expected_colours(quantizer: Quantizer, gaussians: QuantizedGaussians) -> NDArray[np.float32]:
    """(N, C) what colours are predicted to be, in units of full range, for Gaussians in any order and all in one section."""
    order = np.lexsort((morton(gaussians.x, gaussians.y), -gaussians.level))
    symbols = to_symbols(quantizer, gaussians.take(order))
    expected = np.empty(gaussians.colour.shape, np.float32)
    expected[order] = gaussians.colour[order] - symbols.attributes.residual
    return (expected * colour_step_table(quantizer, gaussians.level, expected.shape[1])).astype(np.float32)


def joined(parts: Sequence[QuantizedGaussians]) -> QuantizedGaussians:
    """One after the other (at least one), in new arrays."""
    return QuantizedGaussians(
        **{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(parts[0])}
    )


@njit(cache=True, nogil=True)
def _colours(start, neighbours, weights, steps, first, colour, residual, forward):  # type: ignore[no-untyped-def]
    """Fill residual (forward) or colour (backward) from Gaussian ``start`` on."""
    for i in range(start, len(colour)):
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
def _angles(start, neighbours, directions, angle, turn, forward):  # type: ignore[no-untyped-def]
    """Fill turn (forward) or angle (backward) from Gaussian ``start`` on."""
    for i in range(start, len(angle)):
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
