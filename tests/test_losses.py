"""Losses: their values against plain definitions, their gradients against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from splatc.fit.losses import C1, C2, SIGMA, l1, l1_ssim, l2, multiscale
from splatc.fit.pyramid import half


def pair(*shape: int, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    out, target = (torch.rand(shape, generator=generator, dtype=dtype) for _ in range(2))
    return (0.3 * out + 0.7 * target).requires_grad_(), target


def plain_ssim(out: torch.Tensor, target: torch.Tensor) -> float:
    """SSIM pixel by pixel, with the part of the window that lies within the picture."""
    x, y = out.detach().numpy(), target.numpy()
    channels, height, width = x.shape
    rows, columns = np.mgrid[:height, :width]
    values = []
    for channel in range(channels):
        for row in range(height):
            for column in range(width):
                dy, dx = rows - row, columns - column
                near = (abs(dy) <= 5) & (abs(dx) <= 5)
                w = np.where(near, np.exp(-0.5 * (dx**2 + dy**2) / SIGMA**2), 0.0)
                w /= w.sum()
                mx, my = (w * x[channel]).sum(), (w * y[channel]).sum()
                variances = (w * (x[channel] - mx) ** 2).sum() + (w * (y[channel] - my) ** 2).sum()
                covariance = (w * (x[channel] - mx) * (y[channel] - my)).sum()
                luminance = (2 * mx * my + C1) / (mx**2 + my**2 + C1)
                values.append(luminance * (2 * covariance + C2) / (variances + C2))
    return float(np.mean(values))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 3, 17), (3, 14, 12)])
def test_ssim_agrees_with_its_definition(shape: tuple[int, ...]) -> None:
    out, target = pair(*shape)
    assert l1_ssim(out, target, 1.0).item() == pytest.approx(1.0 - plain_ssim(out, target), abs=1e-12)
    l1 = (out - target).abs().mean().item()
    assert l1_ssim(out, target).item() == pytest.approx(0.9 * l1 + 0.1 * (1.0 - plain_ssim(out, target)), abs=1e-12)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 9), (2, 13, 4)])
def test_gradients_agree_with_finite_differences(shape: tuple[int, ...]) -> None:
    out, target = pair(*shape)
    assert torch.autograd.gradcheck(lambda x: l1_ssim(x, target, 0.4), out)
    assert torch.autograd.gradcheck(lambda x: l2(x, target), out)
    assert torch.autograd.gradcheck(lambda x: l1(x, target), out)
    assert torch.autograd.gradcheck(half, out)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 9), (2, 13, 4), (3, 6, 7)])
def test_several_scales_are_those_of_two_by_two(shape: tuple[int, ...]) -> None:
    out, target = pair(*shape)
    wanted = 0.2 * (out - target).abs().mean()
    x, y = out, target
    for weight in (0.3, 0.4, 0.3):
        x, y = (torch.nn.functional.avg_pool2d(each[None], 2, ceil_mode=True)[0] for each in (x, y))
        wanted = wanted + weight * l1_ssim(x, y, 1.0)
    assert multiscale(out, target).item() == pytest.approx(wanted.item(), abs=1e-12)
    by_out, by_plain = (torch.autograd.grad(each, out)[0] for each in (multiscale(out, target), wanted))
    torch.testing.assert_close(by_out, by_plain)


def test_gradients_scale_with_what_follows_the_loss() -> None:
    out, target = pair(2, 6, 7)
    once, thrice = (
        torch.autograd.grad(factor * (l1_ssim(out, target) + l2(out, target)), out)[0] for factor in (1.0, 3.0)
    )
    torch.testing.assert_close(3.0 * once, thrice)


def test_equal_pictures_are_a_minimum() -> None:
    _, target = pair(3, 20, 30, dtype=torch.float32)
    out = target.clone().requires_grad_()
    loss = l1_ssim(out, target) + l2(out, target)
    loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    assert out.grad is not None
    assert float(out.grad.abs().max()) < 1e-6


def test_single_precision_and_views_give_the_same() -> None:
    out, target = pair(3, 40, 50)
    rows = out.detach().transpose(0, 1).contiguous().float()  # (H, C, W), as the fit has them
    assert l1_ssim(rows.transpose(0, 1), target.float()).item() == pytest.approx(l1_ssim(out, target).item(), abs=1e-6)
    assert l2(rows.transpose(0, 1), target.float()).item() == pytest.approx(l2(out, target).item(), abs=1e-7)
