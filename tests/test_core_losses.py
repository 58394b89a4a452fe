"""The core's losses against plain definitions in float64, their gradients against the slopes of those; the same bits everywhere."""

from __future__ import annotations

import ctypes
import itertools
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc import core
from splatc.core import loading, loss_structs, pool
from splatc.core.loading import address, aligned, load
from splatc.core.losses import Kind, Loss

Floats = NDArray[np.float64]
SHAPES = [
    (1, 1, 1),
    (1, 1, 9),
    (3, 1, 17),
    (13, 2, 4),
    (6, 3, 7),
    (14, 3, 12),
    (33, 4, 40),
    (9, 1, 300),
    (150, 1, 21),
    (140, 3, 270),
]
"""(H, C, W): within one window, strip and band, and across their borders; odd at every scale."""
KINDS: tuple[Kind, ...] = ("l1_ssim", "multiscale")
PEAK = {8: 255, 16: 65535}
RADIUS, SIGMA, C1, C2 = 5, 1.5, 0.01**2, 0.03**2


def pair(shape: tuple[int, ...], depth: int = 16) -> tuple[NDArray[np.float32], NDArray[np.uint8 | np.uint16]]:
    """(H, C, W) as drawn, and the target's samples: waves and noise."""
    rng = np.random.default_rng(2)
    y, c, x = np.indices(shape)
    waves = 0.5 + 0.3 * np.sin(x / (3.0 + c)) * np.cos(y / 4.0) + rng.uniform(-0.2, 0.2, shape)
    samples = np.rint(PEAK[depth] * waves).astype(np.uint8 if depth == 8 else np.uint16)
    drawn = 0.7 * waves + 0.3 * rng.random(shape)
    return drawn.astype(np.float32), samples


def padded(rows: NDArray[Any], more: int = 0, fill: float = 0) -> NDArray[Any]:
    """(H, C, S) with S a multiple of 16, and ``fill`` behind the width."""
    width = rows.shape[2]
    result = np.full((*rows.shape[:2], -(-width // 16) * 16 + 16 * more), fill, rows.dtype)
    result[..., :width] = rows
    return result


def compared(
    kind: Kind, drawn: NDArray[np.float32], samples: NDArray[np.uint8 | np.uint16], more: int = 0
) -> tuple[float, Floats, float]:
    """The loss, its gradient (H, C, W) by drawn times their number, the squared error."""
    height, channels, width = drawn.shape
    loss = Loss(kind, width, height, channels)
    loss.target(padded(samples, more), 1.0 / np.iinfo(samples.dtype).max)
    value, gradient = loss.gradient(padded(drawn, more, np.nan))
    assert not gradient[..., width:].any(), "there is no gradient behind the end of a row"
    return value, gradient[..., :width].astype(np.float64), loss.squared_error


def window(length: int) -> Floats:
    """(length, length) row i averages what lies in the window around i."""
    distance = np.arange(length)[:, None] - np.arange(length)
    bell = np.where(np.abs(distance) <= RADIUS, np.exp(-0.5 * (distance / SIGMA) ** 2), 0.0)
    weights: Floats = bell / bell.sum(axis=1, keepdims=True)
    return weights


def weighed(down: Floats, planes: Floats, across: Floats) -> Floats:
    result: Floats = np.einsum("ij,jck,lk->icl", down, planes, across, optimize=True)
    return result


def mean(planes: Floats) -> Floats:
    return weighed(window(planes.shape[0]), planes, window(planes.shape[2]))


def half_of(length: int) -> Floats:
    """(ceil(length / 2), length) means of two; a last one stands for itself."""
    matrix = np.zeros((-(-length // 2), length))
    matrix[np.arange(length) // 2, np.arange(length)] = 1.0
    weights: Floats = matrix / matrix.sum(axis=1, keepdims=True)
    return weights


def halved(planes: Floats) -> Floats:
    return weighed(half_of(planes.shape[0]), planes, half_of(planes.shape[2]))


def ssim(x: Floats, y: Floats) -> float:
    mx, my = mean(x), mean(y)
    variances, covariance = mean(x * x) - mx**2 + mean(y * y) - my**2, mean(x * y) - mx * my
    luminance = (2 * mx * my + C1) / (mx**2 + my**2 + C1)
    return float((luminance * (2 * covariance + C2) / (variances + C2)).mean())


def plain(kind: Kind, x: Floats, y: Floats) -> float:
    absolute = float(np.abs(x - y).mean())
    if kind == "l1_ssim":
        return 0.9 * absolute + 0.1 * (1 - ssim(x, y))
    minded = mean(1 / (2 * (mean(y * y) - mean(y) ** 2) + C2))
    result = 0.1 * absolute + float(((7.5 + 0.05 * minded) * (x - y) ** 2).mean())
    for weight in (0.3, 0.4, 0.3):
        x, y = halved(x), halved(y)
        result += weight * (1 - ssim(x, y))
    return result


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_value_is_that_of_the_definition(kind: Kind, shape: tuple[int, ...], depth: int) -> None:
    drawn, samples = pair(shape, depth)
    value, _, squares = compared(kind, drawn, samples)
    x, y = drawn.astype(np.float64), samples / PEAK[depth]
    assert value == pytest.approx(plain(kind, x, y), abs=5e-6)
    assert squares == pytest.approx(((x - y) ** 2).sum(), rel=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_gradient_is_the_slope_of_the_definition(kind: Kind, shape: tuple[int, ...]) -> None:
    """In directions that all pixels take part in, and those at corners, along edges, around the borders of strips and bands alone."""
    drawn, samples = pair(shape)
    x, y = drawn.astype(np.float64), samples / 65535.0
    _, gradient, _ = compared(kind, drawn, samples, more=1)
    rng, step, (height, _, width) = np.random.default_rng(1), 1e-6, shape
    chosen = np.zeros(shape, bool)
    rows, columns = (
        [0, 1, n // 2, n - 2, n - 1, *borders]
        for n, borders in ((height, (63, 64, 127, 128)), (width, (143, 144, 255, 256)))
    )
    for row, column in itertools.product(rows, columns):
        chosen[min(max(row, 0), height - 1), -1, min(max(column, 0), width - 1)] = True
    for where in (np.ones(shape, bool), chosen, chosen, chosen):
        direction = rng.uniform(-1, 1, shape) * (where & (np.abs(x - y) > 10 * step))  # |x - y| has no slope at 0
        slope = (plain(kind, x + step * direction, y) - plain(kind, x - step * direction, y)) / (2 * step) * x.size
        assert (gradient * direction).sum() == pytest.approx(slope, rel=1e-4, abs=1e-4 * np.abs(gradient).max())


def bent(y: Floats) -> Floats:
    """(H, C, W) the curvature of "multiscale": of each size SSIM's sensitivity, on the samples of full size that it is a mean of."""

    def minded(y: Floats) -> Floats:
        return mean(1 / (2 * (mean(y * y) - mean(y) ** 2) + C2))

    result, size, down, across = 7.5 + 0.05 * minded(y), y.size, np.eye(y.shape[0]), np.eye(y.shape[2])
    for weight in (0.3, 0.4, 0.3):
        down, across, y = half_of(y.shape[0]) @ down, half_of(y.shape[2]) @ across, halved(y)
        result = result + 0.5 * weight * size / y.size * weighed(down.T, minded(y), across.T)
    return result


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("shape", SHAPES)
def test_curvature_is_that_of_the_definition(shape: tuple[int, ...], depth: int) -> None:
    drawn, samples = pair(shape, depth)
    loss = Loss("multiscale", shape[2], shape[0], shape[1])
    loss._workspace.fill(0xFF)
    loss.target(padded(samples, 1), 1.0 / PEAK[depth])
    before, gradient = loss.gradient(padded(drawn, 1))
    gradient, found = gradient.copy(), loss.curvature()
    assert found is loss.curvature(), "it is computed once"
    assert not found[..., shape[2] :].any()
    np.testing.assert_allclose(found[..., : shape[2]], bent(samples / PEAK[depth]), rtol=1e-3)
    after, again = loss.gradient(padded(drawn, 1))
    assert after == before and np.array_equal(again, gradient), "the gradient is as it was"
    loss.target(padded(samples[::-1].copy(), 1), 1.0 / PEAK[depth])
    np.testing.assert_allclose(loss.curvature()[..., : shape[2]], bent(samples[::-1] / PEAK[depth]), rtol=1e-3)


def test_a_small_smooth_change_adds_its_curvature() -> None:
    """To the loss of two pictures that were equal; L1 apart, whose slope is not one."""
    y, _, x = np.indices((96, 1, 112))
    target = 0.5 + 0.2 * np.sin(x / 5.0) * np.cos(y / 7.0) + np.random.default_rng(0).uniform(-0.05, 0.05, x.shape)
    change = 0.02 * np.exp(-((x - 50) ** 2 + (y - 40) ** 2) / (2 * 4.0**2))
    rise = plain("multiscale", target + change, target) * x.size - 0.1 * change.sum()
    assert rise == pytest.approx((bent(target) * change**2).sum(), rel=0.3)


@pytest.mark.parametrize("shape", [(130, 3, 70), (64, 1, 16), (7, 2, 33)])
@pytest.mark.parametrize("every", [1, 2, 4, 8])
def test_only_some_rows_of_the_gradient(every: int, shape: tuple[int, ...]) -> None:
    """They are the same as with all others, which stay as they were; sums of full size are estimated from these rows."""
    drawn, samples = pair(shape)
    value, gradient, _ = compared("multiscale", drawn, samples)
    loss = Loss("multiscale", shape[2], shape[0], shape[1])
    loss.target(padded(samples), 1 / 65535)
    for first in range(min(every, shape[0])):
        loss.gradient(padded(drawn))[1][:] = 9.0
        some, rows = loss.gradient(padded(drawn), every, first)
        expected = np.full(shape, 9.0)
        expected[first::every] = gradient[first::every]
        np.testing.assert_array_equal(rows[..., : shape[2]], expected)
        assert not rows[first::every, :, shape[2] :].any()
        assert some == pytest.approx(value, rel=0.15)
        part = ((drawn - samples / 65535.0)[first::every] ** 2).mean() * drawn.size
        assert loss.squared_error == pytest.approx(part, rel=1e-4)
    for every, first, kind in ((0, 0, "multiscale"), (2, 2, "multiscale"), (2, -1, "multiscale"), (2, 0, "l1_ssim")):
        other = Loss(cast(Kind, kind), shape[2], shape[0], shape[1])
        other.target(padded(samples), 1 / 65535)
        with pytest.raises(AssertionError):
            other.gradient(padded(drawn), every, first)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_pictures_are_a_minimum(kind: Kind) -> None:
    _, samples = pair((20, 3, 30))
    value, gradient, squares = compared(kind, samples * np.float32(1 / 65535), samples)
    assert value == pytest.approx(0.0, abs=1e-6)
    assert np.abs(gradient).max() < 1e-2  # times 1800 samples
    assert squares == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_smooth_bright_areas_keep_their_digits(kind: Kind) -> None:
    """Variances are differences of large numbers there."""
    drawn = np.full((40, 1, 50), 0.97, np.float32) + np.float32(1e-3) * pair((40, 1, 50))[0]
    samples = np.full((40, 1, 50), 63500, np.uint16)
    value, gradient, _ = compared(kind, drawn, samples)
    x, y = drawn.astype(np.float64), samples / 65535.0
    assert value == pytest.approx(plain(kind, x, y), abs=2e-5)
    direction = np.ones_like(x)
    slope = (plain(kind, x + 1e-6 * direction, y) - plain(kind, x - 1e-6 * direction, y)) / 2e-6 * x.size
    assert (gradient * direction).sum() == pytest.approx(slope, rel=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_same_bits_for_any_number_of_threads_and_instruction_set(kind: Kind, all_threads: None) -> None:
    drawn, samples = pair((300, 3, 530), 8)
    found, curvatures = [], []
    for number, level in itertools.product((1, 2, 8), range(2, load().core_best_level() + 1) or (1,)):
        core.set_threads(number)
        assert load().core_set_level(level) == loading.OK
        found.append(compared(kind, drawn, samples))
        if kind == "multiscale":
            loss = Loss(kind, 530, 300, 3)
            loss.target(padded(samples), 1 / 255)
            curvatures.append(loss.curvature())
    for value, gradient, squares in found:
        assert (value, squares) == found[0][::2]
        np.testing.assert_array_equal(gradient, found[0][1])
    assert all(np.array_equal(each, curvatures[0]) for each in curvatures)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_workspace_held_before_does_not_matter(kind: Kind) -> None:
    drawn, samples = pair((41, 3, 50))
    fresh = compared(kind, drawn[:33], samples[:33])
    loss = Loss(kind, 50, 41, 3)
    loss._workspace.fill(0xFF)  # not a number, everywhere
    for rows in (41, 33, 40, 33):
        loss.target(padded(samples[:rows]), 1 / 65535)
        for _ in range(2):
            value, gradient = loss.gradient(padded(drawn[:rows]))
    assert value == fresh[0]
    np.testing.assert_array_equal(gradient[..., :50], fresh[1])


def test_another_target_of_the_same_size() -> None:
    rng = np.random.default_rng(4)
    first, second = rng.integers(0, 256, (2, 20, 3, 32), np.uint8)
    drawn = rng.random((20, 3, 32), np.float32)
    used, fresh = Loss("l1_ssim", 30, 20, 3), Loss("l1_ssim", 30, 20, 3)
    used.target(first, 1 / 255)
    used.gradient(drawn)
    used.target(second, 1 / 255)
    fresh.target(second, 1 / 255)
    assert used.gradient(drawn)[0] == fresh.gradient(drawn)[0]


def test_a_picture_that_does_not_fit_the_target_is_refused() -> None:
    loss = Loss("l1_ssim", 20, 10, 3)
    with pytest.raises(AssertionError):
        loss.gradient(np.zeros((10, 3, 32), np.float32))
    with pytest.raises(AssertionError):
        loss.target(np.zeros((11, 3, 32), np.uint8), 1 / 255)
    loss.target(np.zeros((10, 3, 32), np.uint8), 1 / 255)
    with pytest.raises(AssertionError):
        loss.gradient(np.zeros((10, 3, 48), np.float32))
    with pytest.raises(AssertionError):
        loss.curvature()
    with pytest.raises(AssertionError):
        Loss("multiscale", 20, 10, 3).curvature()
    with pytest.raises(AssertionError):
        Loss("l1_ssim", 0, 10, 3)


def small_task() -> tuple[loss_structs.Loss, list[NDArray[Any]]]:
    """A task that runs, and what is to stay while it does."""
    task = loss_structs.Loss(
        loss=1, channels=3, width=20, height=70, stride=32, depth=8, unit=1 / 255, workers=2, every=1
    )
    size = load().core_loss_workspace(task)
    arrays: list[NDArray[Any]] = [
        aligned(size),
        np.zeros((70, 3, 32), np.uint8),
        np.zeros((70, 3, 32), np.float32),
        np.zeros((70, 3, 32), np.float32),
    ]
    task.workspace, task.samples, task.drawn, task.gradient = map(address, arrays)
    task.workspace_bytes = size
    return task, arrays


def run(task: loss_structs.Loss, kind: int, items: int) -> int:
    return pool.Work(kind, 1).run(task, items)


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss": 2}, {"loss": -1}, {"channels": 0}, {"channels": 5}, {"width": 0}, {"height": 0}, {"width": 1 << 25}, {"height": 200},
        {"stride": 16}, {"stride": 33}, {"depth": 32}, {"workers": 0}, {"workers": 65}, {"workspace": 0}, {"samples": 0}, {"drawn": 0},
        {"gradient": 0},
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(wrong: dict[str, int]) -> None:
    task, arrays = small_task()
    assert run(task, 10, 1) == loading.OK
    assert run(task, 11, 1) == loading.OK
    for name, number in wrong.items():
        setattr(task, name, number)
    assert run(task, 11, 1) == loading.INVALID
    if not {"drawn", "gradient"} & set(wrong):
        assert run(task, 10, 1) == loading.INVALID
        value, squares = ctypes.c_double(), ctypes.c_double()
        assert load().core_loss_value(task, value, squares) == loading.INVALID
    del arrays


def test_items_behind_the_last_and_buffers_that_are_not_aligned_are_refused() -> None:
    task, arrays = small_task()
    phases = np.zeros(3, np.int64)
    for target in (1, 0):
        count = load().core_loss_phases(task, target, address(phases))
        assert count == (2 if target else 3)
        last = int(phases[count - 1])
        assert run(task, 10 if target else 11, last) == loading.OK
        assert run(task, 10 if target else 11, last + 1) == loading.INVALID
    task.workspace += 8
    assert run(task, 11, 1) == loading.INVALID
    assert load().core_loss_phases(None, 0, address(phases)) == -1
    assert load().core_loss_workspace(None) == -1
    del arrays
