"""What the core does before the first step of a fit is what NumPy makes of it, at every level and number of threads."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from splatc.bitstream.positions import morton
from splatc.core import seed_structs, seeds
from splatc.core.loading import INVALID, address, load
from splatc.core.seeds import Tile
from splatc.fit.planes import Planes
from splatc.fit.seeding import seed
from splatc.fit.subset import mean_colour, subset
from splatc.gaussians import FloatArray, Gaussians

LEVELS = [level for level in (1, 2, 3, 4) if load().core_set_level(level) == 0]
load().core_set_level(load().core_best_level())
KINDS = [(channels, dtype) for channels in (1, 2, 3, 4) for dtype in (np.uint8, np.uint16)]
SHAPES = [(1, 1), (1, 700), (50, 1), (2, 3), (33, 40), (17, 513)]
TWO_63 = 1 << 63


@pytest.fixture(autouse=True)
def _same_level() -> Iterator[None]:
    level = load().core_get_level()
    yield
    load().core_set_level(level)


def samples(height: int, width: int, channels: int, dtype: type[np.unsignedinteger]) -> seeds.Samples:
    top = int(np.iinfo(dtype).max)
    return np.random.default_rng(height + width).integers(0, top, (height, width, channels), dtype, endpoint=True)


# ---- Samples ----


@pytest.mark.parametrize(("channels", "dtype"), KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_are_of_all_samples(shape: tuple[int, int], channels: int, dtype: type[np.unsignedinteger]) -> None:
    pixels = samples(*shape, channels, dtype)
    np.testing.assert_array_equal(seeds.sum_samples(pixels), pixels.sum(axis=(0, 1), dtype=np.int64))


@pytest.mark.parametrize(("channels", "dtype"), KINDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("r", [1, 2, 3, 4, 8])
def test_reduction_takes_means_of_boxes(
    shape: tuple[int, int], r: int, channels: int, dtype: type[np.unsignedinteger]
) -> None:
    pixels = samples(*shape, channels, dtype)
    means = seeds.reduce(pixels, r)
    unit = np.float32(1.0 / np.iinfo(dtype).max)
    assert means.shape == (-(-shape[0] // r), -(-shape[1] // r), channels)
    for y, x in np.ndindex(means.shape[:2]):
        box = pixels[y * r : (y + 1) * r, x * r : (x + 1) * r]
        total, area = np.float32(box.sum(axis=(0, 1), dtype=np.int64)), np.float32(box.shape[0] * box.shape[1])
        np.testing.assert_array_equal(means[y, x], total * unit / area)


@pytest.mark.parametrize(("channels", "dtype"), KINDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("r", [1, 2, 4, 8])
def test_subsets_have_every_sample_once(
    shape: tuple[int, int], r: int, channels: int, dtype: type[np.unsignedinteger]
) -> None:
    pixels = samples(*shape, channels, dtype)
    stride = -(-shape[1] // r) + 5
    subsets = seeds.split(pixels, r, stride)
    assert subsets.shape[:2] == (min(r, shape[0]), min(r, shape[1]))
    for y0, x0 in np.ndindex(subsets.shape[:2]):
        part = pixels[y0::r, x0::r].transpose(0, 2, 1)
        rows, _, width = part.shape
        np.testing.assert_array_equal(subsets[y0, x0, :rows, :, :width], part)
        assert not subsets[y0, x0, :rows, :, width:].any()


def test_pictures_need_not_lie_in_one_piece() -> None:
    whole = samples(40, 60, 3, np.uint8)
    for part in (whole[::2, ::-1], np.broadcast_to(whole[0, 0], whole.shape), whole[3:9, 5:30, 1:]):
        copied = part.copy()
        np.testing.assert_array_equal(mean_colour(part), mean_colour(copied))
        where = subset(part.shape[1], part.shape[0], 2, 3)
        np.testing.assert_array_equal(Planes(part).of(where), Planes(copied).of(where))
        np.testing.assert_array_equal(seeds.reduce(part, 2), seeds.reduce(copied, 2))
    image = whole.astype(np.float32)[:, ::2] / np.float32(255)
    assert all_of(seed(image, 90, np.random.default_rng(0))) == all_of(seed(image.copy(), 90, np.random.default_rng(0)))


# ---- Features and draws ----


def features(image: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(H, W) gradient and variance as their definition has them, in the order of the core's sums."""
    height, width, channels = image.shape
    padded = np.pad(image.astype(np.float64), ((2, 2), (2, 2), (0, 0)), mode="edge")
    rows = [padded[k : k + height] for k in range(5)]
    total, squares = sum(rows[1:], rows[0]), sum((row * row for row in rows[1:]), rows[0] * rows[0])
    smooth, difference = rows[1] + 2.0 * rows[2] + rows[3], rows[3] - rows[1]

    def at(array: NDArray[np.float64], k: int) -> NDArray[np.float64]:
        return array[:, k : k + width]

    across = at(smooth, 3) - at(smooth, 1)
    down = at(difference, 1) + 2.0 * at(difference, 2) + at(difference, 3)
    value, square = (sum((at(a, k) for k in range(1, 5)), at(a, 0)) for a in (total, squares))
    slope, spread = across * across + down * down, np.maximum(25.0 * square - value * value, 0.0) / 625.0
    g, v = (sum((part[..., c] for c in range(channels)), np.zeros((height, width))) for part in (slope, spread))
    return np.sqrt(g).astype(np.float32), v.astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (40, 1), (3, 2), (35, 129), (20, 257)])
def test_features_are_their_definition_to_the_last_bit(shape: tuple[int, int], channels: int) -> None:
    image = np.random.default_rng(5).random((*shape, channels), np.float32)
    gradient, variance = features(image)
    for tile in (Tile(0, shape[0], 0, shape[1]), Tile(shape[0] // 2, shape[0], shape[1] // 3, shape[1] // 3 + 1)):
        part = slice(tile.y0, tile.y1), slice(tile.x0, tile.x1)
        for kind, expected in enumerate((gradient[part], variance[part])):
            shares = (1.0, 0.0) if kind == 0 else (0.0, 1.0)
            place, weight = seeds.draw_pixels(image, tile, shares, 1e-6, tile.height * tile.width, 0)
            np.testing.assert_array_equal(place, np.arange(tile.height * tile.width))
            np.testing.assert_array_equal(weight.reshape(expected.shape), expected)
            bands = seeds.sum_features(image, tile)[:, 2 * kind : 2 * kind + 2]
            assert bands[:, 0].sum() == pytest.approx(expected.sum(dtype=np.float64), rel=1e-12)
            assert bands[:, 1].max() == expected.max()


@pytest.mark.parametrize("value", [0.7, 1 / 3, 1.0, 0.1])
def test_nothing_changes_where_the_picture_is_constant(value: float) -> None:
    assert not seeds.sum_features(np.full((20, 30, 3), value, np.float32), Tile(0, 20, 0, 30)).any()


def arrivals(height: int, width: int, seed: int) -> NDArray[np.float64]:
    """(H, W) the exponential variates of a draw."""

    def mixed(x: NDArray[np.uint32]) -> NDArray[np.uint32]:
        x = (x ^ x >> np.uint32(16)) * np.uint32(0x7FEB352D)
        x = (x ^ x >> np.uint32(15)) * np.uint32(0x846CA68B)
        return x ^ x >> np.uint32(16)

    y, x = np.arange(height, dtype=np.uint32)[:, np.newaxis], np.arange(width, dtype=np.uint32)
    low, high = np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)
    bits = mixed(mixed(mixed(mixed(y + low) ^ high) + x))
    variates: NDArray[np.float64] = -np.log1p(-((bits >> np.uint32(1)) + 0.5) / 2.0**31)
    return variates


@pytest.mark.parametrize("seed", [0, 1, TWO_63 + 12345, 2**64 - 1])
def test_the_earliest_of_exponential_variates_are_drawn(seed: int) -> None:
    image = np.random.default_rng(1).random((60, 150, 3), np.float32)
    gradient, variance = features(image)
    weight = np.float32(0.25) * gradient + np.float32(0.75) * variance
    keys = (arrivals(60, 150, seed) / (weight + np.float32(1e-6))).ravel()
    place, drawn = seeds.draw_pixels(image, Tile(0, 60, 0, 150), (0.25, 0.75), 1e-6, 700, seed)
    np.testing.assert_array_equal(drawn, weight.ravel()[place])
    assert np.all(np.diff(place) > 0)
    last = np.sort(keys)[699]  # those next to it may change places: the core's are of single precision
    near = abs(keys - last) < 1e-5 * last
    others = np.zeros(len(keys), np.bool_)
    others[place] = True
    np.testing.assert_array_equal(others[~near], (keys <= last)[~near])


def test_a_draw_differs_by_seed_and_variates_are_exponential() -> None:
    image = np.full((256, 256, 1), 0.5, np.float32)
    first, second = (seeds.draw_pixels(image, Tile(0, 256, 0, 256), (1.0, 1.0), 1e-6, 4096, k)[0] for k in (0, 1))
    assert len(np.intersect1d(first, second)) == pytest.approx(256, abs=60)
    for place in (first, second):  # even in rows, in columns and in squares: chi squared of 64 cells, 63 +- 11
        y, x = np.divmod(place, 256)
        for cell in (y // 4, x // 4, y // 32 * 8 + x // 32, y % 8 * 8 + x % 8):
            counts = np.bincount(cell, minlength=64)
            assert ((counts - 64.0) ** 2 / 64.0).sum() < 110
    values = np.sort(arrivals(256, 256, 7).ravel())
    np.testing.assert_allclose(1.0 - np.exp(-values), (np.arange(len(values)) + 0.5) / len(values), atol=0.006)


@given(st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 3), min_size=1, max_size=60), st.floats(0.0, 1.0))
def test_the_smallest_are_chosen_and_of_equal_ones_the_first(numbers: list[int], share: float) -> None:
    keys, wanted = np.array(numbers, np.uint32), int(share * len(numbers))
    chosen = np.empty(wanted, np.int64)
    assert load().core_choose_smallest(address(keys), len(keys), wanted, address(chosen)) == 0
    np.testing.assert_array_equal(chosen, np.sort(np.argsort(keys, kind="stable")[:wanted]))


# ---- Points ----


def arranged(name: str, count: int) -> FloatArray:
    """Points that are hard for a search: all in one spot, all equally far, in a line, few and far."""
    rng = np.random.default_rng(count)
    place = np.arange(count)
    points = {
        "even": rng.random((count, 2)) * 1000,
        "one spot": np.full((count, 2), 77.25),
        "near one spot": 500 + 1e-3 * rng.random((count, 2)),
        "line": np.stack([np.full(count, 0.5), rng.random(count) * 1e5], axis=1),
        "circle": 500 + 400 * np.stack([np.cos(place * 6.28 / count), np.sin(place * 6.28 / count)], axis=1),
        "two clusters": 900 * rng.integers(0, 2, (count, 1)) + rng.random((count, 2)),
        "pixels": rng.integers(0, 9, (count, 2)) + 0.5,
    }[name]
    return points.astype(np.float32)


ARRANGEMENTS = ["even", "one spot", "near one spot", "line", "circle", "two clusters", "pixels"]


@pytest.mark.parametrize("name", ARRANGEMENTS)
@pytest.mark.parametrize("count", [2, 5, 17, 600])
def test_neighbours_are_the_nearest(name: str, count: int) -> None:
    everyone = arranged(name, count)
    points = everyone[:: max(1, count // 200)]
    apart = points[:, np.newaxis].astype(np.float64) - everyone
    squares = np.sort((apart**2).sum(axis=2), axis=1)
    for neighbours in (1, 3, 8):
        if neighbours < count:
            expected = np.sqrt(squares[:, 1 : neighbours + 1].mean(axis=1))
            np.testing.assert_allclose(seeds.nearest_distances(points, everyone, neighbours), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_no_arrangement_makes_neighbours_slow(name: str) -> None:
    points = arranged(name, 100_000)
    started = time.perf_counter()
    seeds.nearest_distances(points, points, 3)
    assert time.perf_counter() - started < 10.0  # 0.1 s; all pairs would be hours


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_order_is_that_of_morton_codes(name: str) -> None:
    points = arranged(name, 3000)
    expected = np.argsort(morton(*points.astype(np.int64).T), kind="stable")
    np.testing.assert_array_equal(seeds.order_points(points), expected)


@pytest.mark.parametrize("radius", [0.0, 0.7, 5.0, 40.0, 1e4])
@pytest.mark.parametrize("shape", [(90, 70), (1, 4000), (300, 1)])
def test_candidates_are_accepted_in_turn(shape: tuple[int, int], radius: float) -> None:
    rng = np.random.default_rng(int(radius))
    height, width = shape
    points = np.floor(rng.random((30, 2)) * [width, height]).astype(np.float32) + np.float32(0.5)
    candidates = (rng.random((400, 2)) * [width, height]).astype(np.float32)
    candidates[:2] = [[0, 0], [width, height]]
    taken = [*points.astype(np.float64)]
    expected = []
    for candidate in candidates.astype(np.float64):
        expected.append(all(((candidate - other) ** 2).sum() >= radius * radius for other in taken))
        if expected[-1]:
            taken.append(candidate)
    np.testing.assert_array_equal(seeds.keep_apart(points, candidates, width, height, radius), expected)


@pytest.mark.parametrize(("width", "height"), [(1, 100_000), (1000, 1000)])
def test_no_points_make_exclusion_slow(width: int, height: int) -> None:
    rng = np.random.default_rng(0)
    candidates = (rng.random((100_000, 2)) * [width, height]).astype(np.float32)
    spot = np.full((100_000, 2), 0.5, np.float32)
    started = time.perf_counter()
    seeds.keep_apart(spot, candidates, width, height, 0.05)
    assert time.perf_counter() - started < 10.0  # 0.1 s


def test_scales_shrink_exponentially() -> None:
    weight = np.linspace(0.0, 1.0, 1001, dtype=np.float32)
    np.testing.assert_allclose(seeds.shrink_scales(weight, 4.0), 4.0 * np.exp(-weight / 2), rtol=1e-6)


# ---- Colours ----


def test_a_median_is_one_of_the_values_and_has_half_of_the_weight_on_each_side() -> None:
    rng = np.random.default_rng(6)
    for channels in (1, 2, 3, 4):
        image = np.floor(rng.random((30, 40, channels)) * 20).astype(np.float32) / np.float32(19)
        mean = (rng.random((200, 2)) * [40, 30]).astype(np.float32)
        mean[:4] = [[0, 0], [40, 30], [40, 0], [0, 30]]
        scale = rng.uniform(0.5, 2.0, 200).astype(np.float32)  # up to 6 pixels on each side: none is skipped
        y, x = np.mgrid[:30, :40]
        for i, colour in enumerate(seeds.median_colours(image, mean, scale)):
            radius = np.ceil(3.0 * scale[i])
            column, row = min(int(mean[i, 0]), 39), min(int(mean[i, 1]), 29)
            near = (abs(x - column) <= radius) & (abs(y - row) <= radius)
            squares = (x + 0.5 - mean[i, 0]) ** 2 + (y + 0.5 - mean[i, 1]) ** 2
            weight = np.exp(-0.5 * squares / scale[i] ** 2)[near]
            for channel in range(channels):
                values = image[near, channel]
                assert colour[channel] in values
                assert weight[values <= colour[channel]].sum() >= (0.5 - 1e-4) * weight.sum()
                assert weight[values < colour[channel]].sum() <= (0.5 + 1e-4) * weight.sum()


@pytest.mark.parametrize("scale", [1e-30, 0.3, 1e30])
def test_any_scale_has_a_colour(scale: float) -> None:
    image = np.random.default_rng(0).random((9, 5, 3), np.float32)
    colour = seeds.median_colours(image, np.array([[2.5, 4.5]], np.float32), np.array([scale], np.float32))
    assert all(colour[0, c] in image[..., c] for c in range(3))
    if scale < 1.0:
        np.testing.assert_array_equal(colour[0], image[4, 2])


# ---- All of it ----


def all_of(gaussians: Gaussians) -> bytes:
    return b"".join(array.tobytes() for array in vars(gaussians).values())


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 90, 1), (70, 1, 2), (5, 4, 4), (150, 300, 3)])
def test_every_level_and_number_of_threads_seeds_the_same(
    shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.random.default_rng(3).random(shape, np.float32) ** 3
    found = set()
    for level in LEVELS:
        assert load().core_set_level(level) == 0
        for threads in (1, 2, 8):
            monkeypatch.setattr(seeds, "threads", lambda threads=threads: threads)
            found.add(all_of(seed(image, 700, np.random.default_rng(1))))
    assert len(found) == 1


def test_wrong_arguments_are_refused() -> None:
    keys, chosen = np.zeros(3, np.uint32), np.zeros(9, np.int64)
    library = load()
    for count, wanted in ((3, 4), (-1, 0), (3, -1), (1 << 31, 1)):
        assert library.core_choose_smallest(address(keys), count, wanted, address(chosen)) == INVALID
    points, order = np.zeros((3, 2), np.float32), np.zeros(3, np.int32)
    assert library.core_order_points(address(points), 3, 0.0, 0.0, 1.0, address(order), None, 0) == INVALID
    assert library.core_make_tree(address(points), address(order), 3, None, 0) == INVALID
    given = {"width": 9.0, "height": 9.0, "radius": 3.0, "columns": 1, "rows": 1}
    for wrong in ({"columns": 4}, {"rows": 0}, {"radius": -1.0}, {"width": 0.0}, {"point_count": -1}, {}):
        task = seed_structs.Apart(**(given | wrong))  # without any memory
        assert library.core_keep_apart(task) == INVALID
    image = np.zeros((4, 4, 3), np.float32)
    with pytest.raises(AssertionError):
        seeds.sum_features(image, Tile(0, 5, 0, 4))
    with pytest.raises(AssertionError):
        seeds.nearest_distances(points, points, 3)
    with pytest.raises(AssertionError):
        seeds.split(np.zeros((4, 4, 3), np.uint8), 1, 3)
    with pytest.raises(AssertionError):
        seeds.reduce(np.zeros((400, 4, 3), np.uint8), 65)
