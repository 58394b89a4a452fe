"""Refinement of latents for one picture: rate and distortion together, by coordinate descent (spec/latent.md, core/fit/refine.h)."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from splatc.bitstream import latent_network, latents
from splatc.bitstream.latent_layout import CELL, COARSE, COARSE_LEVEL, FINE, FINE_LEVEL, LOW, scale_of
from splatc.core.pool import threads
from splatc.core.refine import BLOCK, COARSE_KERNEL, FINE_KERNEL, Refiner
from splatc.gaussians import FloatArray
from splatc.image.image import Image

COLOURS = 1024.0
"""Steps of a colour from black to white."""
GAIN_BITS = 12
LEAST_STEP = 16.0
"""Of q = 0; q + 32 is twice as much."""
TRADE = 4.5
"""What the square of a step is worth in bits, at first: what keeps the size of one pass, about."""
POWER = 3.0
"""Of target over bits, by which the trade is multiplied at first; bits grow as its power of 0.2, but late."""
AIMED, CLOSE, ENOUGH = 0.997, 0.993, 0.98
"""Of the bits that there are: what is looked for, what ends the search, and what will do."""
FINISHING = 6
"""Sweeps at the end, at most, until the bits are right."""


def refiner_of(image: Image, network: NDArray[np.uint8], costs: FloatArray, q: int) -> Refiner:
    """For one step of the latents."""
    kernels = np.concatenate([kernel_of(COARSE).ravel(), kernel_of(FINE).ravel()])
    fields = latent_network.fields(network)
    step = math.floor(2.0 ** (15 + q % 32 / 32) + 0.5) << q // 32
    gains = (step * fields["gains"].astype(np.int64) + (1 << 15) >> 16).astype(np.float32) / (1 << GAIN_BITS)
    return Refiner(network, np.ascontiguousarray(image.pixels), costs, kernels, _products(network.tobytes()), gains, q)


def kernel_of(side: int) -> FloatArray:
    """Weights of a Gaussian of the grid of so many a side of a cell, at the pixels around its middle."""
    size, level = (COARSE_KERNEL, COARSE_LEVEL) if side == COARSE else (FINE_KERNEL, FINE_LEVEL)
    places = np.arange(size) + 0.5 - size / 2
    exponent = (places[:, None] ** 2 + places**2) / scale_of(level) ** 2 / 2
    found: FloatArray = np.maximum(0.0, np.exp(-exponent) - math.exp(-6.125)).astype(np.float32)
    return found


@functools.lru_cache(1)
def _products(data: bytes) -> FloatArray:
    """(2, 2, 64 x 64 + 16 x 16) by whether a cell is busy, and those around it: see ``core_refinement``."""
    network = latent_network.fields(np.frombuffer(data, np.uint8))
    found = []
    for own, near in product((0, 1), (0, 1)):
        busy = np.full((5, 5), near, np.float32)
        busy[2, 2] = own
        weight = _spread(np.ones((1, 5 * COARSE, 5 * COARSE), np.float32), COARSE)[:, 16:-16, 16:-16]
        weight = weight + _spread(busy.repeat(FINE, 0).repeat(FINE, 1)[None], FINE)[:, 13:-13, 13:-13]
        shown = busy[1:4, 1:4].repeat(FINE, 0).repeat(FINE, 1)
        for kind in ("luma", "chroma"):
            drawn = np.pad(_spread(_colours(network[f"fine_{kind}"], FINE) * shown, FINE), ((0, 0), (3, 3), (3, 3)))
            drawn[:LOW] += _spread(_colours(network[f"coarse_{kind}"], COARSE), COARSE)
            flat = (drawn / weight).reshape(len(drawn), -1) / np.float32(COLOURS)
            found.append((flat @ flat.T).ravel())
    return np.concatenate(found)


def _colours(weights: NDArray[np.int8], side: int) -> FloatArray:
    """(K, 3 side, 3 side) what a latent says of the Gaussians of the 3 x 3 cells around it."""
    turned = weights[:, ::-1].reshape(-1, 3, 3, side, side)  # cell 0 of a cell is that for which it is cell 8
    found: FloatArray = turned.transpose(0, 1, 3, 2, 4).reshape(-1, 3 * side, 3 * side).astype(np.float32)
    return found


def _spread(colours: FloatArray, side: int) -> FloatArray:
    """(K, H, W) sums of weights times colours (K, h, w) of a grid."""
    kernel, pitch = kernel_of(side), CELL // side
    height, width = (extent * pitch for extent in colours.shape[1:])
    extra = len(kernel) - pitch
    found = np.zeros((len(colours), height + extra, width + extra), np.float32)
    for y, x in product(range(len(kernel)), repeat=2):
        found[:, y : y + height : pitch, x : x + width : pitch] += kernel[y, x] * colours
    return found


@dataclass(frozen=True)
class Limits:
    """How long refinement may go on."""

    sweeps: int
    """Through all cells; some more where they do not end at a size that fits."""
    end: float = math.inf
    """``time.monotonic()`` after which no sweep begins."""
    report: Callable[[int, int], object] = lambda step, steps: None
    """Called with sweeps done and sweeps in all, after each block of cells; what it raises ends the work."""


@dataclass
class Refinement:
    """Latents of a picture on their way to a number of bits with as little error as can be."""

    refiner: Refiner
    whole: latents.LatentArray
    """(C, rows, columns)"""
    bits_of: Callable[[latents.LatentArray], float]

    def refined(self, spare: float, limits: Limits) -> latents.LatentArray:
        """The best found that take at most ``spare`` bits; those that there were first, where none are better."""
        before, bits = self.whole.copy(), self.bits_of(self.whole)
        best, least, enough = before, self.error(), min(ENOUGH * spare, bits)
        used, trade, power, last = 0.0, TRADE, POWER, 0.0
        for number in range(limits.sweeps + FINISHING):
            wanted = CLOSE * spare if number < limits.sweeps + 2 else 1.0
            if time.monotonic() > limits.end or (number >= limits.sweeps and used >= wanted):
                break
            self.sweep(trade, functools.partial(limits.report, min(number, limits.sweeps), limits.sweeps))
            bits = self.bits_of(self.whole)
            if enough <= bits <= spare:
                error = self.error()
                if error < least:
                    best, least, used = self.whole.copy(), error, bits
            away = math.log(AIMED * spare / bits)
            power = (
                2.0 * power if away * last > 0.0 else POWER
            )  # latents stay where they are until it has changed enough
            trade, last = trade * min(max(math.exp(power * away), 0.5), 2.0), away
        return best

    def sweep(self, trade: float, report: Callable[[], object] = lambda: None) -> None:
        """Goes once through all cells; ``trade`` is what the square of a step is worth in bits. ``report`` is called after each block."""
        step = LEAST_STEP * 2.0 ** (self.refiner.q / 32.0)
        self._through(trade / step**2 * 3.0 * (255.0 / COLOURS) ** 2, report)

    def error(self) -> float:
        """Squared differences of the coded channels, in steps of a colour."""
        return self._through(None, lambda: None)

    def _through(self, worth: float | None, report: Callable[[], object]) -> float:
        """Blocks side by side of which none are neighbours: so the threads change nothing."""
        rows, columns = self.whole.shape[1:]
        total = 0.0

        def each(place: tuple[int, int]) -> float:
            return self.refiner.refine(self.whole, *place, worth)

        with ThreadPoolExecutor(threads()) as pool:
            try:
                for y, x in product((0, BLOCK), repeat=2):
                    for error in pool.map(each, product(range(y, rows, 2 * BLOCK), range(x, columns, 2 * BLOCK))):
                        total += error
                        report()
            except BaseException:
                pool.shutdown(cancel_futures=True)  # of a large picture there may be thousands
                raise
        return total
