"""The compiled engine whose steps a network makes (step.py)."""

from __future__ import annotations

import ctypes
import math

from splatc.core.fit_structs import Fit, Network
from splatc.core.loading import address
from splatc.fit.engine import Step
from splatc.fit.engines.core import CoreEngine
from splatc.fit.task import Task
from splatc.gaussians import FloatArray
from splatc.neural import step as network

STEPS = 11
"""Of the network. Where it makes all of them files are 0.25 dB worse: Adam brings Gaussians to rest (tools/README.md)."""
GAIN, FADE = 0.76, 0.978
"""How much of what it says is done at the first step, and by what that falls from step to step."""


class NetworkEngine(CoreEngine):
    """A fit of a colour picture to squared error, of few steps: the network makes the first, Adam those in which Gaussians come to rest."""

    def __init__(self, task: Task, weights: FloatArray | None = None, steps: int = STEPS) -> None:
        super().__init__(task)
        self._steps = steps
        self._weights = network.trained_weights() if weights is None else weights
        self._hidden = _hidden(len(self._weights))
        self._network = Network()

    def _move_by(self, call: Fit, step: Step) -> None:
        super()._move_by(call, step)
        if step.index >= self._steps:
            return
        area = self._task.width * self._task.height / max(1, len(self._table))
        self._network = Network(
            address(self._weights), self._hidden, GAIN * FADE**step.index, math.log1p(step.adams), 0.5 * math.log(area)
        )
        call.network = ctypes.pointer(self._network)


def _hidden(weights: int) -> int:
    """Units of a layer, by the number of all weights: (FEATURES + 1) h + (h + 1) h + (h + 1) 8."""
    half = 0.5 * (network.FEATURES + 1 + 1 + 8)
    return round(math.sqrt(half * half + weights - 8) - half)
