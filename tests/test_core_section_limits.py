"""Sections and levels that a decoder may not be given: the core refuses whatever does not fit the buffers of a call.

tools/core_mutation.py takes each check away.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import pytest

from splatc import core
from splatc.attributes import FLOATS
from splatc.core import structs
from splatc.core.loading import address, load
from splatc.core.structs import ColumnPointers, FloatPointers
from tests.core_calls import (
    DEFAULT,
    INVALID,
    MOST,
    OK,
    STEPS,
    STEPS_END,
    DecodeCall,
    PredictCall,
    chained,
    decode_call,
)
from tests.fuzz.seeds import seeds


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
