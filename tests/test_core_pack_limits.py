"""Wrong arguments of what packs Gaussians: the core refuses all that it can check.

tools/core_mutation.py takes each check away. Where a number lies, what it leads to lies in memory: a check that is missing shows.
"""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from splatc import core
from splatc.attributes import FLOATS
from splatc.core import pack_structs, structs
from splatc.core.loading import INVALID, OK, TOO_SMALL, address, aligned, load, size_of
from tests.core_calls import DEFAULT, MOST, SITE, STEPS, blank, zeros

SIDE = 1 << 20
"""px of a picture at most."""


# ---- Gaussians -> integers ----


class QuantizeCall:
    """A ``core_quantizing`` of 5 Gaussians between others."""

    def __init__(self) -> None:
        self.steps, self.columns = core.make_steps(3, *DEFAULT), blank(7, 3)
        self.floats = [np.ones((7, *shape), np.float32)[1:] for shape in ((2,), (2,), (), (3,))]
        places = {f"{name}_floats": address(each) for name, each in zip(FLOATS, self.floats, strict=True)}
        results = {name: address(array[1:]) for name, array in vars(self.columns).items()}
        self.task = pack_structs.Quantizing(address(self.steps), 5, 9, 9, **places, **results)

    def run(self, first: int = 0, count: int = 5) -> int:
        return int(load().core_quantize(ctypes.byref(self.task), first, count))


@pytest.mark.parametrize(
    ("first", "count", "expected"),
    [
        (0, 5, OK),
        (5, 0, OK),
        (4, 1, OK),
        (0, 6, INVALID),
        (5, 1, INVALID),
        (-1, 1, INVALID),
        (0, -1, INVALID),
        (6, 0, INVALID),
    ],
)
def test_parts_that_are_quantized(first: int, count: int, expected: int) -> None:
    assert QuantizeCall().run(first, count) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("steps", None, INVALID), ("width", 0, INVALID), ("width", 1, OK), ("width", SIDE, OK), ("width", SIDE + 1, INVALID),
        ("height", 0, INVALID), ("height", 1, OK), ("height", SIDE, OK), ("height", SIDE + 1, INVALID), ("count", 0, OK),
        ("count", -1, INVALID),
    ],
)  # fmt: skip
def test_numbers_of_what_is_quantized(name: str, value: int | None, expected: int) -> None:
    call = QuantizeCall()
    setattr(call.task, name, value)
    assert call.run(0, 0) == expected
    assert load().core_quantize(None, 0, 0) == INVALID


def test_there_are_fewer_than_none_to_quantize() -> None:
    """So few that their number less that of a part is positive in 64 bits."""
    call = QuantizeCall()
    call.task.count = -(1 << 63)
    assert call.run() == INVALID


# ---- Integers -> coding order ----


class ArrangeCall:
    """A ``core_arranging`` of four Gaussians in the corners of a picture of 9 x 9 pixels, of two levels."""

    def __init__(self, layers: tuple[tuple[int, int], ...] = ((1, 5), (1, 4))) -> None:
        self.steps = core.make_steps(3, *DEFAULT)
        steps = self.steps.view(STEPS)[0]["position"].tolist()
        self.level = np.array([0, 0, 1, 1], np.int32)
        self.last = [-(-(9 << 32) // steps[level]) - 1 for level in self.level.tolist()]
        self.x = np.array([0, self.last[1], 0, self.last[3]], np.int32)
        self.y = self.x.copy()
        self.layers, self.order = np.array(list(layers), pack_structs.LAYER), np.zeros(4, np.int32)
        self.parts, self.tiles = np.zeros(9, pack_structs.PART), np.zeros(21, np.int64)
        size = load().core_arrange_workspace(4)
        self.workspace = aligned(size + 128)
        self.task = pack_structs.Arranging(
            address(self.steps), 4, 9, 9, address(self.level), address(self.x), address(self.y), 2, address(self.layers),
            len(self.layers), address(self.order), address(self.parts), 9, 0, address(self.workspace), size,
        )  # fmt: skip

    def arrange(self) -> int:
        return int(load().core_arrange(ctypes.byref(self.task)))

    def occupied(self) -> int:
        return int(load().core_occupied_tiles(ctypes.byref(self.task), 1, 2, address(self.tiles)))


def test_a_sound_arrangement_is_made() -> None:
    call = ArrangeCall()
    assert call.arrange() == call.occupied() == OK
    call.task.part_room = 0
    assert call.arrange() == TOO_SMALL
    assert load().core_arrange(None) == load().core_occupied_tiles(None, 0, 1, address(call.tiles)) == INVALID


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", None), ("count", -1), ("count", MOST + 1), ("width", 0), ("width", SIDE + 1), ("height", 0), ("height", SIDE + 1),
        ("level_count", -1), ("level_count", 17), ("level_count", 1),
    ],
)  # fmt: skip
def test_a_number_of_an_arrangement_lies(name: str, value: int | None) -> None:
    call = ArrangeCall()
    setattr(call.task, name, value)
    assert call.arrange() == call.occupied() == INVALID


def test_more_than_the_most_gaussians_are_not_looked_at() -> None:
    """Though the workspace is said to be large enough."""
    call, memory = ArrangeCall(), zeros(4 * (MOST + 1))
    call.task.level = call.task.x = call.task.y = address(memory)
    call.task.count, call.task.workspace_bytes = MOST + 1, 1 << 40
    assert call.occupied() == INVALID


@pytest.mark.parametrize("name", ["width", "height"])
@pytest.mark.parametrize("side", [1, SIDE])
def test_the_ends_of_sides(name: str, side: int) -> None:
    call = ArrangeCall()
    setattr(call.task, name, side)
    (call.x if name == "width" else call.y)[:] = 0
    assert call.occupied() == OK


def test_the_ends_of_counts() -> None:
    call = ArrangeCall()
    call.task.level_count = 16
    assert call.occupied() == OK
    call.task.count = call.task.level_count = call.task.layer_count = 0
    assert call.occupied() == call.arrange() == OK
    call.task.level_count = -1
    assert call.occupied() == INVALID
    call.task.level_count, call.task.count = 0, -1
    assert call.occupied() == INVALID
    for name in ("width", "height"):
        call = ArrangeCall()
        call.task.count = 0
        assert call.occupied() == OK
        setattr(call.task, name, 0)
        assert call.occupied() == INVALID, name
    for name, by in (("workspace", 8), ("workspace_bytes", -1)):
        call = ArrangeCall()
        setattr(call.task, name, getattr(call.task, name) + by)
        assert call.occupied() == call.arrange() == INVALID, name
    sizes = [load().core_arrange_workspace(count) for count in (-1, MOST + 1, MOST, 0)]
    assert sizes[:2] == [-1, -1] and min(sizes[2:]) > 0


@pytest.mark.parametrize("name", ["level", "x", "y"])
@pytest.mark.parametrize("by", [-1, 1])
def test_a_cell_lies_beyond(name: str, by: int) -> None:
    call = ArrangeCall()
    end = {"level": 1}.get(name, call.last[3])
    getattr(call, name)[3] = end + 1 if by > 0 else -1
    assert call.occupied() == call.arrange() == INVALID


@pytest.mark.parametrize(
    ("layers", "levels", "expected"),
    [
        ([(2, 0)], 2, OK), ([(2, 20)], 2, OK), ([(2, -1)], 2, INVALID), ([(2, 21)], 2, INVALID), ([(3, 5), (-1, 4)], 2, INVALID),
        ([(0, 5), (2, 4)], 2, INVALID), ([(16, 5)], 16, OK), ([(17, 5), (-1, 5)], 16, INVALID), ([(1, 5)] * 16, 16, OK),
        ([(1, 5)] * 16 + [(0, 5)], 16, INVALID), ([(1, 5)], 2, INVALID), ([(3, 5)], 2, INVALID),
        ([(1, 5)] * 3, 2, INVALID), ([(2, 5), (1, 5)], 2, INVALID),
    ],
)  # fmt: skip
def test_layers(layers: list[tuple[int, int]], levels: int, expected: int) -> None:
    call = ArrangeCall(tuple(layers))
    call.task.level_count = levels
    assert call.arrange() == expected


def test_there_are_fewer_layers_or_parts_than_none() -> None:
    for name in ("layer_count", "part_room"):
        call = ArrangeCall()
        call.task.count = call.task.level_count = call.task.layer_count = 0
        setattr(call.task, name, -1)
        assert call.arrange() == INVALID, name


# ---- Sections -> bytes ----


class PackCall:
    """A ``core_pack`` of three sections, each the child of the first: 16 levels; two levels; nothing. More sections, chunks, tables
    and workspaces lie before and behind.
    """

    def __init__(self) -> None:
        self.steps, self.columns = core.make_steps(3, *DEFAULT), blank(21, 3)
        self.all_sections, self.all_chunks = np.zeros(5, pack_structs.SECTION), np.zeros(4, pack_structs.CHUNK)
        self.all_sections["parent"] = self.all_sections["tables"] = -1
        self.sections, self.chunks = self.all_sections[1:], self.all_chunks[1:]
        for name, values in {
            "start": (0, 16, 21), "count": (16, 5, 0), "parent": (-1, 0, 0), "chain": (16, 21, 16), "tables": (0, -1, 0),
            "first_level": (0, 16, 18), "levels": (16, 2, 0),
        }.items():  # fmt: skip
            self.sections[name][:3] = values
        self.sections["tables"][2] = 1
        sizes = [load().core_pack_search(chain) for chain in (16, 21, 16)]
        self.sections["search"][:3] = np.cumsum([0, *sizes[:2]])
        self.levels = np.zeros(18, structs.LEVEL)
        self.levels[:16] = [(1, 15 - k, 0, 0, MOST, MOST, 0) for k in range(16)]
        self.levels[16:] = [(1, 4, 3, 7, 1, 1, 0), (4, 2, 5, 6, 64, 32, 0)]
        self.columns.level[:] = [*range(15, -1, -1), 4, 2, 2, 2, 2]
        self.columns.x[16:], self.columns.y[16:] = [3, 5, 68, 5, 68], [7, 6, 6, 37, 37]
        self.chunks[:2] = [(0, 0, 16), (1, 0, 21)]
        self.searches, self.sites = aligned(sum(sizes)), np.zeros(21, SITE)
        self.order, self.angle, self.colour = (
            np.zeros(21, np.int32),
            np.zeros(21, np.int32),
            np.zeros((21, 3), np.int32),
        )
        self.tables, self.first = np.zeros((3, size_of("tables")), np.uint8), core.first_tables(self.steps)
        self.partitions = core._partitions()
        size = load().core_pack_workspace(16)
        self.workspace = aligned(4 * size)
        self.task = pack_structs.Pack(
            steps=address(self.steps), sections=address(self.sections), section_count=3, levels=address(self.levels), level_count=18,
            chunks=address(self.chunks), chunk_count=2, first=address(self.first), tables=address(self.tables), table_count=2,
            partitions=address(self.partitions), **self.columns.addresses(), angle_residual=address(self.angle),
            colour_residual=address(self.colour), sites=address(self.sites), order=address(self.order), count=21,
            searches=address(self.searches), search_bytes=len(self.searches), workspace=address(self.workspace[size:]),
            workspace_bytes=size, workers=2,
        )  # fmt: skip

    def predict(self, item: int) -> int:
        return int(load().core_predict_item(ctypes.byref(self.task), item))

    def pack(self, section: int = 0, worker: int = 0) -> int:
        return int(load().core_pack_section_of(ctypes.byref(self.task), section, worker))

    def prepared(self) -> PackCall:
        assert [self.predict(item) for item in range(8)] == [OK] * 8
        return self


def test_sound_sections_are_packed() -> None:
    call = PackCall().prepared()
    assert [call.pack(number, number % 2) for number in range(3)] == [OK] * 3
    assert call.predict(-1) == call.predict(8) == INVALID
    assert call.pack(-1) == call.pack(3) == call.pack(0, -1) == call.pack(0, 2) == INVALID
    assert load().core_predict_item(None, 0) == load().core_pack_section_of(None, 0, 0) == INVALID
    call.task.steps = None
    assert call.predict(0) == call.pack() == INVALID


@pytest.mark.parametrize("size", ["search", "workspace"])
def test_sizes_of_memory(size: str) -> None:
    sizes = [getattr(load(), f"core_pack_{size}")(count) for count in (-1, MOST + 1, 0, MOST)]
    assert sizes[:2] == [-1, -1] and min(sizes[2:]) >= 0


WRONG: list[tuple[str, int]] = [
    ("parent", 1), ("parent", -2), ("count", -1), ("start", -1), ("start", 17), ("start", 15), ("chain", 20),
]  # fmt: skip
"""Of the second section."""


@pytest.mark.parametrize(("name", "value"), [*WRONG, ("search", 32), ("search", -64), ("search", 1 << 40)])
def test_a_section_that_is_predicted_lies(name: str, value: int) -> None:
    call = PackCall().prepared()
    call.sections[name][1] = value
    call.chunks[1] = (1, 0, 0)
    assert call.predict(1) == call.predict(4) == call.predict(7) == INVALID


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *WRONG,
        ("tables", -2),
        ("tables", 2),
        ("first_level", -1),
        ("first_level", 17),
        ("levels", -1),
        ("levels", 17),
        ("levels", 1),
    ],
)
def test_a_section_that_is_packed_lies(name: str, value: int) -> None:
    call = PackCall().prepared()
    call.sections[name][1] = value
    assert call.pack(1) == INVALID


def test_searches_are_aligned() -> None:
    call = PackCall().prepared()
    call.task.searches += 8
    assert call.predict(0) == call.predict(3) == call.predict(6) == INVALID


def test_a_residual_is_as_far_as_numbers_go() -> None:
    """What follows its escape would stand for 0, which needs none."""
    call = PackCall().prepared()
    call.colour[3] = -(1 << 31)
    assert call.pack() == INVALID


def test_an_attribute_is_out_of_range() -> None:
    call = PackCall()
    call.columns.angle[20] = 256
    assert call.predict(1) == INVALID


@pytest.mark.parametrize("chunk", [(-1, 0, 0), (3, 0, 0), (1, -1, 21), (1, 0, 22)])
def test_a_chunk_lies(chunk: tuple[int, int, int]) -> None:
    call = PackCall().prepared()
    call.chunks[1] = chunk
    assert call.predict(7) == INVALID


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 0), ("count", 5), ("count", 3), ("level", -1), ("level", 16), ("level", 3), ("x", -1), ("y", -1), ("x", 6), ("y", 7),
        ("columns", 0), ("rows", 0), ("columns", MOST + 1), ("rows", MOST + 1), ("columns", 63), ("rows", 31),
    ],
)  # fmt: skip
def test_a_level_lies(name: str, value: int) -> None:
    call = PackCall().prepared()
    call.levels[name][17] = value
    assert call.pack(1) == INVALID


def test_the_attributes_of_a_level_lie() -> None:
    for name, value in (("offset", -1), ("x", 4), ("y", 5), ("x", 69), ("y", 38), ("level", 3)):
        call = PackCall().prepared()
        getattr(call.columns, name)[20] = value
        assert call.pack(1) == INVALID, name
    call = PackCall().prepared()
    call.columns.offset[20] = call.steps.view(STEPS)[0]["offsets"][0]
    assert call.pack(1) == INVALID


@pytest.mark.parametrize("name", ["x", "y"])
def test_a_level_begins_before_the_first_cell(name: str) -> None:
    """And its Gaussians with it, so that they lie in its cells."""
    for first, expected in ((0, OK), (-1, INVALID)):
        call = PackCall().prepared()
        getattr(call.columns, name)[17:] += first - call.levels[name][17]
        call.levels[name][17] = first
        assert call.pack(0) == OK and call.pack(1) == expected, first


@pytest.mark.parametrize(("level", "expected"), [(0, OK), (15, OK), (-1, INVALID), (16, INVALID)])
def test_there_is_no_such_level(level: int, expected: int) -> None:
    """Though its Gaussians say so too."""
    call = PackCall().prepared()
    call.columns.level[17:] = call.levels["level"][17] = level
    assert call.pack(0) == OK and call.pack(1) == expected


def test_a_level_has_no_gaussian() -> None:
    call = PackCall().prepared()
    call.levels["count"][17], call.sections["count"][1], call.sections["chain"][1] = 0, 1, 17
    assert call.pack(0) == OK and call.pack(1) == INVALID
    call.sections["levels"][1] = 1
    assert call.pack(1) == OK


def test_levels_have_more_gaussians_than_their_section() -> None:
    call = PackCall().prepared()
    call.sections["count"][1], call.sections["chain"][1] = 4, 20
    assert call.pack(0) == OK and call.pack(1) == INVALID


def test_there_are_fewer_than_none() -> None:
    """Gaussians of an ancestor; levels of a section that has no Gaussian."""
    for count, expected in ((0, OK), (-1, INVALID)):
        call = PackCall().prepared()
        call.sections["count"][0] = call.sections["chain"][2] = count
        assert call.pack(2) == expected
        call = PackCall().prepared()
        call.sections["levels"][2] = count
        assert call.pack(2) == expected


def test_levels_end_behind_the_list() -> None:
    call = PackCall().prepared()
    call.task.level_count = 17
    assert call.pack(0) == OK and call.pack(1) == INVALID


@pytest.mark.parametrize("value", [-1, 2])
def test_a_parent_has_no_tables(value: int) -> None:
    call = PackCall().prepared()
    call.sections["tables"][0] = value
    assert call.pack(1) == INVALID


@pytest.mark.parametrize(("name", "by"), [("workspace", 8), ("workspace_bytes", 1), ("workspace_bytes", -64)])
def test_a_workspace_is_aligned_and_large_enough(name: str, by: int) -> None:
    call = PackCall().prepared()
    setattr(call.task, name, getattr(call.task, name) + by)
    assert call.pack() == INVALID


def test_ancestors_have_the_most_gaussians() -> None:
    for count, expected in ((MOST, OK), (MOST + 1, INVALID)):
        call = PackCall().prepared()
        call.task.count = call.sections["start"][2] = 1 << 40
        call.sections["count"][0] = call.sections["chain"][2] = count
        assert call.pack(2) == expected


@pytest.mark.parametrize(("depth", "expected"), [(16, OK), (17, INVALID)])
def test_chains_are_as_long_as_there_are_levels(depth: int, expected: int) -> None:
    call, sections = PackCall().prepared(), np.zeros(17, pack_structs.SECTION)
    sections["parent"] = np.arange(17) - 1
    call.task.sections, call.task.section_count = address(sections), 17
    assert call.pack(depth - 1) == expected


def test_symbols_have_room() -> None:
    call = PackCall().prepared()
    assert call.pack() == OK
    symbols = int(call.sections["symbols"][0])
    shares, chosen = np.zeros((symbols + 2, 3)), np.zeros(symbols + 2, np.int32)
    call.task.shares, call.task.chosen, call.task.symbol_room = address(shares[1:]), address(chosen[1:]), symbols
    assert call.pack() == OK
    for name, values in {"first_symbol": (-1, 1), "symbols": (-1, symbols - 1, symbols + 1)}.items():
        for value in values:
            before = int(call.sections[name][0])
            call.sections[name][0] = value
            assert call.pack() == INVALID, (name, value)
            call.sections[name][0] = before
    call.task.symbol_room, call.sections["symbols"][0] = symbols + 1, symbols + 1
    assert call.pack() == INVALID


def test_what_leaves_a_tile_is_measured_where_there_is_one() -> None:
    call = PackCall().prepared()
    call.sections["beyond"] = -5.0
    assert call.pack() == OK and call.sections["beyond"][0] == -5.0
    call.sections["x1"] = call.sections["y1"] = 64
    assert call.pack() == OK and call.sections["beyond"][0] >= 0.0


def test_a_parent_comes_before() -> None:
    """One that comes later is refused though its Gaussians, none, come before."""
    call = PackCall().prepared()
    call.sections["start"][2], call.sections["parent"][1] = 16, 2
    assert call.pack(1) == call.predict(1) == INVALID


@pytest.mark.parametrize("levels", [16, 17])
def test_a_section_has_more_levels_than_there_are(levels: int) -> None:
    call = PackCall().prepared()
    call.sections["count"][0] = call.sections["chain"][0] = call.sections["levels"][0] = levels
    call.task.workspace_bytes *= 2
    assert call.pack() == (OK if levels == 16 else INVALID)


def test_levels_begin_before_the_list() -> None:
    call = PackCall().prepared()
    call.task.levels, call.task.level_count = address(call.levels[1:]), 17
    call.sections["first_level"][:3] -= 1
    assert call.pack() == INVALID
