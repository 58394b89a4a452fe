"""Gradients and removal costs against the float64 oracle, on all lattices of a picture."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc.blend import Blend
from splatc.fit import squared
from splatc.fit.kernels.scratch import Scratch
from splatc.fit.lattice import Lattice, Picture
from splatc.fit.parameters import from_gaussians
from splatc.fit.perceptual import perceptual_error
from splatc.fit.pyramid import Planes
from splatc.fit.removal import removal_costs
from splatc.fit.squared import squared_error
from splatc.fit.view import View
from splatc.gaussians import FloatArray, Gaussians, Scene
from splatc.render import reference
from tests.scenes import floats, random_gaussians

WIDTH, HEIGHT = 61, 43
BACKGROUND = floats([0.5, 0.4, 0.3])


def setting(blend: Blend) -> tuple[Gaussians, NDArray[np.uint8]]:
    """Gaussians that cover the picture, so that no pixel hangs on the tail of one alone, and a target."""
    rng = np.random.default_rng(int(blend))
    gaussians = random_gaussians(rng, 40, WIDTH, HEIGHT, scales=(2.0, 9.0), thinnest=3.0)
    base = random_gaussians(rng, 1, WIDTH, HEIGHT, scales=(60.0, 60.1))
    joined = [np.concatenate(pair) for pair in zip(vars(gaussians).values(), vars(base).values(), strict=True)]
    return Gaussians(*joined), rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def error(blend: Blend, target: NDArray[np.uint8], lattice: Lattice, *arrays: NDArray[np.float64]) -> float:
    """Sum of squared differences at the pixels of a lattice."""
    mean, log_scale, angle, colour = arrays
    scene = Scene(WIDTH, HEIGHT, blend, BACKGROUND, Gaussians(mean, np.exp(log_scale), angle, colour))  # type: ignore[arg-type]
    difference = reference.render(scene) - target / 255
    return float((difference[lattice.y0 :: lattice.reduction, lattice.x0 :: lattice.reduction] ** 2).sum())


def arrays_of(gaussians: Gaussians) -> list[NDArray[np.float64]]:
    parts = (gaussians.mean, np.log(gaussians.scale), gaussians.angle, gaussians.colour)
    return [np.asarray(part, np.float64) for part in parts]


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize(("reduction", "step"), [(1, 0), (2, 0), (2, 1), (4, 6)])
def test_gradients_match_finite_differences(blend: Blend, reduction: int, step: int) -> None:
    gaussians, target = setting(blend)
    lattice = Picture(target).lattice(reduction, step)
    view = View(from_gaussians(gaussians), lattice, blend)
    total, moments = squared_error(lattice, view.footprint, view.feature, BACKGROUND)
    gradients = view.gradients(moments)
    arrays = arrays_of(gaussians)
    assert total == pytest.approx(error(blend, target, lattice, *arrays), rel=1e-3)

    def slope(array: int, change: NDArray[np.float64]) -> float:
        step = 1e-4
        ends = []
        for sign in (step, -step):
            moved = [a.copy() for a in arrays]
            moved[array] += sign * change
            ends.append(error(blend, target, lattice, *moved))
        return (ends[0] - ends[1]) / (2 * step)

    for i in range(0, len(gaussians), 9):
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
            measured = gradients[name][i].numpy()
            measured = measured[:1] if name == "colour" else measured
            assert np.allclose(measured, value, rtol=2e-3, atol=2e-3), name


@pytest.mark.parametrize("blend", Blend)
def test_a_loss_of_whole_pictures_gives_the_same_gradient(blend: Blend) -> None:
    def squares(drawn: Planes, wanted: Lattice, scratch: Scratch) -> tuple[float, FloatArray]:
        difference = drawn.rows - wanted.scales[0].rows
        return float((difference**2).sum()) / (WIDTH * HEIGHT * 3), 2 * difference

    gaussians, target = setting(blend)
    lattice = Picture(target).lattice(1)
    view = View(from_gaussians(gaussians), lattice, blend)
    expected, fused = squared_error(lattice, view.footprint, view.feature, BACKGROUND)
    total, value, whole = perceptual_error(lattice, view, BACKGROUND, squares)
    assert (total, value) == pytest.approx((expected, expected / (WIDTH * HEIGHT * 3)), rel=1e-4)
    assert np.allclose(whole.feature, fused.feature, rtol=1e-3, atol=1e-3)
    assert np.allclose(whole.shape, fused.shape, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("blend", Blend)
def test_bands_add_up(blend: Blend, monkeypatch: pytest.MonkeyPatch) -> None:
    gaussians, target = setting(blend)
    lattice = Picture(target).lattice(1)
    view = View(from_gaussians(gaussians), lattice, blend)
    whole, moments = squared_error(lattice, view.footprint, view.feature, BACKGROUND)
    costs = removal_costs(lattice, view, BACKGROUND)
    monkeypatch.setattr(squared, "BAND_BYTES", 1)
    assert len(squared.bands(lattice, 4)) == 2
    parts, sums = squared_error(lattice, view.footprint, view.feature, BACKGROUND)
    assert parts == pytest.approx(whole)
    assert np.allclose(sums.feature, moments.feature, rtol=1e-3, atol=1e-3)
    assert np.allclose(sums.shape, moments.shape, rtol=1e-3, atol=1e-2)
    assert np.allclose(removal_costs(lattice, view, BACKGROUND), costs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("blend", Blend)
def test_removal_cost_is_the_rise_of_the_squared_error(blend: Blend) -> None:
    gaussians, target = setting(blend)
    lattice = Picture(target).lattice(1)
    cost = removal_costs(lattice, View(from_gaussians(gaussians), lattice, blend), BACKGROUND)
    arrays = arrays_of(gaussians)
    before = error(blend, target, lattice, *arrays)
    for i in range(0, len(gaussians), 4):
        rise = error(blend, target, lattice, *[np.delete(a, i, axis=0) for a in arrays]) - before
        assert cost[i] == pytest.approx(rise, rel=2e-3, abs=2e-2)


def test_lattices_of_a_reduction_share_the_pixels_out() -> None:
    pixels = np.arange(7 * 5, dtype=np.uint8).reshape(5, 7, 1)
    for reduction in (1, 2, 4):
        picture = Picture(pixels)
        seen = [picture.lattice(reduction, step) for step in range(reduction**2)]
        values = np.concatenate([each.samples[:, :, : each.width].ravel() for each in seen])
        assert np.array_equal(np.sort(values), np.arange(35))
        assert picture.lattice(reduction, reduction**2) is seen[0]


def test_tiny_pictures_have_lattices() -> None:
    picture = Picture(np.full((1, 2, 3), 9, np.uint8))
    for step in range(16):
        assert (picture.lattice(4, step).samples[:, :, :1] == 9).all()


def test_samples_of_16_bits_count_alike() -> None:
    gaussians, target = setting(Blend.NORMALIZED)
    parameters = from_gaussians(gaussians)
    totals = []
    for pixels in (target, target.astype(np.uint16) * 257):
        lattice = Picture(pixels).lattice(2)
        view = View(parameters, lattice, Blend.NORMALIZED)
        totals.append(squared_error(lattice, view.footprint, view.feature, BACKGROUND)[0])
    assert totals[0] == pytest.approx(totals[1], rel=1e-5)


def test_windows_share_the_rows_out() -> None:
    lattice = Picture(np.arange(7 * 5, dtype=np.uint8).reshape(7, 5, 1)).lattice(1)
    windows = [lattice.window(step, 10) for step in range(4)]
    assert [window.y0 for window in windows] == [0, 1, 3, 5]
    assert sum(window.height for window in windows) == 7
    assert np.array_equal(np.concatenate([window.samples for window in windows]), lattice.samples)
    assert np.array_equal(lattice.window(9, 35).samples, lattice.samples)
