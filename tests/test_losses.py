"""Losses and their gradients against plain definitions that torch differentiates in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from splatc.fit.kernels.forward import row_stride
from splatc.fit.kernels.scratch import Scratch
from splatc.fit.lattice import Lattice, Picture
from splatc.fit.losses import l1_ssim, multiscale, sum_of_squares
from splatc.fit.perceptual import Loss
from splatc.fit.pyramid import Planes, add_spread
from splatc.fit.similarity import C1, C2, RADIUS, SIGMA

from splatc.gaussians import FloatArray

Tensor = torch.Tensor
SHAPES = [(1, 1, 1), (1, 1, 9), (1, 3, 17), (2, 13, 4), (3, 6, 7), (3, 14, 12), (4, 33, 40)]


def pair(*shape: int) -> tuple[Tensor, Tensor]:
    """(C, H, W) as drawn and as wanted."""
    generator = torch.Generator().manual_seed(2)
    out, target = (torch.round(torch.rand(shape, generator=generator).double() * 65535) / 65535 for _ in range(2))
    return (0.3 * out + 0.7 * target).requires_grad_(), target


def planes(picture: Tensor) -> Planes:
    width = picture.shape[2]
    rows = np.zeros((picture.shape[1], picture.shape[0], row_stride(width)), np.float32)
    rows[:, :, :width] = picture.detach().numpy().transpose(1, 0, 2)
    return Planes(rows, width)


def lattice(picture: Tensor) -> Lattice:
    samples = np.rint(picture.numpy().transpose(1, 2, 0) * 65535).astype(np.uint16)
    return Picture(samples).lattice(1)


def plain_l1(x: Tensor, y: Tensor) -> Tensor:
    return (x - y).abs().mean()


def mean(picture: Tensor) -> Tensor:
    """Of the part of the window around each pixel that lies within the picture."""
    distance = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
    bell = torch.exp(-0.5 * (distance[:, None] ** 2 + distance**2) / SIGMA**2)[None, None]
    pictures = (picture[:, None], torch.ones_like(picture)[:, None])
    total, weight = (torch.nn.functional.conv2d(each, bell, padding=RADIUS)[:, 0] for each in pictures)
    return total / weight


def plain_ssim(x: Tensor, y: Tensor) -> Tensor:
    """The mean of SSIM over all pixels."""
    mx, my = mean(x), mean(y)
    variances, covariance = mean(x * x) - mx**2 + mean(y * y) - my**2, mean(x * y) - mx * my
    luminance = (2 * mx * my + C1) / (mx**2 + my**2 + C1)
    return (luminance * (2 * covariance + C2) / (variances + C2)).mean()


def plain_l1_ssim(x: Tensor, y: Tensor) -> Tensor:
    return 0.9 * plain_l1(x, y) + 0.1 * (1 - plain_ssim(x, y))


def plain_multiscale(x: Tensor, y: Tensor) -> Tensor:
    minded = mean(1 / (2 * (mean(y * y) - mean(y) ** 2) + C2))
    loss = 0.1 * plain_l1(x, y) + 0.05 * (minded * (x - y) ** 2).mean()
    for weight in (0.3, 0.4, 0.3):
        x, y = (torch.nn.functional.avg_pool2d(each[None], 2, ceil_mode=True)[0] for each in (x, y))
        loss = loss + weight * (1 - plain_ssim(x, y))
    return loss


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("loss", "plain"), [(l1_ssim, plain_l1_ssim), (multiscale, plain_multiscale)])
def test_losses_are_what_they_say(
    loss: Loss, plain: Callable[[Tensor, Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    out, target = pair(*shape)
    value, gradient = loss(planes(out), lattice(target), Scratch())
    wanted = plain(out, target)
    assert value == pytest.approx(wanted.item(), abs=5e-5)  # variances of float32
    (by_out,) = torch.autograd.grad(wanted * out.numel(), out)
    found = gradient[:, :, : shape[2]].transpose(1, 0, 2)
    np.testing.assert_allclose(found, by_out.numpy(), rtol=1e-3, atol=1e-3 * float(by_out.abs().max()))
    assert not gradient[:, :, shape[2] :].any(), "nothing behind the end of a row may pull"


@pytest.mark.parametrize("loss", [l1_ssim, multiscale])
def test_equal_pictures_are_a_minimum(loss: Loss) -> None:
    wanted = lattice(pair(3, 20, 30)[1])
    value, gradient = loss(wanted.scales[0], wanted, Scratch())
    assert value == pytest.approx(0.0, abs=1e-6)
    assert float(np.abs(gradient).max()) < 1e-2  # times 1800 samples


@pytest.mark.parametrize("loss", [l1_ssim, multiscale])
def test_what_a_scratch_held_before_does_not_matter(loss: Loss) -> None:
    out, target = pair(3, 21, 30)
    scratch = Scratch()
    first = loss(planes(out), lattice(target), scratch)[1].copy()
    loss(planes(pair(3, 40, 50)[0]), lattice(pair(3, 40, 50)[1]), scratch)
    np.testing.assert_array_equal(loss(planes(out), lattice(target), scratch)[1], first)


@pytest.mark.parametrize("shape", SHAPES)
def test_spread_is_the_transpose_of_half(shape: tuple[int, ...]) -> None:
    picture = planes(pair(*shape)[0])
    half = picture.half(Scratch(), "half")
    assert half.rows.shape == (-(-shape[1] // 2), shape[0], row_stride(half.width))
    weight = np.random.default_rng(0).random(half.rows.shape, np.float32)
    weight[:, :, half.width :] = 0.0
    spread: FloatArray = np.zeros_like(picture.rows)
    add_spread(weight, picture.width, spread)
    assert float((half.rows * weight).sum()) == pytest.approx(float((picture.rows * spread).sum()), rel=1e-5)


def test_sum_of_squares() -> None:
    x, y = (planes(each) for each in pair(3, 14, 12))
    assert sum_of_squares(x.rows, y.rows) == pytest.approx(float(((x.rows - y.rows) ** 2).sum()), rel=1e-5)
