"""Which Gaussians a fit keeps: those without which the squared error would rise most, or the loss of `--tune ssim`.

Without a Gaussian of weight w and colour c a pixel drawn as o of total weight W becomes o + m (o - c), m = w / (W - w), in the normalized
blend, and o - w c in the other. What its squared error rises by is exact. A loss L that compares neighbourhoods rises, to second order, by
the sum over the pixels of G d + k d^2, d the change, G the gradient of L by the pixel, and k its curvature there (core/fit/loss.h).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from splatc.core import exact
from splatc.fit.subset import Samples, Subset
from splatc.fit.table import ANGLE, LOG_ASPECT, LOG_SCALE, MEAN, Table
from splatc.gaussians import Q_MAX, FloatArray

SUBSETS = 4
"""Polyphase subsets on which the cost of pruning a Gaussian is measured, at most."""


def highest_costs(cost: FloatArray, count: int, redundant: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """The ascending numbers of the ``count`` Gaussians of highest pruning cost (N,), without the ``redundant`` ones (N,); at least one."""
    kept = np.sort(np.argsort(-cost, kind="stable")[:count])
    if redundant is not None:
        needed = kept[~redundant[kept]]
        kept = needed if len(needed) else kept[:1]
    return kept


def redundant_ones(
    table: Table, cost: FloatArray, pixels: Samples, where: Subset, background: FloatArray
) -> NDArray[np.bool_]:
    """(N,) the Gaussians that only repeat the background: nothing else lies in their box, and pruning them costs nothing.

    Flat parts of a picture are full of them, as pruning removes first those without which the error would fall. ``pixels`` (H, W, C),
    ``background`` (C,) in [0, 1].
    """
    return (cost <= 0.0) & _on_background(table.values, where.pick(pixels), where, background)


def _on_background(values: FloatArray, samples: Samples, where: Subset, background: FloatArray) -> NDArray[np.bool_]:
    """(N,) whether the box of a Gaussian holds samples of the background colour alone.

    The box is a sample wider on each side, as other pixels lie between those of a subset.
    """
    colour = np.rint(background.astype(np.float64) * np.iinfo(samples.dtype).max).astype(samples.dtype)
    sums = np.zeros((where.height + 1, where.width + 1), np.int32)  # of all above and to the left
    sums[1:, 1:] = (samples != colour).any(axis=2).cumsum(axis=0, dtype=np.int32).cumsum(axis=1)
    edges = []
    for centre, extent, origin, side in zip(
        values[MEAN], _extents(values), where.origin, (where.width, where.height), strict=True
    ):
        middle, half = (centre - origin) / where.reduction - 0.5, extent / where.reduction + 1.0
        first, last = np.ceil(middle - half), np.floor(middle + half) + 1
        edges.append(np.clip([first, last], 0, side).astype(np.int64))
    (x0, x1), (y0, y1) = edges
    result: NDArray[np.bool_] = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0] == 0
    return result


def _extents(values: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) each: half the width and the height of the box around the ellipse where a Gaussian ends, px."""
    sine, cosine = exact.sine_and_cosine(values[ANGLE])
    long, short = (exact.exp2((2.0 * values[LOG_SCALE] + s * values[LOG_ASPECT]) / math.log(2.0)) for s in (1.0, -1.0))
    return (
        np.sqrt(Q_MAX * (cosine * cosine * long + sine * sine * short)),
        np.sqrt(Q_MAX * (sine * sine * long + cosine * cosine * short)),
    )
