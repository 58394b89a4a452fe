"""A step of the fit in the core is what float64 makes of it, and the same bits for any number of threads and every instruction set."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from splatc.blend import Blend
from splatc.core import fit as core_fit
from splatc.core.loading import OK, address, load, size_of
from splatc.fit import rounding
from splatc.fit.engine import Step
from splatc.fit.engines.core import CoreEngine
from splatc.fit.noise import uniform
from splatc.fit.rate import RateGradient
from splatc.fit.subset import subset
from splatc.fit.table import ANGLE, COLOUR, FROZEN, LOG_ASPECT, LOG_SCALE, MEAN, NAMES, ROWS, Table
from splatc.fit.task import Task
from splatc.gaussians import FloatArray
from splatc.quantize import steps_of
from splatc.steps import Quantizer
from tests.fit_calls import (
    PLACED,
    FitCall,
    along_and_across,
    draw,
    gradient,
    moved,
    random_pixels,
    random_values,
    squares,
    weights,
)
from tests.scenes import floats
from tests.test_core_losses import plain

LEVELS = [level for level in (1, 2, 3, 4) if load().core_set_level(level) == OK]
load().core_set_level(load().core_best_level())
WIDTH, HEIGHT = 75, 70
"""Two tiles by two, none of which ends at a multiple of 16."""
STILL = dict.fromkeys(NAMES, 0.0)
RATES = {"mean": 0.05, "log_scale": 0.04, "log_aspect": 0.03, "angle": 0.06, "colour": 0.02}
CASES = [(channels, depth, blend) for channels in (1, 2, 3, 4) for depth in (8, 16) for blend in Blend]


@pytest.fixture(autouse=True)
def _same_level() -> Iterator[None]:
    level = load().core_get_level()
    yield
    load().core_set_level(level)


def task_of(
    rng: np.random.Generator, channels: int, blend: Blend, depth: int = 8, shape: tuple[int, int] = (WIDTH, HEIGHT)
) -> Task:
    background = floats(rng.uniform(0.2, 0.8, channels))
    return Task(random_pixels(rng, *shape, channels, depth), blend, background, Quantizer())


def table_of(values: FloatArray) -> Table:
    return Table.from_values(values, np.random.default_rng(1))


def setting(channels: int, blend: Blend, depth: int = 8, count: int = 11) -> tuple[Task, Table]:
    """A picture of noise, and Gaussians; the last covers all of it, so that no sample hangs on the tail of one alone."""
    rng = np.random.default_rng(channels)
    values = random_values(rng, count, WIDTH, HEIGHT, channels)
    values[:4, -1] = 0.5 * WIDTH, 0.5 * HEIGHT, 4.0, 0.1
    return task_of(rng, channels, blend, depth), table_of(values)


def found_gradient(task: Task, table: Table, reduction: int = 1, index: int = 0) -> FloatArray:
    """(5 + C, N) what Adam remembers if it forgets all that was before; that of the mean along and across."""
    engine = CoreEngine(task)
    engine.send(table.copy())
    engine.step(Step(index, reduction, None, 0, STILL, 1, (0.0, 0.0)))
    return engine.fetch().first


def nearly(found: np.ndarray, expected: np.ndarray, tolerance: float = 5e-4) -> bool:
    """Whether rows agree, measured by what is largest in each."""
    scale = np.abs(expected).max(axis=1, keepdims=True, initial=1e-9)
    return np.allclose(found / scale, expected / scale, rtol=tolerance, atol=tolerance)


# ---- Noise and places ----


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("seed", "step"), [(0, 0), (7, 123), (2**32 - 1, 2**32 - 1)])
def test_the_noise_is_that_of_the_counter_and_as_wide_as_the_steps(channels: int, seed: int, step: int) -> None:
    rng = np.random.default_rng(channels)
    values = random_values(rng, 300, WIDTH, HEIGHT, channels)
    quantizer = Quantizer().finer(-3)
    call = FitCall(values.copy(), random_pixels(rng, WIDTH, HEIGHT, channels), core_fit.DRAW)
    call.frozen[:] = rng.integers(0, 32, 300)
    widths = core_fit.make_widths(steps_of(quantizer, channels))
    call.task.widths, call.task.seed, call.task.step = address(widths), seed, step
    assert call.run() == OK
    noise = uniform(seed, step, 300, 5 + channels) * rounding.step_rows(values, quantizer)
    noise[MEAN] = rounding.in_offsets(noise[MEAN], values, quantizer)
    for name, row in ROWS.items():
        noise[row] = np.where(call.frozen & FROZEN[name], np.float32(0.0), noise[row])
    expected = (values + noise).astype(np.float64)
    placed = call.placed
    np.testing.assert_allclose(placed["x"], expected[0], atol=2e-5)
    np.testing.assert_allclose(placed["y"], expected[1], atol=2e-5)
    # The axes are vectors of length sqrt(log2(e) / 2) / s.
    long, short = (np.hypot(placed[f"{axis}_x"], placed[f"{axis}_y"]) for axis in "uv")
    root = math.sqrt(0.5 * math.log2(math.e))
    np.testing.assert_allclose(root / long, np.exp(expected[LOG_SCALE] + 0.5 * expected[LOG_ASPECT]), rtol=3e-6)
    np.testing.assert_allclose(root / short, np.exp(expected[LOG_SCALE] - 0.5 * expected[LOG_ASPECT]), rtol=3e-6)
    np.testing.assert_allclose(placed["u_x"] / long, np.cos(expected[ANGLE]), atol=3e-6)
    np.testing.assert_allclose(placed["u_y"] / long, np.sin(expected[ANGLE]), atol=3e-6)
    colour = core_colours(expected[COLOUR])
    np.testing.assert_allclose(placed["feature"][:, :channels].T, colour, atol=2e-6)
    assert (placed["feature"][:, channels] == 1.0).all()
    assert np.array_equal(call.values, values)


def core_colours(coded: np.ndarray) -> np.ndarray:
    """(C, N) as they are drawn."""
    colour = coded.copy()
    if len(coded) >= 3:
        y, u, v = coded[0], math.sqrt(1.5) * coded[1], math.sqrt(0.5) * coded[2]
        colour[:3] = y + u + v, y - 2.0 * v, y - u + v
    return colour


def test_the_noise_of_a_gaussian_does_not_hang_on_its_neighbours() -> None:
    assert np.array_equal(uniform(3, 4, 700, 9)[:, :300], uniform(3, 4, 300, 9))
    found = uniform(1, 2, 100000, 3)
    assert np.abs(found.mean(axis=1)).max() < 0.005 and found.std(axis=1) == pytest.approx(math.sqrt(1 / 12), rel=0.01)
    assert np.abs(found).max() < 0.5


def test_places_are_structs_of_that_size() -> None:
    assert PLACED.itemsize == size_of("fit_placed")


@pytest.mark.parametrize("reduction", [1, 2, 3])
def test_a_subset_sees_its_part_of_the_picture(reduction: int) -> None:
    """Coordinates on it are in samples."""
    where = subset(WIDTH, HEIGHT, reduction, 3)
    values = random_values(np.random.default_rng(0), 20, WIDTH, HEIGHT, 1)
    call = FitCall(values, random_pixels(np.random.default_rng(0), where.width, where.height, 1), core_fit.DRAW)
    call.task.origin_x, call.task.origin_y = where.origin
    call.task.reduction = reduction
    assert call.run() == OK
    np.testing.assert_allclose(call.placed["x"] - 0.5, (values[0] - where.x0 - 0.5) / reduction, atol=1e-4)
    np.testing.assert_allclose(call.placed["y"] - 0.5, (values[1] - where.y0 - 0.5) / reduction, atol=1e-4)


# ---- Drawing, errors, gradients, costs ----


def drawn(task: Task, values: FloatArray, reduction: int = 1, index: int = 0) -> np.ndarray:
    """(h, w, C) by the core."""
    where = task.subset(reduction, index)
    engine = CoreEngine(task)
    engine.send(table_of(values))
    image, _ = engine._draw(engine._call(where, core_fit.DRAW))
    assert not image[:, :, where.width :].any()
    return np.asarray(image[:, :, : where.width].transpose(0, 2, 1))


@pytest.mark.parametrize(("channels", "depth", "blend"), CASES)
def test_drawings_and_errors(channels: int, depth: int, blend: Blend) -> None:
    task, table = setting(channels, blend, depth, 60)
    for reduction, index in ((1, 0), (2, 3), (4, 6)):
        where, values = task.subset(reduction, index), table.values.astype(np.float64)
        expected, total = draw(values, where, task)
        # Where next to nothing is, what float32 lost of the weight counts.
        sure = (total > 0.05) if blend is Blend.NORMALIZED else total > 0
        assert np.allclose(drawn(task, table.values, reduction, index) * sure, expected * sure, atol=2e-4)
        engine = CoreEngine(task)
        engine.send(table.copy())
        engine.step(Step(index, reduction, None, 0, STILL, 1, (0.0, 0.0)))
        mean, loss = engine.measured()
        assert mean == loss == pytest.approx(squares(values, where, task) / expected.size, rel=2e-3)


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_errors_are_by_sample(channels: int, blend: Blend) -> None:
    task, table = setting(channels, blend)
    call = FitCall(table.values, task.pixels, core_fit.ERRORS, normalized=int(blend is Blend.NORMALIZED))
    call.task.background[:channels], call.task.curvature = task.background.tolist(), None
    assert call.run() == OK
    where, values = task.subset(1), table.values.astype(np.float64)
    expected = ((draw(values, where, task)[0] - task.pixels / 255) ** 2).sum(axis=2)
    assert np.allclose(call.weight[:, :WIDTH], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("channels", "depth", "blend"), CASES)
def test_gradients_are_differences_of_the_loss(channels: int, depth: int, blend: Blend) -> None:
    task, table = setting(channels, blend, depth)
    reduction, index = (1, 0) if depth == 8 else (2, 1)
    expected = gradient(table.values, task.subset(reduction, index), task)
    expected[MEAN] = along_and_across(expected[MEAN], table.values[ANGLE].astype(np.float64))
    assert nearly(found_gradient(task, table, reduction, index), expected)


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("reduction", [1, 2])
def test_costs_are_what_the_error_rises_by(blend: Blend, reduction: int) -> None:
    task, table = setting(3, blend, count=25)
    engine = CoreEngine(task)
    engine.send(table)
    costs = engine.pruning_costs(reduction)
    expected, values = np.zeros(25), table.values.astype(np.float64)
    for index in range(reduction**2):
        where = task.subset(reduction, index)
        before = squares(values, where, task)
        expected += [squares(np.delete(values, i, axis=1), where, task) - before for i in range(25)]
    assert np.allclose(costs, expected, rtol=2e-3, atol=1e-3 * np.abs(expected).max())
    assert (costs > 0).any() and (costs < 0).any()


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("reduction", [1, 2, 3])
def test_costs_by_a_loss_are_its_second_order(channels: int, blend: Blend, reduction: int) -> None:
    """The sum of G d + k d^2 over the samples, whatever G and k, which may be of all pixels."""
    rng, (task, table) = np.random.default_rng(5), setting(channels, blend, count=25)
    whole = FitCall(table.values, task.pixels, core_fit.DRAW, normalized=int(blend is Blend.NORMALIZED))
    whole.task.background[:channels] = task.background.tolist()
    assert whole.run() == OK
    whole.gradient[:], whole.curvature[:] = rng.normal(size=whole.gradient.shape), rng.random(whole.gradient.shape)
    for each in (whole.gradient, whole.curvature, whole.image):
        each[:, :, WIDTH:] = np.nan  # not read
    where = subset(WIDTH, HEIGHT, reduction, 1 if reduction > 1 else 0)
    call = FitCall(table.values, where.pick(task.pixels), core_fit.LOSS_COSTS, normalized=whole.normalized)
    call.task.reduction, (call.task.origin_x, call.task.origin_y) = reduction, where.origin
    call.task.finer, call.task.stride = reduction, whole.task.stride
    for name in ("image", "weight", "gradient", "curvature"):
        setattr(call.task, name, address(getattr(whole, name)[where.y0 :]) + 4 * where.x0)
    call.cost[:] = 1.0
    assert call.run() == OK
    slope, bent = (where.pick(each[:, :, :WIDTH].transpose(0, 2, 1)) for each in (whole.gradient, whole.curvature))
    values = table.values.astype(np.float64)
    before, expected = draw(values, where, task)[0], np.ones(25)
    for i in range(25):
        change = draw(np.delete(values, i, axis=1), where, task)[0] - before
        expected[i] += (slope * change + bent * change**2).sum()
    assert np.allclose(call.cost, expected, rtol=3e-3, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("channels", [1, 3])
def test_costs_are_what_the_loss_rises_by(channels: int, blend: Blend) -> None:
    """Each Gaussian of a small scene taken away, and the loss computed by its definition in float64."""
    rng = np.random.default_rng(6)
    values = random_values(rng, 150, WIDTH, HEIGHT, channels)
    values[LOG_SCALE] = rng.uniform(0.5, 2.0, 150)
    values[LOG_ASPECT] = rng.uniform(-1.0, 1.0, 150)
    values[COLOUR] = rng.normal(0.0, 0.1, (channels, 150))
    values[COLOUR.start] += 0.5 if blend is Blend.NORMALIZED else 0.0
    task = task_of(rng, channels, blend)
    exact, where = values.astype(np.float64), task.subset(1)
    scene = draw(exact, where, task)[0]
    # As a fit is about to be pruned: the picture has what is drawn, more of it in some places, and noise.
    wanted = scene + 0.05 * (scene - scene.mean()) + rng.normal(0.0, 0.02, scene.shape)
    wanted = np.clip(wanted + (0.5 if blend is Blend.SUM else 0.0), 0.0, 1.0)
    if blend is Blend.SUM:
        values[:, -1] = [WIDTH / 2, HEIGHT / 2, 6.0, 0.0, 0.0, 0.5, *[0.0] * (channels - 1)]
        exact = values.astype(np.float64)
    pixels = np.rint(255 * wanted).astype(np.uint8)

    def loss(values: np.ndarray) -> float:
        drawn, target = (each.transpose(0, 2, 1) for each in (draw(values, where, task)[0], pixels / 255))
        return plain("multiscale", drawn, target) * drawn.size

    before, few = loss(exact), np.arange(0, 148, 3)
    rises = np.array([loss(np.delete(exact, i, axis=1)) - before for i in few])
    agreement = {}
    for tune in ("psnr", "ssim"):
        engine = CoreEngine(Task(pixels, blend, task.background, Quantizer(), tune))
        engine.send(table_of(values))
        costs = engine.pruning_costs(1)[few]
        agreement[tune] = np.corrcoef(np.argsort(np.argsort(costs)), np.argsort(np.argsort(rises)))[0, 1]
    assert agreement["ssim"] > max(0.96, agreement["psnr"]), agreement
    assert np.median(np.abs(costs / rises - 1.0)) < 0.3


def test_errors_may_be_weighed() -> None:
    task, table = setting(3, Blend.NORMALIZED)
    call = FitCall(table.values, task.pixels, core_fit.ERRORS)
    call.task.background[:3] = task.background.tolist()
    call.curvature[:] = np.random.default_rng(5).random(call.curvature.shape)
    assert call.run() == OK
    wrong = (draw(table.values.astype(np.float64), task.subset(1), task)[0] - task.pixels / 255) ** 2
    expected = (wrong * call.curvature[:, :, :WIDTH].transpose(0, 2, 1)).sum(axis=2)
    assert np.allclose(call.weight[:, :WIDTH], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("blend", Blend)
def test_only_colours_are_gathered_where_only_they_move(blend: Blend) -> None:
    task, table = setting(3, blend)
    whole = found_gradient(task, table)
    table.frozen[::2] = 15
    part = found_gradient(task, table)
    assert np.array_equal(part[:, 1::2], whole[:, 1::2])
    assert np.array_equal(part[COLOUR], whole[COLOUR])
    assert not part[:5, ::2].any()


def test_a_tile_may_hold_more_than_it_remembers() -> None:
    """Over 4096 blocks of a tile: the rows of those that come later are found anew."""
    rng = np.random.default_rng(0)
    values = random_values(rng, 4500, 64, 64, 1)
    values[LOG_SCALE], values[LOG_ASPECT] = -0.5, 0.0
    task = task_of(rng, 1, Blend.NORMALIZED, shape=(64, 64))
    found = found_gradient(task, table_of(values))
    few, where = rng.choice(4500, 6, replace=False), task.subset(1)
    weight, colour = weights(values.astype(np.float64), where), values[COLOUR].T.astype(np.float64)
    total = weight.sum(axis=0) + 1e-4
    out = (np.einsum("nyx,nc->yx", weight, colour) + 1e-4 * float(task.background[0])) / total
    by_sum = 2.0 * (out - task.pixels[:, :, 0] / 255) / total
    assert np.allclose(found[5, few], (weight[few] * by_sum).sum(axis=(1, 2)), rtol=1e-3, atol=1e-4)


# ---- Steps ----


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("names", [NAMES, ("mean", "angle"), ("colour",), ("log_scale", "log_aspect")])
def test_a_step_is_adams(blend: Blend, channels: int, names: tuple[str, ...]) -> None:
    """From moments as they may be, with the rate gradient; what is frozen stays, whatever moves stays within bounds."""
    rng = np.random.default_rng(channels)
    task, table = setting(channels, blend)
    table.frozen[:] = rng.integers(0, 32, len(table))
    by_value = gradient(table.values, task.subset(1), task)
    scale = np.abs(by_value).max(axis=1, keepdims=True)
    table.first[:] = scale * rng.normal(size=table.first.shape)
    table.second[:] = scale**2 * rng.uniform(0.5, 2.0, table.first.shape)
    colours = rng.uniform(0.05, 0.3, (2, channels, len(table)))
    rate = RateGradient(
        floats(colours[0]), floats(colours[1]), floats(0.1 * scale[5:, 0]), 0.3, float(0.2 * scale[3, 0])
    )
    step = Step(0, 1, None, 0, {name: RATES[name] for name in names}, 4, (0.8, 0.95), rate)
    still = np.where(table.frozen & 15 == 15, 0.0, 1.0)  # of those, sums of the shape are not made
    by_value[:5] *= still
    by_value *= np.where(table.frozen == 31, 0.0, 1.0)  # nor any sums of what moves no more
    expected = moved(table, by_value + rate.rows(table.values), step, task)
    engine = CoreEngine(task)
    engine.send(table.copy())
    engine.step(step)
    found = engine.fetch()
    assert np.allclose(found.values, expected.values, atol=5e-4)
    assert nearly(found.first, expected.first) and nearly(found.second, expected.second, 2e-3)
    for name, row in ROWS.items():
        final = (table.frozen & FROZEN[name] != 0) | (name not in names)
        assert np.array_equal(found.values[row][..., final], table.values[row][..., final]), name
        assert (found.values[row][..., ~final] != table.values[row][..., ~final]).all(), name


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_what_moves_stays_within_bounds(sign: float) -> None:
    task, table = setting(3, Blend.SUM, count=40)
    table.first[:] = -1e6 * sign
    table.second[:] = 1.0
    engine = CoreEngine(task)
    engine.send(table)
    engine.step(Step(0, 1, None, 0, dict.fromkeys(NAMES, 1e3), 9, (0.999, 0.999)))
    x, y, log_scale, log_aspect = engine.fetch().values[:4]
    assert x.min() >= 0.0 and x.max() <= WIDTH - 1 / 64 and y.min() >= 0.0 and y.max() <= HEIGHT - 1 / 64
    ends = np.float32(math.log(0.5)), np.float32(math.log(2 * WIDTH))
    assert (log_scale == ends[sign > 0]).all() and (log_aspect == np.float32(3.0 * sign)).all()


def test_a_move_by_the_gradient_of_squares_is_a_step() -> None:
    """Whatever the loss: what is drawn, its gradient by the image, the move."""
    for blend in Blend:
        rng = np.random.default_rng(3)
        values, pixels = random_values(rng, 50, WIDTH, HEIGHT, 3), random_pixels(rng, WIDTH, HEIGHT, 3)
        calls = [FitCall(values.copy(), pixels, normalized=int(blend is Blend.NORMALIZED)) for _ in range(2)]
        assert calls[0].run() == OK
        other = calls[1]
        other.task.what = core_fit.DRAW
        assert other.run() == OK
        other.gradient[:] = 2.0 * (other.image - other.samples * np.float32(1 / 255))
        other.gradient[:, :, WIDTH:] = 1e9  # not read
        other.task.what = core_fit.MOVE
        assert other.run() == OK
        assert nearly(other.first, calls[0].first)


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("reduction", [1, 2, 3, 4])
def test_a_move_may_gather_at_some_of_the_pixels(reduction: int, blend: Blend) -> None:
    """What all pixels say, gathered at a polyphase subset, moves as a step that sees the subset alone."""
    rng = np.random.default_rng(4)
    values, pixels = random_values(rng, 50, WIDTH, HEIGHT, 3), random_pixels(rng, WIDTH, HEIGHT, 3)
    whole = FitCall(values.copy(), pixels, core_fit.DRAW, normalized=int(blend is Blend.NORMALIZED))
    assert whole.run() == OK
    whole.gradient[:] = 2.0 * (whole.image - whole.samples * np.float32(1 / 255))
    for index in range(reduction**2):
        where = subset(WIDTH, HEIGHT, reduction, index)
        calls = [FitCall(values.copy(), where.pick(pixels), normalized=whole.normalized) for _ in range(2)]
        for call in calls:
            call.task.reduction, (call.task.origin_x, call.task.origin_y) = reduction, where.origin
        assert calls[0].run() == OK
        other = calls[1].task
        other.what, other.finer, other.stride = core_fit.MOVE, reduction, whole.task.stride
        for name in ("image", "weight", "gradient"):
            setattr(other, name, address(getattr(whole, name)[where.y0 :]) + 4 * where.x0)
        assert calls[1].run() == OK
        assert nearly(calls[1].first, calls[0].first)


def test_where_there_is_no_step_a_value_is_not_drawn_to_its_prediction() -> None:
    """Colours whose quantization step is 0 (there is no such file) divide nothing."""
    task, table = setting(1, Blend.SUM)
    count = len(table)
    rate_gradient = RateGradient(floats(np.zeros((1, count))), floats(np.zeros((1, count))), floats([1.0]), 0.3, 0.0)
    engine = CoreEngine(task)
    engine.send(table)
    engine.step(Step(0, 1, None, 0, RATES, 1, (0.0, 0.0), rate_gradient))
    assert np.isfinite(engine.fetch().values).all()


# ---- Odd sizes and odd Gaussians ----


def odd_values(kind: str, width: int, height: int, channels: int) -> FloatArray:
    values = random_values(np.random.default_rng(5), 80, width, height, channels)
    if kind == "none":
        return np.ascontiguousarray(values[:, :0])
    if kind == "outside":
        values[MEAN] += np.where(np.arange(80) % 2, 40.0, -40.0).astype(np.float32)
        values[MEAN, ::9] = 3e7
    if kind == "huge":
        values[LOG_SCALE] = np.linspace(4.0, 9.0, 80)
    if kind == "thin":
        values[LOG_SCALE], values[LOG_ASPECT] = np.linspace(-0.7, 3.0, 80), np.where(np.arange(80) % 2, 4.0, -4.0)
    if kind == "together":
        values[MEAN] = [[0.4 * width], [0.5 * height]]
    return values


@pytest.mark.parametrize("kind", ["none", "ordinary", "outside", "huge", "thin", "together"])
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 130), (130, 1), (15, 3), (16, 64), (17, 65), (64, 64), (65, 63), (129, 9)]
)
@pytest.mark.parametrize("blend", Blend)
def test_odd_pictures(kind: str, shape: tuple[int, int], blend: Blend) -> None:
    channels = 1 + shape[0] % 4
    rng = np.random.default_rng(2)
    task, values = task_of(rng, channels, blend, shape=shape), odd_values(kind, *shape, channels)
    where, exact = task.subset(1), values.astype(np.float64)
    expected, total = draw(exact, where, task)
    size = max(1.0, float(np.abs(expected).max()))
    sure = (total > 0.05) | (kind == "none")
    assert np.allclose(drawn(task, values) * sure, expected * sure, atol=3e-4 * size)
    engine, table = CoreEngine(task), table_of(values)
    engine.send(table.copy())
    if values.size:
        costs, before = engine.pruning_costs(1), squares(exact, where, task)
        rises = [squares(np.delete(exact, i, axis=1), where, task) - before for i in range(0, 80, 16)]
        assert np.allclose(costs[::16], rises, rtol=1e-2, atol=2e-3 * max(1.0, np.abs(costs).max()))
    for index in range(3):
        engine.step(Step(index, 1, Quantizer(), 1, RATES, index + 1, (0.8, 0.95)))
    found = engine.fetch()
    assert all(np.isfinite(rows).all() for rows in (found.values, found.first, found.second))
    assert np.isfinite(engine.measured()[0])


# ---- The same bits ----


def some_steps(workers: int, monkeypatch: pytest.MonkeyPatch, blend: Blend, tune: str = "psnr") -> list[np.ndarray]:
    """All that 20 steps of a fit leave, with costs in between."""
    monkeypatch.setattr("splatc.core.pool.available", lambda: workers)
    rng = np.random.default_rng(0)
    pixels = random_pixels(rng, 333, 200, 3)
    engine = CoreEngine(Task(pixels, blend, floats([0.4, 0.5, 0.6]), Quantizer(), tune))  # type: ignore[arg-type]
    table = table_of(random_values(rng, 700, 333, 200, 3))
    table.frozen[::5] = rng.integers(0, 32, 140)
    engine.send(table)
    colours = floats(rng.uniform(0.05, 0.3, (2, 3, 700)))
    rate = RateGradient(colours[0], colours[1], floats([3.0, 2.0, 1.0]), 0.3, 2.0)
    left = []
    for index in range(20):
        reduction = 1 + index % 2 if tune != "smartsplat" else 1
        noise = Quantizer() if index % 3 else None
        engine.step(Step(index, reduction, noise, 5, RATES, index + 1, (0.8, 0.95), rate if index % 4 else None))
        left.append(np.array(engine.measured()))
    found = engine.fetch()
    return [*left, engine.pruning_costs(1), engine.pruning_costs(2), found.values, found.first, found.second]


@pytest.mark.parametrize("tune", ["psnr", "ssim", "smartsplat"])
@pytest.mark.parametrize("blend", Blend)
def test_the_same_bits_whatever_computes(tune: str, blend: Blend, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of threads, and the instruction set."""
    expected = some_steps(1, monkeypatch, blend, tune)
    for level in LEVELS:
        assert load().core_set_level(level) == OK
        for workers in (1, 2, 8) if level == LEVELS[-1] else (2,):
            for one, other in zip(some_steps(workers, monkeypatch, blend, tune), expected, strict=True):
                np.testing.assert_array_equal(one, other)
