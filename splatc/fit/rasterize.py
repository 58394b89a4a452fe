"""The rasterizer as a differentiable torch operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from splatc.fit.gather import gather, gradient_planes
from splatc.gaussians import Blend, FloatArray
from splatc.render.cpu import features, render_rows
from splatc.render.footprint import footprints_from


@dataclass
class Canvas:
    """Where a fit draws: the size of the picture, its blend and background; keeps the last drawing for pruning."""

    width: int
    height: int
    blend: Blend
    background: FloatArray
    """(C,) in [0, 1]."""
    image: FloatArray | None = None
    """(H, C, S) the last picture drawn, rows of planes."""
    weight: FloatArray | None = None
    """(H, S) its total weight."""
    footprint: FloatArray | None = None
    """(N, FOOTPRINT) the footprints it was drawn from."""


class Rasterize(torch.autograd.Function):
    """mean (N, 2) px, log scale (N, 2), angle (N,) rad, colour (N, C) -> picture (H, C, S), as rows of planes."""

    @staticmethod
    def forward(
        ctx: Any,
        mean: torch.Tensor,
        log_scale: torch.Tensor,
        angle: torch.Tensor,
        colour: torch.Tensor,
        canvas: Canvas,
    ) -> torch.Tensor:
        scale, angles = np.exp(log_scale.detach().numpy()), angle.detach().numpy()
        footprint = footprints_from(mean.detach().numpy(), scale, angles)
        feature = features(colour.detach().numpy(), canvas.blend)
        image, weight = render_rows(footprint, feature, canvas.background, canvas.width, canvas.height)
        canvas.image, canvas.weight, canvas.footprint = image, weight, footprint
        ctx.saved = (canvas, footprint, feature, scale, angles, image, weight)
        return torch.from_numpy(image)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        canvas, footprint, feature, scale, angles, image, weight = ctx.saved
        planes = gradient_planes(grad.contiguous().numpy(), image, weight, canvas.blend is Blend.NORMALIZED)
        gradients = gather(footprint, feature, scale, angles, planes, canvas.width)
        by_mean, by_log_scale, by_angle, by_feature = (torch.from_numpy(g) for g in gradients)
        return by_mean, by_log_scale, by_angle, by_feature[:, : image.shape[1]], None
