"""First scales and colours, and the whole initialization on pictures of every kind."""

from __future__ import annotations

import math

import numpy as np
import pytest

from splatc.fit.colours import median_colours
from splatc.fit.scales import base_scale, neighbour_scales, variational_scales
from splatc.fit.seeding import RANDOM_SCALES, seed
from splatc.fit.table import MIN_SCALE
from splatc.gaussians import FloatArray


def edge(height: int, width: int) -> FloatArray:
    """Black on the left, white on the right."""
    image = np.zeros((height, width, 3), np.float32)
    image[:, width // 2 :] = 1.0
    return image


def brute_median(values: FloatArray, weights: FloatArray, half: float) -> float:
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, half * below[-1])])


def test_base_scale_is_a_third_of_the_radius_of_the_area_of_each() -> None:
    assert 50 * math.pi * (3.0 * base_scale(640, 480, 50)) ** 2 == pytest.approx(640 * 480)


def test_detail_makes_small_gaussians() -> None:
    weight = np.linspace(0.0, 1.0, 5, dtype=np.float32)
    np.testing.assert_allclose(variational_scales(4.0, weight), 4.0 * np.exp(-weight / 2), rtol=1e-6)


def test_neighbour_scale_leaves_the_point_itself_out() -> None:
    everyone = np.array([[0, 0], [3, 0], [0, 4], [0, -5], [90, 90]], np.float32)
    scale = neighbour_scales(everyone[:1], everyone, 7.0)
    assert scale[0] == pytest.approx(math.sqrt((9 + 16 + 25) / 3), rel=1e-6)
    assert neighbour_scales(everyone[:1], everyone[:1], 7.0).tolist() == [7.0]
    assert neighbour_scales(everyone[:2], everyone[:2], 7.0).tolist() == [3.0, 3.0]


def test_colours_are_the_weighted_medians_of_all_pixels_in_radius() -> None:
    rng = np.random.default_rng(6)
    image = rng.random((30, 40, 3), np.float32)
    mean = (rng.random((60, 2)) * [40, 30]).astype(np.float32)
    scale = rng.uniform(0.5, 2.0, 60).astype(np.float32)  # up to 6 pixels on each side: none is skipped
    colours = median_colours(image, mean, scale)
    y, x = np.mgrid[:30, :40]
    for i in range(60):
        radius = math.ceil(3.0 * scale[i])
        near = (abs(x - int(mean[i, 0])) <= radius) & (abs(y - int(mean[i, 1])) <= radius)
        weights = np.exp(-0.5 * ((x + 0.5 - mean[i, 0]) ** 2 + (y + 0.5 - mean[i, 1]) ** 2) / scale[i] ** 2)[near]
        for channel in range(3):
            # Sums in another order may put the half on the other side of one value.
            candidates = [brute_median(image[near, channel], weights, half) for half in (0.5 - 1e-6, 0.5, 0.5 + 1e-6)]
            assert float(colours[i, channel]) in candidates


def test_the_colour_of_a_large_gaussian_is_near_the_median_of_every_pixel() -> None:
    image = np.random.default_rng(8).random((300, 300, 1), np.float32) ** 2
    colour = median_colours(image, np.array([[150, 150]], np.float32), np.array([40.0], np.float32))
    assert colour[0, 0] == pytest.approx(0.25, abs=0.1)


def test_an_edge_does_not_blur_the_colours() -> None:
    colour = seed(edge(64, 64), 200, np.random.default_rng(0)).colour
    assert set(np.unique(colour)) == {0.0, 1.0}


def test_seventy_percent_lie_at_detail_and_the_rest_leaves_no_large_gap() -> None:
    image = edge(128, 128)
    gaussians = seed(image, 300, np.random.default_rng(0))
    at_edge = abs(gaussians.mean[:, 0] - 64.0) <= 3.0
    assert at_edge.mean() == pytest.approx(0.7, abs=0.05)
    y, x = np.mgrid[:128, :128] + 0.5
    distance = np.hypot(x[..., None] - gaussians.mean[:, 0], y[..., None] - gaussians.mean[:, 1])
    assert np.all((distance / gaussians.scale[:, 0]).min(axis=-1) < 3.5)  # every pixel within some ellipse


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 37, 3), (53, 1, 2), (3, 2, 4), (48, 64, 3)])
@pytest.mark.parametrize("count", [0, 1, 2, 4, 250])
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("stages", [0, 1, 2, 3])
def test_any_picture_gets_exactly_its_count(shape: tuple[int, int, int], count: int, flat: bool, stages: int) -> None:
    rng = np.random.default_rng(0)
    image = np.full(shape, 0.4, np.float32) if flat else rng.random(shape, np.float32)
    gaussians = seed(image, count, rng, positions=stages > 0, scales=stages > 1, colours=stages > 2)
    height, width, channels = shape
    assert gaussians.mean.shape == gaussians.scale.shape == (count, 2)
    assert gaussians.colour.shape == (count, channels)
    for array in (gaussians.mean, gaussians.scale, gaussians.angle, gaussians.colour):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
    assert np.all((gaussians.mean >= 0) & (gaussians.mean <= [width, height]))
    assert np.all(gaussians.scale[:, 0] == gaussians.scale[:, 1])
    assert np.all(gaussians.scale >= MIN_SCALE)
    assert np.all((gaussians.angle >= 0) & (gaussians.angle < np.float32(math.pi)))
    assert np.all((gaussians.colour >= 0) & (gaussians.colour <= 1))


def test_each_stage_can_be_left_to_chance() -> None:
    image = edge(64, 64)
    nothing = seed(image, 400, np.random.default_rng(0), positions=False, scales=False, colours=False)
    assert abs(nothing.mean[:, 0] - 32.0).mean() == pytest.approx(16.0, abs=2.0)
    assert nothing.scale.min() >= RANDOM_SCALES[0]
    assert nothing.scale.max() <= RANDOM_SCALES[1]
    assert nothing.colour.std() == pytest.approx(math.sqrt(1 / 12), abs=0.03)
    placed = seed(image, 400, np.random.default_rng(0), scales=False, colours=False)
    assert abs(placed.mean[:, 0] - 32.0).mean() < 8.0


def test_the_same_generator_seeds_the_same() -> None:
    image = np.random.default_rng(2).random((40, 40, 3), np.float32)
    first, second = (seed(image, 100, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.colour, second.colour)
