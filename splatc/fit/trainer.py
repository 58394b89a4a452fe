"""The fit: too many Gaussians are seeded, moved by Adam, pruned by what each is worth, and rounded attribute by attribute.

The picture model is differentiable in every parameter (SmartSplat, section 3; GaussianImage). What is ours: the fit knows the
quantizer from early on, and keeps the Gaussians whose removal would cost most instead of growing from few.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from splatc.fit.freezing import Freezing
from splatc.fit.losses import l1_ssim, l2, multiscale
from splatc.fit.parameters import MAX_RATIO, MIN_SIZE, Adam, Parameters, from_gaussians, to_gaussians
from splatc.fit.rasterize import Canvas, Rasterize
from splatc.fit.removal import removal_cost
from splatc.fit.rounding import noise_for
from splatc.fit.schedule import Schedule
from splatc.gaussians import Blend, FloatArray, Gaussians
from splatc.quantize import Quantizer
from splatc.render.cpu import row_stride

Tune = Literal["psnr", "ssim", "smartsplat"]

Budget = Callable[[Gaussians], int]
"""How many Gaussians the file may hold, told from what they look like now."""


def fit(
    image: FloatArray,
    seeds: Gaussians,
    budget: Budget,
    schedule: Schedule,
    quantizer: Quantizer,
    blend: Blend,
    background: FloatArray,
    *,
    tune: Tune = "psnr",
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Gaussians:
    """Fit the Gaussians ``seeds`` to a picture.

    Args:
        image: (H, W, C) float32 in [0, 1].
        seeds: where to begin; more than will stay.
        budget: asked at each cut for the number of Gaussians to end with.
        background: (C,) for the normalized blend.
        tune: "psnr" for squared error, "ssim" for L1 + SSIM over several scales, "smartsplat" for L1 + SSIM as in the paper.
        progress: told (step, steps).

    Returns:
        Gaussians whose attributes all lie on the quantizer's grid, unless the schedule says that the fit be free of it.
    """
    height, width, _ = image.shape
    target = planes(image)
    canvas = Canvas(width, height, blend, background)
    generator = torch.Generator().manual_seed(seed)
    parameters = from_gaussians(seeds)
    optimizer = Adam(parameters)
    seeded = len(parameters)
    cuts, freezes = schedule.cut_steps(), schedule.freezes() if schedule.quantized else {}
    freezing = Freezing(seeded, generator)
    for step in range(schedule.steps):
        if step in cuts:
            share = (cuts.index(step) + 1) / len(cuts)
            final = min(budget(to_gaussians(parameters)), seeded)
            parameters = _prune(
                parameters, optimizer, freezing, canvas, target, round(seeded * (final / seeded) ** share)
            )
        if step in freezes:
            parameters = freezing.advance(parameters, quantizer, *freezes[step])
        if step == schedule.trim_step() and schedule.quantized:
            parameters = _prune(parameters, optimizer, freezing, canvas, target, budget(to_gaussians(parameters)))
        if not freezing.free():
            break  # of a few Gaussians, the last may have its turn before the last stage
        time = step / schedule.steps
        noisy = schedule.quantized and time >= schedule.noise_from
        noise = freezing.only_free(noise_for(parameters, quantizer, freezing.free(), generator)) if noisy else {}
        parameters = _step(parameters, noise, optimizer, freezing, schedule, time, canvas, target, tune)
        if progress is not None:
            progress(step + 1, schedule.steps)
    if schedule.quantized:
        parameters = freezing.advance(parameters, quantizer, ("colour",), 1.0)
    return to_gaussians(parameters)


def planes(image: FloatArray) -> FloatArray:
    """(H, W, C) pixels as rows of planes (H, C, S), zero behind the end of each row."""
    height, width, channels = image.shape
    rows = np.zeros((height, channels, row_stride(width)), np.float32)
    rows[:, :, :width] = image.transpose(0, 2, 1)
    return rows


def draw(parameters: Parameters, canvas: Canvas) -> torch.Tensor:
    """(H, C, S) the picture of the parameters, differentiable."""
    drawn: torch.Tensor = Rasterize.apply(  # type: ignore[no-untyped-call]  # torch has no types for it
        parameters.mean, parameters.log_scale(), parameters.angle, parameters.rgb(), canvas
    )
    return drawn


def _step(
    parameters: Parameters,
    noise: dict[str, torch.Tensor],
    optimizer: Adam,
    freezing: Freezing,
    schedule: Schedule,
    time: float,
    canvas: Canvas,
    target: FloatArray,
    tune: Tune,
) -> Parameters:
    """One gradient step of the free parameters; the picture is drawn with noise, the step applied without."""
    leaves = {name: getattr(parameters, name).clone().requires_grad_() for name in freezing.free()}
    drawn = draw(replace(parameters, **{n: leaf + noise[n] if noise else leaf for n, leaf in leaves.items()}), canvas)
    if tune == "psnr":
        loss = l2(drawn, torch.from_numpy(target))
    else:
        pictures = (
            rows[:, :, : canvas.width].transpose(0, 1) for rows in (drawn, torch.from_numpy(target))
        )  # (C, H, W)
        loss = (multiscale if tune == "ssim" else l1_ssim)(*pictures)
    # A sum, not a mean: gradients of single Gaussians shall not vanish in float32 as pictures grow.
    (loss * float(target.size)).backward()  # type: ignore[no-untyped-call]  # torch has no types for it
    rates, decay = schedule.rates, schedule.rates.final**time
    directions = optimizer.directions({name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None})
    if "mean" in directions:
        directions["mean"] *= torch.exp(parameters.size)[:, None]
    moved = {name: getattr(parameters, name) + getattr(rates, name) * decay * d for name, d in directions.items()}
    bounded = _within_bounds(replace(parameters, **moved), canvas)
    changes = {name: getattr(bounded, name) - getattr(parameters, name) for name in moved}
    final = {name: getattr(parameters, name) + change for name, change in freezing.only_free(changes).items()}
    return replace(parameters, **final)


def _within_bounds(parameters: Parameters, canvas: Canvas) -> Parameters:
    """Means inside the canvas, so that each has a cell; sizes and ratios in the range that a file can hold."""
    low, high = torch.zeros(2), torch.tensor([canvas.width, canvas.height], dtype=torch.float32) - 1 / 64
    return replace(
        parameters,
        mean=torch.clamp(parameters.mean, low, high),
        size=parameters.size.clamp(math.log(MIN_SIZE), math.log(2.0 * max(canvas.width, canvas.height))),
        ratio=parameters.ratio.clamp(-MAX_RATIO, MAX_RATIO),
    )


def _prune(
    parameters: Parameters, optimizer: Adam, freezing: Freezing, canvas: Canvas, target: FloatArray, count: int
) -> Parameters:
    """Keep the ``count`` Gaussians whose removal would raise the squared error most."""
    if count >= len(parameters):
        return parameters
    cost = _removal_costs(parameters, canvas, target)
    kept = torch.from_numpy(np.sort(np.argsort(-cost, kind="stable")[:count]))
    optimizer.keep(kept)
    freezing.keep(kept)
    return parameters.keep(kept)


def removal_costs(gaussians: Gaussians, image: FloatArray, blend: Blend, background: FloatArray) -> FloatArray:
    """(N,) rise of the squared error of the picture (H, W, C) if that Gaussian alone were removed."""
    height, width, _ = image.shape
    return _removal_costs(from_gaussians(gaussians), Canvas(width, height, blend, background), planes(image))


def _removal_costs(parameters: Parameters, canvas: Canvas, target: FloatArray) -> FloatArray:
    with torch.no_grad():
        error = draw(parameters, canvas).numpy() - target
    assert canvas.footprint is not None and canvas.image is not None and canvas.weight is not None
    colour = np.ascontiguousarray(parameters.rgb().numpy())
    normalized = canvas.blend is Blend.NORMALIZED
    return removal_cost(canvas.footprint, colour, error, canvas.image, canvas.weight, canvas.width, normalized)
