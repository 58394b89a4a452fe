"""Wrong arguments of reading and writing: the core refuses whatever does not fit the buffers of a call.

tools/core_mutation.py takes each check away.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

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
    DecodeCall,
    PredictCall,
    blank,
    chained,
    decode_call,
    zeros,
)
from tests.fuzz.seeds import seeds

STEPS_END = (1 << 58) // (120194 << 23)
"""Cells a side where positions have the coarsest step: their coordinates in 1/16 px have 30 bits."""


@pytest.fixture(scope="module")
def divided() -> bytes:
    """A file of a section and others that go on from it."""
    return seeds()[-2]


def section_call(divided: bytes) -> DecodeCall:
    call = decode_call(divided)
    assert call.run(0) == OK
    return call


# ---- Sections ----


def test_a_whole_file_is_read(divided: bytes) -> None:
    call = decode_call(divided)
    assert call.run_all() == [OK] * len(call.sections)
    assert call.sections["parent"].tolist()[:2] == [-1, 0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("start", lambda call: -1), ("start", lambda call: call.task.count - call.sections[1]["count"] + 1),
        ("start", lambda call: call.sections[0]["count"] - 1), ("count", lambda call: -1),
        ("count", lambda call: call.sections[1]["count"] + 1),
        ("stream", lambda call: -1), ("stream", lambda call: call.task.byte_count - call.sections[1]["length"] + 1),
        ("length", lambda call: -1), ("length", lambda call: call.task.byte_count + 1), ("parent", lambda call: 1),
        ("parent", lambda call: 2),
        ("parent", lambda call: -2), ("tables", lambda call: -2), ("tables", lambda call: call.task.table_count),
        ("first_level", lambda call: -1), ("first_level", lambda call: call.task.level_count), ("levels", lambda call: -1),
        ("levels", lambda call: call.task.level_count),
    ],
)  # fmt: skip
def test_a_number_of_a_section_lies(divided: bytes, field: str, value: Callable[[DecodeCall], int]) -> None:
    call = section_call(divided)
    call.sections[1][field] = value(call)
    assert call.run(1) == INVALID
    assert call.sections[1]["status"] == INVALID


def test_a_first_section_lies(divided: bytes) -> None:
    """Where no ancestor gives it away."""
    call = decode_call(divided)
    call.sections[0]["start"] = -1
    assert call.run(0) == INVALID
    call.sections[0]["start"], call.sections[0]["known"], call.sections[0]["count"] = 0, 1, -1
    assert call.run(0) == INVALID


def test_a_parent_behind_the_last_section(divided: bytes) -> None:
    """There is one in memory, but the call does not say so."""
    call = decode_call(divided)
    last = len(call.sections) - 1
    call.sections[last] = call.sections[0]
    call.sections[last]["count"] = call.sections[last]["levels"] = 0
    call.sections[1]["parent"], call.sections[1]["start"] = last, 0
    call.sections[last]["tables"], call.sections[last]["ends"] = 0, 0
    call.tables[:] = call.first
    call.task.section_count = last
    assert call.run(1) == INVALID


def test_an_empty_stream() -> None:
    call = chained([0])
    call.sections["levels"], call.sections["length"] = 0, 0
    assert call.run(0) == OK


def test_the_last_numbers_that_fit(divided: bytes) -> None:
    """One less than what is refused above."""
    call = section_call(divided)
    last = len(call.sections) - 1
    assert call.sections[last]["start"] + call.sections[last]["count"] == call.task.count
    assert call.sections[last]["stream"] + call.sections[last]["length"] == call.task.byte_count
    assert call.run(last) == OK
    assert call.sections[1]["start"] == call.sections[0]["count"]
    assert call.run(1) == OK


@pytest.mark.parametrize(
    ("field", "value"),
    [("tables", -1), ("tables", 1 << 40), ("status", 1), ("decoded", 0), ("decoded", 37), ("parent", -2)],
)
def test_an_ancestor_is_not_there(divided: bytes, field: str, value: int) -> None:
    call = section_call(divided)
    assert call.sections[0]["decoded"] == 38
    call.sections[0][field] = value
    assert call.run(1) == INVALID


def test_an_ancestor_that_was_refused_is_none() -> None:
    call = chained([0, 0])
    call.sections["levels"] = 0
    call.sections[0]["tables"] = -2
    assert call.run_all() == [INVALID, INVALID]


def test_tables_that_are_not_there() -> None:
    """The tables of a section that has no children need not be kept; one behind the last are not there."""
    call = chained([0])
    call.sections["levels"] = 0
    for tables, status in ((-1, OK), (0, OK), (1, INVALID)):
        call.sections[0]["tables"] = tables
        assert call.run(0) == status
    call.task.table_count = 0
    call.sections[0]["tables"] = 0
    assert call.run(0) == INVALID


def test_numbers_of_sections_and_workers(divided: bytes) -> None:
    call = section_call(divided)
    for number, worker in ((-1, 0), (len(call.sections), 0), (0, -1), (0, call.workers)):
        assert call.run(number, worker) == INVALID
    assert call.run(0, call.workers - 1) == OK
    call.task.section_count = 1
    assert call.run(1) == INVALID  # in memory, but not passed
    call.task.sections += structs.SECTION.itemsize
    call.sections[0]["parent"] = -1
    assert call.run(-1) == INVALID  # likewise


def test_a_chain_may_have_sixteen_sections() -> None:
    call = chained([0] * 17)
    call.sections["levels"] = 0
    call.sections["margin"] = -1
    assert call.run_all() == [OK] * 16 + [INVALID]


def test_a_section_may_have_sixteen_levels() -> None:
    for levels, status in ((16, OK), (17, INVALID)):
        call = chained([levels], stream=bytes(400))
        each = np.zeros(levels, structs.LEVEL)
        each["count"], each["columns"], each["rows"] = 1, 1, 1
        call.levels, call.sections[0]["levels"] = each, levels
        call.task.levels, call.task.level_count = address(each), levels
        assert call.run(0) == status


def test_more_gaussians_than_there_may_be() -> None:
    """Counts that no array here holds: without the check the workspace would be said to be large enough."""
    for counts in ((MOST + 1, 0), (MOST, 1), (1, MOST)):
        call = chained([0, 0])
        call.sections["levels"] = 0
        assert call.run(0) == OK
        for number, count in enumerate(counts):
            call.sections[number]["count"], call.sections[number]["decoded"] = count, count
            call.levels[number]["count"] = max(count, 1)
            call.sections[number]["levels"] = 1 if count else 0
        call.sections[1]["start"] = counts[0]
        call.task.count = 1 << 40
        call.task.workspace_bytes = 0
        call.levels[0]["count"] = min(call.levels[0]["count"], MOST)
        assert call.run(1) == INVALID


@pytest.mark.parametrize(
    ("field", "change"), [("workspace", 8), ("workspace_bytes", 8), ("workspace_bytes", -64), ("steps", None)]
)
def test_what_a_decoder_is_given(divided: bytes, field: str, change: int | None) -> None:
    call = section_call(divided)
    needed = load().core_decode_workspace(int(call.sections[1]["count"]), int(call.sections[:2]["count"].sum()))
    assert call.task.workspace_bytes >= needed
    call.task.workspace_bytes = needed  # a multiple of 64
    assert call.run(1) == OK
    setattr(call.task, field, None if change is None else getattr(call.task, field) + change)
    assert call.run(1) == INVALID


@pytest.mark.parametrize(
    ("own", "chain", "fits"),
    [(0, 0, 1), (-1, 0, 0), (1, 0, 0), (1, 1, 1), (0, MOST, 1), (0, MOST + 1, 0), (MOST, MOST, 1)],
)
def test_sizes_of_workspaces(own: int, chain: int, fits: bool) -> None:
    size = load().core_decode_workspace(own, chain)
    assert size % 64 == 0 and size > 0 if fits else size == -1


@pytest.mark.parametrize("field", ["channels", "log_scales"])
def test_steps_that_make_steps_did_not_make(divided: bytes, field: str) -> None:
    most = {"channels": 4, "log_scales": 32}[field]
    for value in (0, most + 1):
        call, predict = section_call(divided), PredictCall()
        call.steps.view(STEPS)[field] = value
        assert call.run(1) == INVALID
        predict.steps.view(STEPS)[field] = value
        assert predict.run() == INVALID
        columns, results = core.Columns.empty(0, 3), np.zeros(4, np.float32)
        given = ColumnPointers(**columns.addresses()), FloatPointers(*[address(results)] * len(FLOATS))
        arrays = [ctypes.addressof(each) for each in given]
        assert load().core_dequantize(address(predict.steps), 0, *arrays) == INVALID
    assert load().core_dequantize(None, 0, *arrays) == INVALID


# ---- Levels ----


@pytest.mark.parametrize(
    ("field", "value", "fits"),
    [
        ("count", 0, 0), ("count", 3, 0), ("count", 5, 0), ("count", MOST + 1, 0), ("level", -1, 0), ("level", 16, 0),
        ("level", 15, 1), ("x", -1, 0),
        ("y", -1, 0), ("columns", 0, 0), ("rows", 0, 0), ("columns", 1, 1), ("rows", 1, 1), ("x", MOST - 64, 1), ("x", MOST - 63, 0),
        ("y", MOST - 64, 1), ("y", MOST - 63, 0), ("columns", MOST, 1), ("columns", MOST + 1, 0), ("rows", MOST, 1), ("rows", MOST + 1, 0),
    ],
)  # fmt: skip
def test_a_number_of_a_level_lies(field: str, value: int, fits: bool) -> None:
    call = chained([4], fields=(0, 0, *DEFAULT[2:]))
    call.sections[0]["ends"] = 0
    call.levels[0][field] = value
    assert (call.run(0) != INVALID) == fits


@pytest.mark.parametrize("field", ["x", "y"])
def test_coarse_positions_have_fewer_cells(field: str) -> None:
    for place, fits in ((STEPS_END - 64, True), (STEPS_END - 63, False)):
        call = chained([4], fields=(191, 0, *DEFAULT[2:]))
        call.levels[0][field] = place
        assert (call.run(0) != INVALID) == fits


def test_levels_hold_as_many_gaussians_as_their_section() -> None:
    call = chained([4])
    call.sections[0]["levels"] = 0
    assert call.run(0) == INVALID


@pytest.mark.parametrize("counts", [(MOST + 1, 4 - (MOST + 1)), (4, 0), (5, -1), (2**63 - 1, 2**63 - 1, 6)])
def test_counts_of_levels_that_add_up_all_the_same(counts: tuple[int, ...]) -> None:
    """The last of them beyond 2^64."""
    call = chained([4, 4, 4])
    call.sections[0]["levels"] = len(counts)
    call.levels["count"][: len(counts)] = counts
    assert call.run(0) == INVALID


def test_levels_that_are_there_but_not_passed() -> None:
    """In memory, before the first and behind the last."""
    call = chained([4, 4])
    assert call.run(0) != INVALID
    call.task.level_count = 0
    assert call.run(0) == INVALID
    call.task.levels, call.task.level_count = address(call.levels) + structs.LEVEL.itemsize, 1
    for first, invalid in ((-1, True), (0, False)):
        call.sections[0]["first_level"] = first
        assert (call.run(0) == INVALID) == invalid


def test_fewer_levels_than_none() -> None:
    call = chained([0])
    call.sections["levels"] = -1
    assert call.run(0) == INVALID


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
    for wrong in ({"channels": 0}, {"channels": 5}, {"log_scales": 0}, {"log_scales": 33}):
        assert made(**wrong) == INVALID
    for name in (field[0] for field in structs.CoreHeader._fields_[1:]):
        if name != "log_scales":
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
