"""New Gaussians appear where the picture is worst, in what is missing there; the steps of a fit are in units of each Gaussian."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from splatc.blend import Blend
from splatc.fit import births
from splatc.fit.births import born
from splatc.fit.freezing import Freezing
from splatc.fit.lattice import Picture
from splatc.fit.natural import along_axes, mean_steps, turns
from splatc.fit.parameters import NAMES, Adam, Parameters, from_gaussians
from splatc.fit.view import View
from splatc.quantize import COLOUR_MATRIX
from tests.scenes import floats, random_gaussians

BACKGROUND = floats([0.5, 0.5, 0.5])
SPOT = (slice(20, 30), slice(40, 52))
"""Rows and columns that are not of the background's colour."""


def spotted(ground: int = 128) -> Picture:
    pixels = np.full((48, 64, 3), ground, np.uint8)
    pixels[SPOT] = [255, 0, 0]
    return Picture(pixels)


def nobody() -> Parameters:
    return from_gaussians(random_gaussians(np.random.default_rng(0), 0, 64, 48))


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("reduction", [1, 2])
def test_they_lie_where_the_error_is(blend: Blend, reduction: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splatc.fit.squared.BAND_BYTES", 1)  # bands of one row of tiles
    # Nobody draws the background in a mean, and black in a sum.
    lattice = spotted(128 if blend is Blend.NORMALIZED else 0).lattice(reduction, 1)
    newborn = born(lattice, View(nobody(), lattice, blend), BACKGROUND, 20, np.random.default_rng(3))
    assert 5 < len(newborn) <= 20
    x, y = newborn.mean.numpy().T
    inside = (x >= 40) & (x <= 52) & (y >= 20) & (y <= 30)
    assert inside.mean() > 0.9
    rgb = newborn.rgb().numpy()[inside]
    assert np.allclose(rgb, [1.0, 0.0, 0.0], atol=1e-3)
    assert len(np.unique(newborn.mean.numpy(), axis=0)) == len(newborn)


def test_a_sum_gets_what_it_lacks() -> None:
    picture = spotted()
    everywhere = from_gaussians(random_gaussians(np.random.default_rng(1), 30, 64, 48))
    view = View(everywhere, picture.lattice(1), Blend.SUM)
    newborn = born(picture.lattice(1), view, BACKGROUND, 10, np.random.default_rng(3))
    assert bool((newborn.rgb() < 0).any())  # where there is too much


def test_a_perfect_picture_needs_nobody() -> None:
    lattice = Picture(np.full((16, 16, 1), 255, np.uint8)).lattice(1)
    newborn = born(lattice, View(gray_nobody(), lattice, Blend.NORMALIZED), floats([1.0]), 5, np.random.default_rng(0))
    assert len(newborn) == 0


def gray_nobody() -> Parameters:
    return from_gaussians(random_gaussians(np.random.default_rng(0), 0, 16, 16, channels=1))


def test_the_size_is_a_share_of_what_each_has_to_cover() -> None:
    lattice = spotted().lattice(1)
    some = from_gaussians(random_gaussians(np.random.default_rng(1), 12, 64, 48))
    newborn = born(lattice, View(some, lattice, Blend.NORMALIZED), BACKGROUND, 4, np.random.default_rng(0))
    assert math.exp(float(newborn.size[0])) == pytest.approx(births.SIZE * math.sqrt(64 * 48 / 12 / math.pi))
    assert bool((newborn.ratio == 0).all())


def test_moments_and_what_is_held_grow_with_them() -> None:
    before = from_gaussians(random_gaussians(np.random.default_rng(1), 6, 64, 48))
    newborn = from_gaussians(random_gaussians(np.random.default_rng(2), 3, 64, 48))
    adam, freezing = Adam(before), Freezing(6, torch.Generator().manual_seed(0))
    adam.directions({name: torch.ones_like(getattr(before, name)) for name in NAMES})
    adam.extend(newborn)
    freezing.extend(3)
    for name in NAMES:
        assert bool((getattr(adam.first, name)[:6] != 0).all()) and bool((getattr(adam.second, name)[6:] == 0).all())
        assert freezing.held[name].shape == (9,)
    assert freezing.turn.shape == (9,)
    assert len(before.joined(newborn)) == 9


def test_means_move_in_the_axes_of_their_gaussian() -> None:
    parameters = Parameters(
        mean=torch.zeros(2, 2),
        size=torch.tensor([math.log(2.0), math.log(3.0)]),
        ratio=torch.tensor([math.log(4.0), 0.0]),  # s = (4, 1) and (3, 3)
        angle=torch.tensor([0.5 * math.pi, 0.3]),
        colour=torch.zeros(2, len(COLOUR_MATRIX)),
    )
    ahead = along_axes(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), parameters.angle)
    assert torch.allclose(ahead[0], torch.tensor([1.0, 0.0]), atol=1e-6)
    moved = mean_steps(ahead, parameters)
    assert torch.allclose(moved, torch.tensor([[0.0, 4.0], [3.0, 0.0]]), atol=1e-5)
    across = along_axes(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), parameters.angle)
    assert torch.allclose(mean_steps(across, parameters), torch.tensor([[1.0, 0.0], [0.0, 3.0]]), atol=1e-5)
    slow, quick = turns(torch.ones(2), parameters.ratio)
    assert float(quick) == 1.0 and float(slow) == pytest.approx(1 / math.hypot(1, 4 - 1 / 4))
