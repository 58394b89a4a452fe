"""The compiled engine: each step is a call of the core (splatc/core/fit), on all cores of this processor."""

from __future__ import annotations

import ctypes
import math

import numpy as np
from numpy.typing import NDArray

from splatc.blend import Blend
from splatc.core import fit as core_fit
from splatc.core.fit_structs import MAX_CHANNELS, Adam, Fit, Rate
from splatc.core.loading import address
from splatc.core.losses import Kind, Loss
from splatc.fit.densification import densified, sample_places
from splatc.fit.engine import ADAM_EPSILON, Step
from splatc.fit.planes import Planes
from splatc.fit.pruning import SUBSETS, highest_costs, redundant_ones
from splatc.fit.rate import RateGradient
from splatc.fit.subset import Subset
from splatc.fit.table import FROZEN, Table, bounds
from splatc.fit.task import Task, Tune
from splatc.gaussians import FloatArray
from splatc.quantize import steps_of
from splatc.steps import Quantizer

LOSSES: dict[Tune, Kind] = {"ssim": "multiscale", "smartsplat": "l1_ssim"}
"""Of those that compare neighbourhoods."""
DRAWN_BYTES = 1 << 26
"""Of a picture that is drawn to densify a sum, at a time."""


class CoreEngine:
    """The fit of a picture on this processor."""

    def __init__(self, task: Task) -> None:
        self._task = task
        # Steps by a loss of neighbourhoods draw all pixels, and events those of a subset.
        self._planes = Planes(task.pixels, 2 if task.tune == "ssim" else 1)
        self._workspace = core_fit.Workspace()
        self._table: Table
        low, high = bounds(task.width, task.height)
        self._adam = Adam(
            epsilon=ADAM_EPSILON,
            end_x=high[0],
            end_y=high[1],
            least_scale=low[2],
            most_scale=high[2],
            most_aspect=high[3],
        )
        self._widths: tuple[Quantizer, np.ndarray] | None = None
        self._rate: tuple[RateGradient, Rate] | None = None
        self._loss: tuple[Loss, Subset] | None = None
        """And what is its target."""
        self._squares = np.full(1, math.nan)
        """By tile, of the last step."""
        self._samples = 1
        self._other_loss: float | None = None
        """Of the last step, where it is not the squared error."""

    def send(self, table: Table) -> None:
        self._table = table

    def fetch(self) -> Table:
        return self._table

    def measured(self) -> tuple[float, float]:
        error = math.fsum(self._squares) / self._samples
        return error, error if self._other_loss is None else self._other_loss

    def step(self, step: Step) -> None:
        squared = self._task.tune == "psnr"
        where = self._task.subset(step.reduction, step.index) if squared else self._task.window(step.index)
        call = self._call(where, core_fit.STEP)
        if step.noise is not None:
            call.widths = address(self._widths_of(step.noise))
            call.seed, call.step = step.seed & 0xFFFFFFFF, step.index
        self._move_by(call, step)
        self._samples = where.width * where.height * self._task.channels
        if squared:
            self._squares = self._workspace.run(call)
        else:
            self._step_by_loss(call, where, self._task.gathered(step.reduction, step.index))

    def pruning_costs(self, reduction: int) -> FloatArray:
        cost = np.zeros(len(self._table), np.float32)
        if self._task.prunes_by_loss:
            for window in self._task.windows():
                self._add_loss_costs(window, cost)
            return cost
        if self._planes.small and reduction > 1:  # as many samples in one go, in half of the time
            subsets = [self._task.subset(reduction // 2)]
        else:
            subsets = [self._task.subset(reduction, step) for step in range(min(reduction**2, SUBSETS))]
        for where in subsets:
            call = self._call(where, core_fit.COSTS)
            call.cost = address(cost)
            self._workspace.run(call)
        return cost

    def prune(self, count: int, reduction: int, *, redundant: bool = False) -> None:
        if count >= len(self._table) and not redundant:
            return
        self._keep_measured()
        cost, idle = self.pruning_costs(reduction), None
        if redundant:
            where = self._task.subset(reduction)
            idle = redundant_ones(self._table, cost, self._task.pixels, where, self._task.background)
        self._table = self._table.keep(highest_costs(cost, count, idle))

    def densify(self, count: int, reduction: int, rng: np.random.Generator) -> None:
        self._keep_measured()
        where = self._task.subset(reduction, int(rng.integers(reduction**2)))
        error = self._errors(where)
        y, x = places = sample_places(error[:, : where.width], count, rng)
        colour = self._planes.of(where)[y, :, x] * np.float32(self._planes.unit)
        if self._task.blend is Blend.SUM:
            colour -= self._drawn(where, y, x)
        self._table = densified(self._table, where, places, colour, rng)

    def _errors(self, where: Subset) -> FloatArray:
        """(height, S) the squared error of the samples of a subset, times the curvature of the loss if that is what counts."""
        whole, r = self._call(where, core_fit.ERRORS), where.reduction
        error = self._workspace.floats("weight", (whole.height, whole.stride))
        if not self._task.prunes_by_loss:
            whole.weight = address(error)
            self._workspace.run(whole)
            return error
        for window in self._task.windows():
            band = where.within(window)
            if band.height == 0:
                continue
            call = self._call(band, core_fit.ERRORS)
            curvature = self._workspace.floats("curvature", (call.height, call.channels, call.stride))
            all_of_it = self._loss_of(window).curvature()[band.y0 - window.y0 :: r, :, band.x0 :: r]
            curvature[:, :, : band.width] = all_of_it[: band.height, :, : band.width]
            call.weight, call.curvature = address(error[band.rows_in(where)]), address(curvature)
            self._workspace.run(call)
        return error

    def _add_loss_costs(self, where: Subset, cost: FloatArray) -> None:
        """Add what the loss of the samples of a window would rise by without each Gaussian."""
        loss, call = self._loss_of(where), self._call(where, core_fit.DRAW)
        image, _ = self._draw(call)
        _, gradient = loss.gradient(image)
        call.what, call.finer, call.cost = core_fit.LOSS_COSTS, 1, address(cost)
        call.gradient, call.curvature = address(gradient), address(loss.curvature())
        self._workspace.run(call)

    def _drawn(self, where: Subset, y: NDArray[np.int64], x: NDArray[np.int64]) -> FloatArray:
        """(K, C) what the Gaussians show at samples of a subset."""
        colour = np.empty((len(y), self._task.channels), np.float32)
        for band in where.bands(max(1, DRAWN_BYTES // (4 * self._task.channels * where.width))):
            rows = band.rows_in(where)
            here = (y >= rows.start) & (y < rows.stop)
            image, _ = self._draw(self._call(band, core_fit.DRAW))
            colour[here] = image[y[here] - rows.start, :, x[here]]
        return colour

    def _draw(self, call: Fit) -> tuple[FloatArray, FloatArray]:
        """(height, C, S) what the Gaussians show, and (height, S) their total weight."""
        image = self._workspace.floats("image", (call.height, call.channels, call.stride))
        weight = self._workspace.floats("weight", (call.height, call.stride))
        call.image, call.weight = address(image), address(weight)
        self._workspace.run(call)
        return image, weight

    def _step_by_loss(self, call: Fit, where: Subset, part: Subset) -> None:
        """A step for a loss that compares neighbourhoods: of all pixels ``where``; their gradient is gathered at a ``part`` of them."""
        loss = self._loss_of(where)
        call.what = core_fit.DRAW
        image, weight = self._draw(call)
        y, x, r = part.y0 - where.y0, part.x0, part.reduction
        self._other_loss, gradient = loss.gradient(image, r, y)
        self._squares = np.array([loss.squared_error])
        call.what, call.width, call.height, call.reduction, call.finer = core_fit.MOVE, part.width, part.height, r, r
        call.origin_x, call.origin_y = part.origin
        call.image, call.weight, call.gradient = (address(each[y:]) + 4 * x for each in (image, weight, gradient))
        self._workspace.run(call)

    def _loss_of(self, where: Subset) -> Loss:
        """The loss, with a window of the picture as its target."""
        if self._loss is None:
            # A window of a large picture may be a row higher than the first.
            loss, of = Loss(LOSSES[self._task.tune], where.width, where.height + 1, self._task.channels), None
        else:
            loss, of = self._loss
        if of != where:
            loss.target(self._planes.of(where), self._planes.unit)
            self._loss = loss, where
        return loss

    def _call(self, where: Subset, what: int) -> Fit:
        """A task for the core: the Gaussians as they are, on a subset."""
        task, table, samples = self._task, self._table, self._planes.of(where)
        x, y = where.origin
        return Fit(
            what=what, channels=task.channels, normalized=task.blend is Blend.NORMALIZED, depth=8 * samples.itemsize,
            count=len(table), values=address(table.values), first=address(table.first), second=address(table.second),
            frozen=address(table.frozen), width=where.width, height=where.height, stride=samples.shape[2],
            samples=address(samples), unit=self._planes.unit,
            background=(ctypes.c_float * MAX_CHANNELS)(*task.background.tolist()),
            origin_x=x, origin_y=y, reduction=where.reduction,
        )  # fmt: skip

    def _move_by(self, call: Fit, step: Step) -> None:
        """Set what moves the Gaussians, and by which rate gradient."""
        call.adam = ctypes.pointer(self._adam_of(step))
        if step.rate_gradient is not None:
            call.rate = ctypes.pointer(self._rate_of(step.rate_gradient))

    def _adam_of(self, step: Step) -> Adam:
        adam, (beta1, beta2) = self._adam, step.betas
        for name in FROZEN:
            setattr(adam, name, step.rates.get(name, 0.0))
        adam.moving = sum(bit for name, bit in FROZEN.items() if name in step.rates)
        adam.beta1, adam.beta2 = beta1, beta2
        adam.unbias1, adam.unbias2 = 1.0 / (1.0 - beta1**step.adams), 1.0 / (1.0 - beta2**step.adams)
        return adam

    def _widths_of(self, quantizer: Quantizer) -> np.ndarray:
        if self._widths is None or self._widths[0] != quantizer:
            self._widths = quantizer, core_fit.make_widths(steps_of(quantizer, self._task.channels))
        return self._widths[1]

    def _rate_of(self, rate: RateGradient) -> Rate:
        """As the core has it; it stays until the next one comes."""
        if self._rate is None or self._rate[0] is not rate:
            numbers = (ctypes.c_float * MAX_CHANNELS)(*rate.colour.tolist())
            made = Rate(
                address(rate.predicted), address(rate.colour_step), numbers, rate.aspect_step, rate.aspect, rate.soft
            )
            self._rate = rate, made
        return self._rate[1]

    def _keep_measured(self) -> None:
        """Before other tasks write over it."""
        self._squares = self._squares.copy()
