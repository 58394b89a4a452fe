"""Gaussians and headers that the core may not be given: it refuses whatever is out of range or does not fit the buffers of a call.

tools/core_mutation.py takes each check away.
"""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from splatc import core
from splatc.attributes import FLOATS
from splatc.core import loading, structs
from splatc.core.loading import address, aligned, load
from splatc.core.structs import ColumnPointers, FloatPointers
from tests.core_calls import (
    DEFAULT,
    INVALID,
    MOST,
    OK,
    SITE,
    STEPS,
    STEPS_END,
    PredictCall,
    blank,
    chained,
    zeros,
)

# ---- Gaussians that are given ----

OUT_OF_RANGE = [
    ("level", -1), ("level", 16), ("x", -1), ("y", -1), ("x", MOST), ("y", MOST), ("log_scale", -1), ("log_scale", 5), ("aspect", -1),
    ("aspect", 64), ("angle", -1), ("angle", 1), ("colour", -32769), ("colour", 32768),
]  # fmt: skip
IN_RANGE = [
    ("level", 15), ("x", MOST - 1), ("y", MOST - 1), ("log_scale", 4), ("aspect", 63), ("colour", -32768), ("colour", 32767)
]  # fmt: skip


@pytest.mark.parametrize(("column", "value"), [*OUT_OF_RANGE, *IN_RANGE])
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("place", [0, 19])
def test_gaussians_that_are_given_are_in_range(column: str, value: int, known: bool, place: int) -> None:
    expected = INVALID if (column, value) in OUT_OF_RANGE else OK
    if known:
        call = chained([20], fields=(0, 0, *DEFAULT[2:]))
        for name, array in vars(blank(20, 3)).items():
            getattr(call.columns, name)[:] = array
        call.sections[0]["known"] = 1
        getattr(call.columns, column)[place] = value
        assert call.run(0) == expected
    else:
        predict = PredictCall()
        predict.steps[:] = core.make_steps(3, 0, 0, *DEFAULT[2:])
        predict.columns[column][place] = value
        assert predict.run() == expected


def test_levels_below_the_first() -> None:
    """Where what stands before the steps could be one, and the row before the directions as well."""
    memory = np.full(loading.size_of("steps") + 64, 1, np.uint8)
    memory[64:] = core.make_steps(3, *DEFAULT)
    call = PredictCall()
    call.task.steps = address(memory) + 64
    assert call.run() == OK
    call.columns["level"][7] = -1
    assert call.run() == INVALID
    call.columns["level"][7], call.columns["aspect"][7] = 1, -1  # the last of the row before
    assert call.run() == INVALID


@pytest.mark.parametrize("column", ["x", "y"])
def test_coarse_positions_of_given_gaussians(column: str) -> None:
    """Multiplied by the coarsest step they would not fit 64 bits."""
    for value, expected in ((STEPS_END - 1, OK), (STEPS_END, INVALID), (MOST - 1, INVALID)):
        call = PredictCall()
        call.steps[:] = core.make_steps(3, 191, 0, *DEFAULT[2:])
        call.columns[column][3] = value
        assert call.run() == expected
        assert expected or 0 <= call.sites[3][column] < 1 << 30


@pytest.mark.parametrize(
    ("field", "value"),
    [("count", -1), ("count", MOST + 1), ("first", -1), ("first", 21), ("workspace", 8), ("workspace_bytes", -1)],
)
def test_what_the_encoder_gives(field: str, value: int) -> None:
    call = PredictCall()
    assert call.run() == OK
    relative = field.startswith("workspace")
    setattr(call.task, field, getattr(call.task, field) + value if relative else value)
    assert call.run() == INVALID


def test_a_count_that_no_workspace_holds() -> None:
    """core_decode_workspace has no size for it: -1 is not enough room."""
    call, memory = PredictCall(), zeros(12 * (MOST + 1))
    for name in call.columns:
        setattr(call.task, name, address(memory))
    call.task.count, call.task.first, call.task.workspace_bytes = MOST + 1, MOST + 1, 1 << 60
    assert call.run() == INVALID


# ---- Neighbours ----


def test_points_for_neighbours() -> None:
    count = 30
    x, y, found = np.zeros(count, np.int32), np.zeros(count, np.int32), np.zeros((count, 16), np.int32)
    size = load().core_decode_workspace(count, count)
    memory, sites = aligned(size + 64), np.zeros(count, SITE)

    def run(count: int = count, first: int = 10, shift: int = 0, size: int = size) -> int:
        arrays = address(found), address(sites), address(memory) + shift
        return int(load().core_find_neighbours(address(x), address(y), count, first, *arrays, size))

    assert run() == run(first=0) == run(first=30) == run(count=0, first=0) == OK
    for wrong in ({"count": -1}, {"count": MOST + 1}, {"first": -1}, {"first": 31}, {"shift": 8}, {"size": size - 1}):
        assert run(**wrong) == INVALID
    assert run(count=-1, first=-1) == INVALID
    for array in (x, y):
        for value, expected in ((-1, INVALID), (1 << 30, INVALID), ((1 << 30) - 1, OK)):
            array[17] = value
            assert run() == expected
        array[17] = 0
    x = y = zeros(4 * (MOST + 1)).view(np.int32)
    assert run(count=MOST + 1, first=MOST + 1, size=1 << 60) == INVALID


# ---- Headers ----


def test_headers() -> None:
    steps = np.zeros(loading.size_of("steps"), np.uint8)

    def made(**changed: int) -> int:
        header = structs.CoreHeader(3, *DEFAULT)
        for name, value in changed.items():
            setattr(header, name, value)
        return int(load().core_make_steps(header, address(steps)))

    assert made() == made(channels=1) == made(channels=4) == made(log_scales=1) == made(log_scales=32) == OK
    for wrong in (
        {"channels": 0},
        {"channels": 5},
        {"log_scales": 0},
        {"log_scales": 33},
        {"models": 8},
        {"models": -1},
    ):
        assert made(**wrong) == INVALID
    for name in (field[0] for field in structs.CoreHeader._fields_[1:]):
        if name not in ("log_scales", "models"):
            assert made(**{name: 1 << 20}) == made(**{name: -(1 << 20)}) == OK
            assert made(**{name: (1 << 20) + 1}) == made(**{name: -(1 << 20) - 1}) == INVALID
    assert (
        load().core_make_steps(None, address(steps))
        == load().core_make_steps(structs.CoreHeader(3, *DEFAULT), None)
        == INVALID
    )


def test_first_tables() -> None:
    steps, tables = core.make_steps(3, *DEFAULT), np.zeros(loading.size_of("tables"), np.uint8)

    def made() -> int:
        return int(load().core_first_tables(address(steps), address(tables)))

    assert made() == OK
    for wrong in (0, 33):
        steps.view(STEPS)["log_scales"] = wrong
        assert made() == INVALID
    for fits in (1, 32):
        steps.view(STEPS)["log_scales"] = fits
        assert made() == OK
    assert load().core_first_tables(None, address(tables)) == load().core_first_tables(address(steps), None) == INVALID


# ---- Dequantizing ----


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("level", -1, INVALID),
        ("level", 16, INVALID),
        ("level", 15, OK),
        ("aspect", -1, INVALID),
        ("aspect", 64, INVALID),
        ("aspect", 63, OK),
    ],
)
def test_integers_that_index_a_table(column: str, value: int, expected: int) -> None:
    columns = blank(3, 3)
    getattr(columns, column)[2] = value
    results = [np.zeros(9, np.float32) for _ in FLOATS]
    given = ColumnPointers(**columns.addresses()), FloatPointers(*map(address, results))
    steps, arrays = core.make_steps(3, *DEFAULT), [ctypes.addressof(each) for each in given]
    assert load().core_dequantize(address(steps), 3, *arrays) == expected
    assert (
        load().core_dequantize(address(steps), 2, *arrays) == load().core_dequantize(address(steps), 0, *arrays) == OK
    )
    assert load().core_dequantize(address(steps), -1, *arrays) == INVALID
