"""Lying arguments: whatever the numbers of a call say, the core refuses what does not fit its buffers.

tools/core_mutation.py takes each check away.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc import core
from splatc.core import loading, structs
from splatc.core.loading import address, aligned, load
from tests.core_calls import DEFAULT, INVALID, OK, SITE, STEPS, DecodeCall, DrawCall, PredictCall, chained, decode_call
from tests.fuzz.seeds import seeds

MOST = 1 << 26
"""Gaussians, and cells a side of a grid."""
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


def blank(count: int, channels: int) -> core.Columns:
    """Gaussians of zeros."""
    columns = core.Columns.empty(count, channels)
    for array in vars(columns).values():
        array[:] = 0
    return columns


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
    assert call.run(1) == INVALID  # in memory, but not told
    call.task.sections += structs.SECTION.itemsize
    call.sections[0]["parent"] = -1
    assert call.run(-1) == INVALID  # likewise


def test_a_chain_may_have_sixteen_sections() -> None:
    call = chained([0] * 17)
    call.sections["levels"] = 0
    call.sections["reach"] = -1
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
def test_steps_that_nobody_made(divided: bytes, field: str) -> None:
    most = {"channels": 4, "log_scales": 32}[field]
    for value in (0, most + 1):
        call, predict = section_call(divided), PredictCall()
        call.steps.view(STEPS)[field] = value
        assert call.run(1) == INVALID
        predict.steps.view(STEPS)[field] = value
        assert predict.run() == INVALID
        columns, results = core.Columns.empty(0, 3), np.zeros(4, np.float32)
        arrays = [*columns.addresses().values(), *[address(results)] * 4]
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


def test_levels_that_are_there_but_not_told() -> None:
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
        header = structs.Header(3, *DEFAULT)
        for name, value in changed.items():
            setattr(header, name, value)
        return int(load().core_make_steps(header, address(steps)))

    assert made() == made(channels=1) == made(channels=4) == made(log_scales=1) == made(log_scales=32) == OK
    for wrong in ({"channels": 0}, {"channels": 5}, {"log_scales": 0}, {"log_scales": 33}):
        assert made(**wrong) == INVALID
    for name in (field[0] for field in structs.Header._fields_[1:]):
        if name != "log_scales":
            assert made(**{name: 1 << 20}) == made(**{name: -(1 << 20)}) == OK
            assert made(**{name: (1 << 20) + 1}) == made(**{name: -(1 << 20) - 1}) == INVALID
    assert (
        load().core_make_steps(None, address(steps))
        == load().core_make_steps(structs.Header(3, *DEFAULT), None)
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
    results = [np.zeros(9, np.float32) for _ in range(4)]
    steps, arrays = core.make_steps(3, *DEFAULT), [*columns.addresses().values(), *map(address, results)]
    assert load().core_dequantize(address(steps), 3, *arrays) == expected
    assert (
        load().core_dequantize(address(steps), 2, *arrays) == load().core_dequantize(address(steps), 0, *arrays) == OK
    )
    assert load().core_dequantize(address(steps), -1, *arrays) == INVALID


# ---- Views ----

VIEW_LIMITS = {
    "columns": 31,
    "rows": 31,
    "tiles_x": 30,
    "tiles_y": 30,
    "left": 40,
    "top": 40,
    "tile_x": 40,
    "tile_y": 40,
    "end_x": 44,
    "end_y": 44,
}
"""Bits of the numbers of a view."""


@pytest.mark.parametrize("field", [*VIEW_LIMITS, "samples"])
def test_numbers_of_views(field: str) -> None:
    wrong = (-1, 1 << VIEW_LIMITS[field]) if field in VIEW_LIMITS else (0, 9, -1)
    right = (0, (1 << VIEW_LIMITS[field]) - 1) if field in VIEW_LIMITS else (1, 8)
    call, memory = DrawCall(), np.zeros(16, np.int64)
    nothing = address(memory)
    for value, fits in [*((value, False) for value in wrong), *((value, True) for value in right)]:
        setattr(call.view, field, value)
        assert (load().core_place(call.view, 0, *[nothing] * 4, 3, 1, nothing) == OK) == fits
        assert (load().core_count_entries(call.view, 0, nothing) == 0) == fits
        if not fits:
            assert load().core_count_tiles(call.view, 0, nothing, nothing) == INVALID
            assert load().core_fill_tiles(call.view, 0, *[nothing] * 4, 0) == INVALID
            assert call.tiles() == -1
            assert call.run() == INVALID


def test_counts_of_placed_gaussians() -> None:
    call, memory = DrawCall(), np.zeros(16, np.int64)
    nothing = address(memory)
    given = [nothing] * 4
    assert [load().core_place(call.view, 0, *given, channels, 1, nothing) for channels in (0, 1, 4, 5)] == [
        INVALID,
        OK,
        OK,
        INVALID,
    ]
    assert load().core_place(call.view, -1, *given, 3, 1, nothing) == INVALID
    call.view.tile_x = 1  # where nothing is
    far = zeros((MOST + 1) * loading.size_of("placed"))
    for count, fits in ((-1, False), (0, True), (MOST + 1, False)):
        assert (load().core_count_entries(call.view, count, address(far)) >= 0) == fits
        assert (load().core_count_tiles(call.view, count, address(far), nothing) == OK) == fits
        assert (load().core_fill_tiles(call.view, count, address(far), nothing, nothing, nothing, 0) == OK) == fits


def zeros(size: int) -> NDArray[np.uint8]:
    """Memory to read that takes none, where the system can."""
    if sys.platform == "win32":
        return np.zeros(1000, np.uint8)
    return np.frombuffer(
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ), np.uint8
    )


def test_entries_of_a_huge_view_do_not_overflow() -> None:
    """Five Gaussians that reach every tile of 2^30 x 2^30."""
    view = structs.View(density=1.0, samples=1, columns=1, rows=1, tiles_x=(1 << 30) - 1, tiles_y=(1 << 30) - 1)
    big = np.full((5, 2), 1e15, np.float32)
    placed = core.place(
        view, np.zeros((5, 2), np.float32), big, np.zeros(5, np.float32), np.zeros((5, 3), np.float32), False
    )
    assert placed.entries == 1 << 62


def test_gaussians_that_are_none_reach_nothing() -> None:
    """Not a number, infinite, or turned further than a float can say where."""
    view = DrawCall().view
    for field in range(3):
        for value in (np.nan, np.inf, -np.inf, 3e38, -3e38):
            mean, scale, angle = (np.ones(shape, np.float32) for shape in ((1, 2), (1, 2), (1,)))
            (mean, scale, angle)[field][...] = value
            placed = core.place(view, mean, scale, angle, np.ones((1, 3), np.float32), True)
            assert placed.entries == 0 or field == 2
            lists = core.sort_into_tiles(placed)
            out = np.zeros((40, 200, 3), np.uint8)
            core.draw(placed, lists, np.zeros(3, np.float32), True, 0, 40, out)


@pytest.mark.parametrize(
    ("place", "value"), [(0, 1), (0, -1), (1, -1), (1, 1 << 40), (2, 1 << 62), (3, -(1 << 40)), (4, 1 << 40), (4, -1)]
)
def test_lists_that_lie_are_not_filled(place: int, value: int) -> None:
    call = DrawCall()
    starts, members, cursor = call.lists.starts.copy(), call.lists.members.copy(), np.zeros(4, np.int64)
    given = call.view, 9, address(call.placed.memory), address(starts), address(cursor), address(members)
    assert load().core_fill_tiles(*given, len(members)) == OK
    starts[place] = value
    assert load().core_fill_tiles(*given, len(members)) == INVALID


def test_lists_with_too_little_room_are_not_filled() -> None:
    """The tiles' parts are there, but one is too small for what reaches it."""
    call = DrawCall()
    starts, members, cursor = call.lists.starts.copy(), call.lists.members.copy(), np.zeros(4, np.int64)
    assert starts[1] > 0
    starts[1] -= 1
    given = call.view, 9, address(call.placed.memory), address(starts), address(cursor), address(members)
    assert load().core_fill_tiles(*given, len(members)) == INVALID


def test_lists_descend_where_nothing_is() -> None:
    """All that there is fills the first list: nobody looks at the others, and they are refused all the same."""
    view = DrawCall().view
    arrays = (
        np.full((2, 2), 20, np.float32),
        np.ones((2, 2), np.float32),
        np.zeros(2, np.float32),
        np.ones((2, 3), np.float32),
    )
    placed = core.place(view, *arrays, True)
    members, cursor = np.zeros(2, np.int32), np.zeros(4, np.int64)
    for starts, expected in (
        ([0, 2, 2, 2, 2], OK),
        ([0, 5, 2, 2, 2], INVALID),
        ([0, 2, 3, 2, 2], INVALID),
        ([0, 2, 1, 1, 2], INVALID),
    ):
        memory = np.array(starts, np.int64)
        given = view, 2, address(placed.memory), address(memory), address(cursor), address(members), 2
        assert load().core_fill_tiles(*given) == expected


# ---- Drawing ----


def test_a_whole_view_is_drawn() -> None:
    call = DrawCall()
    assert call.tiles() == 4
    assert [call.run(tile, tile % 2) for tile in range(4)] == [OK] * 4
    for tile, worker in ((-1, 0), (4, 0), (0, -1), (0, 2)):
        assert call.run(tile, worker) == INVALID


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("view", None), ("channels", 0), ("channels", 5), ("depth", 0), ("depth", 24), ("depth", 64), ("first", -1),
        ("first", 41), ("last", 41),
        ("last", -1), ("out_bytes", 40 * 200 * 6 - 1), ("out_bytes", -1), ("workspace_bytes", 5 * 128 * 32 * 4 - 64),
        ("workspace_bytes", 5 * 128 * 32 * 4 + 8), ("channels", 4), ("depth", 32),
    ],
)  # fmt: skip
def test_a_number_of_a_drawing_lies(field: str, value: int | None) -> None:
    call = DrawCall()
    setattr(call.task, field, value)
    assert call.tiles() == -1
    assert call.run() == INVALID


def test_memory_of_a_drawing_is_aligned() -> None:
    for depth, shift, fits in ((8, 1, True), (16, 1, False), (16, 2, True), (32, 2, False), (32, 4, True)):
        call = DrawCall(depth)
        call.task.last = 10
        call.task.out += shift
        call.task.out_bytes -= 64
        assert (call.run() == OK) == fits
    call = DrawCall()
    call.task.workspace += 32
    assert call.run() == INVALID


def test_a_view_without_columns_has_nothing_to_draw() -> None:
    call = DrawCall()
    call.view.columns = 0
    assert call.tiles() == -1
    call.view.columns = 1
    assert call.tiles() == 4
    assert call.run() == OK


def test_numbers_of_a_drawing_that_fit_its_memory() -> None:
    """Ten rows: what is wrong is not too much for the buffer."""
    for first, last, fits in ((-1, 9, False), (0, 10, True), (30, 40, True), (31, 41, False)):
        call = DrawCall()
        call.task.first, call.task.last = first, last
        assert (call.tiles() >= 0) == fits
    for channels, fits in ((1, True), (4, True), (5, False)):
        call = DrawCall()
        call.task.last, call.task.channels = 10, channels
        assert (call.run() == OK) == fits


def test_all_instruction_sets_draw() -> None:
    level, best = load().core_get_level(), load().core_best_level()
    levels = range(min(2, best), best + 1)
    for each in range(6):
        assert (load().core_set_level(each) == OK) == (each in levels)
        assert DrawCall().run() == OK
    load().core_set_level(level)


def test_rows_of_a_drawing() -> None:
    """Tiles are numbered from the first that a row lies in; no rows, no tiles."""
    call = DrawCall()
    for first, last, tiles in ((0, 32, 2), (31, 33, 4), (32, 40, 2), (5, 5, 0)):
        call.task.first, call.task.last = first, last
        assert call.tiles() == tiles
        assert call.run(tiles) == INVALID
    call.task.first, call.task.last = 32, 40
    assert call.run(-1) == INVALID  # the last of the row above
    call.task.first, call.task.last = 20, 19
    assert call.tiles() == -1


def test_a_view_whose_tiles_lie_elsewhere() -> None:
    """Rows above the first tile, or below the last: only tiles that have lists are drawn."""
    call = DrawCall()
    for tile_y, tiles in ((1, 2), (2, 0), (1 << 39, 0)):
        call.view.tile_y = tile_y
        assert call.tiles() == tiles
        assert call.run(tiles) == INVALID
    call.view.tile_y, call.view.tiles_y = 0, 1
    assert call.tiles() == 2
    assert call.run(2) == INVALID


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ([0, 0, 0, 0, 0], OK),
        ([-1, 0, 0, 0, 0], INVALID),
        ([2, 1, 1, 1, 1], INVALID),
        ([0, 1 << 40, 1 << 40, 0, 0], INVALID),
    ],
)
def test_lists_of_a_drawing(starts: list[int], expected: int) -> None:
    call = DrawCall()
    call.lists.starts[:] = starts
    assert call.run(0) == expected


def test_the_end_of_the_lists_of_a_drawing() -> None:
    call = DrawCall()
    count = len(call.lists.members)
    for end, expected in ((count, OK), (count + 1, INVALID)):
        call.lists.starts[:2] = count - 1, end
        assert call.run(0) == expected


def test_members_that_are_there_but_not_told() -> None:
    """Before the first and behind the last, where memory holds numbers of Gaussians."""
    call = DrawCall()
    call.lists.starts[:] = 0
    call.task.members += 4
    assert call.run(0) == OK
    call.lists.starts[0] = -1
    assert call.run(0) == INVALID
    call.lists.starts[0], call.lists.starts[1] = 0, 2
    for count, expected in ((2, OK), (1, INVALID)):
        call.task.member_count = count
        assert call.run(0) == expected


@pytest.mark.parametrize(("member", "expected"), [(-1, INVALID), (8, OK), (9, INVALID), (1 << 30, INVALID)])
def test_members_of_a_drawing(member: int, expected: int) -> None:
    call = DrawCall()
    assert call.lists.starts[1] > 1
    call.lists.members[0] = member
    assert call.run(0) == expected


# ---- The library and its threads ----


def test_structs_and_levels() -> None:
    assert [load().core_struct_bytes(kind) for kind in (-1, 15, 1 << 30)] == [0, 0, 0]
    assert load().core_struct_bytes(12) == ctypes.sizeof(structs.Job)
    assert (SITE.itemsize, STEPS.itemsize) == (loading.size_of("site"), loading.size_of("steps"))
    level, best = load().core_get_level(), load().core_best_level()
    assert [load().core_set_level(each) for each in (-1, 0, best + 1)] == [INVALID] * 3
    assert load().core_set_level(best) == OK
    assert load().core_set_level(level) == OK
    assert load().core_get_level() == level


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("workers", 0), ("workers", 65), ("workers", -1), ("items", -1), ("task", None), ("kind", 5), ("kind", 31), ("kind", 32),
        ("kind", -1),
    ],
)  # fmt: skip
def test_a_number_of_a_job_lies(field: str, value: int | None) -> None:
    call = DrawCall()
    job = structs.Job(kind=1, workers=2, task=ctypes.addressof(call.task), items=0)
    setattr(job, field, value)
    assert load().core_start(job) == INVALID
    assert load().core_start(None) == INVALID


@pytest.mark.parametrize(
    ("phases", "count", "expected"),
    [
        ([4], 1, OK), ([1, 4], 2, OK), ([0, 0, 3, 3, 4], 5, OK), ([4], 0, INVALID), ([4], -1, INVALID), ([3], 1, INVALID),
        ([5], 1, INVALID), ([4, 3], 1, OK), ([4, 3], 2, INVALID), ([3, 2, 4], 3, INVALID), ([-1, 4], 2, INVALID), ([5, 4], 2, INVALID),
    ],
)  # fmt: skip
def test_phases_of_a_job(phases: list[int], count: int, expected: int) -> None:
    """They end one after the other, the last with the items."""
    call, ends = DrawCall(), np.array(phases, np.int64)
    job = structs.Job(
        kind=1, workers=2, task=ctypes.addressof(call.task), items=4, phases=address(ends), phase_count=count
    )
    assert load().core_start(job) == expected
    while expected == OK and (status := load().core_wait(job, 1000)) != OK:
        assert status == loading.RUNNING


@pytest.mark.parametrize(
    "wrong",
    [{"joined": 2}, {"joined": -1}, *({"kind": kind} for kind in (-1, -(1 << 28), 3 + 28, 32, 1 << 28))],
    ids=str,
)
def test_jobs_of_no_kind(wrong: dict[str, int]) -> None:
    call = DrawCall()
    fields = {"kind": 1, "workers": 2, "task": ctypes.addressof(call.task), "items": 4}
    assert load().core_start(structs.Job(**(fields | wrong))) == INVALID


def test_a_job_of_no_phases_is_wrong_whatever_lies_before_them() -> None:
    call, ends = DrawCall(), np.array([4, 4], np.int64)
    job = structs.Job(
        kind=1,
        workers=2,
        task=ctypes.addressof(call.task),
        items=4,
        phases=address(ends) + ends.itemsize,
        phase_count=0,
    )
    assert load().core_start(job) == INVALID


def test_jobs_of_as_many_workers_as_there_may_be() -> None:
    call = DrawCall()
    for workers, items in ((1, 4), (64, 4), (1, 0)):
        job = structs.Job(kind=1, workers=workers, task=ctypes.addressof(call.task), items=items)
        call.task.workers = 2
        assert load().core_start(job) == OK
        while (status := load().core_wait(job, 1000)) == loading.RUNNING:
            pass
        assert status in (OK, INVALID)  # a third worker has no workspace


def test_a_job_has_the_status_of_its_first_item_that_fails() -> None:
    call = DrawCall()
    job = structs.Job(kind=1, workers=2, task=ctypes.addressof(call.task), items=5)
    assert load().core_start(job) == OK
    while (status := load().core_wait(job, 1000)) == loading.RUNNING:
        pass
    assert status == INVALID


@pytest.mark.parametrize("kind", [2, 3])
def test_chunks_behind_the_last_gaussian(kind: int) -> None:
    """4096 Gaussians an item: of 4097 there are two."""
    count = 4097
    columns = blank(count, 1)
    steps, view, floats = (
        core.make_steps(1, *DEFAULT),
        DrawCall().view,
        [np.zeros(2 * count, np.float32) for _ in range(4)],
    )
    placed = np.zeros(count * loading.size_of("placed"), np.uint8)
    task = (
        structs.Dequantizing(address(steps), count, *columns.addresses().values(), *map(address, floats))
        if kind == 2
        else structs.Placing(ctypes.pointer(view), count, *map(address, floats), 1, 0, address(placed))
    )
    for items, expected in ((2, OK), (3, INVALID)):
        job = structs.Job(kind=kind, workers=2, task=ctypes.addressof(task), items=items)
        assert load().core_start(job) == OK
        while (status := load().core_wait(job, 1000)) == loading.RUNNING:
            pass
        assert status == expected
    if kind == 2:
        task.steps = None
        job = structs.Job(kind=kind, workers=2, task=ctypes.addressof(task), items=1)
        assert load().core_start(job) == OK
        while (status := load().core_wait(job, 1000)) == loading.RUNNING:
            pass
        assert status == INVALID
