"""What `Engine` asks of an engine, of every engine on hand: a new one passes this file before anything else, and test_engines.py then."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from splatc.blend import Blend
from splatc.fit import trainer
from splatc.fit.cuda.engine import CudaEngine
from splatc.fit.engine import Engine, Step
from splatc.fit.engines.gsplat import GsplatEngine
from splatc.fit.schedule import Schedule
from splatc.fit.table import FROZEN, NAMES, ROWS, Table, bounds
from splatc.fit.task import Task
from splatc.gaussians import Gaussians
from splatc.steps import Quantizer
from tests.cuda_host.emulator import HostDevice, needs_compiler
from tests.engines import ENGINES, STILL, table_of
from tests.gsplat_stand_in import stand_in
from tests.scenes import floats, random_gaussians

WIDTH, HEIGHT, COUNT = 40, 32, 20
RATES = {"mean": 0.1, "log_scale": 0.05, "log_aspect": 0.05, "angle": 0.1, "colour": 0.05}
Make = Callable[[Task], Engine]


def on_cuda_host(task: Task) -> Engine:
    return CudaEngine(HostDevice(), task)


ON_HAND: dict[str, Make] = {**ENGINES, "gsplat": GsplatEngine, "cuda": on_cuda_host}


@pytest.fixture(params=[pytest.param(name, marks=needs_compiler if name == "cuda" else ()) for name in ON_HAND])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Make:
    """What makes each engine."""
    stand_in(monkeypatch)
    return ON_HAND[request.param]


def task_of(blend: Blend = Blend.NORMALIZED) -> Task:
    """Noise, on a black background."""
    pixels = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    return Task(pixels, blend, floats([0, 0, 0]), Quantizer())


def table() -> Table:
    """Gaussians within bounds, with moments, some of whose attributes are frozen."""
    rng = np.random.default_rng(2)
    made = table_of(random_gaussians(rng, COUNT, WIDTH, HEIGHT, scales=(1.0, 9.0)))
    low, high = bounds(WIDTH, HEIGHT)
    made.values[:5] = np.clip(made.values[:5], low[:, None], high[:, None])
    made.first[:] = rng.normal(size=made.first.shape)
    made.second[:] = rng.uniform(0.5, 2.0, made.second.shape)
    made.frozen[:] = rng.integers(0, 32, COUNT)
    return made


def step(index: int, rates: dict[str, float], adams: int = 1, noise: Quantizer | None = None) -> Step:
    return Step(index, 1, noise, 5, rates, adams, (0.8, 0.98))


def assert_same(a: Table, b: Table) -> None:
    for name in ("values", "first", "second", "frozen", "order"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name


def test_it_returns_what_was_sent(make: Make) -> None:
    engine = make(task_of())
    engine.send(table())
    found = engine.fetch()
    assert_same(found, table())
    assert all(
        rows.flags.c_contiguous and rows.dtype == np.float32 for rows in (found.values, found.first, found.second)
    )


def test_it_measures_the_last_step(make: Make) -> None:
    engine = make(task_of())
    engine.send(table())
    assert np.isnan(engine.measured()).all()
    engine.step(step(0, STILL))
    error, loss = engine.measured()
    assert 0.0 < error < 1.0
    assert loss == error, "the loss of --tune psnr is the squared error"


def test_a_step_moves_what_is_free_and_has_a_rate(make: Make) -> None:
    engine, before = make(task_of()), table()
    engine.send(table())
    rates = {name: rate for name, rate in RATES.items() if name != "angle"}
    engine.step(step(0, rates, noise=Quantizer()))
    after = engine.fetch()
    assert np.array_equal(after.frozen, before.frozen)
    assert np.array_equal(after.order, before.order)
    for name, row in ROWS.items():
        free = (before.frozen & FROZEN[name] == 0) & (name != "angle")
        moved = np.atleast_2d(after.values[row] != before.values[row]).any(axis=0)
        assert np.array_equal(moved, free), name
    low, high = bounds(WIDTH, HEIGHT)
    assert (after.values[:5] >= low[:, None]).all()
    assert (after.values[:5] <= high[:, None]).all()


def test_the_same_steps_are_the_same_to_the_last_bit(make: Make) -> None:
    results = []
    for _ in range(2):
        engine = make(task_of())
        engine.send(table())
        for k in range(3):
            engine.step(step(k, RATES, k + 1, Quantizer()))
        results.append(engine.fetch().copy())
    assert_same(*results)


@pytest.mark.parametrize("blend", Blend)
def test_steps_lower_the_error(make: Make, blend: Blend) -> None:
    engine, begin = make(task_of(blend)), table()
    begin.frozen[:] = 0
    begin.first[:] = begin.second[:] = 0.0
    engine.send(begin)
    errors = []
    for k in range(20):
        engine.step(step(k, RATES, k + 1))
        errors.append(engine.measured()[0])
    assert errors[-1] < 0.9 * errors[0]


@pytest.mark.parametrize("blend", Blend)
def test_a_pruning_cost_is_the_rise_of_the_squared_error_without_a_gaussian(make: Make, blend: Blend) -> None:
    engine, samples = make(task_of(blend)), WIDTH * HEIGHT * 3
    engine.send(table())
    costs = engine.pruning_costs(1)
    assert costs.shape == (COUNT,)
    assert costs.dtype == np.float32
    errors = []
    for left in (None, 0, 7, COUNT - 1):
        engine.send(table().keep(np.array([i for i in range(COUNT) if i != left])))
        engine.step(step(0, STILL))
        errors.append(samples * engine.measured()[0])
    assert costs[[0, 7, COUNT - 1]] == pytest.approx(np.array(errors[1:]) - errors[0], rel=0.01, abs=0.01)


def test_pruning_keeps_the_highest_costs_in_their_order(make: Make) -> None:
    engine = make(task_of())
    engine.send(table())
    kept = np.sort(np.argsort(-engine.pruning_costs(1), kind="stable")[:8])
    engine.prune(8, 1)
    assert_same(engine.fetch(), table().keep(kept))
    engine.prune(8, 1)
    engine.prune(100, 1)
    assert_same(engine.fetch(), table().keep(kept))


def test_pruning_removes_redundant_gaussians_but_never_all(make: Make) -> None:
    """Black ones on a black background."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, :8] = 200
    mean = floats([[4.0, 16.0], [30.0, 16.0], [31.0, 8.0]])
    gaussians = Gaussians(mean, floats([[2.0, 2.0]] * 3), floats([0.0] * 3), floats([[0.7] * 3, [0] * 3, [0] * 3]))
    engine = make(Task(pixels, Blend.NORMALIZED, floats([0, 0, 0]), Quantizer()))
    engine.send(table_of(gaussians))
    engine.prune(3, 1)
    assert len(engine.fetch()) == 3
    engine.prune(3, 1, redundant=True)
    assert len(engine.fetch()) == 1
    dark = make(Task(np.zeros_like(pixels), Blend.NORMALIZED, floats([0, 0, 0]), Quantizer()))
    dark.send(table_of(gaussians).keep(np.array([1, 2])))
    dark.prune(2, 1, redundant=True)
    assert len(dark.fetch()) == 1


@pytest.mark.parametrize("blend", Blend)
def test_densification_adds_to_what_there_is(make: Make, blend: Blend) -> None:
    engine, before = make(task_of(blend)), table()
    engine.send(table())
    engine.densify(10, 1, np.random.default_rng(0))
    after = engine.fetch()
    assert COUNT < len(after) <= COUNT + 10
    columns = {tuple(column): k for k, column in enumerate(np.concatenate([after.values, after.first, after.second]).T)}
    old = [columns[tuple(column)] for column in np.concatenate([before.values, before.first, before.second]).T]
    assert np.array_equal(after.frozen[old], before.frozen)
    new = np.setdiff1d(np.arange(len(after)), old)
    assert len(new) == len(after) - COUNT
    assert not (after.first[:, new].any() or after.second[:, new].any() or after.frozen[new].any())
    low, high = bounds(WIDTH, HEIGHT)
    assert ((after.values[:5, new] >= low[:, None]) & (after.values[:5, new] <= high[:, None])).all()


def test_densification_adds_nothing_to_a_perfect_picture(make: Make) -> None:
    engine = make(Task(np.zeros((HEIGHT, WIDTH, 3), np.uint8), Blend.NORMALIZED, floats([0, 0, 0]), Quantizer()))
    engine.send(table_of(Gaussians(floats([[9, 9]]), floats([[2, 1]]), floats([0.5]), floats([[0, 0, 0]]))))
    engine.densify(5, 1, np.random.default_rng(0))
    assert len(engine.fetch()) == 1


def test_a_fit_ends_with_the_budget(make: Make) -> None:
    begin = random_gaussians(np.random.default_rng(4), 3 * COUNT, WIDTH, HEIGHT, scales=(1.0, 5.0))
    plan = Schedule(12, prunings=3, asks=2, stages=2)
    found, quantizer = trainer.fit(make(task_of()), task_of(), begin, lambda _: COUNT, plan)
    assert len(found) == COUNT
    assert isinstance(quantizer, Quantizer)
    assert all(np.isfinite(part).all() for part in vars(found).values())


def test_the_trainer_knows_no_engine() -> None:
    """It imports the protocol, and nothing that computes."""
    tree = ast.parse(Path(trainer.__file__).read_text())
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names}
    assert "splatc.fit.engine" in imported
    others = ("splatc.core", "splatc.cuda", "splatc.fit.cuda", "splatc.fit.engines", "torch", "gsplat")
    assert not [name for name in imported if name.startswith(others)]


def test_names_are_those_of_the_table() -> None:
    assert set(RATES) == set(NAMES)
