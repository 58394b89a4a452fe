"""The CPU renderer draws what the float64 oracle draws, whatever the threads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from splatc import core
from splatc.blend import Blend
from splatc.gaussians import CUTOFF, EPSILON, Gaussians, Scene
from splatc.render import reference, render
from tests.scenes import floats, needles, random_gaussians, random_scene

TOLERANCE = 1 / 1024
"""The spec's: largest difference from the reference, of full range, before rounding."""


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_agrees_with_the_reference(blend: Blend, channels: int) -> None:
    rng = np.random.default_rng(channels)
    scene = random_scene(rng, 300, 301, 77, blend, channels)
    difference = np.abs(render(scene) - reference.render(scene))
    assert difference.max() < TOLERANCE / 8  # today's kernels are far better than the spec asks


@pytest.mark.parametrize("blend", Blend)
def test_thin_gaussians_at_every_angle_agree(blend: Blend) -> None:
    """Where the recurrence down the rows would leave float32, and pixels hang on the tails of needles alone."""
    scene = needles(blend)
    assert np.abs(render(scene) - reference.render(scene)).max() < TOLERANCE


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 300), (300, 1), (8, 8), (129, 33)])
def test_odd_sizes(width: int, height: int) -> None:
    scene = random_scene(np.random.default_rng(1), 40, width, height, Blend.NORMALIZED)
    assert render(scene).shape == (height, width, 3)
    assert np.abs(render(scene) - reference.render(scene)).max() < TOLERANCE / 8


def test_threads_do_not_change_a_bit() -> None:
    scene = random_scene(np.random.default_rng(2), 500, 400, 200, Blend.NORMALIZED)
    before = core.threads()
    try:
        core.set_threads(1)
        one = render(scene)
        core.set_threads(before)
        assert np.array_equal(one, render(scene))
    finally:
        core.set_threads(before)


def test_empty_scene_shows_the_background() -> None:
    rng = np.random.default_rng(0)
    nothing = random_gaussians(rng, 0, 9, 7)
    background = floats([0.25, 0.5, 0.75])
    normalized = render(Scene(9, 7, Blend.NORMALIZED, background, nothing))
    assert np.allclose(normalized, background)
    assert not render(Scene(9, 7, Blend.SUM, background, nothing)).any()


def test_one_gaussian_is_what_the_formula_says() -> None:
    one = Gaussians(floats([[4.5, 3.5]]), floats([[2.0, 1.0]]), floats([0.0]), floats([[1.0]]))
    scene = Scene(9, 7, Blend.SUM, floats([0.0]), one)
    weight = np.exp(-0.5 * (2 / 2.0) ** 2) - CUTOFF  # two pixels to the right of the mean
    assert render(scene)[3, 6, 0] == pytest.approx(weight, abs=1e-6)
    normalized = render(replace(scene, blend=Blend.NORMALIZED))[3, 6, 0]
    assert normalized == pytest.approx(weight / (weight + EPSILON), abs=1e-6)


def test_the_weight_ends_continuously() -> None:
    """No step at the ellipse q = Q_MAX: a Gaussian that moves by a hair changes no pixel by more than a hair."""
    wide = Gaussians(floats([[50.0, 50.0]]), floats([[9.0, 9.0]]), floats([0.0]), floats([[1.0]]))
    moved = replace(wide, mean=floats([[50.001, 50.0]]))
    pictures = [render(Scene(100, 100, Blend.SUM, floats([0.0]), each)) for each in (wide, moved)]
    assert np.abs(pictures[0] - pictures[1]).max() < 2e-4
