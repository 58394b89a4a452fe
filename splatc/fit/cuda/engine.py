"""`CudaEngine` makes the steps of a fit on a GPU; between events of the schedule nothing comes back from there."""

from __future__ import annotations

import math

import numpy as np

from splatc.attributes import MAX_LEVELS
from splatc.blend import Blend
from splatc.cuda.device import Argument, Buffer, Device
from splatc.fit.cuda.drawing import Drawing, Grid, Noise
from splatc.fit.densification import densified, sample_places
from splatc.fit.engine import ADAM_EPSILON, Step
from splatc.fit.pruning import SUBSETS, highest_costs, redundant_ones
from splatc.fit.rate import RateGradient
from splatc.fit.rounding import step_tables
from splatc.fit.table import FROZEN, NAMES, SHAPE_ROWS, Table, bounds
from splatc.fit.task import Task
from splatc.gaussians import FloatArray
from splatc.steps import Quantizer


class CudaEngine:
    """A fit of one picture on one GPU, of squared error only. Raises DeviceError for whatever goes wrong there."""

    def __init__(self, device: Device, task: Task) -> None:
        self._device, self._task = device, task
        self._drawing = Drawing(device, task.pixels, task.blend, task.background)
        low, high = bounds(task.width, task.height)
        self._bounds = [high[0], high[1], low[2], high[2], high[3]]
        self._values, self._first, self._second, self._frozen = (device.allocate(0) for _ in range(4))
        self._table: Table | None = None
        """What lies on the GPU, as long as it has not moved."""
        self._steps: tuple[Quantizer, Buffer] | None = None
        self._rate: tuple[RateGradient, Buffer] | None = None
        self._sums: tuple[Buffer, int, int] | None = None
        """Squared differences of the last step, how many numbers, and of how many samples they are."""
        self._order = np.zeros(0, np.float32)

    def send(self, table: Table) -> None:
        self._table, self._order = table, table.order
        self._drawing.count = len(table)
        rows = (table.values, table.first, table.second)
        self._values, self._first, self._second = map(self._device.upload, rows)
        self._frozen = self._device.upload(table.frozen)

    def fetch(self) -> Table:
        if self._table is None:
            shape = (SHAPE_ROWS + self._drawing.channels, self._drawing.count)
            buffers = (self._values, self._first, self._second)
            values, first, second = (self._device.download(each, np.float32, shape) for each in buffers)
            frozen = self._device.download(self._frozen, np.uint8, shape[1:])
            self._table = Table(values, first, second, frozen, self._order)
        return self._table

    def step(self, step: Step) -> None:
        self.differentiate(step)
        beta1, beta2 = step.betas
        unbias = [1.0 / (1.0 - beta**step.adams) for beta in step.betas]
        due = sum(FROZEN[name] for name in step.rates)
        numbers = [*(step.rates.get(name, 0.0) for name in NAMES), beta1, beta2, *unbias, ADAM_EPSILON, *self._bounds]
        records, moments = self._drawing.room("records", 0), self._drawing.room("moments", 0)
        arguments: list[Argument | Buffer] = [records, moments, self._frozen, due]
        arguments += [np.float32(number) for number in [step.reduction, *numbers]]
        arguments += self._rate_term(step.rate_gradient)
        self._drawing.each("update", *arguments, self._values, self._first, self._second)
        self._table = None

    def _rate_term(self, rate: RateGradient | None) -> list[Argument | Buffer]:
        """As update() takes it; a rate gradient goes to the GPU once."""
        if rate is None:
            return [0, self._frozen, *([np.float32(1.0)] * 7)]
        if self._rate is None or self._rate[0] is not rate:
            both = np.stack([rate.predicted.T, rate.colour_step.T], axis=1)  # (N, 2, C)
            self._rate = (rate, self._device.upload(both.astype(np.float32)))
        by_step = [*rate.colour.tolist(), 0.0, 0.0, 0.0][:4]
        return [1, self._rate[1], *map(np.float32, [*by_step, rate.aspect_step, rate.aspect, rate.soft])]

    def differentiate(self, step: Step) -> None:
        """The forward and the backward pass of a step: error and moments."""
        where = self._drawing.grid(step.reduction, step.index)
        noise = None if step.noise is None else Noise(self._widths(step.noise), step.seed, step.index)
        sums, warps = self._drawing.squared_error(self._values, self._frozen, where, noise)
        self._sums = (sums, warps, where.width * where.height * self._drawing.channels)

    def gradients(self, reduction: int) -> FloatArray:
        """(5 + C, N) what `differentiate` found: of the squared error of a polyphase subset, times reduction^2."""
        drawing = self._drawing
        shape = (SHAPE_ROWS + drawing.channels, drawing.count)
        result = drawing.room("gradients", 4 * shape[0] * shape[1])
        arguments = (drawing.room("records", 0), drawing.room("moments", 0), np.float32(reduction), result)
        drawing.each("differentiate", *arguments)
        found: FloatArray = self._device.download(result, np.float32, shape)
        return found

    def measured(self) -> tuple[float, float]:
        if self._sums is None:
            return math.nan, math.nan
        sums, warps, samples = self._sums
        error = float(self._device.download(sums, np.float32, (warps,)).sum(dtype=np.float64)) / samples
        return error, error

    def pruning_costs(self, reduction: int) -> FloatArray:
        where = [self._drawing.grid(reduction, step) for step in range(min(reduction**2, SUBSETS))]
        return self.pruning_costs_on(where)

    def pruning_costs_on(self, where: list[Grid]) -> FloatArray:
        """(N,) the same of some polyphase subsets."""
        return self._drawing.pruning_costs(self._values, self._frozen, where)

    def prune(self, count: int, reduction: int, *, redundant: bool = False) -> None:
        if count >= self._drawing.count and not redundant:
            return
        table, cost, idle = self.fetch(), self.pruning_costs(reduction), None
        if redundant:
            where = self._task.subset(reduction)
            idle = redundant_ones(table, cost, self._task.pixels, where, self._task.background)
        kept = highest_costs(cost, count, idle)
        if len(kept) < len(table):
            self.send(table.keep(kept))

    def densify(self, count: int, reduction: int, rng: np.random.Generator) -> None:
        task, where = self._task, self._drawing.grid(reduction, int(rng.integers(reduction**2)))
        wanted = where.pick(task.pixels)
        unit = np.float32(1.0 / np.iinfo(wanted.dtype).max)
        error = np.empty((where.height, where.width), np.float32)
        drawn = np.empty((where.height, where.width, task.channels), np.float32)
        for band, image in self._drawing.images(self._values, self._frozen, where):
            top = (band.y0 - where.y0) // reduction
            missing = wanted[top : top + band.height] * unit - image
            drawn[top : top + band.height] = image
            error[top : top + band.height] = sum(missing[:, :, c] ** 2 for c in range(task.channels))
        y, x = places = sample_places(error, count, rng)
        colour = wanted[y, x] * unit - (drawn[y, x] if task.blend is Blend.SUM else np.float32(0.0))
        self.send(densified(self.fetch(), where, places, colour, rng))

    def _widths(self, quantizer: Quantizer) -> Buffer:
        """The table of steps on the GPU; the steps change at few events only."""
        if self._steps is None or self._steps[0] != quantizer:
            self._steps = (quantizer, self._device.upload(step_table(quantizer, self._drawing.channels)))
        return self._steps[1]


def step_table(quantizer: Quantizer, channels: int) -> FloatArray:
    """The steps of rounding.py, as kernels/bins.cu looks them up: by level, and by index of the log aspect ratio."""
    tables = step_tables(quantizer, channels)
    colours = np.zeros((MAX_LEVELS, 4))
    colours[:, :channels] = tables.colour
    assert tables.angle.shape == (16, 64)  # of kernels/fit.cuh
    single = [tables.log_scale, tables.log_aspect, tables.log_aspect]
    parts = (single, tables.by_level["mean"], colours, tables.angle, tables.offsets)
    table: FloatArray = np.concatenate([np.ravel(part) for part in parts]).astype(np.float32)
    return table
