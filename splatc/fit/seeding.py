"""The initializer of SmartSplat (an `Initializer`), stage by stage.

Li et al., "SmartSplat: Feature-Smart Gaussians for Scalable Compression of Ultra-High-Resolution Images", AAAI 2026, section 3.
"""

from __future__ import annotations

import math

import numpy as np

from splatc.core.seeds import order_points
from splatc.fit.colours import median_colours
from splatc.fit.scales import base_scale, neighbour_scales, variational_scales
from splatc.fit.table import MIN_SCALE
from splatc.fit.uniform import uniform_sample
from splatc.fit.variational import variational_sample
from splatc.gaussians import FloatArray, Gaussians

VARIATIONAL_SHARE = 0.7
"""Of the Gaussians; the rest is sampled uniformly."""
RANDOM_SCALES = (0.5, 1.5)
"""px; where GaussianImage begins."""


def seed(
    image: FloatArray,
    count: int,
    rng: np.random.Generator,
    /,
    *,
    positions: bool = True,
    scales: bool = True,
    colours: bool = True,
) -> Gaussians:
    """``count`` round Gaussians for a picture (H, W, C) float32 in [0, 1]: where detail is, and some everywhere.

    Args:
        positions: off, all positions are random.
        scales: off, scales are random, between RANDOM_SCALES.
        colours: off, colours are random, in [0, 1].

    Angles are random, so that the fit stretches round Gaussians into all directions alike.
    """
    height, width, channels = image.shape
    base = base_scale(width, height, max(count, 1))
    variational = min(round(VARIATIONAL_SHARE * count), width * height) if positions else 0
    detailed, weight = variational_sample(image, variational, rng)
    small = variational_scales(base, weight)
    radius = max(base, float(np.median(small))) if variational else 0.0
    mean = np.concatenate([detailed, uniform_sample(width, height, count - variational, detailed, radius, rng)])
    order = order_points(
        mean
    )  # neighbours in the picture are neighbours in memory: three times as fast on large pictures

    if scales:
        scale = np.empty(count, np.float32)
        scale[:variational] = small
        uniform = order[order >= variational]
        scale[uniform] = neighbour_scales(mean[uniform], mean, base)
        scale = np.maximum(scale, np.float32(MIN_SCALE))
    else:
        scale = rng.uniform(*RANDOM_SCALES, count).astype(np.float32)
    colour = None if colours else rng.random((count, channels), np.float32)[order]
    angle = ((math.pi * rng.random(count)).astype(np.float32) % np.float32(math.pi))[order]
    mean, scale = mean[order], scale[order]
    if colour is None:
        colour = median_colours(image, mean, scale)
    return Gaussians(mean, np.stack([scale, scale], axis=1), angle, colour)
