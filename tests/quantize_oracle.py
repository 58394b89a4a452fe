"""Gaussians -> integers (spec/quantization.md) in NumPy, whose logarithms differ from processor to processor: the oracle of the core's."""

from __future__ import annotations

import math

import numpy as np

from splatc.attributes import MAX_LEVELS
from splatc.gaussians import Gaussians
from splatc.quantize import (
    MAX_ASPECT,
    MAX_COLOUR,
    MAX_COLOUR_INDEX,
    QuantizedGaussians,
    angle_count_table,
    by_level,
    colour_step_table,
    offset_count_table,
    offset_of,
    to_coded_colour,
)
from splatc.steps import Quantizer, grid_shape, step_q32


def quantize(quantizer: Quantizer, gaussians: Gaussians, width: int, height: int) -> QuantizedGaussians:
    """The integers nearest to the Gaussians, in the same order."""
    log2_scale = np.log2(gaussians.scale.astype(np.float64))  # (N, 2)
    log2_g = log2_scale.mean(axis=1)
    index = np.clip(np.floor((log2_g + 1.0) * quantizer.log_scales), 0, MAX_LEVELS * quantizer.log_scales - 1).astype(
        np.int32
    )
    level, log_scale = index // quantizer.log_scales, index % quantizer.log_scales

    log_aspect = (log2_scale[:, 0] - log2_scale[:, 1]) * math.log(2.0)  # ln(s1 / s2)
    aspect_step = step_q32(quantizer.aspect) / 2.0**32
    aspect = np.clip(np.rint(log_aspect / aspect_step), 0, MAX_ASPECT).astype(np.int32)
    counts = angle_count_table(quantizer)[level, aspect]
    angle = np.rint(gaussians.angle / math.pi * counts).astype(np.int64) % counts

    counts_of_offsets = offset_count_table(quantizer)[aspect]
    step = by_level(quantizer.position_step, level)
    cells = np.array([grid_shape(width, height, quantizer.position_step(each)) for each in range(MAX_LEVELS)])[level]
    x = np.clip(np.floor(gaussians.mean[:, 0] / step), 0, cells[:, 0] - 1).astype(np.int32)
    y = np.clip(np.floor(gaussians.mean[:, 1] / step), 0, cells[:, 1] - 1).astype(np.int32)

    in_cell = gaussians.mean / step[:, None] - (np.stack([x, y], axis=1) + 0.5)
    offset = offset_of(in_cell, angle * math.pi / counts, counts_of_offsets)

    colour_step = colour_step_table(quantizer, level, gaussians.colour.shape[1])
    limit = np.minimum(MAX_COLOUR / colour_step, MAX_COLOUR_INDEX)
    colour = np.clip(np.rint(to_coded_colour(gaussians.colour) / colour_step), -limit, limit)

    return QuantizedGaussians(level, x, y, log_scale, aspect, angle.astype(np.int32), offset, colour.astype(np.int32))
