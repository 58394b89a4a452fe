"""First colours: the Gaussian-weighted median of the pixels under each Gaussian, which an edge does not blur (SmartSplat, section 3)."""

from __future__ import annotations

from splatc.core import seeds
from splatc.gaussians import FloatArray


def median_colours(image: FloatArray, mean: FloatArray, scale: FloatArray) -> FloatArray:
    """(N, C) per channel the median of the pixels (H, W, C) weighted by exp(-d^2 / (2 s^2)), d = distance to the mean.

    ``mean`` (N, 2) px within the picture, ``scale`` (N,) px; values >= 0. The median is the smallest value that has half of the
    weight at or below it. A Gaussian looks as far as three standard deviations, at 13 x 13 pixels at most: a larger one
    at every second, third... pixel of every second, third... row.
    """
    return seeds.median_colours(image, mean, scale)
