"""Every engine makes the step that PyTorch's autograd makes; for one that cannot be had the error says what to do."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

import splatc
from splatc.blend import Blend
from splatc.cuda.missing import Missing
from splatc.errors import DeviceError, LimitError, UsageError
from splatc.fit import rounding
from splatc.fit.clock import Clock
from splatc.fit.engine import Engine, Step
from splatc.fit.engines import autograd
from splatc.fit.engines.autograd import TorchEngine, failures_of, find_torch_device
from splatc.fit.engines.choice import Wanted
from splatc.fit.engines.core import CoreEngine
from splatc.fit.engines.gsplat import GsplatEngine
from splatc.fit.noise import uniform
from splatc.fit.rate import RateGradient
from splatc.fit.schedule import Schedule
from splatc.fit.seeding import seed
from splatc.fit.table import ANGLE, FROZEN, LOG_ASPECT, LOG_SCALE, MEAN, NAMES, ROWS, SHAPE_ROWS, Table
from splatc.fit.task import Task, Tune
from splatc.fit.trainer import fit
from splatc.gaussians import FloatArray, Gaussians, Scene
from splatc.render import reference
from splatc.steps import Quantizer
from tests.engines import ENGINES, STILL, gradient, table_of
from tests.gsplat_stand_in import stand_in
from tests.scenes import floats, random_gaussians

WIDTH, HEIGHT = 75, 71
RATES = {"mean": 0.1, "log_scale": 0.1, "log_aspect": 0.1, "angle": 0.1, "colour": 0.02}
OTHERS = [name for name in ENGINES if name != "torch"]


def scene(channels: int, blend: Blend, tune: Tune = "psnr") -> tuple[Task, Table]:
    """A picture of noise, and Gaussians of all shapes in it, some of whose attributes are frozen."""
    rng = np.random.default_rng(channels)
    gaussians = random_gaussians(rng, 60, WIDTH, HEIGHT, channels=channels, scales=(0.7, 25.0), thinnest=10.0)
    table = Table.from_gaussians(gaussians, rng)
    table.values[MEAN] = np.clip(table.values[MEAN], 0.0, 70.0)
    table.values[LOG_ASPECT, ::3] *= -1.0
    table.frozen[:] = rng.integers(0, 32, 60)
    table.first[:] = rng.normal(size=table.first.shape)
    table.second[:] = rng.uniform(0.5, 2.0, table.first.shape)
    pixels = rng.integers(0, 256, (HEIGHT, WIDTH, channels), np.uint8)
    return Task(pixels, blend, floats(rng.uniform(0, 1, channels)), Quantizer(), tune), table


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize(("tune", "reduction"), [("psnr", 1), ("psnr", 2), ("ssim", 1), ("ssim", 2), ("smartsplat", 1)])
@pytest.mark.parametrize(("channels", "blend"), [*itertools.product((1, 3, 4), Blend)])
def test_a_step_is_that_of_autograd(name: str, tune: Tune, reduction: int, channels: int, blend: Blend) -> None:
    task, table = scene(channels, blend, tune)
    rate = RateGradient(
        floats(np.full((channels, 60), 0.4)), floats(np.full((channels, 60), 0.05)), floats([3.0] * channels), 0.3, 2.0
    )
    step = Step(6, reduction, Quantizer(), 11, RATES, 5, (0.8, 0.98), rate)
    found = []
    for engine in (TorchEngine(task), ENGINES[name](task)):
        by_value = gradient(engine, table, reduction, 3, noise=Quantizer(), seed=2)
        engine.send(table.copy())
        costs = engine.pruning_costs(reduction)
        engine.step(step)
        found.append((by_value, costs, engine.measured(), engine.fetch()))
    (expected, costs, measured, wanted), (by_value, others, measured_too, moved) = found
    # The core estimates the parts of full size from the rows that it gathers at.
    assert measured_too == pytest.approx(measured, rel=1e-4 if tune == "psnr" or reduction == 1 else 0.15)
    largest = np.abs(expected).max(axis=1, keepdims=True)
    needed = sought(table)
    assert np.allclose(needed * by_value / largest, needed * expected / largest, atol=3e-4)
    assert np.allclose(others, costs, rtol=2e-3, atol=3e-4 * np.abs(costs).max())
    assert np.allclose(moved.values, wanted.values, atol=2e-3)
    assert (moved.values != table.values).any(axis=1).all()
    for each, row in ROWS.items():
        final = (table.frozen & FROZEN[each]) != 0
        assert np.array_equal(moved.values[row][..., final], table.values[row][..., final]), each
        assert (moved.values[row][..., ~final] != table.values[row][..., ~final]).any(), each
    for moments in ("first", "second"):
        scale = np.abs(getattr(wanted, moments)).max(axis=1, keepdims=True)
        differences = needed * (getattr(moved, moments) - getattr(wanted, moments)) / scale
        assert np.abs(differences).max() < 3e-3, moments


def sought(table: Table) -> FloatArray:
    """(5 + C, N) 1 for gradients that an engine has to know, else 0: of a Gaussian that is frozen, or whose shape is."""
    result = np.ones_like(table.values)
    shape, everything = FROZEN["colour"] - 1, 2 * FROZEN["colour"] - 1
    result[:SHAPE_ROWS, table.frozen & shape == shape] = 0.0
    result[:, table.frozen == everything] = 0.0
    return result


@pytest.mark.parametrize("name", ENGINES)
def test_bounds_hold(name: str) -> None:
    task, table = scene(3, Blend.NORMALIZED)
    table.frozen[:] = 0
    engine = ENGINES[name](task)
    engine.send(table)
    assert math.isnan(engine.measured()[0])
    engine.step(Step(0, 1, None, 0, dict.fromkeys(NAMES, 1e4), 1, (0.8, 0.98)))
    values = engine.fetch().values
    assert values[0].min() == 0.0 and values[0].max() == WIDTH - 1 / 64
    assert values[1].min() == 0.0 and values[1].max() == HEIGHT - 1 / 64
    assert values[LOG_SCALE].min() >= np.float32(math.log(0.5))
    assert values[LOG_SCALE].max() <= np.float32(math.log(2 * WIDTH))
    assert np.abs(values[LOG_ASPECT]).max() <= 3.0


@pytest.mark.parametrize("name", ENGINES)
def test_what_has_no_rate_stays(name: str) -> None:
    task, table = scene(3, Blend.SUM)
    table.frozen[:] = 0
    engine = ENGINES[name](task)
    engine.send(table.copy())
    engine.step(Step(0, 1, None, 0, {"colour": 0.1}, 1, (0.8, 0.98)))
    assert np.array_equal(engine.fetch().values[:5], table.values[:5])
    assert np.array_equal(engine.fetch().first[:5], table.first[:5])


@pytest.mark.parametrize("name", ENGINES)
def test_steps_are_in_units_of_each_gaussian(name: str) -> None:
    """A long Gaussian moves by s1 along itself, by s2 across, and rotates little."""
    gaussians = Gaussians(
        floats([[30.2, 35.1], [50.4, 30.3]]),
        floats([[4, 1], [3, 3]]),
        floats([0.5 * math.pi, 0.3]),
        floats([[0.9] * 3] * 2),
    )
    table = table_of(gaussians)
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    engine = ENGINES[name](Task(pixels, Blend.SUM, floats([0, 0, 0]), Quantizer()))
    engine.send(table.copy())
    # The first step of Adam is one unit in each direction, whatever the gradient.
    engine.step(Step(0, 1, None, 0, {"mean": 0.01, "angle": 0.01}, 1, (0.8, 0.98)))
    change = engine.fetch().values - table.values
    assert np.abs(change[MEAN, 0]) == pytest.approx([0.01, 0.04], rel=1e-2)
    assert np.hypot(*change[MEAN, 1]) == pytest.approx(0.03 * math.sqrt(2), rel=1e-2)
    assert abs(change[ANGLE, 0]) == pytest.approx(0.01 / math.hypot(1, 4 - 1 / 4), rel=1e-2)


@pytest.mark.parametrize("name", ENGINES)
def test_means_are_drawn_by_their_sub_cell_offsets(name: str) -> None:
    """The noise in the coordinates of a cell, of which a Gaussian is drawn into the slice of one offset."""
    values = scene(3, Blend.SUM)[1].values
    noise = uniform(1, 2, 60, 8) * rounding.step_rows(values, Quantizer())
    moved = rounding.in_offsets(noise[MEAN], values, Quantizer())
    counts = rounding.offset_counts(values, Quantizer())
    angle = values[ANGLE] + np.where(values[LOG_ASPECT] < 0, 0.5 * math.pi, 0.0)
    across = moved[1] * np.cos(angle) - moved[0] * np.sin(angle)
    extent = np.abs(np.cos(angle)) + np.abs(np.sin(angle))
    widths = rounding.step_rows(values, Quantizer())[0] * np.where(counts == 1, 1.0, extent / counts)
    whole = counts == 1
    assert np.abs(across / widths)[~whole].max() <= 0.5001
    assert np.array_equal(np.abs(moved[:, whole]).max(axis=0) <= 0.7072 * widths[whole], [True] * whole.sum())
    task = Task(np.zeros((HEIGHT, WIDTH, 3), np.uint8), Blend.SUM, floats([0, 0, 0]), Quantizer())
    engine = ENGINES[name](task)
    table = Table.from_values(values, np.random.default_rng(0))
    noisy = gradient(engine, table, noise=Quantizer(), index=2, seed=1)
    rows = np.concatenate([moved, noise[2:]])
    assert np.allclose(
        noisy,
        gradient(engine, Table.from_values(values + rows, np.random.default_rng(0)), index=2),
        rtol=5e-3,
        atol=1.0,
    )


def small_fit(make: type[CoreEngine | TorchEngine], steps: int) -> float:
    y, x = np.mgrid[:64, :64] / 64
    picture = np.stack([x * 0.7, (x + y > 1.1) * 0.8 + 0.1, 0.5 + 0.3 * np.sin(5 * y)], axis=-1)
    pixels = np.rint(255 * picture).astype(np.uint8)
    task = Task(pixels, Blend.NORMALIZED, floats([0.5, 0.5, 0.5]), Quantizer())
    seeds = seed(floats(picture), 120, np.random.default_rng(0))
    result, _ = fit(make(task), task, seeds, lambda *_: 60, Schedule(steps, adapt=0.0), clock=Clock(steps))
    drawn = reference.render(Scene(64, 64, Blend.NORMALIZED, task.background, result))
    assert len(result) == 60
    return float(-10.0 * np.log10(np.mean((drawn - picture) ** 2)))


def test_a_short_fit_of_autograd_is_as_good_as_the_compiled_one() -> None:
    found = small_fit(TorchEngine, 100)
    assert found > 28.0
    assert found == pytest.approx(small_fit(CoreEngine, 100), abs=1.5)


@pytest.mark.parametrize("blend", Blend)
def test_pairs_by_and_by_are_pairs_at_once(blend: Blend, monkeypatch: pytest.MonkeyPatch) -> None:
    task, table = scene(3, blend)
    engine = TorchEngine(task)
    whole = gradient(engine, table)
    monkeypatch.setattr(autograd, "PAIRS", 1000)
    assert np.allclose(gradient(engine, table), whole, rtol=1e-3, atol=1e-3 * np.abs(whole).max())


# ---- gsplat ----


@pytest.mark.parametrize("blend", Blend)
def test_gsplat_finds_the_pairs_that_count(blend: Blend, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    task, table = scene(3, blend)
    engines: list[Engine] = [TorchEngine(task), GsplatEngine(task)]
    expected, found = (gradient(engine, table, 2) for engine in engines)
    assert np.allclose(found, expected, rtol=1e-3, atol=3e-4 * np.abs(expected).max(axis=1, keepdims=True))
    engines[1].send(table_of(random_gaussians(np.random.default_rng(0), 0, 9, 9)))
    engines[1].step(Step(0, 1, None, 0, STILL, 1, (0.8, 0.98)))


# ---- What a user asks for ----


@pytest.mark.parametrize(
    ("engine", "device", "tune", "sentence"),
    [
        ("gpu", "auto", "psnr", "engine='gpu': expected 'auto', 'core', 'cuda', 'torch' or 'gsplat'"),
        ("auto", "gpu", "psnr", "device='gpu': expected 'auto', 'cpu', 'cuda' or 'mps'"),
        ("core", "cuda", "psnr", "--engine core does not run on --device cuda, but on cpu"),
        ("cuda", "cpu", "psnr", "--engine cuda does not run on --device cpu, but on cuda"),
        ("gsplat", "mps", "psnr", "--engine gsplat does not run on --device mps, but on cuda"),
        (
            "auto",
            "mps",
            "psnr",
            "--device mps is driven by PyTorch alone: add --engine torch (in Python engine='torch')",
        ),
        ("cuda", "auto", "ssim", "--engine cuda does not fit with --tune ssim: take --engine core or torch"),
    ],
)
def test_what_contradicts_itself_is_refused(engine: str, device: str, tune: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        Wanted(engine, device).check(tune)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("engine", "sentence"),
    [
        ("torch", '--engine torch needs the package torch: pip install "splatc[train]"'),
        ("gsplat", '--engine gsplat needs the package torch: pip install "splatc[gsplat]"'),
    ],
)
def test_what_is_not_installed_is_named(engine: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError) as caught:
        splatc.encode(np.zeros((9, 9), np.uint8), engine=engine)  # type: ignore[arg-type]
    assert str(caught.value) == sentence


def test_pytorch_is_asked_for_its_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cuda", "mps"):
        monkeypatch.setattr(
            getattr(torch, name) if name == "cuda" else torch.backends.mps, "is_available", lambda: False
        )
    assert find_torch_device("auto") == find_torch_device("cpu") == "cpu"
    with pytest.raises(DeviceError, match="finds no device cuda: --device cpu"):
        find_torch_device("cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert find_torch_device("auto") == "mps"


MEMORY = (
    "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
)


@pytest.mark.parametrize(
    ("device", "raised", "expected", "sentence"),
    [
        (
            "meta",
            torch.OutOfMemoryError("out of memory. Tried\nand so on"),
            DeviceError,
            "out of memory. Tried: --device",
        ),
        (
            "meta",
            RuntimeError("CUDA error: an illegal access\nand so on"),
            DeviceError,
            "an illegal access: --device cpu",
        ),
        ("meta", RuntimeError(), DeviceError, "PyTorch on meta failed: RuntimeError: --device cpu"),
        (
            "cpu",
            RuntimeError(MEMORY),
            LimitError,
            "not enough memory for PyTorch: .* 9 bytes: --engine core takes less",
        ),
        ("cpu", RuntimeError("a bug"), RuntimeError, "^a bug$"),
    ],
)
def test_what_pytorch_raises_is_one_sentence(
    device: str, raised: Exception, expected: type[Exception], sentence: str
) -> None:
    with pytest.raises(expected, match=sentence) as caught, failures_of(torch.device(device)):
        raise raised
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("effort", [0, 1])
@pytest.mark.parametrize("place", ["_pairs", "_adam", "_rise"])
def test_no_error_of_pytorch_leaves_an_encode(place: str, effort: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*_: object) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(TorchEngine, place, raises)
    pixels = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    with pytest.raises(splatc.SplatError, match="not enough memory for PyTorch"):
        splatc.encode(pixels, size=120, effort=effort, engine="torch", device="cpu")


def test_the_network_on_a_gpu_needs_pytorch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splatc.cuda.device.find_device", lambda: Missing("no package for CUDA"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    wanted = Wanted(device="cuda").at(0)
    wanted.check("psnr")
    assert wanted == Wanted("torch", "cuda")
    assert Wanted(device="cuda").at(1) == Wanted(device="cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="no package for CUDA; --device cpu"):
        Wanted(device="cuda").at(0).check("psnr")


def test_every_engine_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    monkeypatch.setattr("importlib.util.find_spec", lambda _: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    task, _ = scene(3, Blend.SUM)
    assert isinstance(Wanted("core", "auto").choose("ssim", lambda text, _: logged.append(text)).make(task), CoreEngine)
    made = Wanted("torch", "cpu").choose("ssim", lambda text, _: logged.append(text)).make(task)
    assert isinstance(made, TorchEngine)
    Wanted("gsplat", "auto").choose("psnr", lambda text, _: logged.append(text))
    assert logged == ["fitted by PyTorch on cpu", "fitted by PyTorch and gsplat on cuda"]
