"""Wrong arguments of drawing: the core refuses whatever does not fit the buffers of a call.

tools/core_mutation.py takes each check away.
"""

from __future__ import annotations

import numpy as np
import pytest

from splatc import core
from splatc.attributes import FLOATS
from splatc.core import loading, structs
from splatc.core.loading import address, load
from tests.core_calls import INVALID, MOST, OK, DrawCall, zeros

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
        assert (load().core_place(call.view, 0, nothing, 3, 1, nothing) == OK) == fits
        assert (load().core_count_entries(call.view, 0, nothing) == 0) == fits
        if not fits:
            assert load().core_count_tiles(call.view, 0, nothing, nothing) == INVALID
            assert load().core_fill_tiles(call.view, 0, *[nothing] * 4, 0) == INVALID
            assert call.tiles() == -1
            assert call.run() == INVALID


def test_counts_of_placed_gaussians() -> None:
    call, memory = DrawCall(), np.zeros(16, np.int64)
    nothing = address(memory)
    assert [load().core_place(call.view, 0, nothing, channels, 1, nothing) for channels in (0, 1, 4, 5)] == [
        INVALID,
        OK,
        OK,
        INVALID,
    ]
    assert load().core_place(call.view, -1, nothing, 3, 1, nothing) == INVALID
    call.view.tile_x = 1  # where nothing is
    far = zeros((MOST + 1) * loading.size_of("placed"))
    for count, fits in ((-1, False), (0, True), (MOST + 1, False)):
        assert (load().core_count_entries(call.view, count, address(far)) >= 0) == fits
        assert (load().core_count_tiles(call.view, count, address(far), nothing) == OK) == fits
        assert (load().core_fill_tiles(call.view, count, address(far), nothing, nothing, nothing, 0) == OK) == fits


def test_entries_of_a_huge_view_do_not_overflow() -> None:
    """Five Gaussians that reach every tile of 2^30 x 2^30."""
    view = structs.CoreView(grid_scale=1.0, samples=1, columns=1, rows=1, tiles_x=(1 << 30) - 1, tiles_y=(1 << 30) - 1)
    big = np.full((5, 2), 1e15, np.float32)
    arrays = np.zeros((5, 2), np.float32), big, np.zeros(5, np.float32), np.zeros((5, 3), np.float32)
    placed = core.place(view, dict(zip(FLOATS, arrays, strict=True)), False)
    assert placed.entries == 1 << 62


def test_gaussians_that_are_none_reach_nothing() -> None:
    """Not a number, infinite, or turned further than a float can say where."""
    view = DrawCall().view
    for field in range(3):
        for value in (np.nan, np.inf, -np.inf, 3e38, -3e38):
            mean, scale, angle = (np.ones(shape, np.float32) for shape in ((1, 2), (1, 2), (1,)))
            (mean, scale, angle)[field][...] = value
            arrays = mean, scale, angle, np.ones((1, 3), np.float32)
            placed = core.place(view, dict(zip(FLOATS, arrays, strict=True)), True)
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
    """All members fit into the first list: the other lists are not read, and are refused all the same."""
    view = DrawCall().view
    arrays = (
        np.full((2, 2), 20, np.float32),
        np.ones((2, 2), np.float32),
        np.zeros(2, np.float32),
        np.ones((2, 3), np.float32),
    )
    placed = core.place(view, dict(zip(FLOATS, arrays, strict=True)), True)
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


def test_members_that_are_there_but_not_passed() -> None:
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
