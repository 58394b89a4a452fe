"""Gradient-colour variational sampling: more Gaussians where the picture has more detail (SmartSplat, section 3).

A pixel's weight is w = 0.9 g + 0.1 v, where g is the magnitude of its Sobel gradient and v the variance of the colours in the 5x5
pixels around it, each divided by its maximum over the whole picture. Pixels are drawn without replacement with probability in
proportion to w. The picture is worked through in tiles that read their neighbours across their borders, so memory does not
grow with it, and each tile gets the share of the samples that its weight is of the whole: an empty tile gets next to none.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from splatc.core.seeds import Tile, draw_pixels, sum_features
from splatc.gaussians import FloatArray

TILE = 1024
"""Side of a tile, px."""
GRADIENT_SHARE = 0.9
"""Of the weight; the rest is the variance's."""
FLOOR = 1e-6
"""Added to every weight when pixels are drawn: a constant picture is sampled evenly."""


def variational_sample(image: FloatArray, count: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Draw ``count`` different pixels of a picture (H, W, C) in [0, 1], count <= H W.

    Returns:
        The centres of the pixels, (count, 2) x and y in px, and their weights w, (count,) in [0, 1].
    """
    image = np.ascontiguousarray(image, np.float32)
    height, width, _ = image.shape
    tiles = [
        Tile(y, min(y + TILE, height), x, min(x + TILE, width))
        for y in range(0, height, TILE)
        for x in range(0, width, TILE)
    ]
    # One row per tile: sum and maximum of g, sum and maximum of v. The weight is linear in both, so nothing else must be kept.
    statistics = np.array([_statistics(image, tile) for tile in tiles])
    gradient_share = _share_of_maximum(GRADIENT_SHARE, statistics[:, 1].max())
    variance_share = _share_of_maximum(1.0 - GRADIENT_SHARE, statistics[:, 3].max())
    area = np.array([tile.height * tile.width for tile in tiles])
    total = gradient_share * statistics[:, 0] + variance_share * statistics[:, 2] + FLOOR * area
    seed = int(rng.integers(2**64, dtype=np.uint64))

    mean, weight = [np.empty((0, 2), np.float32)], [np.empty(0, np.float32)]
    for tile, samples in zip(tiles, apportion(count, total, area).tolist(), strict=True):
        if samples == 0:
            continue
        chosen, weights = draw_pixels(image, tile, (gradient_share, variance_share), FLOOR, samples, seed)
        y, x = np.divmod(chosen, tile.width)
        mean.append(np.stack([x + tile.x0 + 0.5, y + tile.y0 + 0.5], axis=1).astype(np.float32))
        weight.append(weights)
    return np.concatenate(mean), np.concatenate(weight)


def apportion(count: int, weight: NDArray[np.float64], capacity: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) whole shares of ``count`` in proportion to the weights > 0, by largest remainder, none above its capacity.

    What a full one cannot take goes to the others in proportion; count <= capacity.sum().
    """
    full = np.zeros(len(weight), np.bool_)
    while True:
        rest = count - capacity[full].sum()
        quota = np.where(full, capacity, rest * (weight / max(math.fsum(weight[~full]), np.finfo(np.float64).tiny)))
        over = ~full & (quota > capacity)
        if not over.any():
            break
        full |= over
    shares = np.floor(quota).astype(np.int64)
    largest = np.argsort(shares - quota, kind="stable")
    shares[largest[: count - shares.sum()]] += 1
    return shares


def _share_of_maximum(share: float, maximum: float) -> float:
    return share / maximum if maximum > 0.0 else 0.0


def _statistics(image: FloatArray, tile: Tile) -> tuple[float, float, float, float]:
    """Sum and maximum of the gradient, sum and maximum of the variance; sums of exact order, whatever the processor."""
    bands = sum_features(image, tile)  # (bands, 4)
    return math.fsum(bands[:, 0]), float(bands[:, 1].max()), math.fsum(bands[:, 2]), float(bands[:, 3].max())
