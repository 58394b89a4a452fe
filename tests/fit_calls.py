"""Calls of the step of a fit in the core, every buffer as large as the call says and no larger; and what they ought to find, in float64."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from splatc.blend import Blend
from splatc.core import fit as core_fit
from splatc.core.fit_structs import MAX_CHANNELS, Adam, Fit
from splatc.core.loading import OK, address, aligned, load
from splatc.fit.engine import ADAM_EPSILON, Step
from splatc.fit.subset import Samples, Subset
from splatc.fit.table import ANGLE, COLOUR, FROZEN, LOG_ASPECT, LOG_SCALE, MEAN, ROWS, Table, bounds
from splatc.fit.task import Task
from splatc.gaussians import CUTOFF, EPSILON, FloatArray
from splatc.quantize import from_coded_colour

Doubles = NDArray[np.float64]
PLACED = np.dtype(
    [
        *((name, np.float32) for name in ("x", "y", "a", "b", "c", "extent_x", "extent_y", "u_x", "u_y", "v_x", "v_y")),
        ("feature", np.float32, MAX_CHANNELS + 1),
        *((name, np.float32) for name in ("curve", "apex", "narrowing", "per_c")),
    ]
)
"""``core_fit_placed``."""
MOVING = sum(FROZEN.values())


def random_values(rng: np.random.Generator, count: int, width: int, height: int, channels: int) -> FloatArray:
    """(5 + C, N) of Gaussians of all shapes, some of them across the border."""
    return np.stack(
        [
            rng.uniform(-2.0, width + 2.0, count),
            rng.uniform(-2.0, height + 2.0, count),
            rng.uniform(0.0, 2.5, count),
            rng.uniform(-2.5, 2.5, count),
            rng.uniform(-7.0, 7.0, count),
            *rng.uniform(-0.3, 0.9, (channels, count)),
        ]
    ).astype(np.float32)


def random_pixels(rng: np.random.Generator, width: int, height: int, channels: int, depth: int = 8) -> Samples:
    """(H, W, C) of noise."""
    dtype = {8: np.uint8, 16: np.uint16}[depth]
    return rng.integers(0, 1 << depth, (height, width, channels), dtype)


@dataclass
class FitCall:
    """A ``core_fit``; ``task`` and the arrays may be changed before ``run``."""

    values: FloatArray
    pixels: Samples
    what: int = core_fit.STEP
    normalized: int = 1
    entries: int | None = None
    workers: int = 1
    task: Fit = field(init=False)

    def __post_init__(self) -> None:
        count, (height, width, channels) = self.values.shape[1], self.pixels.shape
        depth, stride = 8 * self.pixels.itemsize, -(-width // 16) * 16
        self.tiles = int(load().core_fit_tiles(width, height))
        if self.entries is None:
            self.entries = count * self.tiles
        self.samples = np.zeros((height, channels, stride), self.pixels.dtype)
        self.samples[:, :, :width] = self.pixels.transpose(0, 2, 1)
        self.first, self.second = np.zeros_like(self.values), np.zeros_like(self.values)
        self.frozen, self.cost = np.zeros(count, np.uint8), np.zeros(count, np.float32)
        self.placed, self.boxes = np.zeros(count, PLACED), np.zeros((count, 4), np.int32)
        self.entry_starts, self.tile_starts = np.zeros(count + 1, np.int64), np.zeros(self.tiles + 1, np.int64)
        self.members, self.sums = np.zeros(self.entries, np.int32), np.zeros((self.entries, core_fit.SUMS), np.float32)
        self.squares, self.weight = np.zeros(self.tiles), np.zeros((height, stride), np.float32)
        self.image, self.gradient, self.curvature = np.zeros((3, height, channels, stride), np.float32)
        self.size = int(load().core_fit_workspace())
        self.workspace = aligned(self.size * self.workers)
        self.adam = Adam(
            beta1=0.0, beta2=0.0, unbias1=1.0, unbias2=1.0, epsilon=ADAM_EPSILON, end_x=width, end_y=height, least_scale=-1.0,
            most_scale=9.0, most_aspect=3.0, moving=MOVING,
        )  # fmt: skip
        names = ("values", "first", "second", "frozen", "samples", "placed", "boxes", "entry_starts", "tile_starts")
        more = ("members", "sums", "image", "weight", "gradient", "curvature", "cost", "workspace")
        self.task = Fit(
            what=self.what, channels=channels, normalized=self.normalized, depth=depth, count=count, width=width, height=height,
            stride=stride, unit=1.0 / (2**depth - 1), background=(ctypes.c_float * MAX_CHANNELS)(*[0.5] * MAX_CHANNELS),
            reduction=1.0, adam=ctypes.pointer(self.adam), entries=self.entries, tile_squares=address(self.squares),
            workspace_bytes=self.size, workers=self.workers, finer=1,
            **{name: address(getattr(self, name)) for name in (*names, *more)},
        )  # fmt: skip

    def phases(self) -> list[int] | None:
        """Where each phase ends; None if the task is refused."""
        ends = np.zeros(4, np.int64)
        return ends.tolist() if load().core_fit_phases(ctypes.byref(self.task), address(ends)) == len(ends) else None

    def item(self, number: int, worker: int = 0) -> int:
        """Run an item in this thread: its status."""
        return int(load().core_fit_item(ctypes.byref(self.task), ctypes.c_int64(number), worker))

    def run(self) -> int:
        """Run all items in their order: the status of the first that fails."""
        phases = self.phases()
        assert phases is not None
        return next((status for number in range(phases[-1]) if (status := self.item(number)) != OK), OK)


# ---- The same in float64 ----


def weights(values: Doubles, where: Subset) -> Doubles:
    """(N, h, w) what each Gaussian weighs at each sample of a subset."""
    x = (where.x0 + 0.5 + where.reduction * np.arange(where.width))[None, None, :] - values[0, :, None, None]
    y = (where.y0 + 0.5 + where.reduction * np.arange(where.height))[None, :, None] - values[1, :, None, None]
    cosine, sine = (f(values[ANGLE])[:, None, None] for f in (np.cos, np.sin))
    long, short = (np.exp(values[LOG_SCALE] + half * values[LOG_ASPECT])[:, None, None] for half in (0.5, -0.5))
    q = ((cosine * x + sine * y) / long) ** 2 + ((cosine * y - sine * x) / short) ** 2
    result: Doubles = np.maximum(np.exp(-0.5 * q) - CUTOFF, 0.0)
    return result


def draw(values: Doubles, where: Subset, task: Task) -> tuple[Doubles, Doubles]:
    """(h, w, C) the picture, (h, w, 1) the total weight."""
    weight = weights(values, where)
    sums = np.einsum("nyx,nc->yxc", weight, from_coded_colour(values[COLOUR].T))
    total = weight.sum(axis=0)[..., None] + EPSILON
    if task.blend is Blend.SUM:
        return sums, total
    return (sums + EPSILON * task.background.astype(float)) / total, total


def squares(values: Doubles, where: Subset, task: Task) -> float:
    """The sum of squared differences."""
    wanted = where.pick(task.pixels) / np.iinfo(task.pixels.dtype).max
    return float(((draw(values, where, task)[0] - wanted) ** 2).sum())


def gradient(values: FloatArray, where: Subset, task: Task) -> Doubles:
    """(5 + C, N) by central differences, for all samples of the picture."""
    here, result = values.astype(np.float64), np.zeros(values.shape)
    for place in np.ndindex(values.shape):
        ends = []
        for change in (1e-5, -1e-5):
            moved = here.copy()
            moved[place] += change
            ends.append(squares(moved, where, task))
        result[place] = (ends[0] - ends[1]) / 2e-5
    return result * where.reduction**2


def moved(table: Table, gradient: Doubles, step: Step, task: Task) -> Table:
    """A table after Adam's step along a gradient."""
    values, first, second = (rows.astype(np.float64) for rows in (table.values, table.first, table.second))
    cosine, sine = np.cos(values[ANGLE]), np.sin(values[ANGLE])
    gradient = gradient.copy()
    gradient[MEAN] = along_and_across(gradient[MEAN], values[ANGLE])
    result = values.copy()
    (beta1, beta2), scales = step.betas, [values[LOG_SCALE] + half * values[LOG_ASPECT] for half in (0.5, -0.5)]
    for name, rate in step.rates.items():
        row = ROWS[name]
        first[row] = beta1 * first[row] + (1.0 - beta1) * gradient[row]
        second[row] = beta2 * second[row] + (1.0 - beta2) * gradient[row] ** 2
        root = np.sqrt(second[row] / (1.0 - beta2**step.adams)) + ADAM_EPSILON
        way = -first[row] / (1.0 - beta1**step.adams) / root
        if name == "mean":
            along, across = way[0] * np.exp(scales[0]), way[1] * np.exp(scales[1])
            way = np.stack([cosine * along - sine * across, sine * along + cosine * across])
        if name == "angle":
            way = way / np.sqrt(1.0 + (2.0 * np.sinh(values[LOG_ASPECT])) ** 2)
        result[row] += rate * way
    low, high = bounds(task.width, task.height)
    result[:5] = np.clip(result[:5], low[:, None], high[:, None])
    for name in ROWS:
        final = (table.frozen & FROZEN[name] != 0) | (name not in step.rates)
        result[ROWS[name]] = np.where(final, values[ROWS[name]], result[ROWS[name]])
    rows = (result.astype(np.float32), first.astype(np.float32), second.astype(np.float32))
    return Table(*rows, table.frozen, table.order)


def along_and_across(rows: Doubles, angle: Doubles) -> Doubles:
    """(2, N) x and y -> in the axes of each Gaussian."""
    x, y = rows
    return np.stack([np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x])
