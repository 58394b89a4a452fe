"""Gradients and removal costs against the float64 oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from splatc.fit.parameters import from_gaussians
from splatc.fit.rasterize import Canvas
from splatc.fit.trainer import draw, planes, removal_costs
from splatc.gaussians import Blend, Gaussians, Scene
from splatc.render import reference
from tests.scenes import floats, random_gaussians

WIDTH, HEIGHT = 61, 43
BACKGROUND = floats([0.5, 0.4, 0.3])


def setting(blend: Blend) -> tuple[Gaussians, NDArray[np.float32]]:
    """Gaussians that cover the picture, so that no pixel hangs on the tail of one alone, and a target."""
    rng = np.random.default_rng(int(blend))
    gaussians = random_gaussians(rng, 40, WIDTH, HEIGHT, scales=(2.0, 9.0), thinnest=3.0)
    base = random_gaussians(rng, 1, WIDTH, HEIGHT, scales=(60.0, 60.1))
    joined = [np.concatenate(pair) for pair in zip(vars(gaussians).values(), vars(base).values(), strict=True)]
    return Gaussians(*joined), floats(rng.uniform(0, 1, (HEIGHT, WIDTH, 3)))


def squared_error(blend: Blend, target: NDArray[np.float32], *arrays: NDArray[np.float64]) -> float:
    mean, log_scale, angle, colour = arrays
    scene = Scene(WIDTH, HEIGHT, blend, BACKGROUND, Gaussians(mean, np.exp(log_scale), angle, colour))  # type: ignore[arg-type]
    return float(((reference.render(scene) - target) ** 2).sum())


@pytest.mark.parametrize("blend", Blend)
def test_gradients_match_finite_differences(blend: Blend) -> None:
    gaussians, target = setting(blend)
    parameters = from_gaussians(gaussians)
    leaves: dict[str, Any] = {name: value.clone().requires_grad_() for name, value in vars(parameters).items()}
    drawn = draw(type(parameters)(**leaves), Canvas(WIDTH, HEIGHT, blend, BACKGROUND))
    ((drawn - torch.from_numpy(planes(target))) ** 2).sum().backward()  # type: ignore[no-untyped-call]

    arrays = [
        np.asarray(a, np.float64) for a in (gaussians.mean, np.log(gaussians.scale), gaussians.angle, gaussians.colour)
    ]

    def slope(array: int, change: NDArray[np.float64]) -> float:
        step = 1e-4
        ends = []
        for sign in (step, -step):
            moved = [a.copy() for a in arrays]
            moved[array] += sign * change
            ends.append(squared_error(blend, target, *moved))
        return (ends[0] - ends[1]) / (2 * step)

    for i in range(0, len(gaussians), 5):
        unit = np.zeros((len(gaussians), 1))
        unit[i] = 1.0
        expected: dict[str, list[float] | float] = {
            "mean": [slope(0, unit * [1, 0]), slope(0, unit * [0, 1])],
            "size": slope(1, unit * [1, 1]),
            "ratio": slope(1, unit * [0.5, -0.5]),
            "angle": slope(2, unit[:, 0]),
            "colour": [slope(3, unit * [1, 1, 1])],  # the first axis of the coded space is luma
        }
        for name, value in expected.items():
            measured = leaves[name].grad[i].numpy()
            measured = measured[:1] if name == "colour" else measured
            assert np.allclose(measured, value, rtol=2e-3, atol=2e-3), name


@pytest.mark.parametrize("blend", Blend)
def test_removal_cost_is_the_rise_of_the_squared_error(blend: Blend) -> None:
    gaussians, target = setting(blend)
    cost = removal_costs(gaussians, target, blend, BACKGROUND)
    arrays = [
        np.asarray(a, np.float64) for a in (gaussians.mean, np.log(gaussians.scale), gaussians.angle, gaussians.colour)
    ]
    before = squared_error(blend, target, *arrays)
    for i in range(0, len(gaussians), 4):
        rise = squared_error(blend, target, *[np.delete(a, i, axis=0) for a in arrays]) - before
        assert cost[i] == pytest.approx(rise, rel=2e-3, abs=2e-2)
