"""Gradients and pruning costs against the float64 oracle, on all polyphase subsets of a picture; and what these are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc.blend import Blend
from splatc.fit.subset import Subset, mean_colour, reduction_for, subset
from splatc.fit.table import COLOUR
from splatc.fit.task import Task
from splatc.gaussians import Gaussians, Scene
from splatc.render import reference
from splatc.steps import Quantizer
from tests.engines import ENGINES, gradient, table_of
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


def error(blend: Blend, target: NDArray[np.uint8], where: Subset, *arrays: NDArray[np.float64]) -> float:
    """Sum of squared differences at the pixels of a polyphase subset."""
    mean, log_scale, angle, colour = arrays
    scene = Scene(WIDTH, HEIGHT, blend, BACKGROUND, Gaussians(mean, np.exp(log_scale), angle, colour))  # type: ignore[arg-type]
    difference = reference.render(scene) - target / 255
    return float((difference[where.y0 :: where.reduction, where.x0 :: where.reduction] ** 2).sum())


def arrays_of(gaussians: Gaussians) -> list[NDArray[np.float64]]:
    parts = (gaussians.mean, np.log(gaussians.scale), gaussians.angle, gaussians.colour)
    return [np.asarray(part, np.float64) for part in parts]


def slopes(blend: Blend, target: NDArray[np.uint8], where: Subset, gaussians: Gaussians, i: int) -> list[float]:
    """By mean x and y, log scale, log aspect ratio, angle and luma of Gaussian i: differences of `error`."""
    arrays = arrays_of(gaussians)

    def slope(array: int, change: list[float]) -> float:
        ends = []
        for sign in (1e-4, -1e-4):
            moved = [a.copy() for a in arrays]
            moved[array][i] += sign * (np.array(change) if moved[array].ndim == 2 else change[0])
            ends.append(error(blend, target, where, *moved))
        return (ends[0] - ends[1]) / 2e-4

    directions: list[tuple[int, list[float]]] = [
        (0, [1, 0]),
        (0, [0, 1]),
        (1, [1, 1]),
        (1, [0.5, -0.5]),
        (2, [1]),
        (3, [1, 1, 1]),
    ]
    return [slope(array, change) for array, change in directions]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize(("reduction", "step"), [(1, 0), (2, 0), (2, 1), (4, 6)])
def test_gradients_match_finite_differences(name: str, blend: Blend, reduction: int, step: int) -> None:
    gaussians, target = setting(blend)
    engine = ENGINES[name](Task(target, blend, BACKGROUND, Quantizer()))
    found = gradient(engine, table_of(gaussians), reduction, step)
    where = subset(WIDTH, HEIGHT, reduction, step)
    total = error(blend, target, where, *arrays_of(gaussians))
    assert engine.measured() == pytest.approx((total / (where.width * where.height * 3),) * 2, rel=1e-3)
    for i in range(0, len(gaussians), 9):
        expected = np.array(slopes(blend, target, where, gaussians, i)) * reduction**2
        assert np.allclose(found[:6, i], expected, rtol=2e-3, atol=2e-3 * reduction**2)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("blend", Blend)
def test_pruning_cost_is_the_rise_of_the_squared_error(name: str, blend: Blend) -> None:
    gaussians, target = setting(blend)
    engine = ENGINES[name](Task(target, blend, BACKGROUND, Quantizer()))
    engine.send(table_of(gaussians))
    cost, where, arrays = engine.pruning_costs(1), subset(WIDTH, HEIGHT, 1, 0), arrays_of(gaussians)
    before = error(blend, target, where, *arrays)
    for i in range(0, len(gaussians), 4):
        rise = error(blend, target, where, *[np.delete(a, i, axis=0) for a in arrays]) - before
        assert cost[i] == pytest.approx(rise, rel=2e-3, abs=2e-2)


@pytest.mark.parametrize("name", ENGINES)
def test_samples_of_16_bits_count_alike(name: str) -> None:
    gaussians, target = setting(Blend.NORMALIZED)
    found = []
    for pixels in (target, target.astype(np.uint16) * 257):
        engine = ENGINES[name](Task(pixels, Blend.NORMALIZED, BACKGROUND, Quantizer()))
        found.append((gradient(engine, table_of(gaussians), 2)[COLOUR], engine.measured()[0]))
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-5)
    assert np.allclose(found[0][0], found[1][0], rtol=1e-3, atol=1e-3)


def test_subsets_of_a_reduction_share_the_pixels_out() -> None:
    pixels = np.arange(7 * 5, dtype=np.uint8).reshape(5, 7, 1)
    for reduction in (1, 2, 4):
        seen = [subset(7, 5, reduction, step) for step in range(reduction**2)]
        values = np.concatenate([each.pick(pixels).ravel() for each in seen])
        assert np.array_equal(np.sort(values), np.arange(35))
        assert subset(7, 5, reduction, reduction**2) == seen[0]
        for each in seen:
            assert each.pick(pixels).shape == (each.height, each.width, 1)


def test_where_a_subset_lies() -> None:
    where = subset(8, 8, 4, 1)
    x = where.x0 + 0.5  # the centre of its first pixel is the centre of its first sample
    assert (x - where.origin[0]) / 4 == 0.5


def test_tiny_pictures_have_subsets() -> None:
    for step in range(16):
        assert (subset(2, 1, 4, step).pick(np.full((1, 2, 3), 9, np.uint8)) == 9).all()


def test_windows_share_the_rows_out() -> None:
    pixels = np.arange(7 * 5, dtype=np.uint8).reshape(7, 5, 1)
    whole = subset(5, 7, 1, 0)
    windows = [whole.window(step, 10) for step in range(4)]
    assert [window.y0 for window in windows] == [0, 1, 3, 5]
    assert np.array_equal(np.concatenate([window.pick(pixels) for window in windows]), pixels)
    assert whole.window(9, 35) == whole


def test_a_subset_has_the_samples_that_are_asked_for() -> None:
    assert [reduction_for(1000, 1000, samples) for samples in (2e6, 1e6, 3e5, 2e5, 1.0)] == [1, 1, 1, 2, 8]


def test_the_mean_colour() -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (600, 7, 2), np.uint16)
    assert np.allclose(mean_colour(pixels), pixels.mean(axis=(0, 1)) / 65535, rtol=1e-5)
