"""`CudaEngine` makes the steps of a fit on a GPU; between events of the schedule nothing comes back from there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from splatc.blend import Blend
from splatc.cuda.device import Argument, Buffer, Device
from splatc.fit.cuda.drawing import Drawing, Noise
from splatc.fit.engine import Step
from splatc.fit.lattice import Picture
from splatc.fit.parameters import MAX_RATIO, MIN_SIZE, NAMES, Adam, Parameters, Tensor
from splatc.fit.rate import SOFT, Pull
from splatc.gaussians import FloatArray
from splatc.quantize import MAX_ANISOTROPY, angle_count_table, by_level, colour_step_table, strip_count_table
from splatc.steps import MAX_LEVELS, Quantizer, step_q32


class CudaEngine:
    """A fit of one picture on one GPU. Raises DeviceError for whatever goes wrong there."""

    def __init__(self, device: Device, picture: Picture, blend: Blend, background: FloatArray) -> None:
        self._device = device
        self._drawing = Drawing(device, picture.pixels, blend, background)
        far = math.log(2.0 * max(picture.width, picture.height))
        self._bounds = [picture.width - 1 / 64, picture.height - 1 / 64, math.log(MIN_SIZE), far, MAX_RATIO]
        self._parameters, self._first, self._second, self._held = (device.allocate(0) for _ in range(4))
        self._steps: tuple[Quantizer, Buffer] | None = None
        self._pull: tuple[Pull, Buffer] | None = None
        self._sums: tuple[Buffer, int, int] | None = None
        """Squared differences of the last step, how many numbers, and of how many samples they are."""

    def send(self, parameters: Parameters, optimizer: Adam | None, held: Mapping[str, Tensor]) -> None:
        self._drawing.count = len(parameters)
        self._parameters = self._device.upload(_rows(parameters))
        if optimizer is not None:
            moments = (optimizer.first, optimizer.second)
            self._first, self._second = (self._device.upload(_rows(each)) for each in moments)
        bits = sum(held[name].numpy().astype(np.uint8) << np.uint8(bit) for bit, name in enumerate(NAMES))
        self._held = self._device.upload(np.asarray(bits, np.uint8))

    def step(self, step: Step) -> None:
        self.differentiate(step)
        beta1, beta2 = Adam.BETAS
        unbias = [1.0 / (1.0 - beta**step.adams) for beta in Adam.BETAS]
        due = sum(1 << bit for bit, name in enumerate(NAMES) if name in step.rates)
        numbers = [*(step.rates.get(name, 0.0) for name in NAMES), beta1, beta2, *unbias, Adam.EPSILON, *self._bounds]
        records, moments = self._drawing.room("records", 0), self._drawing.room("moments", 0)
        arguments: list[Argument | Buffer] = [records, moments, self._held, due]
        arguments += [np.float32(number) for number in [step.reduction, *numbers]]
        arguments += self._rate_term(step.pull)
        self._drawing.each("update", *arguments, self._parameters, self._first, self._second)

    def _rate_term(self, pull: Pull | None) -> list[Argument | Buffer]:
        """As update() takes it; a pull goes to the GPU once."""
        if pull is None:
            return [0, self._held, *([np.float32(1.0)] * 7)]
        if self._pull is None or self._pull[0] is not pull:
            both = torch.stack([pull.expected, pull.colour_step], dim=1).numpy()  # (N, 2, C)
            self._pull = (pull, self._device.upload(both.astype(np.float32)))
        by_step = [*pull.colour.tolist(), 0.0, 0.0, 0.0][:4]
        return [1, self._pull[1], *map(np.float32, [*by_step, pull.ratio_step, pull.ratio, SOFT])]

    def differentiate(self, step: Step) -> None:
        """The forward and the backward pass of a step: error and moments."""
        where = self._drawing.grid(step.reduction, step.index)
        noise = None if step.noise is None else Noise(self._widths(step.noise), step.seed, step.index)
        sums, warps = self._drawing.squared_error(self._parameters, self._held, where, noise)
        self._sums = (sums, warps, where.width * where.height * self._drawing.channels)

    def gradients(self, reduction: int) -> dict[str, FloatArray]:
        """By name, the gradients that `differentiate` found, shaped as the parameters are."""
        drawing = self._drawing
        rows = 5 + drawing.channels
        result = drawing.room("gradients", 4 * rows * drawing.count)
        drawing.each(
            "differentiate", drawing.room("records", 0), drawing.room("moments", 0), np.float32(reduction), result
        )
        found = self._device.download(result, np.float32, (rows, drawing.count))
        return {name: getattr(_from_rows(found), name).numpy() for name in NAMES}

    def fetch(self) -> tuple[Parameters, float]:
        return self._download(self._parameters), self.error()

    def fetch_moments(self, optimizer: Adam) -> None:
        optimizer.first, optimizer.second = (self._download(each) for each in (self._first, self._second))

    def _download(self, rows: Buffer) -> Parameters:
        shape = (5 + self._drawing.channels, self._drawing.count)
        return _from_rows(self._device.download(rows, np.float32, shape))

    def error(self) -> float:
        """Mean squared error that the last step met; nan before the first."""
        if self._sums is None:
            return math.nan
        sums, warps, samples = self._sums
        return float(self._device.download(sums, np.float32, (warps,)).sum(dtype=np.float64)) / samples

    def removal_costs(self, parameters: Parameters, reduction: int, steps: Sequence[int]) -> FloatArray:
        self._drawing.count = len(parameters)
        sent, held = self._device.upload(_rows(parameters)), self._device.upload(np.zeros(len(parameters), np.uint8))
        return self._drawing.removal_costs(sent, held, [self._drawing.grid(reduction, step) for step in steps])

    def _widths(self, quantizer: Quantizer) -> Buffer:
        """The table of steps on the GPU; the steps change at few events only."""
        if self._steps is None or self._steps[0] != quantizer:
            self._steps = (quantizer, self._device.upload(step_table(quantizer, self._drawing.channels)))
        return self._steps[1]


def step_table(quantizer: Quantizer, channels: int) -> FloatArray:
    """The steps of rounding.py as kernels/bins.cu looks them up: by level, and by index of the ratio."""
    level = np.arange(MAX_LEVELS, dtype=np.int32)
    ratio = step_q32(quantizer.anisotropy) / 2.0**32
    colours = np.zeros((MAX_LEVELS, 4))
    colours[:, :channels] = colour_step_table(quantizer, level, channels)
    angles = math.pi / angle_count_table(quantizer)
    assert angles.shape == (MAX_LEVELS, MAX_ANISOTROPY + 1) == (16, 64)  # of kernels/fit.cuh
    single = [math.log(2.0) / quantizer.sizes, ratio, ratio]
    parts = (
        single,
        by_level(quantizer.position_step, level),
        colours,
        angles,
        strip_count_table(quantizer),
    )
    table: FloatArray = np.concatenate([np.ravel(part) for part in parts]).astype(np.float32)
    return table


def _rows(parameters: Parameters) -> FloatArray:
    """(5 + C, N): mean x, mean y, size, ratio, angle, colours."""
    values = (getattr(parameters, name).numpy() for name in NAMES)
    return np.concatenate([value.T if value.ndim == 2 else value[None] for value in values], dtype=np.float32)


def _from_rows(rows: FloatArray) -> Parameters:
    def tensor(part: FloatArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(part))

    return Parameters(tensor(rows[:2].T), tensor(rows[2]), tensor(rows[3]), tensor(rows[4]), tensor(rows[5:].T))
