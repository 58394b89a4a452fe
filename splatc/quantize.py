"""Gaussians <-> integers (spec/quantization.md); the steps are in steps.py, the way back is the core's.

A Gaussian belongs to a *level* by its size g = sqrt(s1 s2): level l holds 2^(l-1) <= g < 2^l px. Files list coarse levels first.
Means, angles and colours have steps of their own in each level, because an error in a large Gaussian touches more pixels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from splatc import core
from splatc.core import exact, packing
from splatc.gaussians import Gaussians
from splatc.steps import MAX_LEVELS, Quantizer

IntArray = NDArray[np.int32]

MAX_ANISOTROPY = 63
ANGLE_COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""The numbers of directions that a Gaussian may choose from."""
PI_Q16 = 205887
STRIP_COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
"""The numbers of strips that a cell of the position grid may be cut into."""
STRIPS_FROM = (22713, 58712, 81425, 104138, 126852, 149565, 172278, 194991)
"""The ratios ln(s1 / s2), over 2^16, from which on there are 2, 3, ... strips: where s1 / s2 is nearer to that than to the last number."""
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
    """(MAX_LEVELS, MAX_ANISOTROPY + 1) the number of directions by level and anisotropy index."""
    return np.stack([_angle_counts(quantizer, level) for level in range(MAX_LEVELS)])


def _angle_counts(quantizer: Quantizer, level: int) -> IntArray:
    """(MAX_ANISOTROPY + 1,) the number of directions by anisotropy index, in integer arithmetic.

    A turn of a Gaussian changes the picture in proportion to sinh(ln(s1 / s2)), so M = pi sinh(a) / step, rounded down
    to one of ANGLE_COUNTS.
    """
    step = max(1, quantizer.angle_step(level) >> 16)
    counts = np.empty(MAX_ANISOTROPY + 1, np.int32)
    for index in range(MAX_ANISOTROPY + 1):
        a = quantizer.ratio_q16(index)
        a2 = (a * a) >> 16
        sinh = a + ((a * a2) >> 16) // 6 + ((((a * a2) >> 16) * a2) >> 16) // 120
        target = PI_Q16 * sinh // (step << 16)
        counts[index] = max(count for count in ANGLE_COUNTS if count <= max(1, target))
    return counts


@functools.lru_cache(maxsize=64)
def ratio_table(quantizer: Quantizer) -> NDArray[np.int64]:
    """(MAX_ANISOTROPY + 1,) ln(s1 / s2) over 2^16 by anisotropy index."""
    return np.array([quantizer.ratio_q16(index) for index in range(MAX_ANISOTROPY + 1)], np.int64)


@functools.lru_cache(maxsize=64)
def strip_count_table(quantizer: Quantizer) -> IntArray:
    """(MAX_ANISOTROPY + 1,) by anisotropy index, the number of strips that a cell of the position grid is cut into.

    An error of the mean counts in proportion to 1 / s, so it has to be smaller across a long Gaussian than along it.
    """
    return np.array(STRIP_COUNTS, np.int32)[np.searchsorted(STRIPS_FROM, ratio_table(quantizer), side="right")]


@dataclass(frozen=True)
class QuantizedGaussians:
    """N Gaussians as integers. The bitstream wants them in coding order: levels descending, Morton order of (x, y) within one."""

    level: IntArray
    """(N,) 0 <= level < MAX_LEVELS."""
    x: IntArray
    """(N,) cell of the level's position grid; its centre is ((x + 1/2), (y + 1/2)) position_step(level)."""
    y: IntArray
    size: IntArray
    """(N,) 0 <= size < sizes: log2 g = level - 1 + (size + 1/2) / sizes."""
    anisotropy: IntArray
    """(N,) 0 <= a <= MAX_ANISOTROPY: ln(s1 / s2) = a step(anisotropy), at most MAX_RATIO."""
    angle: IntArray
    """(N,) 0 <= t < angle_counts(level)[anisotropy] = M: theta = t pi / M."""
    strip: IntArray
    """(N,) 0 <= i < strip_count_table()[anisotropy] = F: the mean lies in the middle of strip i of the F strips, along the Gaussian, of its
    cell (`strip_middles`)."""
    colour: IntArray
    """(N, C) multiples of colour_steps(level, C), in the space Y | Y A | Y U V | Y U V A."""

    def __len__(self) -> int:
        return len(self.level)

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
    none = np.zeros(0, np.int32)
    return QuantizedGaussians(none, none, none, none, none, none, none, np.zeros((0, channels), np.int32))


CORE_NAMES = {
    "level": "level",
    "x": "x",
    "y": "y",
    "log_scale": "size",
    "aspect": "anisotropy",
    "angle": "angle",
    "offset": "strip",
    "colour": "colour",
}
"""Fields of core.Columns -> those of QuantizedGaussians."""


def level_of(log2_size: NDArray[np.floating]) -> IntArray:
    """(N,) the level of each log2 of the size g (px)."""
    level: IntArray = np.clip(np.floor(log2_size + 1.0), 0, MAX_LEVELS - 1).astype(np.int32)
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


def strip_of(place: NDArray[np.floating], angle: NDArray[np.floating], strips: IntArray) -> IntArray:
    """(N,) the strip that a place (N, 2) in a cell is in, told from the middle of the cell, in its sides; ``strips`` (N,) it has."""
    sin, cos = exact.sine_and_cosine(angle)
    across = (place[:, 1] * cos - place[:, 0] * sin) / (np.abs(cos) + np.abs(sin)) + 0.5  # 0..1 from corner to corner
    strip: IntArray = np.clip(np.floor(across * strips), 0, strips - 1).astype(np.int32)
    return strip


def strip_middles(strip: IntArray, angle: NDArray[np.floating], strips: IntArray) -> NDArray[np.float64]:
    """(N, 2) the middle of a strip: of the part of its middle line, along the Gaussian, that lies in the cell."""
    sin, cos = exact.sine_and_cosine(angle)
    across = ((strip + 0.5) / strips - 0.5) * (np.abs(cos) + np.abs(sin))
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
    columns = packing.quantize(steps, width, height, gaussians.mean, gaussians.scale, gaussians.angle, gaussians.colour)
    return QuantizedGaussians(**{theirs: getattr(columns, ours) for ours, theirs in CORE_NAMES.items()})


@functools.lru_cache(maxsize=64)
def steps_of(quantizer: Quantizer, channels: int) -> core.Steps:
    """The steps as the core has them."""
    q = quantizer
    return core.make_steps(
        channels, q.position, q.position_slope, q.sizes, q.anisotropy, q.angle, q.angle_slope, q.luma, q.chroma, q.colour_slope
    )  # fmt: skip


def columns_of(quantized: QuantizedGaussians) -> core.Columns:
    """The same Gaussians as the core has them."""
    return core.Columns(**{ours: getattr(quantized, theirs) for ours, theirs in CORE_NAMES.items()})


def dequantize(quantizer: Quantizer, quantized: QuantizedGaussians) -> Gaussians:
    """The Gaussians that the integers stand for, in the same order."""
    steps = steps_of(quantizer, quantized.colour.shape[1])
    return Gaussians(*core.dequantize(steps, columns_of(quantized)))
