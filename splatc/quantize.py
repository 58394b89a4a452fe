"""Gaussians <-> integers (spec/quantization.md); the steps are in steps.py, the way back is the core's.

A Gaussian belongs to a *level* by its scale g = sqrt(s1 s2): level l holds 2^(l-1) <= g < 2^l px. Files list coarse levels first.
Means, angles and colours have steps of their own in each level, because an error in a large Gaussian touches more pixels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from splatc import core
from splatc.attributes import ASPECTS, MAX_LEVELS, QUANTIZER_FIELDS, Attribute, Columns
from splatc.core import exact, packing
from splatc.gaussians import Gaussians
from splatc.steps import Quantizer

IntArray = NDArray[np.int32]

MAX_ASPECT = ASPECTS - 1
ANGLE_COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""The numbers of directions that a Gaussian may choose from."""
PI_Q16 = 205887
OFFSET_COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
"""The numbers of sub-cell offsets that a mean may choose from."""
OFFSETS_FROM = (22713, 58712, 81425, 104138, 126852, 149565, 172278, 194991)
"""The log aspect ratios ln(s1 / s2), over 2^16, from which on there are 2, 3, ... of them: where s1 / s2 is nearer to that than to the last
number."""
MAX_COLOUR = 4.0
"""Largest magnitude of a coded colour, in units of full range, whatever a file says; a fit may overshoot white and black."""
MAX_COLOUR_INDEX = 32767

# Columns of the inverse colour transform: (R, G, B) = LUMA Y + U_AXIS U + V_AXIS V. Orthogonal and of one length, so that equal
# steps cost equal squared error in RGB.
COLOUR_MATRIX = np.array([[1.0, 1.224744871, 0.707106781], [1.0, 0.0, -1.414213562], [1.0, -1.224744871, 0.707106781]])
CODED_MATRIX = COLOUR_MATRIX.T / 3.0
"""The way back: of orthogonal columns of length sqrt(3)."""


@functools.lru_cache(maxsize=64)
def angle_count_table(quantizer: Quantizer) -> IntArray:
    """(MAX_LEVELS, MAX_ASPECT + 1) the number of directions by level and aspect index."""
    return np.stack([_angle_counts(quantizer, level) for level in range(MAX_LEVELS)])


def _angle_counts(quantizer: Quantizer, level: int) -> IntArray:
    """(MAX_ASPECT + 1,) the number of directions by aspect index, in integer arithmetic.

    An error of the angle changes the picture in proportion to sinh(ln(s1 / s2)), so M = pi sinh(a) / step, rounded down
    to one of ANGLE_COUNTS.
    """
    step = max(1, quantizer.angle_step(level) >> 16)
    counts = np.empty(MAX_ASPECT + 1, np.int32)
    for index in range(MAX_ASPECT + 1):
        a = quantizer.log_aspect_q16(index)
        a2 = (a * a) >> 16
        sinh = a + ((a * a2) >> 16) // 6 + ((((a * a2) >> 16) * a2) >> 16) // 120
        target = PI_Q16 * sinh // (step << 16)
        counts[index] = max(count for count in ANGLE_COUNTS if count <= max(1, target))
    return counts


@functools.lru_cache(maxsize=64)
def log_aspect_table(quantizer: Quantizer) -> NDArray[np.int64]:
    """(MAX_ASPECT + 1,) ln(s1 / s2) over 2^16 by aspect index."""
    return np.array([quantizer.log_aspect_q16(index) for index in range(MAX_ASPECT + 1)], np.int64)


@functools.lru_cache(maxsize=64)
def offset_count_table(quantizer: Quantizer) -> IntArray:
    """(MAX_ASPECT + 1,) by aspect index, the number of sub-cell offsets of a mean.

    An error of the mean counts in proportion to 1 / s, so it has to be smaller across a long Gaussian than along it.
    """
    return np.array(OFFSET_COUNTS, np.int32)[np.searchsorted(OFFSETS_FROM, log_aspect_table(quantizer), side="right")]


class QuantizedGaussians(Columns):
    """N Gaussians as integers. The bitstream wants them in coding order: levels descending, Morton order of (x, y) within one."""

    def take(self, index: NDArray[np.int64] | NDArray[np.int32]) -> QuantizedGaussians:
        """The Gaussians of an index array, in its order."""
        return QuantizedGaussians(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def copy(self) -> QuantizedGaussians:
        """The same in arrays of their own."""
        return QuantizedGaussians(**{field.name: getattr(self, field.name).copy() for field in fields(self)})


def joined(parts: Sequence[QuantizedGaussians]) -> QuantizedGaussians:
    """One after the other (at least one), in new arrays."""
    return QuantizedGaussians(
        **{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(parts[0])}
    )


def empty_gaussians(channels: int) -> QuantizedGaussians:
    """None at all."""
    return QuantizedGaussians(**vars(core.Columns.empty(0, channels)))


def choice_counts(attribute: Attribute, quantizer: Quantizer, level: int | IntArray, aspect: IntArray) -> IntArray:
    """(N,) of an attribute that is coded as a choice, how many there are for Gaussians of such levels and aspect indices."""
    counts: IntArray
    match attribute.name:
        case "angle":
            counts = angle_count_table(quantizer)[level, aspect]
        case "offset":
            counts = offset_count_table(quantizer)[aspect]
        case other:
            raise ValueError(f"{other} is no choice of several")
    return counts


def level_of(log2_scale: NDArray[np.floating]) -> IntArray:
    """(N,) the level of each log2 of the scale g (px)."""
    level: IntArray = np.clip(np.floor(log2_scale + 1.0), 0, MAX_LEVELS - 1).astype(np.int32)
    return level


def by_level(steps: Callable[[int], int], level: IntArray) -> NDArray[np.float64]:
    """(N,) the step of each Gaussian, as a float, from a function of the level that returns it over 2^32."""
    return np.array([steps(each) for each in range(MAX_LEVELS)], np.float64)[level] / 2.0**32


def colour_step_table(quantizer: Quantizer, level: IntArray, channels: int) -> NDArray[np.float64]:
    """(N, C) colour steps in the coded space."""
    rows = [quantizer.colour_steps(each, channels) for each in range(MAX_LEVELS)]
    return np.array(rows, np.float64)[level] / 2.0**32


def to_coded_colour(colour: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, C) RGB colours to Y U V; gray and alpha stay as they are."""
    return _transformed(colour, CODED_MATRIX)


def from_coded_colour(coded: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, C) Y U V to RGB; gray and alpha stay as they are."""
    return _transformed(coded, COLOUR_MATRIX)


def _transformed(colour: NDArray[np.floating], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, C) the first three of three or four channels times a matrix; written out, for a BLAS adds in an order of its own."""
    result = np.array(colour, np.float64)
    if result.shape[1] >= 3:
        first, second, third = result[:, :3].T.copy()
        for channel, (a, b, c) in enumerate(matrix):
            result[:, channel] = a * first + b * second + c * third
    return result


def offset_of(place: NDArray[np.floating], angle: NDArray[np.floating], counts: IntArray) -> IntArray:
    """(N,) the sub-cell offset of a place (N, 2) in a cell, relative to the middle of the cell, in its sides, of ``counts`` (N,)."""
    sin, cos = exact.sine_and_cosine(angle)
    across = (place[:, 1] * cos - place[:, 0] * sin) / (np.abs(cos) + np.abs(sin)) + 0.5  # 0..1 from corner to corner
    offset: IntArray = np.clip(np.floor(across * counts), 0, counts - 1).astype(np.int32)
    return offset


def offset_middles(offset: IntArray, angle: NDArray[np.floating], counts: IntArray) -> NDArray[np.float64]:
    """(N, 2) where a sub-cell offset puts the mean: in the middle of what lies in the cell of its slice's middle line."""
    sin, cos = exact.sine_and_cosine(angle)
    across = ((offset + 0.5) / counts - 0.5) * (np.abs(cos) + np.abs(sin))
    # The points across (-sin, cos) + along (cos, sin) with both coordinates in [-1/2, 1/2].
    with np.errstate(divide="ignore"):
        ends_x = (np.array([[-0.5], [0.5]]) + across * sin) / cos
        ends_y = (np.array([[-0.5], [0.5]]) - across * cos) / sin
    first = np.maximum(ends_x.min(axis=0), ends_y.min(axis=0))
    last = np.minimum(ends_x.max(axis=0), ends_y.max(axis=0))
    along = 0.5 * (first + last)
    return np.stack([along * cos - across * sin, across * cos + along * sin], axis=1)


def quantize(quantizer: Quantizer, gaussians: Gaussians, width: int, height: int) -> QuantizedGaussians:
    """The integers nearest to the Gaussians, in the same order. Values out of range are clamped to it.

    Quantizing what ``dequantize`` returned gives the same integers again, but of log aspect ratios and colours beyond the largest.
    """
    steps = steps_of(quantizer, gaussians.colour.shape[1])
    return QuantizedGaussians(**vars(packing.quantize(steps, width, height, vars(gaussians))))


@functools.lru_cache(maxsize=64)
def steps_of(quantizer: Quantizer, channels: int, models: int = 0) -> core.Steps:
    """The steps as the core has them, and which models a file has (spec/draft.md)."""
    return core.make_steps(channels, *(getattr(quantizer, name) for name in QUANTIZER_FIELDS), models)


def columns_of(quantized: QuantizedGaussians) -> core.Columns:
    """The same Gaussians as the core has them."""
    return core.Columns(**vars(quantized))


def dequantize(quantizer: Quantizer, quantized: QuantizedGaussians) -> Gaussians:
    """The Gaussians that the integers stand for, in the same order."""
    steps = steps_of(quantizer, quantized.colour.shape[1])
    return Gaussians(**core.dequantize(steps, columns_of(quantized)))
