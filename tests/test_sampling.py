"""SmartSplat's two samplers: how many samples each tile gets, and how far apart they lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splatc.fit import variational
from splatc.fit.uniform import uniform_sample
from splatc.fit.variational import apportion, variational_sample
from splatc.gaussians import FloatArray


def noise(height: int, width: int, channels: int = 3) -> FloatArray:
    return np.random.default_rng(11).random((height, width, channels), np.float32)


def half_flat(height: int, width: int) -> FloatArray:
    """Flat on the left, textured on the right."""
    image = noise(height, width)
    image[:, : width // 2] = 0.5
    return image


def weights_of_all_pixels(image: FloatArray) -> FloatArray:
    """(H, W) as the sampler has them: drawing every pixel returns each with its weight."""
    height, width, _ = image.shape
    mean, weight = variational_sample(image, height * width, np.random.default_rng(0))
    grid = np.empty((height, width), np.float32)
    grid[mean[:, 1].astype(int), mean[:, 0].astype(int)] = weight
    return grid


def test_weight_is_its_definition_also_across_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    image = noise(23, 31, 2)
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(image.astype(np.float64), ((2, 2), (2, 2), (0, 0)), mode="edge"), (5, 5), axis=(0, 1)
    )  # (23, 31, 2, 5, 5)
    sobel = np.outer([1.0, 2.0, 1.0], [-1.0, 0.0, 1.0])
    slopes = [(around[..., 1:4, 1:4] * kernel).sum(axis=(-1, -2)) for kernel in (sobel, sobel.T)]
    gradient = np.sqrt(sum((slope**2).sum(axis=2) for slope in slopes))
    variance = around.var(axis=(-1, -2)).sum(axis=2)
    expected = 0.9 * gradient / gradient.max() + 0.1 * variance / variance.max()
    np.testing.assert_allclose(weights_of_all_pixels(image), expected, atol=1e-5)
    monkeypatch.setattr(variational, "TILE", 8)
    np.testing.assert_allclose(weights_of_all_pixels(image), expected, atol=1e-5)


def test_share_of_each_tile_follows_its_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    image = half_flat(64, 128) * np.linspace(0.2, 1.0, 64, dtype=np.float32)[:, None, None]
    share = weights_of_all_pixels(image).reshape(4, 16, 8, 16).sum(axis=(1, 3))  # by tile
    monkeypatch.setattr(variational, "TILE", 16)
    mean, _ = variational_sample(image, 800, np.random.default_rng(0))
    counts = np.histogram2d(mean[:, 1], mean[:, 0], bins=(4, 8), range=((0, 64), (0, 128)))[0]
    np.testing.assert_allclose(counts, 800 * share / share.sum(), atol=1.0)


def test_within_a_tile_heavier_pixels_are_drawn_in_proportion() -> None:
    image = noise(64, 64)
    weight = weights_of_all_pixels(image)
    drawn = np.zeros((64, 64))
    for run in range(200):
        mean, _ = variational_sample(image, 60, np.random.default_rng(run))
        np.add.at(drawn, (mean[:, 1].astype(int), mean[:, 0].astype(int)), 1)
    order = np.argsort(weight.ravel())
    light, heavy = order[:2048], order[2048:]
    expected = weight.ravel()[heavy].sum() / weight.sum()
    assert drawn.ravel()[heavy].sum() / drawn.sum() == pytest.approx(expected, abs=0.015)
    assert drawn.ravel()[light].sum() > 0


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.0, 1.0), st.integers(0, 3))
def test_exactly_as_many_different_pixels_as_asked(height: int, width: int, share: float, texture: int) -> None:
    image = [noise, half_flat][texture % 2](height, width) if texture else np.full((height, width, 1), 0.3, np.float32)
    count = round(share * height * width)
    mean, weight = variational_sample(image, count, np.random.default_rng(1))
    assert mean.shape == (count, 2)
    assert len(np.unique(mean, axis=0)) == count
    assert np.all((mean > 0) & (mean < [width, height]) & (mean % 1 == 0.5))
    assert np.all((weight >= 0) & (weight <= 1.0 + 1e-6))


def test_a_constant_picture_is_sampled_evenly() -> None:
    mean, weight = variational_sample(np.full((80, 80, 3), 0.7, np.float32), 1600, np.random.default_rng(3))
    quarters = np.histogram2d(mean[:, 0], mean[:, 1], bins=2)[0]
    assert np.all(weight == 0.0)
    assert np.all(abs(quarters - 400) < 80)


def test_the_same_generator_draws_the_same() -> None:
    image = noise(50, 60)
    first, second = (variational_sample(image, 500, np.random.default_rng(9))[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


@given(st.lists(st.tuples(st.floats(1e-9, 1e6), st.integers(1, 50)), min_size=1, max_size=20), st.floats(0.0, 1.0))
def test_apportion_gives_everything_away_and_no_tile_too_much(tiles: list[tuple[float, int]], share: float) -> None:
    weight, capacity = np.array([w for w, _ in tiles]), np.array([c for _, c in tiles])
    count = int(share * capacity.sum())
    counts = apportion(count, weight, capacity)
    assert counts.sum() == count
    assert np.all((counts >= 0) & (counts <= capacity))
    open_ = counts < capacity
    per_weight = counts[open_] / weight[open_]  # below capacity, shares differ from proportion by less than one
    assert all(abs(counts[open_] - weight[open_] * rate).min() <= 1.0 for rate in per_weight)


@pytest.mark.parametrize("radius", [0.0, 1.0, 3.5])
def test_uniform_points_keep_the_radius(radius: float) -> None:
    rng = np.random.default_rng(4)
    taken = (rng.random((200, 2)) * [200, 120]).astype(np.float32)
    points = uniform_sample(200, 120, 150, taken, radius, rng)
    assert points.shape == (150, 2)
    assert np.all((points >= 0) & (points <= [200, 120]))
    others = np.concatenate([points, taken]).astype(np.float64)
    apart = np.hypot(*(points[:, np.newaxis] - others).transpose(2, 0, 1))  # (150, 350)
    np.fill_diagonal(apart, np.inf)
    assert apart.min() >= radius


def test_uniform_points_fill_the_picture() -> None:
    points = uniform_sample(400, 400, 1000, np.empty((0, 2), np.float32), 6.0, np.random.default_rng(0))
    quarters = np.histogram2d(points[:, 0], points[:, 1], bins=4, range=((0, 400), (0, 400)))[0]
    assert quarters.min() > 40
    assert quarters.max() < 85


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 300), st.floats(0.0, 1e4))
def test_the_radius_shrinks_where_there_is_no_room(width: int, height: int, count: int, radius: float) -> None:
    taken = np.array([[0.5, 0.5]], np.float32)
    points = uniform_sample(width, height, count, taken, radius, np.random.default_rng(2))
    assert points.shape == (count, 2)
    assert np.all((points >= 0) & (points <= [width, height]))
