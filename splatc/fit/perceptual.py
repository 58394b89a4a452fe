"""Losses that look at neighbourhoods (losses.py) on a lattice: the whole lattice is drawn before it is compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from splatc.blend import Blend
from splatc.fit.gather import Moments, gather_rows, gradient_planes
from splatc.fit.kernels.forward import render_rows
from splatc.fit.kernels.scratch import Scratch
from splatc.fit.lattice import Lattice
from splatc.fit.losses import sum_of_squares
from splatc.fit.pyramid import Planes
from splatc.gaussians import FloatArray

if TYPE_CHECKING:
    from splatc.fit.engines.core import View

Loss = Callable[[Planes, Lattice, Scratch], tuple[float, FloatArray]]
"""Of the picture drawn and the lattice that it should be (losses.py)."""


def perceptual_error(
    lattice: Lattice, view: View, background: FloatArray, loss: Loss, scratch: Scratch | None = None
) -> tuple[float, float, Moments]:
    """Sum of squared differences, the loss, and the moments of its gradient, times the number of samples."""
    scratch = scratch or Scratch()
    image, weight = render_rows(view.footprint, view.feature, background, lattice.width, lattice.height, scratch)
    value, gradient = loss(Planes(image, lattice.width), lattice, scratch)
    moments = Moments.zero(*view.feature.shape)
    planes = gradient_planes(gradient, image, weight, view.blend is Blend.NORMALIZED, scratch)
    gather_rows(view.footprint, view.feature, planes, lattice.width, moments)
    return sum_of_squares(image, lattice.scales[0].rows), value, moments
