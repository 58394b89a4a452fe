"""The oracle of ``core_expect_latents``: mean and table of latents that are all known, as matrix products (spec/latent.md)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatc.bitstream.latent_layout import LARGEST_IN_MEAN, LARGEST_IN_SCALE, LATENTS, predicted
from splatc.bitstream.latent_network import AROUND

Latents = NDArray[np.int32]
"""(C, rows, columns)"""


def expected(network: np.void, latents: Latents, q: int) -> tuple[Latents, NDArray[np.uint8]]:
    """The mean of each latent of a tile, and the number of the table with which its residual is coded."""
    channels = len(latents)
    node, part = divmod(q, 16)
    bias = network["bias"].astype(np.int32)
    first = ((16 - part) * bias[node] + part * bias[node + 1] + 8) >> 4
    size = np.abs(latents)
    features = np.concatenate([np.minimum(size, LARGEST_IN_SCALE), np.minimum(size, 1)]).astype(np.float32)
    weights = np.concatenate([network["scale"][:channels], network["any"][:channels]])[:, :, :channels]
    raw = first[:channels, None, None] + _around(features, weights.astype(np.float32))
    clamped = np.clip(latents, -LARGEST_IN_MEAN, LARGEST_IN_MEAN).astype(np.float64)
    means = np.zeros((LATENTS, *latents.shape[1:]), np.int32)
    means[predicted()] = (_around(clamped, network["mean"][:channels].astype(np.float64)) + 64) >> 7
    tables = np.searchsorted(network["thresholds"], raw.ravel(), side="right").astype(np.uint8)
    return means[:channels], tables.reshape(latents.shape)


def _around(values: NDArray[Any], weights: NDArray[Any]) -> Latents:
    """(K, rows, columns) sums over the sources d and the cells j around of weights (D, 9, K) times values (D, rows, columns).

    Whole numbers whose sums the floats hold exactly, in whatever order.
    """
    _, rows, columns = values.shape
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    total = np.zeros((weights.shape[2], rows * columns), values.dtype)
    for j in range(AROUND):
        near = padded[:, j // 3 : j // 3 + rows, j % 3 : j % 3 + columns].reshape(len(values), -1)
        total += weights[:, j].T @ near
    return total.astype(np.int32).reshape(-1, rows, columns)
