"""STAND-IN for the compiled engine: the same protocol over the Numba kernels of before, with NumPy for the rest of a step.

To be replaced as a whole, and what it alone uses with it: kernels/, squared.py, gather.py, perceptual.py, removal.py, lattice.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from splatc.blend import Blend
from splatc.fit.densification import densified, sample_places
from splatc.fit.engine import EPSILON, Step
from splatc.fit.gather import Moments
from splatc.fit.kernels.footprint import footprints_from
from splatc.fit.kernels.forward import features, render_rows
from splatc.fit.kernels.scratch import Scratch
from splatc.fit.lattice import Lattice, Picture
from splatc.fit.losses import l1_ssim, multiscale
from splatc.fit.noise import uniform
from splatc.fit.perceptual import perceptual_error
from splatc.fit.pruning import SUBSETS, dearest, redundant_ones
from splatc.fit.removal import removal_costs
from splatc.fit.rounding import in_offsets, step_rows
from splatc.fit.squared import squared_error
from splatc.fit.subset import Subset
from splatc.fit.table import ANGLE, COLOUR, FROZEN, LOG_ASPECT, LOG_SCALE, MEAN, ROWS, Table, bounds
from splatc.fit.task import Task
from splatc.gaussians import FloatArray
from splatc.quantize import COLOUR_MATRIX, from_coded_colour


@dataclass(frozen=True)
class View:
    """N Gaussians as a polyphase subset shows them; lengths in samples."""

    blend: Blend
    reduction: int
    scale: FloatArray
    angle: FloatArray
    colour: FloatArray
    """(N, C)"""
    feature: FloatArray
    """(N, K) what a Gaussian adds to the planes at weight 1."""
    footprint: FloatArray

    @staticmethod
    def of(values: FloatArray, where: Subset, blend: Blend) -> View:
        mean = np.ascontiguousarray(((values[MEAN].T - where.origin) / where.reduction), np.float32)
        half = 0.5 * values[LOG_ASPECT]
        logs = np.stack([values[LOG_SCALE] + half, values[LOG_SCALE] - half], axis=1)
        scale = np.ascontiguousarray(np.exp(logs) / where.reduction, np.float32)
        angle = np.ascontiguousarray(values[ANGLE])
        colour = np.ascontiguousarray(from_coded_colour(values[COLOUR].T), np.float32)
        footprint = footprints_from(mean, scale, angle)
        return View(blend, where.reduction, scale, angle, colour, features(colour, blend), footprint)

    def gradients(self, moments: Moments) -> FloatArray:
        """(5 + C, N) by every value."""
        by_mean, by_log_scale, by_angle = moments.gradients(self.scale, self.angle)
        by_colour = moments.feature[:, : self.colour.shape[1]].copy()
        if by_colour.shape[1] >= 3:
            by_colour[:, :3] = by_colour[:, :3] @ COLOUR_MATRIX.astype(np.float32)
        rows = [
            by_mean.T / np.float32(self.reduction),
            by_log_scale.sum(axis=1)[None],
            0.5 * (by_log_scale[:, 0] - by_log_scale[:, 1])[None],
            by_angle[None],
            by_colour.T,
        ]
        return np.concatenate(rows).astype(np.float32)


class CoreEngine:
    """The fit of a picture on this processor."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._picture = Picture(task.pixels)
        self._scratch = Scratch()
        self._bounds = bounds(task.width, task.height)
        self._measured = math.nan, math.nan
        self._table: Table

    def send(self, table: Table) -> None:
        self._table = table

    def fetch(self) -> Table:
        return self._table

    def measured(self) -> tuple[float, float]:
        return self._measured

    def gradients(self, values: FloatArray, reduction: int, index: int) -> FloatArray:
        """(5 + C, N) of the loss times all samples of the picture."""
        task = self._task
        where = task.compared(reduction, index)
        lattice = self._lattice(where, index)
        view = View.of(values, where, task.blend)
        samples = where.width * where.height * task.channels
        if task.tune == "psnr":
            total, moments = squared_error(lattice, view.footprint, view.feature, task.background, self._scratch)
            self._measured = total / samples, total / samples
        else:
            compare = multiscale if task.tune == "ssim" else l1_ssim
            total, loss, moments = perceptual_error(lattice, view, task.background, compare, self._scratch)
            self._measured = total / samples, loss
        result: FloatArray = view.gradients(moments) * np.float32(reduction**2)
        return result

    def noisy(self, step: Step) -> FloatArray:
        """(5 + C, N) what is drawn."""
        values, frozen = self._table.values, self._table.frozen
        if step.noise is None:
            return values
        noise = uniform(step.seed, step.index, values.shape[1], len(values)) * step_rows(values, step.noise)
        noise[MEAN] = in_offsets(noise[MEAN], values, step.noise)
        for name, row in ROWS.items():
            noise[row] = np.where(frozen & FROZEN[name], np.float32(0.0), noise[row])
        return values + noise

    def step(self, step: Step) -> None:
        table = self._table
        values = table.values
        gradient = self.gradients(self.noisy(step), step.reduction, step.index)
        if step.pull is not None:
            gradient += step.pull.rows(values)
        cosine, sine = np.cos(values[ANGLE]), np.sin(values[ANGLE])
        x, y = gradient[MEAN].copy()
        gradient[MEAN] = cosine * x + sine * y, cosine * y - sine * x
        moved = values.copy()
        for name, rate in step.rates.items():
            row = ROWS[name]
            direction = -self._adam(row, gradient[row], step)
            if name == "mean":
                half = 0.5 * values[LOG_ASPECT]
                along = direction[0] * np.exp(values[LOG_SCALE] + half)
                across = direction[1] * np.exp(values[LOG_SCALE] - half)
                direction = np.stack([cosine * along - sine * across, sine * along + cosine * across])
            if name == "angle":
                direction = direction / np.sqrt(1.0 + (2.0 * np.sinh(values[LOG_ASPECT])) ** 2)
            moved[row] += np.float32(rate) * direction
        low, high = self._bounds
        moved[:5] = np.clip(moved[:5], low[:, None], high[:, None])
        for name in step.rates:
            row = ROWS[name]
            values[row] = np.where(table.frozen & FROZEN[name], values[row], moved[row])

    def _adam(self, row: int | slice, gradient: FloatArray, step: Step) -> FloatArray:
        beta1, beta2 = step.betas
        first, second = self._table.first[row], self._table.second[row]
        first *= np.float32(beta1)
        first += np.float32(1.0 - beta1) * gradient
        second *= np.float32(beta2)
        second += np.float32(1.0 - beta2) * gradient * gradient
        unbiased = first / np.float32(1.0 - beta1**step.adams)
        result: FloatArray = unbiased / (np.sqrt(second / np.float32(1.0 - beta2**step.adams)) + np.float32(EPSILON))
        return result

    def removal_costs(self, reduction: int) -> FloatArray:
        cost = np.zeros(len(self._table), np.float32)
        for step in range(min(reduction**2, SUBSETS)):
            view = View.of(self._table.values, self._task.subset(reduction, step), self._task.blend)
            cost += removal_costs(self._picture.lattice(reduction, step), view, self._task.background)
        return cost

    def prune(self, count: int, reduction: int, *, redundant: bool = False) -> None:
        if count >= len(self._table) and not redundant:
            return
        cost, idle = self.removal_costs(reduction), None
        if redundant:
            where = self._task.subset(reduction)
            idle = redundant_ones(self._table, cost, self._task.pixels, where, self._task.background)
        self._table = self._table.keep(dearest(cost, count, idle))

    def densify(self, count: int, reduction: int, rng: np.random.Generator) -> None:
        task = self._task
        step = int(rng.integers(reduction**2))
        where, lattice = task.subset(reduction, step), self._picture.lattice(reduction, step)
        view = View.of(self._table.values, where, task.blend)
        image, _ = render_rows(view.footprint, view.feature, task.background, where.width, where.height)
        sample = lattice.samples[:, :, : where.width] * lattice.unit
        missing = sample - image[:, :, : where.width]
        y, x = places = sample_places((missing * missing).sum(axis=1), count, rng)
        colour = (missing if task.blend is Blend.SUM else sample)[y, :, x]
        self._table = densified(self._table, where, places, colour, rng)

    def _lattice(self, where: Subset, index: int) -> Lattice:
        whole = self._picture.lattice(where.reduction, index)
        top = (where.y0 - whole.y0) // where.reduction
        return whole if whole.height == where.height else whole.rows(top, top + where.height)
