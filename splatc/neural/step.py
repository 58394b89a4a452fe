"""The network that moves Gaussians in place of Adam (``fit/fit_network.h`` of the core), and its features in NumPy, as training sees them.

Where AIR's stages see what is left of the picture patch by patch, this sees it Gaussian by Gaussian: the gradient of the error by its
parameters is the difference to the picture, summed up under the Gaussian with its moments. From that, from how it varied in the steps
before, and from shape and size, 4232 weights say where some forty steps of Adam would bring the Gaussian.

Source:
    AIR, "predict-optimize-distill"; Metz et al., "Practical tradeoffs between memory, compute, and performance in learned optimizers",
    2022, for a network per parameter that sees its moments.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from importlib import resources
from typing import Any

import numpy as np

from splatc.fit.table import ANGLE, COLOUR, LOG_ASPECT, LOG_SCALE
from splatc.gaussians import FloatArray
from splatc.neural import safetensors

CHANNELS = 3
"""Of the pictures that it knows."""
LAYERS = 3
FEATURES = 30
BETAS = (0.7, 0.9)
"""Adam's decays of the moments that are features."""
UNITS = np.array([0.5, 0.5, 0.2, 0.3, 0.5, 0.06, 0.06, 0.06], np.float32)[:, None]
"""(8, 1) of what it says: standard deviations along and across the Gaussian, of ln g, of ln(s1 / s2), rad of a round one, of full range."""
_GROUP = 8
"""GROUP of the core."""


@functools.cache
def trained() -> dict[str, FloatArray]:
    """The arrays that come with the package: weight0, bias0..."""
    return safetensors.read(resources.files("splatc.neural").joinpath("step.safetensors").read_bytes())


@functools.cache
def trained_weights() -> FloatArray:
    """The same as the core has them."""
    return packed(trained())


def packed(arrays: Mapping[str, FloatArray]) -> FloatArray:
    """Layer by layer, by 8 outputs: their biases, then for each input their weights."""
    parts = []
    for layer in range(LAYERS):
        weight, bias = arrays[f"weight{layer}"], arrays[f"bias{layer}"]
        for first in range(0, len(bias), _GROUP):
            parts += [bias[first : first + _GROUP], weight[first : first + _GROUP].T.ravel()]
    return np.concatenate(parts).astype(np.float32)


def gradient_of(before: FloatArray, after: FloatArray) -> FloatArray:
    """(8, N) the gradient that brought Adam's first moments from ``before`` to ``after``."""
    return ((after - BETAS[0] * before) / (1.0 - BETAS[0])).astype(np.float32)


def features(
    values: Any, gradient: Any, first: Any, second: Any, steps: int, error: float, area: float, xp: Any = np
) -> Any:
    """(FEATURES, N) what the network sees of Gaussians.

    Args:
        values: (8, N) rows of a table (splatc/fit/table.py).
        gradient: (8, N) of the summed squared error, those of the mean along and across the Gaussian, per px.
        first: (8, N) Adam's first moment, without the correction for its first steps; this gradient is in it.
        second: (8, N) the second one.
        steps: so many are in the moments.
        error: mean squared error of the picture, of full range.
        area: px of the picture for each Gaussian.
        xp: numpy for arrays, torch for tensors.
    """
    first, second = first / (1.0 - BETAS[0] ** steps), second / (1.0 - BETAS[1] ** steps)
    root = xp.sqrt(second) + 1e-12
    long, short = (xp.exp(values[LOG_SCALE] + half * values[LOG_ASPECT]) for half in (0.5, -0.5))
    sinh_2, one = long / short - short / long, xp.ones_like(long)
    unit = xp.stack([long, short, one, one, 1.0 / xp.sqrt(1.0 + sinh_2 * sinh_2), one, one, one])
    typical = xp.stack([0.3 * error * one] * (ANGLE + 1) + [math.sqrt(error) * one] * CHANNELS)
    rest = [
        values[LOG_SCALE] - 0.5 * math.log(area) + 1.0,
        values[LOG_ASPECT],
        xp.abs(values[LOG_ASPECT]),
        0.5 * (values[LOG_SCALE] - 0.7),
        (0.3 * math.log(error) + 1.5) * one,
        0.3 * math.log(1.0 + steps) * one,
    ]
    size = 0.3 * xp.log(root * unit / (long * short * 6.28 * typical) + 1e-6)
    return xp.concatenate([first / root, xp.clip(gradient / root, -3.0, 3.0), size, xp.stack(rest)])


def evaluate(arrays: Mapping[str, Any], seen: Any) -> Any:
    """(8, N) how far Gaussians of features (FEATURES, N) should go, in UNITS; arrays or tensors."""
    for layer in range(LAYERS):
        seen = arrays[f"weight{layer}"] @ seen + arrays[f"bias{layer}"][:, None]
        if layer < LAYERS - 1:
            seen = seen.clip(0.0)
    return seen


def destination(values: Any, said: Any, xp: Any = np) -> Any:
    """(8, N) values of Gaussians that went so far as ``said`` (8, N), in what UNITS are measured in."""
    cosine, sine = xp.cos(values[ANGLE]), xp.sin(values[ANGLE])
    long, short = (xp.exp(values[LOG_SCALE] + half * values[LOG_ASPECT]) for half in (0.5, -0.5))
    along, across = said[0] * long, said[1] * short
    sinh_2 = long / short - short / long
    moved = [cosine * along - sine * across, sine * along + cosine * across, said[LOG_SCALE], said[LOG_ASPECT]]
    return values + xp.stack([*moved, said[ANGLE] / xp.sqrt(1.0 + sinh_2 * sinh_2), *said[COLOUR]])
