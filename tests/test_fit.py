"""The fit on a small picture: better than where it began, on the grid at the end, the same every time."""

from __future__ import annotations

import math
import time
from dataclasses import fields, replace

import numpy as np
import pytest

from splatc.blend import Blend
from splatc.fit import task
from splatc.fit.clock import Clock
from splatc.fit.engines.core import CoreEngine
from splatc.fit.rounding import quantize_share, rounded, step_rows
from splatc.fit.schedule import Fill, Prune, Round, Schedule, Trim, schedule
from splatc.fit.seeding import seed
from splatc.fit.table import ANGLE, COLOUR, FROZEN, LOG_ASPECT, NAMES, ROWS
from splatc.fit.task import Task, Tune
from splatc.fit.trainer import Moment, Snapshot, fit
from splatc.gaussians import FloatArray, Gaussians, Scene
from splatc.quantize import dequantize, quantize
from splatc.render import render
from splatc.steps import Quantizer
from tests.engines import table_of
from tests.scenes import floats, random_gaussians

WIDTH, HEIGHT = 48, 40
BACKGROUND = floats([0.5, 0.5, 0.5])
PLAN = Schedule(80, adapt=0.0)


def picture() -> FloatArray:
    """(HEIGHT, WIDTH, 3) an edge and a gradient."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / 40
    return floats(np.stack([x * 0.7, (x + y > 1.1) * 0.8 + 0.1, 0.5 + 0.3 * np.sin(5 * y)], axis=-1).clip(0, 1))


def fitted(plan: Schedule, blend: Blend = Blend.NORMALIZED, tune: Tune = "psnr", count: int = 60) -> Gaussians:
    return fit_of(plan, blend, tune, count=count)[0]


def fit_of(
    plan: Schedule, blend: Blend = Blend.NORMALIZED, tune: Tune = "psnr", *, count: int = 60, clock: Clock | None = None
) -> tuple[Gaussians, Quantizer]:
    pixels = np.rint(picture() * 255).astype(np.uint8)
    what = Task(pixels, blend, BACKGROUND, Quantizer(), tune)
    seeds = seed(picture(), 3 * count, np.random.default_rng(0))
    return fit(CoreEngine(what), what, seeds, lambda *_: count, plan, clock=clock)


def error(gaussians: Gaussians, blend: Blend) -> float:
    return float(np.mean((render(Scene(WIDTH, HEIGHT, blend, BACKGROUND, gaussians)) - picture()) ** 2))


@pytest.mark.parametrize("rows", [1, 3, 10, HEIGHT])
@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
def test_what_a_loss_of_neighbourhoods_looks_at(reduction: int, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of rows, one after the other; and what they say is gathered at every pixel of the picture in turn."""
    monkeypatch.setattr(task, "WINDOW", rows * WIDTH)
    pixels = np.rint(picture() * 255).astype(np.uint8)
    here = Task(pixels, Blend.SUM, BACKGROUND, Quantizer(), "ssim")
    windows = -(-HEIGHT // rows)
    seen = np.zeros((HEIGHT, WIDTH), int)
    for step in range(windows * reduction**2):
        window, part = here.window(step), here.gathered(reduction, step)
        assert window.reduction == 1 and window.width == WIDTH and window.height <= rows + 1
        assert window.y0 <= part.y0 and part.y0 + (part.height - 1) * part.reduction < window.y0 + window.height
        seen[part.y0 :: part.reduction, part.x0 :: part.reduction][: part.height, : part.width] += 1
    if rows >= reduction:
        assert (seen == 1).all()
    else:  # where a window has no row of the subset all of its pixels count
        assert (seen >= 1).all()
    assert here.samples == min(3 * rows * WIDTH, pixels.size)


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
    rotation = np.mod(back.angle - result.angle + 0.5 * math.pi, math.pi) - 0.5 * math.pi
    assert np.abs(rotation[elongated]).max() < 1e-3


def test_an_unquantized_fit_is_better_and_off_the_grid() -> None:
    free = fitted(replace(PLAN, quantized=False))
    assert error(free, Blend.NORMALIZED) < error(fitted(PLAN), Blend.NORMALIZED)


def test_one_seed_one_result() -> None:
    first, second = fitted(PLAN), fitted(PLAN)
    for field in fields(first):
        assert np.array_equal(getattr(first, field.name), getattr(second, field.name)), field.name


def test_tables_round_trip() -> None:
    gaussians = random_gaussians(np.random.default_rng(1), 50, 64, 64, scales=(1.0, 9.0))
    back = table_of(gaussians).gaussians()
    for field in fields(back):
        assert np.allclose(getattr(back, field.name), getattr(gaussians, field.name), rtol=1e-4, atol=1e-4), field.name


def test_swapped_axes_are_put_right() -> None:
    gaussians = random_gaussians(np.random.default_rng(2), 20, 64, 64, scales=(1.0, 9.0))
    swapped = table_of(gaussians)
    swapped.values[LOG_ASPECT] *= -1
    swapped.values[ANGLE] += 0.5 * math.pi
    rotation = swapped.gaussians().angle - gaussians.angle
    assert np.allclose(np.mod(rotation + 0.1, math.pi), 0.1, atol=1e-3)
    assert np.allclose(swapped.gaussians().scale, gaussians.scale, rtol=1e-4)


def test_angles_stay_below_pi() -> None:
    table = table_of(random_gaussians(np.random.default_rng(2), 5, 64, 64))
    table.values[ANGLE] = [-1e-9, math.pi, -math.pi, 7.0 * math.pi - 1e-6, 0.0]
    angle = table.gaussians().angle
    assert bool(((angle >= 0.0) & (angle < np.float32(math.pi))).all())


def test_a_table_is_kept_and_extended_as_one() -> None:
    table, rng = table_of(random_gaussians(np.random.default_rng(1), 6, 64, 48)), np.random.default_rng(2)
    table.first[:], table.second[:], table.frozen[:] = 1.0, 2.0, 31
    assert table.free() == ()
    more = table.joined(table.values[:, :3], rng).keep(np.array([8, 0, 7]))
    assert np.array_equal(more.values, table.values[:, [2, 0, 1]])
    assert more.first[0].tolist() == [0.0, 1.0, 0.0] and more.second[5].tolist() == [0.0, 2.0, 0.0]
    assert more.frozen.tolist() == [0, 31, 0]
    assert more.order[1] == table.order[0] and bool(((more.order >= 0.0) & (more.order < 1.0)).all())
    assert more.free() == NAMES
    assert all(each.flags.c_contiguous for each in (more.values, more.first, more.second))


def test_rounding_moves_nothing_by_more_than_half_a_step() -> None:
    values = table_of(random_gaussians(np.random.default_rng(3), 80, 64, 64, scales=(1.0, 9.0))).values
    shaped = rounded(values, Quantizer(), ("log_scale", "log_aspect", "angle"))
    rounded_values = rounded(shaped, Quantizer(), ("mean", "colour"))
    widths = step_rows(shaped, Quantizer())
    for name, row in ROWS.items():
        before = (shaped if name in ("mean", "colour") else values)[row]
        moved = np.abs(rounded_values[row] - before)
        if name != "angle":  # whose number of directions depends on the aspect ratio
            share = 1.0 if name == "mean" else 0.501  # a mean stays in its cell
            assert bool((moved <= share * widths[row]).all()), name


def test_quantizing_by_shares_ends_with_everything_frozen() -> None:
    table = table_of(random_gaussians(np.random.default_rng(4), 30, 64, 64))
    before = table.copy()
    quantize_share(table, Quantizer(), ("colour",), 0.5)
    frozen = (table.frozen & FROZEN["colour"]) != 0
    assert np.array_equal(frozen, table.order < 0.5)
    assert np.array_equal((table.values != before.values).any(axis=0), frozen)
    assert np.array_equal(table.values[:5], before.values[:5])
    assert "colour" in table.free()
    colours = table.values[COLOUR].copy()
    quantize_share(table, Quantizer(), NAMES, 1.0)
    assert table.free() == ()
    assert np.array_equal(table.values[COLOUR][:, frozen], colours[:, frozen])


@pytest.mark.parametrize("effort", range(1, 10))
def test_schedules_prune_then_round_in_order(effort: int) -> None:
    plan = schedule(effort)
    events = [event for _, event in plan.events()]
    prunings = [event for event in events if isinstance(event, Prune)]
    rounds = [event for event in events if isinstance(event, Round)]
    assert [event.share for event in prunings] == [k / plan.prunings for k in range(1, plan.prunings + 1)]
    assert events[: plan.prunings] == prunings
    assert len(rounds) == 3 * plan.stages and rounds[-1] == Round(("colour",), 1.0)
    assert events.index(Trim()) == plan.prunings + len(plan.fills) + 2 * plan.stages
    last_shapes = max(k for k, event in enumerate(events) if event == Round(("log_scale", "log_aspect", "angle"), 1.0))
    fills = [k for k, event in enumerate(events) if event == Fill()]
    assert len(fills) == len(plan.fills) and max(fills) < last_shapes  # or the new ones would keep shapes off the grid


def test_gaussians_that_have_become_cheaper_make_room_for_more() -> None:
    """As of noisy pictures, where the rate term takes half of their bits away after pruning is done."""

    def budget(moment: Moment) -> int:
        return 60 if moment.time < 0.42 else 90

    what = Task(np.rint(picture() * 255).astype(np.uint8), Blend.NORMALIZED, BACKGROUND, Quantizer())
    seeds = seed(picture(), 180, np.random.default_rng(0))
    result, quantizer = fit(CoreEngine(what), what, seeds, budget, PLAN)
    assert 85 <= len(result) <= 90
    integers = quantize(quantizer, result, WIDTH, HEIGHT)
    again = quantize(quantizer, dequantize(quantizer, integers), WIDTH, HEIGHT)
    assert all(np.array_equal(getattr(integers, name), getattr(again, name)) for name in vars(integers))
    few, _ = fit(CoreEngine(what), what, seeds, budget, replace(PLAN, fills=()))
    assert len(few) <= 60


def test_a_marked_fit_goes_on_as_if_nothing_had_been_or_to_another_number() -> None:
    what = Task(np.rint(picture() * 255).astype(np.uint8), Blend.NORMALIZED, BACKGROUND, Quantizer())
    seeds = seed(picture(), 180, np.random.default_rng(0))
    plain = replace(PLAN, rate=0.0)  # the rate term needs the loss of a step before
    plan = replace(plain, marks=(0.3,))
    marks: list[Snapshot] = []
    whole, _ = fit(CoreEngine(what), what, seeds, lambda *_: 60, plan, mark=marks.append)
    unmarked, _ = fit(CoreEngine(what), what, seeds, lambda *_: 60, plain)
    (marked,) = marks
    calls: list[tuple[int, int]] = []
    clock = Clock(plan.steps, start=marked.time, progress=lambda *progress: calls.append(progress))
    again, _ = fit(CoreEngine(what), what, marked, lambda *_: 60, plan, clock=clock)
    for field in fields(whole):
        assert np.array_equal(getattr(whole, field.name), getattr(again, field.name)), field.name
        assert np.array_equal(getattr(whole, field.name), getattr(unmarked, field.name)), field.name
    assert (marked.index, calls[0], calls[-1]) == (24, (25, 80), (80, 80))
    for count in (50, 70):
        other, _ = fit(CoreEngine(what), what, marked, lambda *_, count=count: count, plan)
        assert len(other) == count


def test_no_step_is_marked_where_time_has_run_out() -> None:
    what = Task(np.rint(picture() * 255).astype(np.uint8), Blend.NORMALIZED, BACKGROUND, Quantizer())
    marks: list[Snapshot] = []
    seeds = seed(picture(), 60, np.random.default_rng(0))
    plan = replace(PLAN, marks=(0.3,))
    fit(CoreEngine(what), what, seeds, lambda *_: 20, plan, clock=Clock(80, seconds=0.0), mark=marks.append)
    assert not marks


def test_large_pictures_are_seen_more_thinly() -> None:
    plan, few = Schedule(100), 40
    assert plan.reduction(4000, 4000, 16_000_000 // 16 // few) == 4
    assert plan.reduction(2000, 2000, 4_000_000 // 16 // few) == 2
    assert plan.reduction(2000, 2000, 4_000_000 // 16 // 100) == 4


def test_a_clock_counts_steps() -> None:
    calls: list[tuple[int, int]] = []
    times = list(Clock(5, progress=lambda *progress: calls.append(progress)))
    assert times == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert calls == [(step, 5) for step in range(1, 6)]


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
    result, _ = fit_of(PLAN, count=20, clock=Clock(80, seconds=0.0))
    assert len(result) <= 20
    back = dequantize(Quantizer(), quantize(Quantizer(), result, WIDTH, HEIGHT))
    assert np.allclose(back.colour, result.colour, atol=1e-4)


def test_the_better_the_fit_the_finer_the_steps() -> None:
    plan = Schedule(80)
    coarse, default, fine = (plan.adapted(Quantizer(), 10.0 ** (-psnr / 10)) for psnr in (20.0, plan.middling, 38.0))
    assert default == Quantizer()
    assert coarse.position > default.position > fine.position
    assert coarse.log_scales < default.log_scales < fine.log_scales
    result, quantizer = fit_of(plan)
    assert quantizer != Quantizer()
    back = dequantize(quantizer, quantize(quantizer, result, WIDTH, HEIGHT))
    assert np.allclose(back.colour, result.colour, atol=1e-4)
