"""How long the work must take at least on a GPU: its bytes over the memory's speed, its instructions over the processors'."""

from __future__ import annotations

import math
from dataclasses import dataclass

from splatc.gaussians import Q_MAX, Gaussians, Scene


@dataclass(frozen=True)
class PeakRates:
    """What a GPU can do; by default an NVIDIA H200."""

    multiprocessors: int = 132
    clock: float = 1.755e9
    """Hz, while it computes."""
    bandwidth: float = 4.3e12
    """Bytes a second that a copy reaches."""

    def arithmetic(self, instructions: float) -> float:
        """Seconds for so many instructions of single lanes: four warps of 32 a clock on each multiprocessor."""
        return instructions / (self.multiprocessors * 4 * 32 * self.clock)

    def memory(self, size: float) -> float:
        """Seconds for so many bytes."""
        return size / self.bandwidth


@dataclass(frozen=True)
class Floor:
    """The least of a piece of work."""

    pairs: float
    """Pairs of a Gaussian and a sample within its ellipse."""
    instructions: float
    """Of single lanes."""
    bytes: float

    def seconds(self, peaks: PeakRates) -> float:
        """Arithmetic and memory overlap at best."""
        return max(peaks.arithmetic(self.instructions), peaks.memory(self.bytes))


def pairs(gaussians: Gaussians, reduction: int = 1) -> float:
    """Samples in all ellipses, each counted whole, also where it leaves the picture."""
    return float((math.pi * Q_MAX / reduction**2 * gaussians.scale.prod(axis=1, dtype="float64")).sum())


def decoding(scene: Scene) -> Floor:
    """8-bit samples of the whole picture into the GPU's memory, its Gaussians there already.

    A pair takes 6 instructions for u and v of one row from those of the row above, the square and its exponential, 2 for the cut-off,
    and one for each plane.
    """
    inside = pairs(scene.gaussians)
    return Floor(inside, inside * (8 + scene.channels + 1), scene.width * scene.height * scene.channels)


def step(gaussians: Gaussians, width: int, height: int, channels: int, reduction: int) -> Floor:
    """One step of a fit, normalized blend: forward as `decoding`, then gathered, and the Gaussians moved.

    The gather takes 8 instructions for the weight, 2 for each plane, 8 for the moments. Samples are read once, in sectors of 32 bytes where
    pixels are passed over; the gradient's planes are written and read once; a Gaussian's numbers go to and fro three times.
    """
    inside, planes = pairs(gaussians, reduction), channels + 1
    samples = width * height / reduction**2
    read = samples * min(max(32.0, channels), channels * reduction)
    numbers = len(gaussians) * 4 * (3 * 2 * (5 + channels) + 3 * 16)
    return Floor(inside, inside * (8 + planes + 8 + 2 * planes + 8), read + samples * planes * 8 + numbers)
