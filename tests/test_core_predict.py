"""Shapes, distances and predictions of the core against the text in unbounded integers, at the ends of all ranges."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc import core
from splatc.attributes import MAX_LEVELS
from splatc.core.loading import address, aligned, load
from splatc.quantize import MAX_ASPECT, angle_count_table, steps_of
from splatc.steps import Quantizer
from tests.core_calls import SITE, PredictCall
from tests.independent_decoder import prediction
from tests.independent_decoder.model import Header, Symbols

Ints = NDArray[np.int32]
COARSEST = Quantizer(
    position=191, position_slope=0, log_scales=1, aspect=191, angle=0, luma=191, chroma=191, colour_slope=0
)
FINEST = Quantizer(position=0, position_slope=0, log_scales=32, aspect=0, angle=191, luma=0, chroma=0, colour_slope=0)


def header_of(quantizer: Quantizer, channels: int = 3) -> Header:
    """What the independent decoder calls it."""
    steps = {name: getattr(quantizer, name) for name in vars(quantizer)}
    return Header(
        version=(1, 0),
        models=0,
        blend=1,
        channels=channels,
        depth=8,
        width=9,
        height=9,
        background=(0,) * channels,
        level_counts=(),
        **steps,
    )


def residuals(quantizer: Quantizer, columns: core.Columns, first: int = 0) -> tuple[Ints, Ints, NDArray[np.void]]:
    """Residuals of angles and colours, and the sites that the core makes them with."""
    call = PredictCall(len(columns.level), first)
    channels = columns.colour.shape[1]
    steps = steps_of(quantizer, channels)
    angle, colour = np.zeros_like(columns.angle), np.zeros_like(columns.colour)
    for name, array in columns.addresses().items():
        setattr(call.task, name, array)
    call.task.steps, call.task.angle_residual, call.task.colour_residual = (
        address(steps),
        address(angle),
        address(colour),
    )
    assert call.run() == 0
    return angle, colour, call.sites


def columns_of(rows: Sequence[Sequence[int]], channels: int = 3) -> core.Columns:
    """Rows of level, log scale, aspect, angle; all in one cell, and black."""
    level, log_scale, aspect, angle = np.ascontiguousarray(np.array(rows, np.int32).T)
    zero = np.zeros(len(rows), np.int32)
    return core.Columns(level, zero, zero, log_scale, aspect, angle, zero, np.zeros((len(rows), channels), np.int32))


def assert_shapes(quantizer: Quantizer, rows: list[tuple[int, int, int, int]]) -> None:
    """The covariances of rows of level, log scale, aspect, angle."""
    _, _, sites = residuals(quantizer, columns_of(rows), len(rows))
    header, directions = header_of(quantizer), angle_count_table(quantizer)
    found = list(zip(*(sites[name].tolist() for name in ("xx", "xy", "yy")), strict=True))
    for (level, log_scale, aspect, angle), covariance in zip(rows, found, strict=True):
        gaussian = Symbols(level, 0, 0, log_scale, aspect, int(directions[level, aspect]), 0, 0, [])
        assert covariance == prediction.shape(header, gaussian, angle)


@pytest.mark.parametrize("step", [96, 113])
def test_every_shape_is_that_of_the_text(step: int) -> None:
    """All log scales and aspects at four levels, in 16 directions of those that there are."""
    quantizer = Quantizer(aspect=step)
    directions = angle_count_table(quantizer)
    rows = []
    for level, log_scale, aspect in itertools.product(
        (0, 3, 9, MAX_LEVELS - 1), range(quantizer.log_scales), range(MAX_ASPECT + 1)
    ):
        count = int(directions[level, aspect])
        rows += [(level, log_scale, aspect, k * count // min(16, count)) for k in range(min(16, count))]
    assert_shapes(quantizer, rows)


@pytest.mark.parametrize("log_scales", [1, 5, 32])
def test_shapes_of_all_levels_are_those_of_unbounded_integers(log_scales: int) -> None:
    rng = np.random.default_rng(log_scales)
    quantizer = Quantizer(log_scales=log_scales, aspect=191)
    directions = angle_count_table(quantizer)
    rows = [
        (level, int(rng.integers(log_scales)), aspect, int(rng.integers(directions[level, aspect])))
        for level, aspect in itertools.product(range(MAX_LEVELS), range(64))
    ]
    assert_shapes(quantizer, rows)


def test_every_step_of_the_aspect_stretches_as_the_text_says() -> None:
    for step in range(60, 192):
        assert_shapes(Quantizer(aspect=step), [(3, 0, aspect, 0) for aspect in range(MAX_ASPECT + 1)])


def test_covariances_are_about_those_of_the_gaussians() -> None:
    rng = np.random.default_rng(0)
    quantizer = Quantizer()
    directions = angle_count_table(quantizer)
    rows = [(int(rng.integers(9)), int(rng.integers(5)), int(rng.integers(40)), 0) for _ in range(2000)]
    columns = columns_of([(*row[:3], int(rng.integers(directions[row[0], row[2]]))) for row in rows])
    _, _, sites = residuals(quantizer, columns, len(rows))
    floats = core.dequantize(steps_of(quantizer, 3), columns)
    scale, angle = floats["scale"], floats["angle"]
    cos, sin = np.cos(angle), np.sin(angle)
    v1, v2 = scale.T.astype(float) ** 2
    expected = np.stack([cos**2 * v1 + sin**2 * v2, cos * sin * (v1 - v2), sin**2 * v1 + cos**2 * v2])
    found = np.stack([sites[name] for name in ("xx", "xy", "yy")]) / 256.0
    assert np.all(np.abs(found - expected) <= 0.2 * v1 + 0.02)


# ---- Predictions ----


def gaussians(
    rng: np.random.Generator, quantizer: Quantizer, count: int, channels: int, spread: int, levels: int, loud: bool
) -> core.Columns:
    """Any, on `spread` cells a side at most."""
    steps = steps_of(quantizer, channels)
    level = rng.integers(0, levels, count).astype(np.int32)
    cells = np.minimum(np.minimum((1 << 58) // position_steps(quantizer)[level], 1 << 26), spread)
    x, y = (rng.random((2, count)) * cells).astype(np.int32)
    aspect = rng.integers(0, 64, count).astype(np.int32)
    directions = angle_count_table(quantizer)[level, aspect]
    colour = rng.integers(-32768, 32768, (count, channels)) if loud else rng.integers(-40, 41, (count, channels))
    assert len(steps)
    log_scale, angle = rng.integers(0, quantizer.log_scales, count), rng.integers(0, directions)
    offset = np.zeros(count, np.int32)
    ints = (log_scale.astype(np.int32), aspect, angle.astype(np.int32), offset, colour.astype(np.int32))
    return core.Columns(level, x, y, *ints)


def position_steps(quantizer: Quantizer) -> NDArray[np.int64]:
    return np.array([quantizer.position_step(level) for level in range(MAX_LEVELS)], np.int64)


QUANTIZERS = [
    Quantizer(), COARSEST, FINEST, Quantizer(luma=191, chroma=0, colour_slope=0), Quantizer(luma=0, chroma=191, colour_slope=0),
    Quantizer(position=0, position_slope=13, colour_slope=12), Quantizer(position=191, position_slope=-13, log_scales=1, colour_slope=-12),
]  # fmt: skip


@pytest.mark.parametrize("quantizer", QUANTIZERS)
@pytest.mark.parametrize(("channels", "first"), [(1, 0), (2, 10), (3, 0), (3, 30), (4, 1)])
@pytest.mark.parametrize(
    ("spread", "levels", "loud"), [(1, 16, True), (4, 1, False), (30, 5, False), (1 << 26, 16, True)]
)
def test_the_text_gives_back_what_the_core_has_predicted(
    quantizer: Quantizer, channels: int, first: int, spread: int, levels: int, loud: bool
) -> None:
    """All in one cell, next to each other, or as far apart as coordinates go; all levels; the finest and the coarsest steps."""
    rng = np.random.default_rng([channels, first, spread & 1023, levels])
    columns = gaussians(rng, quantizer, 45, channels, spread, levels, loud)
    angle, colour, sites = residuals(quantizer, columns, first)
    directions = angle_count_table(quantizer)[columns.level, columns.aspect]
    arrays = (columns.level, columns.x, columns.y, columns.log_scale, columns.aspect, directions, angle)
    symbols = []
    for i in range(45):
        level, x, y, log_scale, aspect, count, residual = (int(array[i]) for array in arrays)
        symbols.append(Symbols(level, x, y, log_scale, aspect, count, residual, 0, colour[i].tolist()))
    known = columns.angle[:first].tolist(), columns.colour[:first].tolist()
    angles, colours = prediction.predict(header_of(quantizer, channels), symbols, *known)
    assert angles == columns.angle.tolist()
    assert colours == columns.colour.tolist()
    assert np.all((angle >= 0) & (angle < directions))
    assert np.abs(colour).max() <= 1 << 15
    for name in ("x", "y"):
        places = (2 * getattr(columns, name).astype(np.int64) + 1) * position_steps(quantizer)[columns.level] >> 29
        np.testing.assert_array_equal(sites[name], places)


def test_ancestors_have_no_residuals() -> None:
    columns = gaussians(np.random.default_rng(0), Quantizer(), 60, 3, 30, 5, False)
    whole, part = residuals(Quantizer(), columns), residuals(Quantizer(), columns, 25)
    for of_whole, of_part in zip(whole[:2], part[:2], strict=True):
        np.testing.assert_array_equal(of_part[25:], of_whole[25:])
        assert not of_part[:25].any()


def test_the_cells_of_a_grid_are_in_morton_order() -> None:
    """Codes of sites: bits of y and x in turn."""
    steps, count = core.make_steps(3, 128, 0, *(5, 0, 0, 0, 0, 0, 0)), 64
    assert len(steps)
    x, y = np.random.default_rng(0).integers(0, 1 << 30, (2, count)).astype(np.int32)
    sites, found = np.zeros(count, SITE), np.zeros((count, 16), np.int32)
    size = load().core_decode_workspace(count, count)
    workspace = aligned(size)
    arrays = address(found), address(sites), address(workspace)
    assert load().core_find_neighbours(address(x), address(y), count, 0, *arrays, size) == 0
    for code, across, down in zip(sites["code"].tolist(), x.tolist(), y.tolist(), strict=True):
        assert int(f"{code:064b}"[1::2], 2) == across
        assert int(f"{code:064b}"[::2], 2) == down
