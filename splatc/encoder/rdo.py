"""Rate-distortion optimization: after the fit each integer may move by one step, or its Gaussian go, where that lowers D + lambda R.

Rounding attribute by attribute lets what is still free compensate for what is final, never the other way round: when the last colours
are rounded, positions and shapes stay that were best for others. D is measured on the pixels as the other Gaussians are at that moment, R
is estimated (prices.py); a round counts only if it pays by the bytes of a real file.

Source:
    Sullivan and Wiegand, "Rate-distortion optimization for video compression", IEEE Signal Processing Magazine 15 (1998).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from splatc.attributes import MAX_LEVELS
from splatc.bitstream import Header
from splatc.core import exact, rdo
from splatc.encoder.prices import Doubles, Prices, uniform
from splatc.fit.rate import EXPONENT
from splatc.gaussians import EPSILON, FloatArray
from splatc.image.image import Samples
from splatc.quantize import (
    MAX_ASPECT,
    IntArray,
    QuantizedGaussians,
    angle_count_table,
    dequantize,
    empty_gaussians,
    joined,
    offset_count_table,
)
from splatc.steps import grid_shape

MOST_PIXELS, MOST_GAUSSIANS = 4_000_000, 30_000
"""Of what is optimized: sums and targets of all pixels lie in memory at a time, and all is done by one thread."""
ROUNDS = 5
"""Later ones bring less than 0.005 dB (tools/README.md)."""
STEERING, WEIGHTS = 30.0, (0.05, 1.6)
"""The weight of the rate changes with the bytes over the target to this power, within bounds: what is saved beyond the target is lost, as
nothing can fill it, and what is too much is trimmed at a worse price."""
USED = 0.985
"""Of the target: what takes less, and less than the fit took, is not kept."""
PAYS = 0.998
"""Of the error that the fit ends with, what must not be left at equal bytes: the trim costs one or the other a little more."""
LARGEST_COLOUR = 32767


def optimized(
    header: Header,
    pixels: Samples,
    gaussians: QuantizedGaussians,
    target: int,
    measure: Callable[[QuantizedGaussians], int],
    seed: int,
    until: float | None = None,
) -> tuple[QuantizedGaussians, FloatArray]:
    """Optimize the integers of a picture (H, W, C) in the normalized blend.

    Args:
        header: of the file.
        pixels: what the Gaussians should show.
        gaussians: N of them, one or more.
        target: bytes.
        measure: the bytes of a file with such Gaussians.
        seed: of the order in which they choose.
        until: a time (time.monotonic) after which no round begins.

    Returns:
        N or fewer Gaussians, and what the squared error rises by without each.
    """
    rng = np.random.default_rng(seed)
    overhead = measure(empty_gaussians(header.channels))
    ground = np.float32(EPSILON) * (np.array([*header.background, 255], np.float32) / np.float32(255))
    canvas = rdo.Canvas(pixels, ground)
    size = measure(gaussians)
    weight, least, smallest, position = 1.0, math.inf, min(size, int(USED * target)), 0.0
    for number in range(ROUNDS + 1):
        choices = Choices(header, gaussians)
        weight = min(max(weight * _power(size / target, STEERING), WEIGHTS[0]), WEIGHTS[1] if number else 1.0)
        error, bits = canvas.draw(choices.floats), 8.0 * (size - overhead)
        value = error * _power(max((size - overhead) / (target - overhead), 1.0), EXPONENT)
        if value < least and size >= smallest:
            least, kept, best = value, gaussians, choices.floats
            least *= PAYS if number == 0 else 1.0
        if number == ROUNDS or error <= 0.0 or (until is not None and time.monotonic() > until):
            break
        if number == 0:  # what is not estimated are the positions
            position = (bits - float(np.cumsum(choices.bits)[-1])) / len(gaussians)
        each = choices.bits + position
        if size > target:
            choices.valid[-1] = _cheapest(_costs(canvas, choices.floats), each, 8.0 * (size - target))
        change = np.concatenate([choices.change[:-1], -each[None]])
        price = np.where(choices.valid, (weight * EXPONENT * error / bits) * change, rdo.NEVER)
        chosen, _ = canvas.choose(choices.floats, price, rng.permutation(len(gaussians)).astype(np.int32))
        if not chosen.any() or (chosen == len(price) - 1).all():
            break
        gaussians = choices.taken(chosen)
        size = measure(gaussians)
    canvas.draw(best)
    return kept, _costs(canvas, best)


def _power(base: float, exponent: float) -> float:
    """The same bits on every processor."""
    return float(exact.exp2(exponent * exact.log2(np.array([base])))[0])


def _cheapest(cost: FloatArray, bits: Doubles, excess: float) -> NDArray[np.bool_]:
    """(N,) the Gaussians that cost least for their bits, so many that these are the ``excess``."""
    order = np.argsort(cost / bits, kind="stable")
    cheapest = np.zeros(len(cost), bool)
    cheapest[order[np.cumsum(bits[order]) <= excess]] = True
    return cheapest


def _costs(canvas: rdo.Canvas, floats: FloatArray) -> FloatArray:
    """(N,) what the squared error rises by without each of the Gaussians that are drawn."""
    ends = np.ascontiguousarray(floats[[0, -1]])
    order = np.arange(ends.shape[1], dtype=np.int32)
    _, cost = canvas.choose(ends, np.full(ends.shape[:2], rdo.NEVER), order)
    return cost.astype(np.float32)


class Choices:
    """What each of N Gaussians might become: itself, or with one integer a step lower or higher, or nothing."""

    change: Doubles
    """(K, N) bits, against the first."""
    valid: NDArray[np.bool_]
    """(K, N) whether it can be had; the last never."""
    floats: FloatArray
    """(K, N, 5 + C) as core_rdo has them."""
    bits: Doubles
    """(N,) of each Gaussian, but for its position."""

    def __init__(self, header: Header, g: QuantizedGaussians) -> None:
        self._g, self._quantizer = g, header.quantizer
        self._parts: list[QuantizedGaussians] = []
        self._valid: list[NDArray[np.bool_]] = []
        self._change: list[Doubles] = []
        self._directions, self._offsets = angle_count_table(self._quantizer), offset_count_table(self._quantizer)
        self._prices = Prices(header, g)
        self._add({}, np.ones(len(g), bool), np.zeros(len(g)))
        for step in (-1, 1):
            self._move(header, step)
            self._rescale(step)
            self._stretch(step)
            self._turn(step)
            self._recolour(step)
        self._add({}, np.zeros(len(g), bool), np.zeros(len(g)))
        self.bits = self._prices.whole() + uniform(self._offsets[g.aspect])
        self.change, self.valid = np.stack(self._change), np.stack(self._valid)
        self.floats = self._drawn()

    def taken(self, chosen: IntArray) -> QuantizedGaussians:
        """The Gaussians after each has chosen (N,)."""
        return joined([part.take(np.flatnonzero(chosen == k)) for k, part in enumerate(self._parts[:-1])])

    def _drawn(self) -> FloatArray:
        floats = dequantize(self._quantizer, joined(self._parts))
        rows = np.concatenate([floats.mean, floats.scale, floats.angle[:, None], floats.colour], axis=1)
        result = rows.reshape(len(self._parts), len(self._g), -1)
        result[-1, :, 2] = 0.0  # no Gaussian
        return np.ascontiguousarray(result, np.float32)

    def _add(self, changed: dict[str, IntArray], valid: NDArray[np.bool_], change: Doubles) -> None:
        arrays = {}
        for name, array in vars(self._g).items():
            mask = valid if array.ndim == 1 else valid[:, None]
            arrays[name] = np.where(mask, changed[name], array).astype(np.int32) if name in changed else array
        self._parts.append(QuantizedGaussians(**arrays))
        self._valid.append(valid)
        self._change.append(change)

    def _move(self, header: Header, step: int) -> None:
        g, free = self._g, np.zeros(len(self._g))
        steps = [self._quantizer.position_step(level) for level in range(MAX_LEVELS)]
        grid = np.array([grid_shape(header.width, header.height, each) for each in steps])[g.level]
        for name, value, count in (
            ("x", g.x + step, grid[:, 0]),
            ("y", g.y + step, grid[:, 1]),
            ("offset", g.offset + step, self._offsets[g.aspect]),
        ):
            self._add({name: value}, (value >= 0) & (value < count), free)

    def _rescale(self, step: int) -> None:
        value = self._g.log_scale + step
        change = self._prices.scale(value) - self._prices.scale(self._g.log_scale)
        self._add({"log_scale": value}, (value >= 0) & (value < self._quantizer.log_scales), change)

    def _stretch(self, step: int) -> None:
        """Another aspect ratio, with the direction and the sub-cell offset that are nearest to what they were."""
        g, prices = self._g, self._prices
        aspect = np.clip(g.aspect + step, 0, MAX_ASPECT).astype(np.int32)
        (m, f), (m2, f2) = ((np.maximum(self._directions[g.level, a], 1), self._offsets[a]) for a in (g.aspect, aspect))
        angle, predicted = (_scaled(each, m, m2) % m2 for each in (g.angle, (g.angle - prices.angles) % m))
        offset = np.minimum((2 * g.offset + 1) * f2 // (2 * f), f2 - 1)
        change = prices.aspect(aspect) - prices.aspect(g.aspect) + uniform(f2) - uniform(f)
        change += prices.angle((angle - predicted) % m2, m2) - prices.angle(prices.angles, m)
        self._add({"aspect": aspect, "angle": angle, "offset": offset}, aspect != g.aspect, change)

    def _turn(self, step: int) -> None:
        """The next direction; beyond the last one the same line lies on the other side of the cell."""
        g, prices = self._g, self._prices
        m, f = np.maximum(self._directions[g.level, g.aspect], 1), self._offsets[g.aspect]
        around = (g.angle + step < 0) | (g.angle + step >= m)
        turned = {"angle": (g.angle + step) % m, "offset": np.where(around, f - 1 - g.offset, g.offset)}
        self._add(turned, m > 1, prices.turned(step))

    def _recolour(self, step: int) -> None:
        for channel in range(self._g.colour.shape[1]):
            colour = self._g.colour.copy()
            colour[:, channel] += step
            valid = np.abs(colour[:, channel]) <= LARGEST_COLOUR
            self._add({"colour": colour}, valid, self._prices.colour(channel, step))


def _scaled(index: IntArray, before: IntArray, after: IntArray) -> IntArray:
    """(N,) the nearest of ``after`` directions to one of ``before``."""
    nearest: IntArray = (2 * index * after + before) // (2 * before)
    return nearest
