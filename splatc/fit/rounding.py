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
    Quantizer,
    angle_count_table,
    by_level,
    colour_step_table,
    level_of,
    step_q32,
)


def steps(parameters: Parameters, quantizer: Quantizer) -> dict[str, Tensor]:
    """By name, the quantization step of every value, in the parameter's own unit; shaped to broadcast."""
    level = level_of(parameters.size.numpy() / math.log(2.0))
    ratio_step = step_q32(quantizer.anisotropy) / 2.0**32
    anisotropy = np.clip(np.rint(np.abs(parameters.ratio.numpy()) / ratio_step), 0, MAX_ANISOTROPY).astype(np.int32)
    result = {
        "mean": by_level(quantizer.position_step, level)[:, None],
        "size": np.array([math.log(2.0) / quantizer.sizes]),
        "ratio": np.array([ratio_step]),
        "angle": math.pi / angle_count_table(quantizer)[level, anisotropy],
        "colour": colour_step_table(quantizer, level, parameters.colour.shape[1]),
    }
    return {name: torch.from_numpy(step.astype(np.float32)) for name, step in result.items()}


def noise_for(
    parameters: Parameters, quantizer: Quantizer, free: tuple[str, ...], generator: torch.Generator
) -> dict[str, Tensor]:
    """By name, uniform noise of one step for each of these parameters."""
    widths = steps(parameters, quantizer)
    noise = {}
    for name in free:
        value = getattr(parameters, name)
        noise[name] = (torch.rand(value.shape, generator=generator) - 0.5) * widths[name]
    return noise


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
        rounded = (torch.floor(value / step) + 0.5) * step if name == "mean" else torch.round(value / step) * step
        parameters = replace(parameters, **{name: rounded})
    return parameters
