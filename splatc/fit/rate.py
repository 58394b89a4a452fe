"""The rate term: its gradient moves attributes to where they are cheap to code.

The fit minimizes D + lambda R. D, the squared error, falls like R^-0.7 at the rates of this codec (Kodak, CR 50 to 500), so a bit is worth
lambda = 0.7 D / R; for other losses the trainer has a factor. Of R only the parts count that the fit can change: a colour is coded as
its residual to what the neighbours predict, Laplace distributed, |residual| / (mean ln 2) bits; a long Gaussian costs more than a round
one, for its aspect ratio and for its angle.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatc.fit.rounding import step_rows, step_tables
from splatc.fit.table import COLOUR, LOG_ASPECT, Table
from splatc.gaussians import FloatArray, Gaussians
from splatc.steps import Quantizer

Predict = Callable[[Gaussians, Quantizer], FloatArray]
"""(N, C) the colours, in the coded space, that a file predicts for Gaussians as they are now."""

EXPONENT = 0.7
BITS = 31.0
"""Of a Gaussian in a file, about."""
ASPECT_BITS = 0.8
"""Bits that a step of ln(s1 / s2) away from 0 costs, those of the angle included."""
SOFT = 0.5
"""Steps: the gradient falls where a value is nearer than that to its prediction, so that it does not jump at 0."""
LEAST_MEAN = 0.3
"""Steps: where residuals are rarer than that, another one does not cost much more."""


@dataclass(frozen=True)
class RateGradient:
    """The gradient of lambda R, for the next steps: k / step x / (|x| + soft) for a value x steps away from where it is cheapest."""

    predicted: FloatArray
    """(C, N) predicted colours."""
    colour_step: FloatArray
    """(C, N) quantization steps of the colours."""
    colour: FloatArray
    """(C,) lambda times bits by step away from the prediction."""
    aspect_step: float
    """Quantization step of the log aspect ratio."""
    aspect: float
    """lambda times bits by step away from 0."""
    soft: float = SOFT

    def rows(self, values: FloatArray) -> FloatArray:
        """(5 + C, N) to be added to the gradient of D at these values."""
        added: FloatArray = np.zeros_like(values)
        steps_long = values[LOG_ASPECT] / np.float32(self.aspect_step)
        added[LOG_ASPECT] = np.float32(self.aspect / self.aspect_step) * self._direction(steps_long)
        away = self._direction((values[COLOUR] - self.predicted) / self.colour_step)
        added[COLOUR] = self.colour[:, None] / self.colour_step * away
        return added

    def _direction(self, distance: NDArray[np.floating]) -> FloatArray:
        """The sign, without its jump at 0."""
        result: FloatArray = np.asarray(distance / (np.abs(distance) + np.float32(self.soft)), np.float32)
        return result


def rate_gradient(table: Table, quantizer: Quantizer, predict: Predict, loss: float) -> RateGradient:
    """That of Gaussians as they are now; ``loss`` is D, for the whole picture."""
    predicted = np.ascontiguousarray(predict(table.gaussians(), quantizer).T)
    step = step_rows(table.values, quantizer)[COLOUR]
    residual = np.abs(table.values[COLOUR] - predicted) / step
    mean = np.maximum(np.cumsum(residual, axis=1, dtype=np.float64)[:, -1] / len(table), LEAST_MEAN)
    slope = EXPONENT * loss / (BITS * len(table))
    colour = (slope / (mean * math.log(2.0))).astype(np.float32)
    return RateGradient(predicted, step, colour, step_tables(quantizer, len(step)).log_aspect, slope * ASPECT_BITS)
