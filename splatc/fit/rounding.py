"""The quantizer as the fit sees it: steps for noise, and the rounding that freezes an attribute.

While an attribute is free, uniform noise of one step stands for its rounding (Balle 2017), so the fit moves to where rounding hurts
little; then it is rounded for good and the others make up for it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from splatc.fit.parameters import NAMES, Parameters, Tensor
from splatc.quantize import (
    MAX_ANISOTROPY,
    IntArray,
    angle_count_table,
    by_level,
    colour_step_table,
    level_of,
    strip_count_table,
    strip_middles,
    strip_of,
)
from splatc.steps import Quantizer, step_q32


def steps(parameters: Parameters, quantizer: Quantizer) -> dict[str, Tensor]:
    """By name, the quantization step of every value, in the parameter's own unit; shaped to broadcast."""
    level = level_of(parameters.size.numpy() / math.log(2.0))
    ratio_step = step_q32(quantizer.anisotropy) / 2.0**32
    anisotropy = _anisotropy(parameters, quantizer)
    result = {
        "mean": by_level(quantizer.position_step, level)[:, None],
        "size": np.array([math.log(2.0) / quantizer.sizes]),
        "ratio": np.array([ratio_step]),
        "angle": math.pi / angle_count_table(quantizer)[level, anisotropy],
        "colour": colour_step_table(quantizer, level, parameters.colour.shape[1]),
    }
    return {name: torch.from_numpy(step.astype(np.float32)) for name, step in result.items()}


def _anisotropy(parameters: Parameters, quantizer: Quantizer) -> IntArray:
    """(N,) anisotropy indices."""
    index = np.rint(np.abs(parameters.ratio.numpy()) / (step_q32(quantizer.anisotropy) / 2.0**32))
    clipped: IntArray = np.clip(index, 0, MAX_ANISOTROPY).astype(np.int32)
    return clipped


def noise_for(
    parameters: Parameters, quantizer: Quantizer, free: tuple[str, ...], generator: torch.Generator
) -> dict[str, Tensor]:
    """By name, uniform noise of one step for each of these parameters."""
    widths = steps(parameters, quantizer)
    noise = {}
    for name in free:
        value = getattr(parameters, name)
        noise[name] = (torch.rand(value.shape, generator=generator) - 0.5) * widths[name]
    if "mean" in noise:
        noise["mean"] = _in_strips(parameters, quantizer, noise["mean"])
    return noise


def strips(parameters: Parameters, quantizer: Quantizer) -> np.ndarray:
    """(N,) the strips of their cells."""
    return strip_count_table(quantizer)[_anisotropy(parameters, quantizer)]


def _in_strips(parameters: Parameters, quantizer: Quantizer, noise: Tensor) -> Tensor:
    """Noise (N, 2) in a square cell -> in a strip of it: narrower across the Gaussian; along it, as long as strips are on the mean."""
    cos, sin = torch.cos(parameters.angle), torch.sin(parameters.angle)
    extent = cos.abs() + sin.abs()
    count = torch.from_numpy(strips(parameters, quantizer).astype(np.float32))
    round_ = count == 1
    long, short = torch.where(round_, 1.0, 1.0 / extent), torch.where(round_, 1.0, extent / count)
    tall = parameters.ratio < 0  # its long axis is the second
    first, second = noise[:, 0] * torch.where(tall, short, long), noise[:, 1] * torch.where(tall, long, short)
    return torch.stack([first * cos - second * sin, first * sin + second * cos], dim=1)


def freeze(parameters: Parameters, quantizer: Quantizer, names: tuple[str, ...]) -> Parameters:
    """The parameters with some attributes rounded to what the file can say.

    Shape (size, ratio, angle) freezes together and before the rest, because the other steps depend on the level, the number of
    directions on the ratio.
    """
    if "ratio" in names:
        swapped = parameters.ratio < 0
        parameters = replace(
            parameters,
            ratio=parameters.ratio.abs(),
            angle=torch.where(swapped, parameters.angle + 0.5 * math.pi, parameters.angle),
        )
    if "size" in names:
        bins = torch.floor((parameters.size / math.log(2.0) + 1.0) * quantizer.sizes).clamp(min=0)
        parameters = replace(parameters, size=((bins + 0.5) / quantizer.sizes - 1.0) * math.log(2.0))
    for name in (name for name in NAMES if name in names and name != "size"):
        value, step = getattr(parameters, name), steps(parameters, quantizer)[name]
        rounded = _rounded_mean(parameters, quantizer, step) if name == "mean" else torch.round(value / step) * step
        parameters = replace(parameters, **{name: rounded})
    return parameters


def _rounded_mean(parameters: Parameters, quantizer: Quantizer, step: Tensor) -> Tensor:
    """(N, 2) the middles of the strips that the means are in."""
    angle, count = parameters.angle.numpy().astype(np.float64), strips(parameters, quantizer)
    place = (parameters.mean / step).numpy().astype(np.float64)
    cell = np.floor(place) + 0.5
    middle = cell + strip_middles(strip_of(place - cell, angle, count), angle, count)
    return torch.from_numpy(middle.astype(np.float32)) * step
