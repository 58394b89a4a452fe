"""First scales: small on detail, wide enough between the uniform samples to leave no gap (SmartSplat, section 3)."""

from __future__ import annotations

import math

import numpy as np

from splatc.core import seeds
from splatc.gaussians import FloatArray

NEIGHBOURS = 3


def base_scale(width: int, height: int, count: int) -> float:
    """s_base, px: a third of the radius of the disc that is each Gaussian's share of the picture."""
    return math.sqrt(width * height / (math.pi * count)) / 3.0


def variational_scales(base: float, weight: FloatArray) -> FloatArray:
    """(N,) px: s_base exp(-w / 2), the smaller the more detail."""
    return seeds.shrink_scales(weight, base)


def neighbour_scales(points: FloatArray, everyone: FloatArray, alone: float) -> FloatArray:
    """(N,) px: root mean square distance of each point to the NEIGHBOURS nearest others.

    ``points`` (N, 2) are among ``everyone`` (M, 2); a point is not its own neighbour. ``alone`` is the answer for a single point.
    """
    neighbours = min(NEIGHBOURS, len(everyone) - 1)
    if neighbours < 1:
        return np.full(len(points), alone, np.float32)
    return seeds.nearest_distances(points, everyone, neighbours)
