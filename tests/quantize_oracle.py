"""Gaussians -> integers (spec/quantization.md) in NumPy, whose logarithms differ from processor to processor: the oracle of the core's."""

from __future__ import annotations

import math

import numpy as np

from splatc.gaussians import Gaussians
from splatc.quantize import (
    MAX_ANISOTROPY,
    MAX_COLOUR,
    MAX_COLOUR_INDEX,
    QuantizedGaussians,
    angle_count_table,
    by_level,
    colour_step_table,
    strip_count_table,
    strip_of,
    to_coded_colour,
)
from splatc.steps import MAX_LEVELS, Quantizer, grid_shape, step_q32


def quantize(quantizer: Quantizer, gaussians: Gaussians, width: int, height: int) -> QuantizedGaussians:
    """The integers nearest to the Gaussians, in the same order."""
    log2_scale = np.log2(gaussians.scale.astype(np.float64))  # (N, 2)
    log2_size = log2_scale.mean(axis=1)
    index = np.clip(np.floor((log2_size + 1.0) * quantizer.sizes), 0, MAX_LEVELS * quantizer.sizes - 1).astype(np.int32)
    level, size = index // quantizer.sizes, index % quantizer.sizes

    ratio = (log2_scale[:, 0] - log2_scale[:, 1]) * math.log(2.0)  # ln(s1 / s2)
    ratio_step = step_q32(quantizer.anisotropy) / 2.0**32
    anisotropy = np.clip(np.rint(ratio / ratio_step), 0, MAX_ANISOTROPY).astype(np.int32)
    counts = angle_count_table(quantizer)[level, anisotropy]
    angle = np.rint(gaussians.angle / math.pi * counts).astype(np.int64) % counts

    strips = strip_count_table(quantizer)[anisotropy]
    step = by_level(quantizer.position_step, level)
    cells = np.array([grid_shape(width, height, quantizer.position_step(each)) for each in range(MAX_LEVELS)])[level]
    x = np.clip(np.floor(gaussians.mean[:, 0] / step), 0, cells[:, 0] - 1).astype(np.int32)
    y = np.clip(np.floor(gaussians.mean[:, 1] / step), 0, cells[:, 1] - 1).astype(np.int32)

    in_cell = gaussians.mean / step[:, None] - (np.stack([x, y], axis=1) + 0.5)
    strip = strip_of(in_cell, angle * math.pi / counts, strips)

    colour_step = colour_step_table(quantizer, level, gaussians.colour.shape[1])
    limit = np.minimum(MAX_COLOUR / colour_step, MAX_COLOUR_INDEX)
    colour = np.clip(np.rint(to_coded_colour(gaussians.colour) / colour_step), -limit, limit)

    return QuantizedGaussians(level, x, y, size, anisotropy, angle.astype(np.int32), strip, colour.astype(np.int32))
