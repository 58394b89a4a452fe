"""First colours: the Gaussian-weighted median of the pixels under each Gaussian, which an edge does not blur (SmartSplat, section 3)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from splatc.gaussians import FloatArray

REACH = 3.0
"""How far a Gaussian looks, in standard deviations."""
MAX_STEPS = 6
"""Pixels looked at on each side of the middle; larger Gaussians look at every second, third... pixel: at most 13 x 13."""


def median_colours(image: FloatArray, mean: FloatArray, scale: FloatArray) -> FloatArray:
    """(N, C) per channel the median of the pixels (H, W, C) weighted by exp(-d^2 / (2 s^2)), d = distance to the mean.

    ``mean`` (N, 2) px within the picture, ``scale`` (N,) px. The median is the smallest value that has half of the weight at or below it.
    """
    colour = np.empty((len(mean), image.shape[2]), np.float32)
    _median_kernel(image, mean, scale, colour)
    return colour


@njit(parallel=True, cache=True)
def _median_kernel(image: FloatArray, mean: FloatArray, scale: FloatArray, colour: FloatArray) -> None:
    height, width, channels = image.shape
    side = 2 * MAX_STEPS + 1
    for i in prange(len(mean)):
        middle_x = min(int(mean[i, 0]), width - 1)
        middle_y = min(int(mean[i, 1]), height - 1)
        reach = max(1, math.ceil(REACH * scale[i]))
        stride = (reach + MAX_STEPS - 1) // MAX_STEPS
        steps = (reach + stride - 1) // stride
        weight = np.empty(side * side, np.float32)
        value = np.empty((channels, side * side), np.float32)
        count = 0
        for step_y in range(-steps, steps + 1):
            y = middle_y + stride * step_y
            for step_x in range(-steps, steps + 1):
                x = middle_x + stride * step_x
                if x < 0 or y < 0 or x >= width or y >= height:
                    continue
                dx, dy = x + 0.5 - mean[i, 0], y + 0.5 - mean[i, 1]
                weight[count] = math.exp(-0.5 * (dx * dx + dy * dy) / (scale[i] * scale[i]))
                for channel in range(channels):
                    value[channel, count] = image[y, x, channel]
                count += 1
        half = 0.5 * weight[:count].sum()
        for channel in range(channels):
            order = np.argsort(value[channel, :count])
            below = np.float32(0.0)
            at = -1
            while below < half and at + 1 < count:
                at += 1
                below += weight[order[at]]
            colour[i, channel] = value[channel, order[at]]
