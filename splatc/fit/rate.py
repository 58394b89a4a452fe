"""The rate term: parameters are pulled to where they are cheap to code.

The fit minimizes D + lambda R. D, the squared error, falls like R^-0.7 at the rates of this codec (Kodak, CR 50 to 500), so a bit is worth
lambda = 0.7 D / R; for other losses the trainer has a factor. Of R only the parts count that the fit can change: a colour is coded as
its residual to what the neighbours promise, Laplace distributed, |residual| / (mean ln 2) bits; a long Gaussian costs more than a round
one, for its ratio and for its angle.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from splatc.fit.parameters import Parameters, Tensor, to_gaussians
from splatc.fit.rounding import steps
from splatc.gaussians import FloatArray, Gaussians
from splatc.steps import Quantizer

Expected = Callable[[Gaussians, Quantizer], FloatArray]
"""(N, C) the colours, in the coded space, that a file promises for Gaussians as they are now."""

EXPONENT = 0.7
BITS = 31.0
"""Of a Gaussian in a file, about."""
RATIO_BITS = 0.8
"""Bits that a step of ln(s1 / s2) away from 0 costs, those of the angle included."""
SOFT = 0.5
"""Steps; nearer than that to its promise a value is pulled less and less."""
LEAST_MEAN = 0.3
"""Steps: where residuals are rarer than that, another one does not cost much more."""


@dataclass(frozen=True)
class Pull:
    """The gradient of lambda R, for the next steps."""

    expected: Tensor
    """(N, C) colours as promised."""
    colour_step: Tensor
    """(N, C) quantization steps of the colours."""
    colour: Tensor
    """(C,) lambda times bits by step away from the promise."""
    ratio_step: float
    ratio: float
    """lambda times bits by step away from 0."""

    def added(self, gradients: dict[str, Tensor], parameters: Parameters) -> dict[str, Tensor]:
        """The gradients of D, by name, with those of lambda R."""
        residual = (parameters.colour - self.expected) / self.colour_step
        steps_long = parameters.ratio / self.ratio_step
        by_colour = self.colour / self.colour_step * _direction(residual)
        by_ratio = self.ratio / self.ratio_step * _direction(steps_long)
        return gradients | {"colour": gradients["colour"] + by_colour, "ratio": gradients["ratio"] + by_ratio}


def pull(parameters: Parameters, quantizer: Quantizer, expected: Expected, loss: float) -> Pull:
    """The rate term of Gaussians as they are now; ``loss`` is D, summed over what a step looks at."""
    promised = torch.from_numpy(expected(to_gaussians(parameters), quantizer))
    widths = steps(parameters, quantizer)
    mean = ((parameters.colour - promised) / widths["colour"]).abs().mean(dim=0).clamp(min=LEAST_MEAN)
    slope = EXPONENT * loss / (BITS * len(parameters))
    ratio_step = float(widths["ratio"])
    return Pull(promised, widths["colour"], slope / (mean * math.log(2.0)), ratio_step, slope * RATIO_BITS)


def _direction(distance: Tensor) -> Tensor:
    """The sign, without its jump at 0."""
    return distance / (distance.abs() + SOFT)
