"""Angles and colours <-> residuals to what the neighbours promise (spec/prediction.md); integer arithmetic only.

A Gaussian is predicted from the nearest ones coded before it, in its own section and in the ancestors of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from splatc.bitstream.attributes import CHANNEL_NAMES, AttributeSymbols
from splatc.bitstream.colours import colours, covariances
from splatc.bitstream.neighbours import nearest_earlier
from splatc.bitstream.positions import morton
from splatc.bitstream.stream import GaussianSymbols
from splatc.quantize import IntArray, QuantizedGaussians, Quantizer, angle_count_table, colour_step_table

Int64Array = NDArray[np.int64]

ANGLE_NEIGHBOURS = 4
"""The nearest of them that has a direction predicts an angle."""
FIRST_COLOUR = {"luma": 1 << 15, "chroma": 0, "alpha": 1 << 16}
"""Prediction of the first Gaussian, over 2^16: middle gray, opaque."""


@dataclass(frozen=True)
class Prediction:
    """All that predictions need to know besides shapes; N Gaussians in coding order."""

    neighbours: NDArray[np.int32]
    """(N, NEIGHBOURS) nearest first, -1 where there are fewer."""
    x: Int64Array
    """(N,) common coordinates, 1/16 px."""
    y: Int64Array
    steps: Int64Array
    """(N, C) step of each colour channel, over 2^32."""
    first: Int64Array
    """(C,) what the first Gaussian's colour is predicted to be, over 2^16."""
    chroma: NDArray[np.bool_]
    """(C,)"""

    def colours(self, start: int, covariance: Int64Array, colour: IntArray, residual: IntArray, forward: bool) -> None:
        """Fill residual (forward) or colour (backward), both (N, C), from Gaussian ``start`` on; ``covariance`` (N, 3)."""
        places = self.neighbours, self.x, self.y
        colours(start, *places, covariance, self.steps, self.first, self.chroma, colour, residual, forward)


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
    neighbours, _ = nearest_earlier(common_x, common_y, first)
    names = CHANNEL_NAMES[channels]
    first_colour = np.array([FIRST_COLOUR[name] for name in names], np.int64)
    chroma = np.array([name == "chroma" for name in names])
    return Prediction(neighbours, common_x, common_y, colour_step, first_colour, chroma)


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
    shape = covariances(quantizer, g.level, g.size, g.anisotropy, g.angle, directions)
    prediction.colours(first, shape, g.colour, residual, True)
    coded = AttributeSymbols(gaussians.size, gaussians.anisotropy, turn[first:], gaussians.strip, residual[first:])
    return GaussianSymbols(gaussians.level, gaussians.x, gaussians.y, coded)


def from_symbols(
    quantizer: Quantizer, symbols: GaussianSymbols, earlier: QuantizedGaussians | None = None
) -> QuantizedGaussians:
    """The Gaussians of a section, ``earlier`` those of its ancestors; the inverse of to_symbols."""
    coded = symbols.attributes
    here = QuantizedGaussians(
        symbols.level, symbols.x, symbols.y, coded.size, coded.anisotropy, coded.turn, coded.strip, coded.residual
    )
    g = joined([here] if earlier is None else [earlier, here])  # copies: angle and colour are filled in below
    first = len(g) - len(here)
    prediction = prepare(quantizer, g.colour.shape[1], g.level, g.x, g.y, first)
    directions = angle_count_table(quantizer)[g.level, g.anisotropy]
    turn, residual = g.angle.copy(), g.colour.copy()
    _angles(first, prediction.neighbours, directions, g.angle, turn, False)
    shape = covariances(quantizer, g.level, g.size, g.anisotropy, g.angle, directions)
    prediction.colours(first, shape, g.colour, residual, False)
    return replace(here, angle=g.angle[first:], colour=g.colour[first:])


def expected_colours(quantizer: Quantizer, gaussians: QuantizedGaussians) -> NDArray[np.float32]:
    """(N, C) what colours are predicted to be, in units of full range, for Gaussians in any order and all in one section."""
    order = np.lexsort((morton(gaussians.x, gaussians.y), -gaussians.level))
    symbols = to_symbols(quantizer, gaussians.take(order))
    index = np.empty_like(gaussians.colour)
    index[order] = gaussians.colour[order] - symbols.attributes.residual
    channels = gaussians.colour.shape[1]
    return (index * colour_step_table(quantizer, gaussians.level, channels)).astype(np.float32)


def joined(parts: Sequence[QuantizedGaussians]) -> QuantizedGaussians:
    """One after the other (at least one), in new arrays."""
    return QuantizedGaussians(
        **{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(parts[0])}
    )


@njit(cache=True, nogil=True)
def _angles(start, neighbours, directions, angle, turn, forward):  # type: ignore[no-untyped-def]
    """Fill turn (forward) or angle (backward) from Gaussian ``start`` on."""
    for i in range(start, len(angle)):
        count = np.int64(directions[i])
        expected = 0
        for j in neighbours[i, :ANGLE_NEIGHBOURS]:
            if j >= 0 and directions[j] > 1:
                other = np.int64(directions[j])
                expected = ((2 * angle[j] * count + other) // (2 * other)) % count
                break
        if forward:
            turn[i] = (angle[i] - expected) % count
        else:
            angle[i] = (expected + turn[i]) % count
