"""The structure of the latent codec: what a latent is, in which order latents are coded, where the Gaussians lie (spec/latent.md).

The picture is divided into cells of 16 x 16 px. Each has 64 latents of luma and 16 of either chroma, about what a discrete cosine transform
of the cell would give at low frequencies. A decoder's network makes the colours of Gaussians of them, which lie on two fixed grids.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from splatc.gaussians import FloatArray

CELL = 16
"""px a side."""
COARSE, FINE = 4, 8
"""Gaussians a side of a cell, on the grid of 4 px, which all cells have, and on that of 2 px, which busy cells have as well."""
COARSE_LEVEL, FINE_LEVEL = 2, 1
LOG_SCALES = 2
"""Bins per octave of the log scale: the Gaussians have the first one of their level."""
LUMA, CHROMA = FINE * FINE, COARSE * COARSE
LATENTS = LUMA + 2 * CHROMA
"""Of a cell of a picture in colour; a gray one has LUMA."""
LOW = CHROMA
"""Latents of luma that say what the grid of 4 px shows; those after them are for the grid of 2 px."""
LARGEST_IN_MEAN, LARGEST_IN_SCALE = 1023, 8
"""To which a latent is clamped where others are predicted from it."""
WINDOW = 48
"""px a side of what the analysis of a cell looks at: the cells around it, as far as its Gaussians reach."""
MARGIN = (WINDOW - CELL) // 2


def frequencies(side: int) -> list[tuple[int, int]]:
    """Pairs (vertical, horizontal) below ``side``, the lowest first."""
    pairs = [(u, v) for u in range(side) for v in range(side)]
    return sorted(pairs, key=lambda pair: (sum(pair), abs(pair[0] - pair[1]), pair[0]))


def luma_frequencies() -> list[tuple[int, int]]:
    """(LUMA,) of the latents of luma, in their order: first those that the grid of 4 px can show."""
    pairs = frequencies(FINE)
    return [pair for pair in pairs if max(pair) < COARSE] + [pair for pair in pairs if max(pair) >= COARSE]


def cosines(side: int, count: int) -> FloatArray:
    """(count, side) the lowest basis functions of the orthonormal discrete cosine transform."""
    angles = np.pi / side * np.arange(count)[:, None] * (np.arange(side) + 0.5)
    basis = math.sqrt(2.0 / side) * np.cos(angles)
    basis[0] *= math.sqrt(0.5)
    return basis.astype(np.float32)


def scale_of(level: int) -> float:
    """Standard deviation of the round Gaussians of a level, px (spec/quantization.md)."""
    return float(2.0 ** (level - 1 + 0.5 / LOG_SCALES))


def predicted() -> NDArray[np.bool_]:
    """(LATENTS,) which latents have a mean that follows from others; that of the higher ones of luma is 0."""
    channels = np.arange(LATENTS)
    return (channels < LOW) | (channels >= LUMA)


def causal_mask() -> NDArray[np.bool_]:
    """(LATENTS, LATENTS, 3, 3) which latents of the 3 x 3 cells around its own are known when a latent is coded.

    Latents are coded channel after channel, in each by rows: known are all of the channels before it, and of its own those
    in the row above and to the left.
    """
    mask = np.zeros((LATENTS, LATENTS, 3, 3), np.bool_)
    for channel in range(LATENTS):
        mask[channel, :channel] = True
        mask[channel, channel, 0, :] = mask[channel, channel, 1, 0] = True
    return mask
