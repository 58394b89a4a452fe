"""Adam's directions in units of each Gaussian: how far is far, by the Fisher information of its ellipse.

As a density, a Gaussian has the information 1 / s^2 about its mean along each axis and (2 sinh rho)^2 about its angle, rho = ln(s1 / s2);
about ln g and rho it is the same for all. Steps of one over its root are the diagonal of the natural gradient (Amari 1998): a long
Gaussian may run along itself, must creep across, and turns little.
"""

from __future__ import annotations

import torch

from splatc.fit.parameters import Parameters, Tensor


def along_axes(by_mean: Tensor, angle: Tensor) -> Tensor:
    """(N, 2) gradients by x and y, to those along and across each Gaussian."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    x, y = by_mean[:, 0], by_mean[:, 1]
    return torch.stack([cos * x + sin * y, cos * y - sin * x], dim=1)


def mean_steps(direction: Tensor, parameters: Parameters) -> Tensor:
    """(N, 2) directions along and across, in s1 and s2, to steps of x and y in px."""
    cos, sin = torch.cos(parameters.angle), torch.sin(parameters.angle)
    along, across = (direction * torch.exp(parameters.log_scale())).unbind(dim=1)
    return torch.stack([cos * along - sin * across, sin * along + cos * across], dim=1)


def turns(direction: Tensor, ratio: Tensor) -> Tensor:
    """(N,) directions of the angle to steps in rad; that of a round Gaussian, which no turn changes, stays finite."""
    return direction / torch.sqrt(1.0 + (2.0 * torch.sinh(ratio)) ** 2)
