"""What the symbols of Gaussians cost in a file, about: bits by how often what occurs among the Gaussians themselves."""

from __future__ import annotations

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
        steps = colour_step_table(quantizer, g.level, channels)
        around = _Around(header, g, order)
        self._parents = around.directed(self._directions)
        self._followers = []
        for channel, chroma in enumerate(is_chroma):
            share, colour, step = around.share(chroma), g.colour[:, channel] * steps[:, channel], steps[:, channel]
            self._followers.append(around.followers(share, self._slopes[channel], self._colours[:, channel], step))
            if channels >= 3 and channel < 2:
                around.weigh(colour, (1 if chroma else 4) * step)

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
        changed: Doubles = own + self._followers[channel][step]
        return changed

    def turned(self, step: int) -> Doubles:
        """(N,) the change of bits if an angle turns by so many directions: its own, and those of what it predicts."""
        m = self._directions
        own = self.angle(self.angles + step, m) - self.angle(self.angles, m)
        has = self._parents >= 0
        parent = np.maximum(self._parents, 0)
        shift = step * m / m[parent]  # of the prediction
        whole = np.floor(shift).astype(np.int32)
        low, high = (self.angle((self.angles - each) % m, m) for each in (whole, whole + 1))
        change = low + (shift - whole) * (high - low) - self.angle(self.angles, m)
        result: Doubles = own + np.bincount(parent[has], change[has], len(m))
        return result

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
        share: Doubles = smooth / np.cumsum(smooth)[-1] / 2.0
        return share


def uniform(counts: IntArray) -> Doubles:
    """(N,) bits of one of so many that are alike."""
    return exact.log2(counts.astype(np.float64))


def _bits_by_level(level: IntArray, value: IntArray, size: int) -> Doubles:
    """(MAX_LEVELS, size) bits of values by level, as tables that learn (spec/coder.md) come to them."""
    count = np.bincount(level * size + value, minlength=MAX_LEVELS * size).reshape(MAX_LEVELS, size)
    wide = np.pad(count, ((0, 0), (1, 1)))
    smooth = 1.3 * count + 0.15 * (wide[:, :-2] + wide[:, 2:]) + 0.1
    bits: Doubles = exact.log2(np.cumsum(smooth, axis=1)[:, -1:] / smooth)
    return bits


def _slope(residual: IntArray, key: IntArray) -> Doubles:
    """(N,) bits of each step away from 0, for a two-sided geometric distribution with the mean of the residuals of the same key."""
    size = np.abs(residual).astype(np.float64)
    mean = max(float(np.cumsum(size)[-1]) / len(size), LEAST_MEAN)
    by_key = np.bincount(key, size, MAX_LEVELS) + POOLED * mean
    by_key = np.maximum(by_key / (np.bincount(key, minlength=MAX_LEVELS) + POOLED), LEAST_MEAN)
    slopes: Doubles = -exact.log2((np.sqrt(1.0 + by_key * by_key) - 1.0) / by_key)
    return slopes[key]


class _Around:
    """The neighbours that Gaussians are predicted from (spec/prediction.md), about as much as each counts there."""

    def __init__(self, header: Header, g: QuantizedGaussians, order: IntArray) -> None:
        """``order`` is the coding order."""
        floats = dequantize(header.quantizer, g.take(order))
        mean, (long, short) = floats.mean.astype(np.float64), floats.scale.T.astype(np.float64) ** 2
        neighbours = core.find_neighbours(*np.maximum(16.0 * mean, 0.0).astype(np.int32).T)
        self._order, self._has, near = order, neighbours >= 0, np.maximum(neighbours, 0)
        sine, cosine = exact.sine_and_cosine(floats.angle)
        covariance = (
            cosine * cosine * long + sine * sine * short,
            cosine * sine * (long - short),
            sine * sine * long + cosine * cosine * short,
        )
        xx, xy, yy = (each[near] + each[:, None] for each in covariance)
        dx, dy = (mean[:, axis, None] - mean[near, axis] for axis in (0, 1))
        distance = 16.0 * (dx * dx * yy - 2.0 * dx * dy * xy + dy * dy * xx) / np.maximum(xx * yy - xy * xy, 1e-9)
        self._near = order[near]
        """(N, 16) in coding order the numbers of their neighbours; of no Gaussian where there are fewer."""
        self._alike = np.where(self._has, 1.0 / (48.0 + np.minimum(distance, 1 << 20)), 0.0)
        self._weight = self._alike * self._alike

    def directed(self, directions: IntArray) -> NDArray[np.int64]:
        """(N,) from which Gaussian the angle of each is predicted, or -1."""
        first = self._has[:, :4] & (directions[self._near[:, :4]] > 1)
        found = np.where(first.any(axis=1), self._near[np.arange(len(first)), first.argmax(axis=1)], -1)
        parents = np.empty(len(found), np.int64)
        parents[self._order] = found
        return parents

    def weigh(self, colour: Doubles, unit: Doubles) -> None:
        """Let chroma follow more those that are like it in a channel before: (N,) colours, and what counts as alike."""
        apart = 16.0 * np.abs(colour[self._near] - colour[self._order][:, None]) / unit[self._order][:, None]
        fall = 256.0 + np.minimum(apart, 1024.0) ** 2
        self._alike = self._alike * 65536.0 / (fall * fall)

    def share(self, chroma: bool) -> Doubles:
        """(N, 16) of each neighbour in a prediction."""
        weight = self._alike if chroma else self._weight
        share: Doubles = weight / np.maximum(np.cumsum(weight, axis=1)[:, -1:], 1e-300)
        return share

    def followers(self, share: Doubles, slope: Doubles, residual: IntArray, step: Doubles) -> dict[int, Doubles]:
        """By a step of a Gaussian, (N,) what it adds to the bits of those that are predicted from it.

        A residual of 0 costs more whichever way its prediction goes.
        """
        near, of = self._near[self._has], np.broadcast_to(self._order[:, None], self._has.shape)[self._has]
        change = share[self._has] * slope[of] * step[near] / step[of]
        sign, zero = np.sign(residual)[of], residual[of] == 0
        down, up = (np.bincount(near, change * (zero - each * sign), len(step)) for each in (-1, 1))
        return {-1: down.astype(np.float64), 1: up.astype(np.float64)}
