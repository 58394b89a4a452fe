"""What the fit moves: Gaussians in the coordinates that the file quantizes, as torch tensors, and Adam over them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from splatc.gaussians import FloatArray, Gaussians
from splatc.quantize import COLOUR_MATRIX, to_coded_colour

Tensor = torch.Tensor

MIN_SIZE = 0.5
"""Smallest size g = sqrt(s1 s2), px: level 0 begins here."""
MAX_RATIO = 3.0
"""Largest ln(s1 / s2)."""


@dataclass(frozen=True)
class Parameters:
    """N Gaussians during a fit. ``ratio`` may become negative while it moves: the axes have then changed places."""

    mean: Tensor
    """(N, 2) px."""
    size: Tensor
    """(N,) ln of g = sqrt(s1 s2), g in px."""
    ratio: Tensor
    """(N,) ln(s1 / s2)."""
    angle: Tensor
    """(N,) rad, any turn."""
    colour: Tensor
    """(N, C) in the coded space Y | Y A | Y U V | Y U V A."""

    def __len__(self) -> int:
        return len(self.angle)

    def keep(self, index: Tensor) -> Parameters:
        """The Gaussians of an index array."""
        return Parameters(**{name: getattr(self, name)[index].clone() for name in NAMES})

    def joined(self, other: Parameters) -> Parameters:
        """These Gaussians, then the others."""
        return Parameters(**{name: torch.cat([getattr(self, name), getattr(other, name)]) for name in NAMES})

    def log_scale(self) -> Tensor:
        """(N, 2) ln of s1 and s2, px."""
        return torch.stack([self.size + 0.5 * self.ratio, self.size - 0.5 * self.ratio], dim=1)

    def rgb(self) -> Tensor:
        """(N, C) colours as pixels have them."""
        if self.colour.shape[1] < 3:
            return self.colour
        rgb = self.colour[:, :3] @ torch.tensor(COLOUR_MATRIX.T, dtype=torch.float32)
        return torch.cat([rgb, self.colour[:, 3:]], dim=1)


NAMES = tuple(field.name for field in fields(Parameters))


def from_gaussians(gaussians: Gaussians) -> Parameters:
    """Fit coordinates of float Gaussians."""
    log_scale = np.log(np.maximum(gaussians.scale, 1e-3))
    return Parameters(
        mean=_tensor(gaussians.mean),
        size=_tensor(log_scale.mean(axis=1)).clamp(min=math.log(MIN_SIZE)),
        ratio=_tensor(log_scale[:, 0] - log_scale[:, 1]),
        angle=_tensor(gaussians.angle),
        colour=_tensor(to_coded_colour(gaussians.colour)),
    )


def to_gaussians(parameters: Parameters) -> Gaussians:
    """Float Gaussians with s1 >= s2 and angles in [0, pi)."""
    swapped = (parameters.ratio < 0).numpy()
    scale = torch.exp(parameters.log_scale()).numpy()
    angle = parameters.angle.numpy() + np.where(swapped, 0.5 * math.pi, 0.0)
    return Gaussians(
        mean=parameters.mean.numpy().copy(),
        scale=np.where(swapped[:, None], scale[:, ::-1], scale).astype(np.float32),
        angle=np.mod(angle, math.pi).astype(np.float32),
        colour=parameters.rgb().numpy().copy(),
    )


def _tensor(array: FloatArray | np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32).copy())


class Adam:
    """Adam (Kingma and Ba 2015) with a rate per parameter, and moments that survive pruning.

    epsilon is next to nothing: gradients of small Gaussians are tiny and shall count in full.
    """

    BETAS = (0.8, 0.98)
    EPSILON = 1e-15

    def __init__(self, parameters: Parameters) -> None:
        zero = {name: torch.zeros_like(getattr(parameters, name)) for name in NAMES}
        self.first = Parameters(**zero)
        self.second = replace(self.first, **{name: value.clone() for name, value in zero.items()})
        self.steps = 0

    def keep(self, index: Tensor) -> None:
        """Forget all Gaussians but those of an index array."""
        self.first, self.second = self.first.keep(index), self.second.keep(index)

    def extend(self, newborn: Parameters) -> None:
        """Make room behind the others for Gaussians without a past."""
        none = Parameters(**{name: torch.zeros_like(getattr(newborn, name)) for name in NAMES})
        self.first, self.second = self.first.joined(none), self.second.joined(none)

    def directions(self, gradients: dict[str, Tensor]) -> dict[str, Tensor]:
        """One step: by name, how far each parameter goes at rate 1."""
        self.steps += 1
        beta1, beta2 = self.BETAS
        result = {}
        for name, gradient in gradients.items():
            first, second = getattr(self.first, name), getattr(self.second, name)
            first.mul_(beta1).add_(gradient, alpha=1.0 - beta1)
            second.mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)
            scale = torch.sqrt(second / (1.0 - beta2**self.steps)) + self.EPSILON
            result[name] = -(first / (1.0 - beta1**self.steps)) / scale
        return result
