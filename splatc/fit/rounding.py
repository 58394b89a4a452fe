"""The quantizer within the fit: steps for noise, and the rounding that gives an attribute its final value.

While an attribute is free, uniform noise of one step stands for its rounding (Balle 2017), so the fit moves to where rounding hurts
little; then it is rounded and stays (the frozen mask), and the attributes that may still move compensate for it. Progressive
quantization: it is rounded for a tenth of the Gaussians at a time, and between two tenths the others compensate for what that did to the
picture (tools/README.md, "What pays": stages).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatc.attributes import ATTRIBUTES, MAX_LEVELS
from splatc.core import exact
from splatc.fit.table import ANGLE, COLOUR, FROZEN, LOG_ASPECT, LOG_SCALE, MEAN, NAMES, ROWS, Table
from splatc.gaussians import FloatArray
from splatc.quantize import (
    MAX_ASPECT,
    IntArray,
    angle_count_table,
    by_level,
    colour_step_table,
    level_of,
    offset_count_table,
    offset_middles,
    offset_of,
)
from splatc.steps import Quantizer, step_q32


@dataclass(frozen=True)
class StepTables:
    """The quantization steps in the units of the fit, by level l and index a of the log aspect ratio."""

    by_level: dict[str, FloatArray]
    """Of what has a step and a slope, (l,): ``mean`` the side of a cell, px."""
    log_scale: float
    log_aspect: float
    angle: FloatArray
    """(l, a) rad"""
    colour: FloatArray
    """(l, C)"""
    offsets: FloatArray
    """(a,) the number of sub-cell offsets: of slices across the Gaussian in a cell of the mean."""


@functools.lru_cache(maxsize=64)
def step_tables(quantizer: Quantizer, channels: int) -> StepTables:
    """Those of a file of so many channels."""
    level = np.arange(MAX_LEVELS, dtype=np.int32)
    return StepTables(
        by_level={
            each.coordinate.name: by_level(functools.partial(quantizer.level_step, each), level).astype(np.float32)
            for each in ATTRIBUTES
            if each.coordinate is not None and each.coordinate.by_level
        },
        log_scale=math.log(2.0) / quantizer.log_scales,
        log_aspect=step_q32(quantizer.aspect) / 2.0**32,
        angle=(math.pi / angle_count_table(quantizer)).astype(np.float32),
        colour=colour_step_table(quantizer, level, channels).astype(np.float32),
        offsets=offset_count_table(quantizer).astype(np.float32),
    )


def step_rows(values: FloatArray, quantizer: Quantizer) -> FloatArray:
    """(SHAPE_ROWS + C, N) the quantization step of every value, in the unit of its row."""
    tables = step_tables(quantizer, len(values[COLOUR]))
    level, aspect = level_of(values[LOG_SCALE] / math.log(2.0)), aspect_index(values, quantizer)
    steps = np.empty_like(values)
    for name, table in tables.by_level.items():
        steps[ROWS[name]] = table[level]
    steps[LOG_SCALE] = tables.log_scale
    steps[LOG_ASPECT] = tables.log_aspect
    steps[ANGLE] = tables.angle[level, aspect]
    steps[COLOUR] = tables.colour[level].T
    return steps


def aspect_index(values: FloatArray, quantizer: Quantizer) -> IntArray:
    """(N,) indices of the log aspect ratios."""
    index = np.rint(np.abs(values[LOG_ASPECT]) / (step_q32(quantizer.aspect) / 2.0**32))
    clipped: IntArray = np.clip(index, 0, MAX_ASPECT).astype(np.int32)
    return clipped


def offset_counts(values: FloatArray, quantizer: Quantizer) -> IntArray:
    """(N,) the numbers of sub-cell offsets: of slices across the Gaussian in the cells of the means."""
    counts: IntArray = offset_count_table(quantizer)[aspect_index(values, quantizer)]
    return counts


def quantize_share(table: Table, quantizer: Quantizer, names: tuple[str, ...], share: float) -> None:
    """Round these attributes of the first ``share`` of the Gaussians, where the frozen mask leaves them free, and set their bits in it.

    Scale, aspect ratio and angle are rounded together and before the rest, because the other steps depend on the level, the number of
    directions on the aspect ratio.
    """
    chosen = np.ones(len(table), bool) if share >= 1.0 else table.order < np.float32(share)
    bits = sum(FROZEN[name] for name in names)
    index = np.flatnonzero(chosen & (table.frozen & bits != bits))
    here = table.values[:, index]
    done = rounded(here, quantizer, names)
    for name in names:
        free = table.frozen[index] & FROZEN[name] == 0
        row = ROWS[name]
        here[row] = np.where(free, done[row], here[row])
    table.values[:, index] = here
    table.frozen[chosen] |= np.uint8(bits)


def rounded(values: FloatArray, quantizer: Quantizer, names: tuple[str, ...]) -> FloatArray:
    """(SHAPE_ROWS + C, N) the values with some attributes rounded to what the file can hold."""
    values = values.copy()
    if "log_aspect" in names:
        values[ANGLE] += np.where(values[LOG_ASPECT] < 0, np.float32(0.5 * math.pi), np.float32(0.0))
        values[LOG_ASPECT] = np.abs(values[LOG_ASPECT])
    if "log_scale" in names:
        octaves = values[LOG_SCALE].astype(np.float64) / math.log(2.0)
        bins = np.maximum(np.floor((octaves + 1.0) * quantizer.log_scales), 0.0)
        values[LOG_SCALE] = ((bins + 0.5) / quantizer.log_scales - 1.0) * math.log(2.0)
    for name in NAMES:  # in their order: the steps of the angle depend on the aspect ratio
        if name in names and name not in ("mean", "log_scale"):
            steps = step_rows(values, quantizer)[ROWS[name]]
            values[ROWS[name]] = np.rint(values[ROWS[name]] / steps) * steps
    if "mean" in names:
        values[MEAN] = _rounded_mean(values, quantizer)
    return values


def _rounded_mean(values: FloatArray, quantizer: Quantizer) -> NDArray[np.float64]:
    """(2, N) where the sub-cell offsets of the means put them."""
    angle, count = values[ANGLE].astype(np.float64), offset_counts(values, quantizer)
    step = by_level(quantizer.position_step, level_of(values[LOG_SCALE] / math.log(2.0)))
    place = (values[MEAN] / step).T
    cell = np.floor(place) + 0.5
    middle = cell + offset_middles(offset_of(place - cell, angle, count), angle, count)
    return (middle * step[:, None]).T


def in_offsets(noise: FloatArray, values: FloatArray, quantizer: Quantizer) -> FloatArray:
    """(2, N) noise in a square cell -> in the slice of a sub-cell offset: narrower across the Gaussian, along it of the mean length."""
    sine, cosine = exact.sine_and_cosine(values[ANGLE])
    extent, count = np.abs(cosine) + np.abs(sine), offset_counts(values, quantizer)
    whole = count == 1
    long, short = np.where(whole, 1.0, 1.0 / extent), np.where(whole, 1.0, extent / count)
    tall = values[LOG_ASPECT] < 0  # its long axis is the second
    first, second = noise[0] * np.where(tall, short, long), noise[1] * np.where(tall, long, short)
    return np.stack([first * cosine - second * sine, first * sine + second * cosine]).astype(np.float32)
