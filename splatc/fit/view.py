"""Gaussians in the coordinates of a lattice, and the way of a gradient back to their parameters."""

from __future__ import annotations

import numpy as np
import torch

from splatc.blend import Blend
from splatc.fit.gather import Moments
from splatc.fit.kernels.footprint import footprints_from
from splatc.fit.kernels.forward import features
from splatc.fit.lattice import Lattice
from splatc.fit.parameters import Parameters, Tensor
from splatc.gaussians import FloatArray
from splatc.quantize import COLOUR_MATRIX


class View:
    """N Gaussians as a lattice shows them; lengths in samples."""

    def __init__(self, parameters: Parameters, lattice: Lattice, blend: Blend) -> None:
        self.blend = blend
        self.reduction = lattice.reduction
        # Pixel x0 + i r, whose centre is at x0 + i r + 1/2, becomes sample i with its centre at i + 1/2.
        origin = torch.tensor([lattice.x0, lattice.y0], dtype=torch.float32) + 0.5 - 0.5 * lattice.reduction
        mean = ((parameters.mean - origin) / lattice.reduction).numpy()
        self.scale: FloatArray = (torch.exp(parameters.log_scale()) / lattice.reduction).numpy()
        self.angle: FloatArray = parameters.angle.numpy()
        self.colour: FloatArray = np.ascontiguousarray(parameters.rgb().numpy())
        """(N, C)"""
        self.feature = features(self.colour, blend)
        """(N, K) what a Gaussian adds to the planes at weight 1."""
        self.footprint: FloatArray = footprints_from(mean, self.scale, self.angle)

    def gradients(self, moments: Moments) -> dict[str, Tensor]:
        """By name, the gradient by every parameter."""
        by_mean, by_log_scale, by_angle = (torch.from_numpy(g) for g in moments.gradients(self.scale, self.angle))
        return {
            "mean": by_mean / self.reduction,
            "size": by_log_scale.sum(dim=1),
            "ratio": 0.5 * (by_log_scale[:, 0] - by_log_scale[:, 1]),
            "angle": by_angle,
            "colour": _to_coded(torch.from_numpy(moments.feature[:, : self.colour.shape[1]])),
        }


def _to_coded(by_colour: Tensor) -> Tensor:
    """(N, C) gradient by R, G, B to that by Y, U, V; gray and alpha stay as they are."""
    if by_colour.shape[1] < 3:
        return by_colour
    coded = by_colour[:, :3] @ torch.tensor(COLOUR_MATRIX, dtype=torch.float32)
    return torch.cat([coded, by_colour[:, 3:]], dim=1)
