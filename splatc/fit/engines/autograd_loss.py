"""Losses that compare neighbourhoods, in PyTorch: SmartSplat's L1 + SSIM, and differences with SSIM over several scales.

SSIM: Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004, with its
Gaussian window of 11 taps and sigma 1.5. At the borders of the picture the window is cut off and renormalized, so every pixel counts.
"""

from __future__ import annotations

import math

import torch
from torch.nn.functional import avg_pool2d, conv2d

Tensor = torch.Tensor

SSIM_WEIGHT = 0.1
"""SmartSplat, section 3."""
L1_WEIGHT = 0.1
SQUARED_WEIGHT = 0.05
"""Of squared differences weighed by SSIM's sensitivity: about what MS-SSIM gives the full size, 4.5 %."""
PLAIN_WEIGHT = 7.5
"""Of those as they are: contrast and edges, which SSIM hardly sees (tools/README.md, "Squared error beside SSIM")."""
SCALE_WEIGHTS = (0.3, 0.4, 0.3)
"""Of the SSIM at 1/2, 1/4 and 1/8 of the size."""
SMOOTH = 0.5
"""Of what these lose by a change that is the same all over a window (core/fit/loss_parts.h)."""
C1, C2 = 0.01**2, 0.03**2
"""For pixels in [0, 1]."""
RADIUS = 5
_BELL = [math.exp(-0.5 * (k / 1.5) ** 2) for k in range(-RADIUS, RADIUS + 1)]


def l1_ssim(drawn: Tensor, wanted: Tensor) -> Tensor:
    """(1 - k) L1 + k (1 - SSIM), k = SSIM_WEIGHT, of pictures (h, w, C)."""
    x, y = _planes(drawn), _planes(wanted)
    return (1.0 - SSIM_WEIGHT) * (x - y).abs().mean() + SSIM_WEIGHT * (1.0 - ssim(x, y))


def multiscale(drawn: Tensor, wanted: Tensor) -> Tensor:
    """For MS-SSIM: L1, squared differences, those weighed by SSIM's sensitivity, and 1 - SSIM at 1/2, 1/4 and 1/8 of the size.

    The weighed squared differences stand for SSIM at full size. Pictures (h, w, C).
    """
    x, y = _planes(drawn), _planes(wanted)
    loss = L1_WEIGHT * (x - y).abs().mean() + ((PLAIN_WEIGHT + SQUARED_WEIGHT * sensitivity(y)) * (x - y) ** 2).mean()
    for weight in SCALE_WEIGHTS:
        x, y = (avg_pool2d(each, 2, ceil_mode=True, count_include_pad=False) for each in (x, y))
        loss = loss + weight * (1.0 - ssim(x, y))
    return loss


def curvature(wanted: Tensor) -> Tensor:
    """(h, w, C) k of `multiscale` times the samples: a smooth change d of the picture adds the sum of k d^2 to what the gradient predicts.

    The SSIM of a reduced size loses the squared difference times its sensitivity, spread over the samples whose mean it compares.
    """
    y = _planes(wanted)
    with torch.enable_grad():
        size = x = torch.zeros_like(y, requires_grad=True)
        loss = ((PLAIN_WEIGHT + SQUARED_WEIGHT * sensitivity(y)) * x).sum()
        for weight in SCALE_WEIGHTS:
            x, y = (avg_pool2d(each, 2, ceil_mode=True, count_include_pad=False) for each in (x, y))
            loss = loss + SMOOTH * weight * wanted.numel() * (sensitivity(y) * x).mean()
    (spread,) = torch.autograd.grad(loss, size)
    return spread[:, 0].permute(1, 2, 0)


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """The mean SSIM of planes (C, 1, h, w)."""
    mx, my = blurred(x), blurred(y)
    product, energy = mx * my, mx * mx + my * my
    covariance = blurred(x * y) - product
    variances = blurred(x * x + y * y) - energy
    return ((2 * product + C1) * (2 * covariance + C2) / ((energy + C1) * (variances + C2))).mean()


def sensitivity(y: Tensor) -> Tensor:
    """(C, 1, h, w) SSIM's sensitivity to a squared difference at each pixel: 1 / (2 variance + C2), averaged over the window.

    For small differences SSIM is 1 minus the squared difference divided by the variances of both pictures.
    """
    variance = (blurred(y * y) - blurred(y) ** 2).clamp(min=0.0)
    return blurred(1.0 / (2.0 * variance + C2))


def blurred(planes: Tensor) -> Tensor:
    """(C, 1, h, w) means over the part of the window that lies in the picture."""
    window = torch.tensor(_BELL, dtype=planes.dtype, device=planes.device) / sum(_BELL)

    def summed(each: Tensor) -> Tensor:
        across = conv2d(each, window.reshape(1, 1, 1, -1), padding=(0, RADIUS))
        return conv2d(across, window.reshape(1, 1, -1, 1), padding=(RADIUS, 0))

    return summed(planes) / summed(torch.ones_like(planes[:1]))


def _planes(picture: Tensor) -> Tensor:
    """Pictures (h, w, C) as planes (C, 1, h, w)."""
    return picture.permute(2, 0, 1)[:, None]
