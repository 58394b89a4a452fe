"""The method as the papers write it, in PyTorch: autograd differentiates, on any device that PyTorch drives (CPU, CUDA, ROCm, MPS).

Zhang et al., "GaussianImage: 1000 FPS Image Representation and Compression by 2D Gaussian Splatting", ECCV 2024: a picture as a sum of 2D
Gaussians. Li et al., "SmartSplat: Feature-Smart Gaussians for Scalable Compression of Ultra-High-Resolution Images", AAAI 2026. Compiled
engines are tested against this one (tests/test_engines.py), so it reads from top to bottom, and nothing here is tuned for speed.

Shapes: N Gaussians, C channels, K = C planes, or C + 1 with the weights of the normalized blend, P pairs of a Gaussian and a sample in
its box.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
import torch

from splatc.attributes import MAX_LEVELS
from splatc.blend import Blend
from splatc.errors import DeviceError, LimitError
from splatc.fit.densification import densified, sample_places
from splatc.fit.engine import ADAM_EPSILON, Step
from splatc.fit.engines.autograd_loss import curvature, l1_ssim, multiscale
from splatc.fit.noise import uniform
from splatc.fit.pruning import SUBSETS, highest_costs, redundant_ones
from splatc.fit.rounding import step_tables
from splatc.fit.subset import Subset
from splatc.fit.table import ANGLE, COLOUR, FROZEN, LOG_ASPECT, LOG_SCALE, MEAN, ROWS, SHAPE_ROWS, Table, bounds
from splatc.fit.task import Task, Tune
from splatc.gaussians import CUTOFF, EPSILON, Q_MAX, FloatArray
from splatc.quantize import COLOUR_MATRIX

Given = ParamSpec("Given")
Result = TypeVar("Result")
Tensor = torch.Tensor
Pairs = tuple[Tensor, Tensor]
"""(P,) numbers of Gaussians, and (P,) numbers of the samples that they reach, row by row."""

DTYPE = torch.float32
"""Given wherever a tensor is made, and the device too: a program may have set other defaults (torch.set_default_dtype, ..._device)."""
PAIRS = 1 << 21
"""Pairs that are differentiated at once: some 100 bytes each."""
LOSSES: dict[Tune, Callable[[Tensor, Tensor], Tensor]] = {
    "psnr": lambda drawn, wanted: ((drawn - wanted) ** 2).mean(),
    "ssim": multiscale,
    "smartsplat": l1_ssim,
}
"""Of a picture as drawn and as it should be, both (h, w, C)."""


@contextlib.contextmanager
def failures_of(device: torch.device) -> Iterator[None]:
    """Within the block, errors of PyTorch become DeviceError, or LimitError where the processor has no memory; others are bugs."""
    try:
        yield
    except RuntimeError as error:
        if device.type != "cpu":
            advice = "--device cpu (in Python device='cpu') does without"
            raise DeviceError(f"PyTorch on {device} failed: {_first_line(error)}: {advice}") from error
        if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error):
            raise LimitError(
                f"not enough memory for PyTorch: {_first_line(error)}: --engine core takes less"
            ) from error
        raise


def _first_line(error: Exception) -> str:
    """What PyTorch says at first; pages may follow."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".: ")[:200]


def in_no_mode(
    method: Callable[Concatenate[TorchEngine, Given], Result],
) -> Callable[Concatenate[TorchEngine, Given], Result]:
    """The method, outside of modes that its caller may be in: a tensor of inference mode has no gradient, autocast rounds to 16 bits.

    What PyTorch raises leaves it as `failures_of` has it.
    """

    @functools.wraps(method)
    def called(self: TorchEngine, /, *given: Given.args, **named: Given.kwargs) -> Result:
        device = self._device
        with failures_of(device), torch.inference_mode(False), torch.autocast(device.type, enabled=False):
            return method(self, *given, **named)

    return called


class TorchEngine:
    """A fit in PyTorch. On a GPU two runs may differ: sums are then made in whatever order its threads come."""

    def __init__(self, task: Task, device: str = "cpu") -> None:
        self._task, self._device = task, torch.device(device)
        self._unit = 1.0 / float(np.iinfo(task.pixels.dtype).max)
        self._measured = math.nan, math.nan
        self._table: Table
        self._values = self._first = self._second = self._frozen = torch.zeros(0)
        self._take(task)

    @in_no_mode
    def _take(self, task: Task) -> None:
        """What stays the same."""
        self._pixels = torch.from_numpy(task.pixels.astype(np.int32)).to(self._device)  # (H, W, C)
        self._background = torch.from_numpy(task.background).to(self._device)  # (C,)
        self._matrix = torch.tensor(COLOUR_MATRIX, dtype=DTYPE, device=self._device)
        self._low, self._high = (
            torch.from_numpy(each)[:, None].to(self._device) for each in bounds(task.width, task.height)
        )

    @in_no_mode
    def send(self, table: Table) -> None:
        self._table = table
        arrays = (table.values, table.first, table.second, table.frozen)
        self._values, self._first, self._second, self._frozen = (
            torch.tensor(each, device=self._device) for each in arrays
        )

    @in_no_mode
    def fetch(self) -> Table:
        rows = (self._values, self._first, self._second)
        self._table.values, self._table.first, self._table.second = (each.cpu().numpy().copy() for each in rows)
        return self._table

    def measured(self) -> tuple[float, float]:
        return self._measured

    # ---- The picture model (GaussianImage, section 3; spec/picture.md) ----

    def _pairs(self, values: Tensor, where: Subset) -> Iterator[Pairs]:
        """The samples in the box around each Gaussian's ellipse, for some of the Gaussians at a time."""
        mean, scale, angle = self._placed(values, where)  # (2, N), (2, N), (N,)
        cos, sin = torch.cos(angle), torch.sin(angle)
        extent_x = torch.sqrt(Q_MAX * ((cos * scale[0]) ** 2 + (sin * scale[1]) ** 2))  # (N,)
        extent_y = torch.sqrt(Q_MAX * ((sin * scale[0]) ** 2 + (cos * scale[1]) ** 2))
        ranges = []
        for centre, extent, size in ((mean[0], extent_x, where.width), (mean[1], extent_y, where.height)):
            first = torch.ceil(centre - extent - 0.5).clamp(0, size).long()
            last = torch.floor(centre + extent + 0.5).clamp(0, size).long()
            ranges += [first, (last - first).clamp(min=0)]
        x0, columns, y0, rows = ranges  # (N,) each
        count = columns * rows
        chunk = (torch.cumsum(count, 0) // PAIRS).cpu()
        for each in torch.unique(chunk):
            members = torch.nonzero(chunk == each)[:, 0].to(self._device)
            ids = torch.repeat_interleave(members, count[members])  # (P,)
            start = torch.repeat_interleave(torch.cumsum(count[members], 0) - count[members], count[members])
            at = torch.arange(len(ids), device=self._device) - start
            x, y = x0[ids] + at % columns[ids], y0[ids] + at // columns[ids]
            yield ids, y * where.width + x

    def _placed(self, values: Tensor, where: Subset) -> tuple[Tensor, Tensor, Tensor]:
        """Means (2, N) and standard deviations (2, N) in samples, angles (N,)."""
        origin = torch.tensor(where.origin, dtype=DTYPE, device=self._device)[:, None]
        half = 0.5 * values[LOG_ASPECT]
        scale = torch.exp(torch.stack([values[LOG_SCALE] + half, values[LOG_SCALE] - half]))
        return (values[MEAN] - origin) / where.reduction, scale / where.reduction, values[ANGLE]

    def _weights(self, values: Tensor, where: Subset, pairs: Pairs) -> Tensor:
        """(P,) exp(-q / 2) with q = d^T Sigma^-1 d, d from the mean to the sample, lowered so that it ends at q = Q_MAX."""
        ids, samples = pairs
        mean, scale, angle = self._placed(values, where)
        rows = torch.stack([*mean, *(torch.cos(angle) / scale), *(torch.sin(angle) / scale)], dim=1)  # (N, 6)
        x, y, cos1, cos2, sin1, sin2 = rows.index_select(0, ids).unbind(dim=1)  # (P,) each
        row, column = (each.to(DTYPE) for each in (samples // where.width, samples % where.width))
        dx, dy = column + 0.5 - x, row + 0.5 - y
        u, v = cos1 * dx + sin1 * dy, cos2 * dy - sin2 * dx  # along and across, in standard deviations
        return torch.clamp(torch.exp(-0.5 * (u * u + v * v)) - CUTOFF, min=0.0)

    def _colours(self, values: Tensor) -> Tensor:
        """(N, C) as pixels have them, from Y | Y A | Y U V | Y U V A."""
        coded = values[COLOUR].T
        return coded if coded.shape[1] < 3 else torch.cat([coded[:, :3] @ self._matrix.T, coded[:, 3:]], dim=1)

    def _features(self, values: Tensor) -> Tensor:
        """(N, K) what a Gaussian adds to the planes at weight 1."""
        colour = self._colours(values)
        if self._task.blend is Blend.SUM:
            return colour
        return torch.cat([colour, torch.ones_like(colour[:, :1])], dim=1)

    def _planes(self, values: Tensor, where: Subset) -> Tensor:
        """(h w, K) sums of weight times feature over all Gaussians."""
        feature = self._features(values)
        planes = torch.zeros(where.width * where.height, feature.shape[1], dtype=DTYPE, device=self._device)
        for ids, samples in self._pairs(values, where):
            weight = self._weights(values, where, (ids, samples))
            planes.index_add_(0, samples, weight[:, None] * feature.index_select(0, ids))
        return planes

    def _blended(self, planes: Tensor, where: Subset) -> Tensor:
        """(h, w, C) the picture: the sum itself, or sum_i w_i c_i / sum_i w_i with a little of the background."""
        shaped = planes.reshape(where.height, where.width, -1)
        if self._task.blend is Blend.SUM:
            return shaped
        return (shaped[..., :-1] + EPSILON * self._background) / (shaped[..., -1:] + EPSILON)

    def _wanted(self, where: Subset) -> Tensor:
        """(h, w, C) the samples of the picture, in [0, 1]."""
        r = where.reduction
        return self._pixels[where.y0 :: r, where.x0 :: r][: where.height, : where.width].to(DTYPE) * self._unit

    # ---- A step (SmartSplat, section 3; Adam: Kingma and Ba 2015) ----

    @in_no_mode
    def gradients(self, values: Tensor, reduction: int, index: int) -> Tensor:
        """(SHAPE_ROWS + C, N) of the loss times all samples of the picture, by the coded coordinates.

        The loss is differentiated by the planes, and then what the Gaussians add to these, some at a time.
        """
        task = self._task
        squared = task.tune == "psnr"
        where = task.subset(reduction, index) if squared else task.window(index)
        subset = where if squared else task.gathered(reduction, index)
        values = values.detach().requires_grad_()
        with torch.no_grad():
            planes = self._planes(values, where)
        planes.requires_grad_()
        drawn, wanted = self._blended(planes, where), self._wanted(where)
        loss = LOSSES[self._task.tune](drawn, wanted)
        self._measured = float(((drawn - wanted) ** 2).mean().detach()), float(loss.detach())
        (by_planes,) = torch.autograd.grad(loss * (wanted.numel() * subset.reduction**2), planes)  # (h w, K)
        if subset != where:  # the gradient by all pixels is gathered at some of them
            y, x, r = subset.y0 - where.y0, subset.x0, subset.reduction
            kept = torch.zeros(where.height, where.width, 1, device=self._device)
            kept[y::r, x::r] = 1.0
            by_planes = by_planes * kept.reshape(-1, 1)
        gradient = torch.zeros_like(values)
        for ids, samples in self._pairs(values.detach(), where):
            weight = self._weights(values, where, (ids, samples))
            feature = self._features(values).index_select(0, ids)  # (P, K)
            part = (weight[:, None] * feature * by_planes.index_select(0, samples)).sum()
            gradient += torch.autograd.grad(part, values)[0]
        return gradient

    def noise(self, step: Step) -> Tensor:
        """(SHAPE_ROWS + C, N) uniform noise of a quantization step for what is free (Balle et al. 2017)."""
        values = self._values
        if step.noise is None:
            return torch.zeros_like(values)
        tables = step_tables(step.noise, self._task.channels)
        unit = torch.from_numpy(uniform(step.seed, step.index, values.shape[1], len(values))).to(self._device)
        level = torch.floor(values[LOG_SCALE] / math.log(2.0) + 1.0).clamp(0, MAX_LEVELS - 1).long()  # (N,)
        aspect = torch.round(values[LOG_ASPECT].abs() / tables.log_aspect).clamp(0, len(tables.offsets) - 1).long()

        def look(table: FloatArray, *at: Tensor) -> Tensor:
            return torch.from_numpy(table).to(self._device)[at]

        noise = torch.empty_like(values)
        for name, table in tables.by_level.items():
            noise[ROWS[name]] = unit[ROWS[name]] * look(table, level)
        noise[MEAN] = self._in_offsets(noise[MEAN], look(tables.offsets, aspect))
        noise[LOG_SCALE] = unit[LOG_SCALE] * tables.log_scale
        noise[LOG_ASPECT] = unit[LOG_ASPECT] * tables.log_aspect
        noise[ANGLE] = unit[ANGLE] * look(tables.angle, level, aspect)
        noise[COLOUR] = unit[COLOUR] * look(tables.colour, level).T
        return torch.where(self._is_frozen(), 0.0, noise)

    def _in_offsets(self, noise: Tensor, count: Tensor) -> Tensor:
        """(2, N) noise in a square cell -> in the slice of one of its ``count`` sub-cell offsets (rounding.in_offsets)."""
        cos, sin = torch.cos(self._values[ANGLE]), torch.sin(self._values[ANGLE])
        extent = cos.abs() + sin.abs()
        long, short = torch.where(count == 1, 1.0, 1.0 / extent), torch.where(count == 1, 1.0, extent / count)
        tall = self._values[LOG_ASPECT] < 0.0
        first, second = noise[0] * torch.where(tall, short, long), noise[1] * torch.where(tall, long, short)
        return torch.stack([first * cos - second * sin, first * sin + second * cos])

    def _is_frozen(self) -> Tensor:
        """(SHAPE_ROWS + C, N) which values are final."""
        mask = torch.zeros_like(self._values, dtype=torch.bool)
        for name, row in ROWS.items():
            mask[row] = (self._frozen & FROZEN[name]) != 0
        return mask

    @in_no_mode
    @torch.no_grad()
    def step(self, step: Step) -> None:
        values = self._values
        with torch.enable_grad():
            gradient = self.gradients(values + self.noise(step), step.reduction, step.index)
        if step.rate_gradient is not None:  # lambda R, see rate.py
            gradient += torch.from_numpy(step.rate_gradient.rows(values.cpu().numpy())).to(self._device)
        cos, sin = torch.cos(values[ANGLE]), torch.sin(values[ANGLE])
        gradient[MEAN] = torch.stack(  # along and across each Gaussian
            [cos * gradient[0] + sin * gradient[1], cos * gradient[1] - sin * gradient[0]]
        )
        moved = self._moved(gradient, step)
        moved[:SHAPE_ROWS] = torch.clamp(moved[:SHAPE_ROWS], self._low, self._high)
        self._values = torch.where(self._is_frozen(), values, moved)

    def _moved(self, gradient: Tensor, step: Step) -> Tensor:
        """(SHAPE_ROWS + C, N) the values after the step, wherever that is; ``gradient`` is along and across each Gaussian."""
        moved = self._values.clone()
        for name, rate in step.rates.items():
            moved[ROWS[name]] -= rate * self._natural(name, self._adam(ROWS[name], gradient[ROWS[name]], step))
        return moved

    def _adam(self, row: int | slice, gradient: Tensor, step: Step) -> Tensor:
        first, second = self._first[row], self._second[row]
        first.lerp_(gradient, 1.0 - step.betas[0])
        second.lerp_(gradient * gradient, 1.0 - step.betas[1])
        unbiased = [moment / (1.0 - beta**step.adams) for moment, beta in zip((first, second), step.betas, strict=True)]
        return unbiased[0] / (torch.sqrt(unbiased[1]) + ADAM_EPSILON)

    def _natural(self, name: str, direction: Tensor) -> Tensor:
        """Adam's direction in units of each Gaussian, by the Fisher information of its ellipse (Amari 1998).

        As a density, a Gaussian has the information 1 / s^2 about its mean along each axis and (2 sinh rho)^2 about its angle, rho =
        ln(s1 / s2); about ln g and rho it is the same for all. Steps of one over its root are the diagonal of the natural gradient: a long
        Gaussian moves far along itself, little across, and rotates little; that of a round one, whose angle has no effect, stays finite.
        """
        log_scale, log_aspect, angle = self._values[LOG_SCALE], self._values[LOG_ASPECT], self._values[ANGLE]
        if name == "mean":
            along, across = (
                d * torch.exp(log_scale + sign * log_aspect) for d, sign in zip(direction, (0.5, -0.5), strict=True)
            )
            cos, sin = torch.cos(angle), torch.sin(angle)
            return torch.stack([cos * along - sin * across, sin * along + cos * across])
        if name == "angle":
            return direction / torch.sqrt(1.0 + (2.0 * torch.sinh(log_aspect)) ** 2)
        return direction

    # ---- Pruning and densification ----

    @in_no_mode
    @torch.no_grad()
    def pruning_costs(self, reduction: int) -> FloatArray:
        if self._task.prunes_by_loss:
            return sum((self._loss_costs_on(window) for window in self._task.windows()), start=np.zeros(1, np.float32))
        cost = np.zeros(self._values.shape[1], np.float32)
        for step in range(min(reduction**2, SUBSETS)):
            cost += self._pruning_costs_on(self._task.subset(reduction, step))
        return cost

    def _pruning_costs_on(self, where: Subset) -> FloatArray:
        """(N,) rise of the squared error of a subset: (e + d)^2 - e^2."""
        planes = self._planes(self._values, where)
        drawn = self._blended(planes, where)
        return self._rise(planes, drawn, where, 2.0 * (drawn - self._wanted(where)), torch.ones_like(drawn))

    def _loss_costs_on(self, where: Subset) -> FloatArray:
        """(N,) rise of the loss of a window, times its samples, to second order."""
        planes, wanted = self._planes(self._values, where), self._wanted(where)
        drawn = self._blended(planes, where).requires_grad_()
        with torch.enable_grad():
            loss = LOSSES[self._task.tune](drawn, wanted) * wanted.numel()
        (slope,) = torch.autograd.grad(loss, drawn)
        return self._rise(planes, drawn.detach(), where, slope, curvature(wanted))

    def _rise(self, planes: Tensor, drawn: Tensor, where: Subset, slope: Tensor, bent: Tensor) -> FloatArray:
        """(N,) slope d + bent d^2, summed over the samples, d the change of the picture without Gaussian i; slope and bent (h, w, C).

        Out becomes out + m (out - c_i), m = w_i / (W - w_i); of a sum, out - w_i c_i.
        """
        values, colour = self._values, self._colours(self._values)
        drawn, slope, bent = (each.reshape(len(planes), -1) for each in (drawn, slope, bent))  # (h w, C)
        cost = torch.zeros(values.shape[1], dtype=DTYPE, device=self._device)
        for ids, samples in self._pairs(values, where):
            share = self._weights(values, where, (ids, samples))[:, None]  # (P, 1)
            if self._task.blend is Blend.SUM:
                change = -share * colour[ids]
            else:
                change = share / (planes[samples, -1:] + EPSILON - share) * (drawn[samples] - colour[ids])
            cost.index_add_(0, ids, (change * (slope[samples] + bent[samples] * change)).sum(dim=1))
        result: FloatArray = cost.cpu().numpy()
        return result

    def prune(self, count: int, reduction: int, *, redundant: bool = False) -> None:
        if count >= self._values.shape[1] and not redundant:
            return
        table, cost, idle = self.fetch(), self.pruning_costs(reduction), None
        if redundant:
            where = self._task.subset(reduction)
            idle = redundant_ones(table, cost, self._task.pixels, where, self._task.background)
        self.send(table.keep(highest_costs(cost, count, idle)))

    @in_no_mode
    @torch.no_grad()
    def densify(self, count: int, reduction: int, rng: np.random.Generator) -> None:
        where = self._task.subset(reduction, int(rng.integers(reduction**2)))
        wanted = self._wanted(where)
        missing = wanted - self._blended(self._planes(self._values, where), where)  # (h, w, C)
        error = missing**2
        if self._task.prunes_by_loss:
            r = reduction
            for window in self._task.windows():
                band = where.within(window)
                bent = curvature(self._wanted(window))[band.y0 - window.y0 :: r, band.x0 :: r]
                error[band.rows_in(where)] *= bent[: band.height, : band.width]
        y, x = places = sample_places(error.sum(dim=2).cpu().numpy(), count, rng)
        colour = (missing if self._task.blend is Blend.SUM else wanted).cpu().numpy()[y, x]
        self.send(densified(self.fetch(), where, places, colour, rng))


def find_torch_device(wanted: str) -> str:
    """PyTorch's name of a device, "cpu", "cuda" (ROCm too) or "mps"; for "auto" the first GPU that it drives. Raises DeviceError."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, here in present.items() if here)
    if not present[wanted]:
        raise DeviceError(f"this PyTorch ({torch.__version__}) finds no device {wanted}: --device cpu does without")
    return wanted
