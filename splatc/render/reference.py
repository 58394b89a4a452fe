"""The oracle: the picture model of spec/ in plain NumPy float64, one Gaussian at a time. Slow and obviously right."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from splatc.blend import Blend
from splatc.gaussians import CUTOFF, EPSILON, Q_MAX, Gaussians, Scene
from splatc.render.view import Region, Scale, View, view

Array = NDArray[np.float64]


def render(scene: Scene, region: Region | None = None, scale: Scale = 1) -> Array:
    """(H, W, C) float64 picture of a view of the scene, not clamped, except where several samples are averaged for a pixel."""
    seen = view(scene.width, scene.height, region, scale)
    x, y = _supersampling_grid(seen)
    samples = _blend(scene, x, y, _filtered(scene.gaussians, seen.added_variance))
    return samples if seen.samples == 1 else _averaged(np.clip(samples, 0.0, 1.0), seen, x, y)


def _supersampling_grid(seen: View) -> tuple[Array, Array]:
    """Where the picture is sampled, px: x of the columns, y of the rows, ``samples`` for each output pixel."""
    left, top, _, _ = seen.region
    grid_scale = float(seen.grid_scale)
    columns, rows = np.arange(seen.columns * seen.samples), np.arange(seen.rows * seen.samples)
    return np.asarray(left + (columns + 0.5) / grid_scale, float), np.asarray(top + (rows + 0.5) / grid_scale, float)


def _filtered(g: Gaussians, variance: float) -> tuple[Array, Array]:
    """(N, 2) scales with ``variance`` added to the covariances, and (N,) the factors of the weights that keep the masses."""
    before = g.scale.astype(float)
    after = np.sqrt(before**2 + variance)
    return after, before.prod(axis=1) / after.prod(axis=1)


def _blend(scene: Scene, x: Array, y: Array, filtered: tuple[Array, Array]) -> Array:
    """The samples at the points (x[j], y[i]): (len(y), len(x), C)."""
    sums = np.zeros((len(y), len(x), scene.channels))
    weights = np.zeros((len(y), len(x), 1))
    g = scene.gaussians
    scales, gains = filtered
    for i in range(len(g)):
        (mean_x, mean_y), (s1, s2), angle = g.mean[i].astype(float), scales[i], float(g.angle[i])
        cos, sin = math.cos(angle), math.sin(angle)
        # Only samples of the bounding box can have q < Q_MAX.
        extent_x = math.sqrt(Q_MAX) * math.hypot(cos * s1, sin * s2)
        extent_y = math.sqrt(Q_MAX) * math.hypot(sin * s1, cos * s2)
        columns = slice(np.searchsorted(x, mean_x - extent_x), np.searchsorted(x, mean_x + extent_x))
        rows = slice(np.searchsorted(y, mean_y - extent_y), np.searchsorted(y, mean_y + extent_y))
        dx, dy = x[None, columns] - mean_x, y[rows, None] - mean_y  # (1, w), (h, 1)
        q = ((cos * dx + sin * dy) / s1) ** 2 + ((cos * dy - sin * dx) / s2) ** 2  # (h, w)
        w = gains[i] * np.maximum(0.0, np.exp(-0.5 * q) - CUTOFF)[:, :, None]
        sums[rows, columns] += w * g.colour[i].astype(float)
        weights[rows, columns] += w
    if scene.blend is Blend.SUM:
        return sums
    return (sums + EPSILON * scene.background.astype(float)) / (weights + EPSILON)


def _averaged(samples: Array, seen: View, x: Array, y: Array) -> Array:
    """The mean over the samples of each output pixel that lie inside of the picture; its first column and row always count."""
    n = seen.samples
    inside_x, inside_y = x < _edge(seen.width), y < _edge(seen.height)
    inside_x[::n] = inside_y[::n] = True
    counts = inside_y[:, None, None] & inside_x[None, :, None]
    shape = (seen.rows, n, seen.columns, n, -1)
    totals: Array = (samples * counts).reshape(shape).sum(axis=(1, 3))
    mean: Array = totals / counts.astype(float).reshape(shape).sum(axis=(1, 3))
    return mean


def _edge(side: int) -> float:
    """Grid points are exact fractions; computed, one on the edge must not fall inside of it."""
    return side - 1e-9
