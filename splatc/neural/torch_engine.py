"""PyTorch's engine whose first steps the network makes (step.py), on any device that PyTorch drives."""

from __future__ import annotations

import torch

from splatc.fit.engine import Step
from splatc.fit.engines.autograd import TorchEngine, failures_of
from splatc.fit.task import Task
from splatc.gaussians import FloatArray
from splatc.neural import step as network
from splatc.neural.engine import FADE, GAIN, STEPS

Tensor = torch.Tensor


class TorchNetworkEngine(TorchEngine):
    """What NetworkEngine does in the core, as NumPy has it in step.py: to train on a GPU, and for `--engine torch`."""

    def __init__(
        self, task: Task, device: str = "cpu", arrays: dict[str, FloatArray] | None = None, steps: int = STEPS
    ) -> None:
        super().__init__(task, device)
        trained = network.trained() if arrays is None else arrays
        with failures_of(self._device):
            self._arrays = {name: torch.tensor(array, device=device) for name, array in trained.items()}
            self._units = torch.tensor(network.UNITS, device=device)
        self._steps = steps

    def _moved(self, gradient: Tensor, step: Step) -> Tensor:
        if step.index >= self._steps:
            return super()._moved(gradient, step)
        self._first.lerp_(gradient, 1.0 - step.betas[0])
        self._second.lerp_(gradient * gradient, 1.0 - step.betas[1])
        area = self._task.width * self._task.height / max(1, self._values.shape[1])
        moments, error = (self._first, self._second), self.measured()[0] + 1e-9
        seen = network.features(self._values, gradient, *moments, step.adams, error, area, torch)
        said = network.evaluate(self._arrays, seen) * self._units * (GAIN * FADE**step.index)
        moved: Tensor = network.destination(self._values, said, torch)
        return moved
