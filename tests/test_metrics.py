"""PSNR and MS-SSIM: against plain definitions, and for pictures of any size and depth."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc import core
from splatc.core import loading, loss_structs, pool, similarity
from splatc.core.loading import address, aligned, load
from splatc.image.metrics import WEIGHTS, ms_ssim, psnr, shown

Floats = NDArray[np.float64]


def picture(height: int, width: int, channels: int = 3) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / (3.0 + c)) + np.cos(y / (5.0 + c)) for c in range(channels)]
    return (127.5 + 60.0 * np.stack(waves, axis=-1)).astype(np.uint8)


def noisy(image: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    noise = np.random.default_rng(5).normal(0.0, sigma, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def plain_ms_ssim(a: Floats, b: Floats) -> float:
    """Wang et al. 2003 on one channel, window by window; sides that can be halved four times."""
    window = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
    window2d = np.outer(window, window) / window.sum() ** 2
    result = 1.0
    for scale, weight in enumerate(WEIGHTS):
        values = []
        for y in range(len(a) - 10):
            for x in range(a.shape[1] - 10):
                p, q = a[y : y + 11, x : x + 11], b[y : y + 11, x : x + 11]
                mean_p, mean_q = (window2d * p).sum(), (window2d * q).sum()
                variances = (window2d * (p - mean_p) ** 2).sum() + (window2d * (q - mean_q) ** 2).sum()
                covariance = (window2d * (p - mean_p) * (q - mean_q)).sum()
                value = (2 * covariance + 7.65**2) / (variances + 7.65**2)
                if scale == len(WEIGHTS) - 1:
                    value *= (2 * mean_p * mean_q + 2.55**2) / (mean_p**2 + mean_q**2 + 2.55**2)
                values.append(value)
        result *= float(np.mean(values)) ** weight
        if scale < len(WEIGHTS) - 1:
            a, b = (z.reshape(len(z) // 2, 2, z.shape[1] // 2, 2).mean(axis=(1, 3)) for z in (a, b))
    return result


def positions(side: int) -> Floats:
    """(positions, side) the weights of the window at each position within so many pixels."""
    radius = (min(11, side) - 1) // 2
    bell = np.exp(-0.5 * (np.arange(-radius, radius + 1) / 1.5) ** 2)
    result = np.zeros((side - 2 * radius, side))
    for k in range(len(result)):
        result[k, k : k + 2 * radius + 1] = bell / bell.sum()
    return result


def halved(plane: Floats) -> Floats:
    plane = np.pad(plane, [(0, side % 2) for side in plane.shape], mode="edge")
    half: Floats = plane.reshape(len(plane) // 2, 2, plane.shape[1] // 2, 2).mean(axis=(1, 3))
    return half


def reference(a: Floats, b: Floats) -> float:
    """MS-SSIM of one channel in [0, 1] of any size, in float64."""
    terms: list[float] = []
    scales = next((k for k in range(1, 5) if min(a.shape) >> k < 11), 5)
    for scale in range(scales):
        down, across = map(positions, a.shape)
        x, y, squares, products = (down @ z @ across.T for z in (a, b, a * a + b * b, a * b))
        structure = (2 * (products - x * y) + 9e-4) / (squares - x * x - y * y + 9e-4)
        if scale == scales - 1:
            structure *= (2 * x * y + 1e-4) / (x * x + y * y + 1e-4)
        terms.append(max(0.0, float(structure.mean())))
        a, b = halved(a), halved(b)
    return math.prod(
        math.pow(t, w * sum(WEIGHTS) / sum(WEIGHTS[:scales])) for t, w in zip(terms, WEIGHTS, strict=False)
    )


def test_psnr_is_that_of_the_mean_squared_error_over_everything() -> None:
    a = np.zeros((300, 7, 3), np.uint8)
    b = a.copy()
    b[..., 0] = 30
    assert psnr(a, b) == pytest.approx(10 * math.log10(255**2 / 300), abs=1e-9)
    assert psnr(a, a) == math.inf


def test_psnr_takes_the_full_range_of_16_bits() -> None:
    a = np.array([[0, 65535]], np.uint16)
    b = np.array([[65535, 0]], np.uint16)
    assert psnr(a, b) == pytest.approx(0.0, abs=1e-9)


def test_ms_ssim_agrees_with_a_plain_implementation() -> None:
    a = picture(176, 192, 1)
    b = noisy(a, 30.0)
    assert ms_ssim(a, b) == pytest.approx(plain_ms_ssim(a[..., 0].astype(float), b[..., 0].astype(float)), abs=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_sum_of_squares_is_exact(dtype: Any) -> None:
    """Also where it leaves 32 bits, in parts and at their ends."""
    rng, peak = np.random.default_rng(3), int(np.iinfo(dtype).max)
    shapes: list[tuple[int, ...]] = [(1, 1), (1, (1 << 18) + 5), (700, 501, 3)]
    for shape in shapes:
        a, b = (rng.integers(0, peak, shape, endpoint=True).astype(dtype) for _ in range(2))
        squares = int(np.square(a.astype(np.int64) - b).sum())
        assert psnr(a, b) == 10.0 * math.log10(peak**2 * a.size / squares)
    black = np.zeros((600, 800), dtype)
    assert psnr(black, np.full_like(black, peak)) == 0.0


SHAPES = [
    (1, 1), (1, 40), (40, 1), (9, 300, 3), (10, 10), (11, 25), (12, 12, 1), (22, 23, 2), (177, 333, 2), (200, 300, 4), (300, 530, 3),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", SHAPES)
def test_ms_ssim_agrees_with_float64(shape: tuple[int, ...], dtype: type[np.uint8 | np.uint16]) -> None:
    """Of every size, across the borders of strips and bands."""
    rng, peak = np.random.default_rng(4), np.iinfo(dtype).max
    y, x, c = np.indices((*shape, 1)[:3])
    waves = 0.6 + 0.3 * np.sin(x / (3.0 + c)) * np.cos(y / 9.0)
    a, b = ((peak * (waves + rng.uniform(-s, s, waves.shape))).astype(dtype) for s in (0.01, 0.1))
    channels = (reference(a[..., k] / peak, b[..., k] / peak) for k in range(a.shape[2]))
    assert ms_ssim(a.reshape(shape), b.reshape(shape)) == pytest.approx(
        np.mean(list(channels)), abs=5e-7 if a.size > 5000 else 2e-6
    )


def test_same_bits_for_any_number_of_threads_and_instruction_set(all_threads: None) -> None:
    a = picture(300, 530)
    b, found = noisy(a, 9.0), set()
    for number, level in itertools.product((1, 2, 8), range(2, load().core_best_level() + 1) or (1,)):
        core.set_threads(number)
        assert load().core_set_level(level) == loading.OK
        found.add((psnr(a, b), ms_ssim(a, b)))
    assert len(found) == 1


def test_measures_with_neither_scipy_nor_numba() -> None:
    heavy = "{'scipy', 'numba', 'torch'} & {name.partition('.')[0] for name in sys.modules}"
    code = f"import sys, splatc.image.metrics, splatc.decoder.comparison\nassert not {heavy}, {heavy}"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"a": 0}, {"b": 0}, {"width": 0}, {"height": 0}, {"height": 1 << 25}, {"channels": 0}, {"channels": 5}, {"channel": 3},
        {"channel": -1}, {"depth": 32}, {"workers": 0}, {"workers": 65}, {"workspace": 0}, {"workspace_bytes": 64}, {"width": 200},
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(wrong: dict[str, int]) -> None:
    a, b = picture(30, 40), picture(30, 40)
    task = loss_structs.Similarity(
        address(a), address(b), width=40, height=30, channels=3, channel=2, depth=8, workers=1
    )
    task.workspace_bytes = load().core_similarity_workspace(task)
    workspace, phases, means = aligned(task.workspace_bytes), np.zeros(2, np.int64), np.zeros((2, 5))
    task.workspace = address(workspace)
    assert load().core_similarity_phases(task, address(phases)) == loading.OK
    assert pool.Work(13, 1).run(task, int(phases[1])) == loading.OK
    assert pool.Work(13, 1).run(task, int(phases[1]) + 1) == loading.INVALID
    for name, value in wrong.items():
        setattr(task, name, value)
    assert pool.Work(13, 1).run(task, 1) == loading.INVALID
    assert load().core_similarity_means(task, *map(address, means)) == -1


@pytest.mark.parametrize("wrong", [{"a": 0}, {"b": 0}, {"sums": 0}, {"depth": 32}, {"count": 0}, {"count": -1}])
def test_wrong_arguments_of_squares_are_refused(wrong: dict[str, int]) -> None:
    a, sums = np.zeros(10, np.uint16), np.zeros(1, np.int64)
    task = loss_structs.Squares(address(a), address(a), 10, address(sums), 16)
    assert pool.Work(12, 1).run(task, 1) == loading.OK
    for name, value in wrong.items():
        setattr(task, name, value)
    assert pool.Work(12, 1).run(task, 1) == loading.INVALID


@pytest.mark.parametrize("shape", SHAPES)
def test_ms_ssim_is_1_for_equal_pictures_and_symmetric(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 256, shape).astype(np.uint8), rng.integers(0, 256, shape).astype(np.uint8)
    assert ms_ssim(a, a) == pytest.approx(1.0, abs=1e-6)
    assert ms_ssim(a, b) == pytest.approx(ms_ssim(b, a), abs=1e-6)
    assert 0.0 <= ms_ssim(a, b) < 1.0


def test_more_noise_is_less_similar_in_colour_and_at_any_depth() -> None:
    a = picture(200, 190)
    values = [ms_ssim(a, noisy(a, sigma)) for sigma in (2.0, 8.0, 30.0)]
    assert values == sorted(values, reverse=True)
    sixteen_bit = [z.astype(np.uint16) * 257 for z in (a, noisy(a, 8.0))]
    assert ms_ssim(sixteen_bit[0], sixteen_bit[1]) == pytest.approx(values[1], abs=1e-5)


def test_colour_is_the_mean_over_the_channels() -> None:
    a = picture(180, 176)
    b = noisy(a, 12.0)
    assert ms_ssim(a, b) == pytest.approx(np.mean([ms_ssim(a[..., c], b[..., c]) for c in range(3)]), abs=1e-9)


def test_pictures_of_different_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        psnr(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint16))
    with pytest.raises(ValueError, match="differ"):
        ms_ssim(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))


def test_the_core_compares_what_is_alike() -> None:
    some = np.zeros((4, 4, 3), np.uint8)
    assert similarity.sum_of_squares(some[:0], some[:0]) == 0
    for other in (some[:3], some.astype(np.uint16)):
        with pytest.raises(AssertionError):
            similarity.sum_of_squares(some, other)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_lies_under_transparent_pixels_is_not_seen(dtype: type[np.uint8 | np.uint16]) -> None:
    peak = np.iinfo(dtype).max
    pixels = np.full((300, 3, 4), peak, dtype)
    pixels[200:, 1:, 3], pixels[:200, 0, 3] = 0, peak // 2
    seen = shown(pixels)
    assert seen.dtype == dtype
    assert (seen == np.where(np.arange(4) < 3, pixels[..., 3:], pixels)).all()
    opaque = pixels[..., :3]
    assert shown(opaque) is opaque
    assert shown(opaque[..., 0]).shape == (300, 3)
