"""Gradient-colour variational sampling: more Gaussians where the picture has more to say (SmartSplat, section 3).

A pixel's weight is w = 0.9 g + 0.1 v, where g is the magnitude of its Sobel gradient and v the variance of the colours in the 5x5
pixels around it, each divided by its maximum over the whole picture. Pixels are drawn without replacement with probability in
proportion to w. The picture is worked through in tiles that read their neighbours across their borders, so memory does not
grow with it, and each tile gets the share of the samples that its weight is of the whole: an empty tile gets next to none.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from splatc.gaussians import FloatArray

TILE = 1024
"""Side of a tile, px."""
GRADIENT_SHARE = 0.9
"""Of the weight; the rest is the variance's."""
FLOOR = 1e-6
"""Added to every weight when pixels are drawn: a constant picture is sampled evenly."""


class Tile(NamedTuple):
    """The pixels x0 <= x < x1, y0 <= y < y1."""

    y0: int
    y1: int
    x0: int
    x1: int


def variational_sample(image: FloatArray, count: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Draw ``count`` different pixels of a picture (H, W, C), count <= H W.

    Returns:
        The centres of the pixels, (count, 2) x and y in px, and their weights w, (count,) in [0, 1].
    """
    height, width, _ = image.shape
    tiles = [
        Tile(y, min(y + TILE, height), x, min(x + TILE, width))
        for y in range(0, height, TILE)
        for x in range(0, width, TILE)
    ]
    # One row per tile: sum and maximum of g, sum and maximum of v. The weight is linear in both, so nothing else must be kept.
    statistics = np.array([_statistics(image, tile) for tile in tiles])
    gradient_scale = _share_of_maximum(GRADIENT_SHARE, statistics[:, 1].max())
    variance_scale = _share_of_maximum(1.0 - GRADIENT_SHARE, statistics[:, 3].max())
    area = np.array([(tile.y1 - tile.y0) * (tile.x1 - tile.x0) for tile in tiles])
    total = gradient_scale * statistics[:, 0] + variance_scale * statistics[:, 2] + FLOOR * area

    mean, weight = [np.empty((0, 2), np.float32)], [np.empty(0, np.float32)]
    for tile, samples in zip(tiles, apportion(count, total, area).tolist(), strict=True):
        if samples == 0:
            continue
        gradient, variance = _features(image, *tile)
        weights = np.float32(gradient_scale) * gradient + np.float32(variance_scale) * variance
        chosen = _draw(weights.ravel(), samples, rng)
        y, x = np.divmod(chosen, tile.x1 - tile.x0)
        mean.append(np.stack([x + tile.x0 + 0.5, y + tile.y0 + 0.5], axis=1).astype(np.float32))
        weight.append(weights.ravel()[chosen])
    return np.concatenate(mean), np.concatenate(weight)


def apportion(count: int, weight: NDArray[np.float64], capacity: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) whole shares of ``count`` in proportion to the weights > 0, by largest remainder, none above its capacity.

    What a full one cannot take goes to the others in proportion; count <= capacity.sum().
    """
    full = np.zeros(len(weight), np.bool_)
    while True:
        rest = count - capacity[full].sum()
        quota = np.where(full, capacity, rest * (weight / max(weight[~full].sum(), np.finfo(np.float64).tiny)))
        over = ~full & (quota > capacity)
        if not over.any():
            break
        full |= over
    shares = np.floor(quota).astype(np.int64)
    largest = np.argsort(shares - quota, kind="stable")
    shares[largest[: count - shares.sum()]] += 1
    return shares


def _draw(weight: FloatArray, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(count,) different indices, ascending, drawn one after the other with probability in proportion to weight + FLOOR.

    The smallest of exponential variates with these rates is such a draw (Efraimidis and Spirakis, "Weighted random sampling with a
    reservoir", 2006).
    """
    arrival = rng.standard_exponential(len(weight), np.float32) / (weight + np.float32(FLOOR))
    return np.sort(np.argpartition(arrival, count - 1)[:count])


def _share_of_maximum(share: float, maximum: float) -> float:
    return share / maximum if maximum > 0.0 else 0.0


def _statistics(image: FloatArray, tile: Tile) -> tuple[float, float, float, float]:
    gradient, variance = _features(image, *tile)
    return (
        float(gradient.sum(dtype=np.float64)),
        float(gradient.max()),
        float(variance.sum(dtype=np.float64)),
        float(variance.max()),
    )


@njit(parallel=True, cache=True)
def _features(image: FloatArray, y0: int, y1: int, x0: int, x1: int) -> tuple[FloatArray, FloatArray]:
    """(y1 - y0, x1 - x0) gradient magnitude over all channels, and variance summed over them; borders replicate the edge.

    In float64 and without fused operations both are exactly zero where the picture is constant: float32 has 24 bits, and every
    sum below of 25 equal values, or of their squares, fits into 53.
    """
    height, width, channels = image.shape
    columns = x1 - x0
    gradient = np.empty((y1 - y0, columns), np.float32)
    variance = np.empty((y1 - y0, columns), np.float32)
    for row in prange(y1 - y0):
        y = y0 + row
        # Sums over the rows around y, two columns wider than the tile on each side.
        values, squares = np.empty(columns + 4), np.empty(columns + 4)
        smooth, difference = np.empty(columns + 4), np.empty(columns + 4)
        slope, spread = np.zeros(columns), np.zeros(columns)
        for channel in range(channels):
            for i in range(columns + 4):
                x = min(max(x0 + i - 2, 0), width - 1)
                far_above = np.float64(image[max(y - 2, 0), x, channel])
                above = np.float64(image[max(y - 1, 0), x, channel])
                here = np.float64(image[y, x, channel])
                below = np.float64(image[min(y + 1, height - 1), x, channel])
                far_below = np.float64(image[min(y + 2, height - 1), x, channel])
                values[i] = far_above + above + here + below + far_below
                squares[i] = far_above**2 + above**2 + here**2 + below**2 + far_below**2
                smooth[i] = above + 2.0 * here + below
                difference[i] = below - above
            for i in range(columns):
                across = smooth[i + 3] - smooth[i + 1]
                down = difference[i + 1] + 2.0 * difference[i + 2] + difference[i + 3]
                slope[i] += across**2 + down**2
                total, total_squares = 0.0, 0.0
                for k in range(5):
                    total += values[i + k]
                    total_squares += squares[i + k]
                spread[i] += max(0.0, 25.0 * total_squares - total**2) / 625.0
        for i in range(columns):
            gradient[row, i] = math.sqrt(slope[i])
            variance[row, i] = spread[i]
    return gradient, variance
