"""Losses that look at neighbourhoods (losses.py) on a lattice: the whole lattice is drawn, torch differentiates the loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from splatc.fit.gather import Moments, gather_rows, gradient_planes
from splatc.fit.lattice import Lattice
from splatc.fit.losses import sum_of_squares
from splatc.fit.view import View
from splatc.gaussians import Blend, FloatArray
from splatc.render.cpu import render_rows

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Of two pictures (C, H, W), differentiable by the first."""


def perceptual_error(lattice: Lattice, view: View, background: FloatArray, loss: Loss) -> tuple[float, Moments]:
    """Sum of squared differences, and the moments of the gradient of the loss, times the number of samples.

    Not of the mean: gradients of single Gaussians shall not vanish in float32 as pictures grow.
    """
    image, weight = render_rows(view.footprint, view.feature, background, lattice.width, lattice.height)
    drawn = torch.from_numpy(image).requires_grad_()
    wanted = torch.from_numpy(lattice.samples.astype(np.float32) * lattice.unit)
    pictures = [rows[:, :, : lattice.width].transpose(0, 1).contiguous() for rows in (drawn, wanted)]
    (loss(*pictures) * float(pictures[1].numel())).backward()  # type: ignore[no-untyped-call]  # torch has no types for it
    assert drawn.grad is not None
    gradient = drawn.grad.contiguous().numpy()
    moments = Moments.zero(*view.feature.shape)
    planes = gradient_planes(gradient, image, weight, view.blend is Blend.NORMALIZED)
    gather_rows(view.footprint, view.feature, planes, lattice.width, moments)
    total = sum_of_squares(*(each.detach().numpy().reshape(-1, lattice.width) for each in pictures))
    return total, moments
