"""The fit on a small picture: better than where it began, on the grid at the end, the same every time."""

from __future__ import annotations

import math
import time
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from splatc.blend import Blend
from splatc.fit import task
from splatc.fit.clock import Clock
from splatc.fit.freezing import Freezing
from splatc.fit.lattice import Picture
from splatc.fit.parameters import NAMES, from_gaussians, to_gaussians
from splatc.fit.rounding import freeze, steps
from splatc.fit.schedule import Cut, Round, Schedule, Trim, schedule
from splatc.fit.seeding import seed
from splatc.fit.task import Task, Tune
from splatc.fit.trainer import fit
from splatc.gaussians import FloatArray, Gaussians, Scene
from splatc.quantize import dequantize, quantize
from splatc.render import render
from splatc.steps import Quantizer
from tests.scenes import floats, random_gaussians

WIDTH, HEIGHT = 48, 40
BACKGROUND = floats([0.5, 0.5, 0.5])
PLAN = Schedule(80, adapt=0.0)


def picture() -> FloatArray:
    """(HEIGHT, WIDTH, 3) an edge and a gradient."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / 40
    return floats(np.stack([x * 0.7, (x + y > 1.1) * 0.8 + 0.1, 0.5 + 0.3 * np.sin(5 * y)], axis=-1).clip(0, 1))


def fitted(plan: Schedule, blend: Blend = Blend.NORMALIZED, tune: Tune = "psnr", count: int = 60) -> Gaussians:
    image = picture()
    seeds = seed(image, 3 * count, np.random.default_rng(0))
    pixels = np.rint(image * 255).astype(np.uint8)
    return fit(Task(Picture(pixels), blend, BACKGROUND, Quantizer(), tune), seeds, lambda *_: count, plan)[0]


def error(gaussians: Gaussians, blend: Blend) -> float:
    return float(np.mean((render(Scene(WIDTH, HEIGHT, blend, BACKGROUND, gaussians)) - picture()) ** 2))


@pytest.mark.parametrize("tune", ["psnr", "ssim"])
def test_what_a_step_looks_at(tune: Tune, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "WINDOW", 10 * WIDTH)
    pixels = np.rint(picture() * 255).astype(np.uint8)
    here = Task(Picture(pixels), Blend.SUM, BACKGROUND, Quantizer(), tune)
    lattices = [here.lattice(1, step) for step in range(-(-HEIGHT // 10))]
    for lattice in lattices:
        assert here.samples(1) == pytest.approx(lattice.width * lattice.height * 3, rel=0.15)
        assert np.array_equal(lattice.samples, Picture(pixels).lattice(1).samples[lattice.y0 :][: lattice.height])
    seen = {row for lattice in lattices for row in range(lattice.y0, lattice.y0 + lattice.height)}
    assert seen == set(range(HEIGHT))


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("tune", ["psnr", "ssim", "smartsplat"])
def test_a_fit_is_far_better_than_its_seeds(blend: Blend, tune: Tune) -> None:
    seeds = seed(picture(), 60, np.random.default_rng(0))
    result = fitted(PLAN, blend, tune)
    assert len(result) == 60
    assert error(result, blend) < 0.3 * error(seeds, blend)


def test_a_fit_lies_on_the_grid() -> None:
    result = fitted(PLAN)
    back = dequantize(Quantizer(), quantize(Quantizer(), result, WIDTH, HEIGHT))
    assert np.allclose(back.mean, result.mean, atol=1e-3)
    assert np.allclose(back.scale, result.scale, rtol=1e-3)
    assert np.allclose(back.colour, result.colour, atol=1e-4)
    elongated = result.scale[:, 0] > 1.3 * result.scale[:, 1]
    turn = np.mod(back.angle - result.angle + 0.5 * math.pi, math.pi) - 0.5 * math.pi
    assert np.abs(turn[elongated]).max() < 1e-3


def test_an_unquantized_fit_is_better_and_off_the_grid() -> None:
    free = fitted(replace(PLAN, quantized=False))
    assert error(free, Blend.NORMALIZED) < error(fitted(PLAN), Blend.NORMALIZED)


def test_one_seed_one_result() -> None:
    first, second = fitted(PLAN), fitted(PLAN)
    for field in fields(first):
        assert np.array_equal(getattr(first, field.name), getattr(second, field.name)), field.name


def test_parameters_round_trip() -> None:
    gaussians = random_gaussians(np.random.default_rng(1), 50, 64, 64, scales=(1.0, 9.0))
    back = to_gaussians(from_gaussians(gaussians))
    for field in fields(back):
        assert np.allclose(getattr(back, field.name), getattr(gaussians, field.name), rtol=1e-4, atol=1e-4), field.name


def test_swapped_axes_are_put_right() -> None:
    gaussians = random_gaussians(np.random.default_rng(2), 20, 64, 64, scales=(1.0, 9.0))
    parameters = from_gaussians(gaussians)
    swapped = replace(parameters, ratio=-parameters.ratio, angle=parameters.angle + 0.5 * math.pi)
    turn = to_gaussians(swapped).angle - gaussians.angle
    assert np.allclose(np.mod(turn + 0.1, math.pi), 0.1, atol=1e-3)
    assert np.allclose(to_gaussians(swapped).scale, gaussians.scale, rtol=1e-4)


def test_freezing_moves_nothing_by_more_than_half_a_step() -> None:
    parameters = from_gaussians(random_gaussians(np.random.default_rng(3), 80, 64, 64, scales=(1.0, 9.0)))
    shaped = freeze(parameters, Quantizer(), ("size", "ratio", "angle"))
    frozen = freeze(shaped, Quantizer(), ("mean", "colour"))
    widths = steps(shaped, Quantizer())
    for name in NAMES:
        before = getattr(shaped if name in ("mean", "colour") else parameters, name)
        moved = (getattr(frozen, name) - before).abs()
        if name != "angle":  # whose number of directions depends on the ratio
            share = 1.0 if name == "mean" else 0.501  # a mean stays in its cell
            assert bool((moved <= share * widths[name]).all()), name


def test_freezing_by_shares_ends_with_everything_held() -> None:
    parameters = from_gaussians(random_gaussians(np.random.default_rng(4), 30, 64, 64))
    freezing = Freezing(30, torch.Generator().manual_seed(0))
    half = freezing.advance(parameters, Quantizer(), ("colour",), 0.5)
    changed = (half.colour != parameters.colour).any(dim=1)
    assert bool((changed <= freezing.held["colour"]).all())
    assert 0 < int(freezing.held["colour"].sum()) < 30
    assert "colour" in freezing.free()
    noise = freezing.only_free({"colour": torch.ones(30, 3)})["colour"]
    assert bool((noise[freezing.held["colour"]] == 0).all())
    freezing.advance(half, Quantizer(), NAMES, 1.0)
    assert freezing.free() == ()


@pytest.mark.parametrize("effort", range(1, 10))
def test_schedules_prune_then_round_in_order(effort: int) -> None:
    plan = schedule(effort)
    events = [event for _, event in plan.events()]
    cuts = [event for event in events if isinstance(event, Cut)]
    rounds = [event for event in events if isinstance(event, Round)]
    assert [event.share for event in cuts] == [k / plan.cuts for k in range(1, plan.cuts + 1)]
    assert events[: plan.cuts] == cuts
    assert len(rounds) == 3 * plan.stages and rounds[-1] == Round(("colour",), 1.0)
    assert events.index(Trim()) == plan.cuts + 2 * plan.stages


def test_a_clock_counts_steps() -> None:
    told: list[tuple[int, int]] = []
    times = list(Clock(5, progress=lambda *progress: told.append(progress)))
    assert times == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert told == [(step, 5) for step in range(1, 6)]


def test_a_clock_without_seconds_left_makes_few_steps() -> None:
    steps = 0
    started = time.monotonic()
    for moment in Clock(10**6, seconds=0.2):
        assert 0.0 <= moment < 1.0
        time.sleep(0.01)
        steps += 1
    assert 2 <= steps < 100
    assert time.monotonic() - started < 5.0


def test_a_fit_without_time_still_lies_on_the_grid() -> None:
    pixels = np.rint(picture() * 255).astype(np.uint8)
    seeds = seed(picture(), 60, np.random.default_rng(0))
    task = Task(Picture(pixels), Blend.NORMALIZED, BACKGROUND, Quantizer())
    result, _ = fit(task, seeds, lambda *_: 20, PLAN, clock=Clock(80, seconds=0.0))
    assert len(result) <= 20
    back = dequantize(Quantizer(), quantize(Quantizer(), result, WIDTH, HEIGHT))
    assert np.allclose(back.colour, result.colour, atol=1e-4)


def test_the_better_the_fit_the_finer_the_steps() -> None:
    plan = Schedule(80)
    coarse, default, fine = (plan.adapted(Quantizer(), 10.0 ** (-psnr / 10)) for psnr in (20.0, plan.middling, 38.0))
    assert default == Quantizer()
    assert coarse.position > default.position > fine.position
    assert coarse.sizes < default.sizes < fine.sizes
    pixels = np.rint(picture() * 255).astype(np.uint8)
    seeds = seed(picture(), 180, np.random.default_rng(0))
    task = Task(Picture(pixels), Blend.NORMALIZED, BACKGROUND, Quantizer())
    result, quantizer = fit(task, seeds, lambda *_: 60, plan)
    assert quantizer != Quantizer()
    back = dequantize(quantizer, quantize(quantizer, result, WIDTH, HEIGHT))
    assert np.allclose(back.colour, result.colour, atol=1e-4)
