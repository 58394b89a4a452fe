"""The oracle: the picture model of spec/ in plain NumPy float64, one Gaussian at a time. Slow and obviously right."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from splatc.gaussians import CUTOFF, EPSILON, Q_MAX, Blend, Scene


def render(scene: Scene) -> NDArray[np.float64]:
    """(H, W, C) float64 picture of the scene, not clamped."""
    sums = np.zeros((scene.height, scene.width, scene.channels))
    weights = np.zeros((scene.height, scene.width, 1))
    g = scene.gaussians
    for i in range(len(g)):
        (mean_x, mean_y), (s1, s2), angle = g.mean[i].astype(float), g.scale[i].astype(float), float(g.angle[i])
        cos, sin = math.cos(angle), math.sin(angle)
        # Only the pixels of the bounding box can have q < Q_MAX.
        reach_x = math.sqrt(Q_MAX) * math.hypot(cos * s1, sin * s2)
        reach_y = math.sqrt(Q_MAX) * math.hypot(sin * s1, cos * s2)
        x = np.arange(max(0, math.floor(mean_x - reach_x)), min(scene.width, math.ceil(mean_x + reach_x)))
        y = np.arange(max(0, math.floor(mean_y - reach_y)), min(scene.height, math.ceil(mean_y + reach_y)))
        if not (len(x) and len(y)):
            continue
        dx, dy = x[None, :] + 0.5 - mean_x, y[:, None] + 0.5 - mean_y  # (1, w), (h, 1)
        q = ((cos * dx + sin * dy) / s1) ** 2 + ((cos * dy - sin * dx) / s2) ** 2  # (h, w)
        w = np.maximum(0.0, np.exp(-0.5 * q) - CUTOFF)[:, :, None]
        box = np.s_[y[0] : y[-1] + 1, x[0] : x[-1] + 1]
        sums[box] += w * g.colour[i].astype(float)
        weights[box] += w
    if scene.blend is Blend.SUM:
        return sums
    return (sums + EPSILON * scene.background.astype(float)) / (weights + EPSILON)
