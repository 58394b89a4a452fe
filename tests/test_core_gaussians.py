"""Steps, dequantizing and placing: the core's float64 against NumPy's, to the last bit of float32 but one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc import core
from splatc.attributes import MAX_LEVELS
from splatc.blend import Blend
from splatc.core import structs
from splatc.core.loading import size_of
from splatc.gaussians import Q_MAX
from splatc.quantize import (
    MAX_COLOUR,
    angle_count_table,
    colour_step_table,
    from_coded_colour,
    log_aspect_table,
    offset_count_table,
    offset_middles,
    steps_of,
)
from splatc.steps import MAX_LOG_ASPECT, Quantizer, step_q32
from tests.core_calls import STEPS
from tests.scenes import random_scene

Floats = NDArray[np.float64]


def ulps(found: NDArray[np.float32], exact: Floats) -> float:
    """The largest distance from the nearest float32, in units of its last place; 2^-30 counts as 0 there."""
    nearest = exact.astype(np.float32)
    unit = np.spacing(np.maximum(np.abs(nearest), np.float32(2.0**-7)))
    return float((np.abs(found.astype(float) - nearest.astype(float)) / unit).max(initial=0.0))


# ---- Steps ----


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("slope", [-128, -7, 0, 5, 127])
def test_steps_of_all_levels(channels: int, slope: int) -> None:
    for index in range(0, 192, 5):
        quantizer = Quantizer(
            position=index, position_slope=slope, aspect=index, angle=191 - index, angle_slope=slope, luma=index,
            chroma=191 - index, colour_slope=slope,
        )  # fmt: skip
        (steps,) = steps_of(quantizer, channels).view(STEPS)
        levels = range(MAX_LEVELS)
        assert steps["position"].tolist() == [quantizer.position_step(level) for level in levels]
        assert steps["colour"][:, :channels].tolist() == [
            list(quantizer.colour_steps(level, channels)) for level in levels
        ]
        np.testing.assert_array_equal(steps["directions"], angle_count_table(quantizer))


def test_every_step_of_aspect_and_angle() -> None:
    for index in range(192):
        quantizer = Quantizer(position=index, angle=index, aspect=index, angle_slope=0)
        (steps,) = steps_of(quantizer, 3).view(STEPS)
        assert steps["aspect"] == step_q32(index)
        np.testing.assert_array_equal(steps["log_aspect"], log_aspect_table(quantizer))
        np.testing.assert_array_equal(steps["offsets"], offset_count_table(quantizer))
        np.testing.assert_array_equal(steps["directions"], angle_count_table(quantizer))
        assert (steps["channels"], steps["log_scales"], steps["chroma"].tolist()) == (
            3,
            quantizer.log_scales,
            [0, 1, 1, 0],
        )


# ---- Dequantizing ----


def dequantized(quantizer: Quantizer, columns: core.Columns) -> tuple[Floats, Floats, Floats, Floats]:
    """The text in float64: means, scales, angles, colours."""
    level, aspect = columns.level, columns.aspect
    steps = np.array([quantizer.position_step(each) for each in range(MAX_LEVELS)]) / 2.0**32
    angle = columns.angle * math.pi / angle_count_table(quantizer)[level, aspect]
    in_cell = offset_middles(columns.offset, angle, offset_count_table(quantizer)[aspect])
    mean = (np.stack([columns.x, columns.y], axis=1) + 0.5 + in_cell) * steps[level][:, None]
    log_scale = (level - 1 + (columns.log_scale + 0.5) / quantizer.log_scales) * math.log(2.0)
    half = 0.5 * np.minimum(aspect * (step_q32(quantizer.aspect) / 2.0**32), MAX_LOG_ASPECT)
    scale = np.exp(np.stack([log_scale + half, log_scale - half], axis=1))
    coded = np.clip(
        columns.colour * colour_step_table(quantizer, level, columns.colour.shape[1]), -MAX_COLOUR, MAX_COLOUR
    )
    return mean, scale, angle, from_coded_colour(coded)


def anything(quantizer: Quantizer, channels: int, count: int, seed: int) -> core.Columns:
    rng = np.random.default_rng(seed)
    level, aspect = rng.integers(0, MAX_LEVELS, count), rng.integers(0, 64, count)
    directions, offsets = angle_count_table(quantizer)[level, aspect], offset_count_table(quantizer)[aspect]
    x, y = rng.integers(0, 1 << rng.integers(1, 21, count)), rng.integers(0, 1 << rng.integers(1, 21, count))
    ints = (
        level,
        x,
        y,
        rng.integers(0, quantizer.log_scales, count),
        aspect,
        rng.integers(0, directions),
        rng.integers(0, offsets),
    )
    colour = rng.integers(
        -(1 << rng.integers(1, 16, (count, 1))), 1 << rng.integers(1, 15, (count, 1)), (count, channels)
    )
    one, two, three, four, five, six, seven = (each.astype(np.int32) for each in ints)
    return core.Columns(one, two, three, four, five, six, seven, colour.astype(np.int32))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "quantizer",
    [
        Quantizer(), Quantizer(aspect=191, angle=0, log_scales=1), Quantizer(aspect=90, angle=60, log_scales=32),
        Quantizer(position=0, position_slope=13, luma=0, chroma=191), Quantizer(aspect=128, luma=191, chroma=0),
    ],
)  # fmt: skip
def test_gaussians_are_those_of_the_formula(quantizer: Quantizer, channels: int) -> None:
    columns = anything(quantizer, channels, 4000, channels)
    found = core.dequantize(steps_of(quantizer, channels), columns)
    for (name, values), exact in zip(found.items(), dequantized(quantizer, columns), strict=True):
        assert ulps(values, exact) <= 1.0, name


def test_all_angles_and_offsets() -> None:
    """Every direction of every number of them, with every offset that the aspect allows."""
    quantizer = Quantizer(aspect=96, angle=60)
    rows = []
    for aspect in range(64):
        directions, offsets = (
            int(table) for table in (angle_count_table(quantizer)[3, aspect], offset_count_table(quantizer)[aspect])
        )
        rows += [(aspect, angle, angle * 7 % offsets) for angle in range(directions)]
    aspect, angle, offset = np.ascontiguousarray(np.array(rows, np.int32).T)
    zero = np.zeros(len(rows), np.int32)
    columns = core.Columns(
        zero + 3, zero + 5, zero + 2, zero, aspect, angle, offset, np.zeros((len(rows), 1), np.int32)
    )
    assert {1, 256} <= set(angle_count_table(quantizer)[3].tolist())
    found = core.dequantize(steps_of(quantizer, 1), columns)
    for values, exact in zip(found.values(), dequantized(quantizer, columns), strict=True):
        assert ulps(values, exact) <= 1.0


# ---- Placing ----

PLACED = np.dtype(
    [
        ("x", np.float64), ("y", np.float64), *((name, np.float32) for name in ("a", "b", "c", "extent_x", "extent_y")),
        *((name, np.float32) for name in ("u_x", "u_y", "v_x", "v_y")),
        ("feature", np.float32, 5),
    ]
)  # fmt: skip
"""``core_placed``."""


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("grid_scale", [1.0, 0.25, 3.0])
def test_gaussians_are_placed_as_the_formula_says(channels: int, normalized: bool, grid_scale: float) -> None:
    g = random_scene(np.random.default_rng(0), 500, 300, 200, Blend.SUM, channels).gaussians
    variance = max(0.0, grid_scale**-2 - 1) / 12
    view = structs.CoreView(
        grid_scale=grid_scale,
        shift_x=0.25,
        shift_y=-3.0,
        variance=variance,
        samples=1,
        columns=1,
        rows=1,
        tiles_x=1,
        tiles_y=1,
    )
    placed = core.place(view, vars(g), normalized).memory.view(PLACED)
    assert PLACED.itemsize == size_of("placed")
    before = g.scale.astype(float)
    after = np.sqrt(before**2 + variance)
    gain = before.prod(axis=1) / after.prod(axis=1)
    cos, sin, half = np.cos(g.angle.astype(float)), np.sin(g.angle.astype(float)), 0.5 / math.log(2.0)
    v1, v2 = (after * grid_scale).T ** 2
    np.testing.assert_allclose(placed["x"], g.mean[:, 0].astype(float) * grid_scale - 0.25, rtol=1e-12)
    np.testing.assert_allclose(placed["y"], g.mean[:, 1].astype(float) * grid_scale + 3.0, rtol=1e-12)
    expected = {
        "a": -half * (cos**2 / v1 + sin**2 / v2), "b": -2 * half * cos * sin * (1 / v1 - 1 / v2), "c": -half * (sin**2 / v1 + cos**2 / v2),
        "extent_x": np.sqrt(Q_MAX * (cos**2 * v1 + sin**2 * v2)), "extent_y": np.sqrt(Q_MAX * (sin**2 * v1 + cos**2 * v2)),
        "u_x": np.sqrt(half / v1) * cos, "u_y": np.sqrt(half / v1) * sin, "v_x": -np.sqrt(half / v2) * sin, "v_y": np.sqrt(half / v2) * cos,
    }  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_allclose(placed[name], values, rtol=2e-7, atol=1e-12, err_msg=name)
    feature = np.zeros((500, 5))
    feature[:, :channels] = g.colour * gain[:, None]
    if normalized:
        feature[:, channels] = gain
    np.testing.assert_allclose(placed["feature"], feature, rtol=2e-7)


def test_lists_hold_every_tile_that_a_box_touches() -> None:
    """And no tile that it is more than a point away from; in ascending order."""
    scene = random_scene(np.random.default_rng(1), 300, 700, 200, Blend.SUM)
    g = scene.gaussians
    view = structs.CoreView(grid_scale=1.0, samples=3, columns=250, rows=70, tile_x=1, tile_y=2, tiles_x=5, tiles_y=6)
    placed = core.place(view, vars(g), False)
    lists, records = core.sort_into_tiles(placed), placed.memory.view(PLACED)
    for tile in range(30):
        left, top = (1 + tile % 5) * 126, (2 + tile // 5) * 30
        found = lists.members[lists.starts[tile] : lists.starts[tile + 1]].tolist()
        assert found == sorted(set(found))
        gap_x = np.maximum(
            left - (records["x"] + records["extent_x"]), records["x"] - records["extent_x"] - (left + 126)
        )
        gap_y = np.maximum(top - (records["y"] + records["extent_y"]), records["y"] - records["extent_y"] - (top + 30))
        gap = np.maximum(gap_x, gap_y)
        assert set(np.flatnonzero(gap < 0).tolist()) <= set(found) <= set(np.flatnonzero(gap < 1.0).tolist())
    assert lists.starts[-1] == placed.entries == len(lists.members)


def test_a_coarser_aspect_step_is_clamped() -> None:
    """No needle thinner than exp(-4), whatever the step."""
    quantizer = replace(Quantizer(), aspect=191)
    zero = np.zeros(1, np.int32)
    columns = core.Columns(zero + 4, zero, zero, zero, zero + 63, zero, zero, np.zeros((1, 1), np.int32))
    scale = core.dequantize(steps_of(quantizer, 1), columns)["scale"]
    assert scale[0, 0] / scale[0, 1] == pytest.approx(math.exp(MAX_LOG_ASPECT), rel=1e-6)
