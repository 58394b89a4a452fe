"""What the symbols of Gaussians cost in a file, about: bits by how often what occurs among the Gaussians themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatc import core
from splatc.attributes import MAX_LEVELS
from splatc.bitstream import Header
from splatc.bitstream.predict import residuals
from splatc.core import exact
from splatc.quantize import (
    MAX_ASPECT,
    IntArray,
    QuantizedGaussians,
    angle_count_table,
    colour_step_table,
    dequantize,
)

Doubles = NDArray[np.float64]

SECTORS = 64
"""Of a half turn, in which directions are counted by how far they lie from their prediction."""
POOLED = 8.0
"""So many residuals of the mean size of all count as residuals of each level."""
LEAST_MEAN = 0.2
"""Steps: where residuals are smaller on the mean, another step costs no more than there."""


class Prices:
    """Bits of the attributes of N Gaussians, but for positions and sub-cell offsets."""

    def __init__(self, header: Header, g: QuantizedGaussians) -> None:
        """The Gaussians may stand in any order, and count as of one section."""
        quantizer, channels = header.quantizer, header.channels
        self._g = g
        order, found = residuals(quantizer, g, header.width, header.height)
        self.angles, self._colours = found["angle"], found["colour"]
        """(N,) orientation residuals."""
        self._scales = _bits_by_level(g.level, g.log_scale, quantizer.log_scales)
        self._aspects = _bits_by_level(g.level, g.aspect, MAX_ASPECT + 1)
        self._directions = np.maximum(angle_count_table(quantizer)[g.level, g.aspect], 1)
        self._sectors = self._count_sectors()
        is_chroma = [channels >= 3 and 0 < channel < 3 for channel in range(channels)]
        self._slopes = [
            _slope(residual, np.zeros_like(g.level) if chroma else g.level)
            for residual, chroma in zip(self._colours.T, is_chroma, strict=True)
        ]
        shares, steps = _shares(header, g, order), colour_step_table(quantizer, g.level, channels)
        self._pulls = [
            _pull(shares, slope, residual, step)
            for slope, residual, step in zip(self._slopes, self._colours.T, steps.T, strict=True)
        ]

    def scale(self, value: IntArray) -> Doubles:
        """(N,) bits of log scales."""
        return self._scales[self._g.level, np.clip(value, 0, self._scales.shape[1] - 1)]

    def aspect(self, value: IntArray) -> Doubles:
        """(N,) bits of log aspect ratios."""
        return self._aspects[self._g.level, value]

    def angle(self, residual: IntArray, directions: IntArray) -> Doubles:
        """(N,) bits of orientation residuals, modulo their numbers of directions."""
        apart = np.minimum(residual % directions, -residual % directions)
        share = self._sectors[apart * SECTORS // directions] * SECTORS / directions
        bits: Doubles = np.where(directions > 1, -exact.log2(np.maximum(share, 1e-6)), 0.0)
        return bits

    def colour(self, channel: int, step: int) -> Doubles:
        """(N,) the change of bits if a channel rises by so many steps: its own, and those of what it predicts."""
        residual = self._colours[:, channel]
        own = self._slopes[channel] * (np.abs(residual + step) - np.abs(residual))
        changed: Doubles = own - step * self._pulls[channel]
        return changed

    def whole(self) -> Doubles:
        """(N,) bits of all of these attributes."""
        bits = self.scale(self._g.log_scale) + self.aspect(self._g.aspect) + self.angle(self.angles, self._directions)
        for slope, residual in zip(self._slopes, self._colours.T, strict=True):
            power = exact.exp2(-slope)
            bits = bits + slope * np.abs(residual) - exact.log2((1.0 - power) / (1.0 + power))
        return bits

    def _count_sectors(self) -> Doubles:
        """(SECTORS / 2 + 1,) the share of a sector by its distance from the prediction, on either side."""
        m = self._directions
        apart = np.minimum(self.angles, m - self.angles) * SECTORS // m
        count = np.bincount(apart[m > 1], minlength=SECTORS // 2 + 1) + 1.0
        before, after = np.concatenate([count[:1], count[:-1]]), np.concatenate([count[1:], count[-1:]])
        smooth: Doubles = 0.25 * before + 0.5 * count + 0.25 * after
        return smooth / np.cumsum(smooth)[-1] / 2.0


def _bits_by_level(level: IntArray, value: IntArray, size: int) -> Doubles:
    """(MAX_LEVELS, size) bits of values by level, as tables that learn (spec/coder.md) come to them."""
    count = np.bincount(level * size + value, minlength=MAX_LEVELS * size).reshape(MAX_LEVELS, size)
    wide = np.pad(count, ((0, 0), (1, 1)))
    smooth = 1.3 * count + 0.15 * (wide[:, :-2] + wide[:, 2:]) + 0.1
    return exact.log2(np.cumsum(smooth, axis=1)[:, -1:] / smooth)


def _slope(residual: IntArray, key: IntArray) -> Doubles:
    """(N,) bits of each step away from 0, for a two-sided geometric distribution with the mean of the residuals of the same key."""
    size = np.abs(residual).astype(np.float64)
    mean = max(float(np.cumsum(size)[-1]) / len(size), LEAST_MEAN)
    by_key = np.bincount(key, size, MAX_LEVELS) + POOLED * mean
    by_key = np.maximum(by_key / (np.bincount(key, minlength=MAX_LEVELS) + POOLED), LEAST_MEAN)
    slopes: Doubles = -exact.log2((np.sqrt(1.0 + by_key * by_key) - 1.0) / by_key)
    return slopes[key]


@dataclass(frozen=True)
class _Shares:
    """Which Gaussians the luma of which is predicted from, by which share."""

    neighbour: NDArray[np.int64]
    of: NDArray[np.int64]
    share: Doubles


def _shares(header: Header, g: QuantizedGaussians, order: IntArray) -> _Shares:
    """By the distance of spec/prediction.md; ``order`` is the coding order."""
    floats = dequantize(header.quantizer, g.take(order))
    mean, (long, short) = floats.mean.astype(np.float64), floats.scale.T.astype(np.float64) ** 2
    neighbours = core.find_neighbours(*np.maximum(16.0 * mean, 0.0).astype(np.int32).T)
    has, near = neighbours >= 0, np.maximum(neighbours, 0)
    sine, cosine = exact.sine_and_cosine(floats.angle)
    covariance = (
        cosine * cosine * long + sine * sine * short,
        cosine * sine * (long - short),
        sine * sine * long + cosine * cosine * short,
    )
    xx, xy, yy = (each[near] + each[:, None] for each in covariance)
    dx, dy = (mean[:, axis, None] - mean[near, axis] for axis in (0, 1))
    distance = 16.0 * (dx * dx * yy - 2.0 * dx * dy * xy + dy * dy * xx) / np.maximum(xx * yy - xy * xy, 1e-9)
    weight = np.where(has, 1.0 / (48.0 + np.minimum(distance, 1 << 20)) ** 2, 0.0)
    share = weight / np.maximum(np.cumsum(weight, axis=1)[:, -1:], 1e-30)
    of = np.broadcast_to(order[:, None], near.shape)
    return _Shares(order[near[has]].astype(np.int64), of[has].astype(np.int64), share[has])


def _pull(shares: _Shares, slope: Doubles, residual: IntArray, step: Doubles) -> Doubles:
    """(N,) bits that those which a Gaussian predicts save for each step up of its own."""
    each = slope * residual / (np.abs(residual) + 0.5) / step
    pull: Doubles = np.bincount(shares.neighbour, shares.share * each[shares.of], len(step)) * step
    return pull
