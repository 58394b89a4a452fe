"""Wrong arguments of what happens before the first step of a fit: the core refuses all that it can check, and nothing that is sound.

tools/core_mutation.py takes each check away. Buffers have room for four channels of two bytes, so that a number may change alone.
"""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc.core import seed_structs as structs
from splatc.core import seeds
from splatc.core.loading import INVALID, OK, address, aligned, load
from splatc.core.pool import Work

WIDTH, HEIGHT, REDUCTION = 40, 33, 2
COUNT = 130
"""Gaussians or points: two chunks."""
MOST = (1 << 31) - 1
LEAST_64 = -(1 << 63)
Fields = dict[str, float | None]


@dataclass
class Call:
    """A job that is sound; fields of ``task`` may be changed. Workspaces and results live as long as it does."""

    kind: int
    items: int
    task: ctypes.Structure
    keep: object

    def run(self, items: int | None = None, **changed: float | None) -> int:
        """The status of the first items, by default of all."""
        for name, value in changed.items():
            before = getattr(self.task, name) if name == "tree" and value is not None else 0
            setattr(self.task, name, value if value is None else before + value)
        return Work(self.kind, 1).run(self.task, self.items if items is None else items)


def pixels_call(name: str) -> Call:
    pixels, result = np.zeros(HEIGHT * WIDTH * 4, np.uint16), np.zeros(1 << 14)
    given = {"pixels": address(pixels), "width": WIDTH, "height": HEIGHT, "channels": 3, "sample_bytes": 1}
    rows, stride = -(-HEIGHT // REDUCTION), -(-WIDTH // REDUCTION)
    kind, items, task = {
        "sum": (16, 3, structs.Sum(**given, sums=address(result))),
        "reduce": (17, 2, structs.Reduce(**given, reduction=REDUCTION, means=address(result), unit=1.0)),
        "split": (18, 3, structs.Split(**given, reduction=REDUCTION, rows=rows, stride=stride, subsets=address(result))),
    }[name]  # fmt: skip
    return Call(kind, items, task, (pixels, result))


def features_call() -> Call:
    image, results = np.zeros((HEIGHT + 2, WIDTH + 2, 4), np.float32), np.zeros((3, (HEIGHT + 2) * (WIDTH + 2)))
    task = structs.Features(
        image=address(image), width=WIDTH, height=HEIGHT, x0=0, y0=0, x1=WIDTH, y1=HEIGHT, channels=3, floor=1.0,
        weight=address(results[1]), arrival=address(results[2]),
    )  # fmt: skip
    return Call(19, 3, task, (image, results))


def colours_call() -> Call:
    image, result = np.zeros((HEIGHT, WIDTH, 4), np.float32), np.zeros((COUNT, 4), np.float32)
    mean, scale = np.full((COUNT, 2), 9.5, np.float32), np.ones(COUNT, np.float32)
    task = structs.Colours(
        image=address(image), width=WIDTH, height=HEIGHT, count=COUNT, channels=3, mean=address(mean), scale=address(scale),
        colour=address(result),
    )  # fmt: skip
    return Call(20, 2, task, (image, mean, scale, result))


def nearest_call() -> Call:
    points, order = np.random.default_rng(0).random((COUNT, 2), np.float32), np.arange(COUNT, dtype=np.int32)
    tree, distance = aligned(int(load().core_tree_bytes(COUNT))), np.zeros(COUNT, np.float32)
    assert load().core_make_tree(address(points), address(order), COUNT, address(tree), len(tree)) == OK
    task = structs.Nearest(
        tree=address(tree), tree_points=COUNT, points=address(points), count=COUNT, neighbours=3, distance=address(distance)
    )  # fmt: skip
    return Call(21, 2, task, (points, tree, distance))


def call_of(name: str) -> Call:
    others = {"features": features_call, "colours": colours_call, "nearest": nearest_call}
    return others[name]() if name in others else pixels_call(name)


OF_PICTURES: list[Fields] = [
    {"width": 0}, {"width": 1 << 31, "height": 1}, {"height": 0}, {"height": 1 << 31}, {"channels": 0}, {"channels": 5},
]  # fmt: skip
OF_SAMPLES: list[Fields] = [*OF_PICTURES, {"pixels": None}, {"sample_bytes": 0}, {"sample_bytes": 3}]
OF_REDUCTIONS: list[Fields] = [{"reduction": 0}, {"reduction": -1}, {"reduction": 65}]
REFUSED: dict[str, list[Fields]] = {
    "sum": [*OF_SAMPLES, {"sums": None}],
    "reduce": [*OF_SAMPLES, *OF_REDUCTIONS, {"means": None}],
    "split": [*OF_SAMPLES, *OF_REDUCTIONS, {"subsets": None}, {"rows": 16}, {"stride": 19}],
    "features": [
        *({"x1": 20, "y1": 1} | each for each in OF_PICTURES), {"image": None}, {"x0": -1}, {"y0": -1}, {"x1": 0}, {"x0": 5, "x1": 4},
        {"y1": 0}, {"y0": 100, "y1": LEAST_64}, {"x1": WIDTH + 1}, {"y1": HEIGHT + 1}, {"weight": None}, {"arrival": None},
    ],
    "colours": [
        *OF_PICTURES, {"image": None}, {"mean": None}, {"scale": None}, {"colour": None}, {"count": 0}, {"count": -1},
    ],
    "nearest": [
        {"tree": None}, {"tree": 32}, {"points": None}, {"distance": None}, {"neighbours": 0}, {"neighbours": 9},
        {"neighbours": 8, "tree_points": 8}, {"tree_points": 1 << 31}, {"count": 0}, {"count": -1},
    ],
}  # fmt: skip
"""Fields, and what they may never be; that of the tree is added to what is there."""
ENDS_OF_SAMPLES: list[Fields] = [
    {"width": 1}, {"height": 1}, {"channels": 1}, {"channels": 4, "sample_bytes": 2}
]  # fmt: skip
ENDS: dict[str, list[Fields]] = {
    "sum": [*ENDS_OF_SAMPLES, {"height": MOST}],
    "reduce": [*ENDS_OF_SAMPLES, {"height": MOST}, {"reduction": 1}, {"reduction": 64}],
    "split": [*ENDS_OF_SAMPLES, {"reduction": 1, "rows": HEIGHT, "stride": WIDTH}, {"reduction": 64, "rows": 1, "stride": 1}],
    "features": [
        {"width": 1, "x1": 1}, {"height": 1, "y1": 1}, {"channels": 1}, {"channels": 4}, {"width": MOST, "height": 1, "y1": 1},
        {"height": MOST}, {"x0": WIDTH - 1, "y0": HEIGHT - 1},
    ],
    "colours": [
        {"width": 1}, {"height": 1}, {"channels": 1}, {"channels": 4}, {"width": MOST, "height": 1}, {"height": MOST}, {"count": 1}
    ],
    "nearest": [{"neighbours": 1}, {"neighbours": 8}, {"count": 1}],
}  # fmt: skip
"""The smallest and the largest numbers that are sound."""


@pytest.mark.parametrize(("name", "wrong"), [(name, each) for name, fields in REFUSED.items() for each in fields])
def test_a_number_of_a_task_lies(name: str, wrong: Fields) -> None:
    assert call_of(name).run(1, **wrong) == INVALID


@pytest.mark.parametrize(("name", "sound"), [(name, each) for name, fields in ENDS.items() for each in fields])
def test_the_ends_of_what_is_sound(name: str, sound: Fields) -> None:
    assert call_of(name).run(1, **sound) == OK


@pytest.mark.parametrize("name", REFUSED)
def test_no_item_lies_behind_the_last(name: str) -> None:
    call = call_of(name)
    assert call.run() == OK
    assert call.run(call.items + 1) == INVALID


def test_chunks_end_with_their_points() -> None:
    for name in ("colours", "nearest"):
        assert call_of(name).run(1, count=128) == OK
        assert call_of(name).run(2, count=128) == INVALID


def test_statistics_take_the_place_of_weights() -> None:
    call, statistics = features_call(), np.zeros((3, 4))
    assert call.run(statistics=address(statistics), weight=None, arrival=None) == OK


@pytest.mark.parametrize("name", ["features", "colours"])
def test_the_least_instruction_set_will_do(name: str) -> None:
    library = load()
    level = library.core_get_level()
    try:
        assert OK in [library.core_set_level(each) for each in (2, 1)]
        assert call_of(name).run() == OK
    finally:
        assert library.core_set_level(level) == OK


def test_as_many_points_of_a_tree_as_there_may_be() -> None:
    """Both halves are empty: nothing behind the root's is looked at."""
    halves = aligned(4 * 16).view(np.float32).reshape(4, 4)
    halves[:] = [math.inf, math.inf, -math.inf, -math.inf]
    call = nearest_call()
    call.task.tree = address(halves)
    assert call.run(1, tree_points=MOST) == OK


# ---- Calls without a job ----


def test_keys_to_choose_from() -> None:
    keys, chosen = np.arange(3, dtype=np.uint32), np.zeros(9, np.int64)

    def status(count: int, wanted: int, first: int | None = address(keys), to: int | None = address(chosen)) -> int:
        return int(load().core_choose_smallest(first, ctypes.c_int64(count), ctypes.c_int64(wanted), to))

    for count, wanted in ((-1, 0), (-1, -1), (1 << 31, 0), (3, -1), (3, 4)):
        assert status(count, wanted) == INVALID, (count, wanted)
    assert status(3, 1, None) == status(3, 1, to=None) == INVALID
    for count, wanted in ((3, 3), (3, 1), (3, 0), (0, 0), (MOST, 0)):
        assert status(count, wanted) == OK, (count, wanted)
    assert status(3, 0, None, None) == OK


def test_weights_of_scales() -> None:
    weight, scale = np.zeros(3, np.float32), np.zeros(3, np.float32)

    def status(count: int, first: int | None = address(weight), to: int | None = address(scale)) -> int:
        return int(load().core_shrink_scales(first, ctypes.c_int64(count), ctypes.c_float(1.0), to))

    assert status(-1) == status(1, None) == status(1, to=None) == INVALID
    assert status(3) == status(0) == status(0, None, None) == OK


def test_the_workspace_of_an_order() -> None:
    points, order = np.zeros((3, 2), np.float32), np.zeros(3, np.int32)
    workspace = aligned(1 << 12)

    def size(count: int) -> int:
        return int(load().core_order_workspace(ctypes.c_int64(count)))

    def status(
        count: int,
        more: int = 0,
        start: int | None = 0,
        first: int | None = address(points),
        to: int | None = address(order),
    ) -> int:
        memory = None if start is None else address(workspace) + start
        given = first, ctypes.c_int64(count), *map(ctypes.c_double, (0.0, 0.0, 1.0)), to
        return int(load().core_order_points(*given, memory, ctypes.c_int64(size(count) + more)))

    assert size(-1) == size(1 << 31) == 0
    assert (size(0), size(3), size(MOST)) == (64, 160, 32 * MOST + 64)
    assert status(3) == status(3, 64) == status(0) == status(0, first=None, to=None) == OK
    assert status(3, -1) == status(3, start=32) == status(3, start=1) == status(3, start=None) == INVALID
    assert status(3, first=None) == status(3, to=None) == status(0, start=None) == INVALID
    assert status(-1, 64) == status(1 << 31, 64) == INVALID


def test_the_memory_of_a_tree() -> None:
    points, tree = np.zeros((3, 2), np.float32), aligned(1 << 12)

    def size(count: int) -> int:
        return int(load().core_tree_bytes(ctypes.c_int64(count)))

    def status(
        count: int,
        order: tuple[int, ...] | None = (2, 0, 1),
        more: int = 0,
        start: int | None = 0,
        first: int | None = address(points),
    ) -> int:
        numbers = None if order is None else np.array(order, np.int32)
        memory = None if start is None else address(tree) + start
        given = first, None if numbers is None else address(numbers), ctypes.c_int64(count), memory
        return int(load().core_make_tree(*given, ctypes.c_int64(size(count) + more)))

    assert size(-1) == size(1 << 31) == 0
    assert (size(0), size(16), size(17), size(MOST)) == (160, 160, 320, 160 << 27)
    assert status(3) == status(3, more=64) == status(0) == status(0, None, first=None) == OK
    assert status(3, None) == status(3, first=None) == INVALID
    assert status(3, more=-1) == status(3, start=32) == status(3, start=1) == status(3, start=None) == INVALID
    assert status(-1, more=160) == status(1 << 31, more=160) == INVALID
    assert status(3, (2, -1, 1)) == status(3, (2, 0, 3)) == status(3, (MOST, 0, 1)) == INVALID


APART: dict[str, Any] = {
    "point_count": 2, "candidate_count": 3, "width": 9.0, "height": 9.0, "radius": 3.0, "columns": 2, "rows": 2,
}  # fmt: skip


def keep_apart(**changed: float | None) -> int:
    """The status of a call that is sound but for what is changed."""
    points, heads, links = np.ones((5, 2), np.float32), np.zeros(4, np.int32), np.zeros(5, np.int32)
    accepted = np.zeros(3, np.uint8)
    memory: dict[str, NDArray[Any]] = {
        "points": points,
        "candidates": points,
        "heads": heads,
        "links": links,
        "accepted": accepted,
    }
    task = structs.Apart(**{name: address(array) for name, array in memory.items()} | APART | changed)
    return int(load().core_keep_apart(ctypes.byref(task)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"point_count": -1}, {"candidate_count": -1}, {"point_count": MOST}, {"point_count": MOST - 2}, {"candidate_count": MOST - 1},
        *({name: value} for name in ("width", "height") for value in (0.0, -1.0, math.nan)),
        *({"radius": value, "columns": 1, "rows": 1} for value in (-1.0, math.nan)),
        *({name: value, "columns": 1, "rows": 1} for name in ("width", "height") for value in (0.0, -1.0, math.nan)),
        *({name: value} for name in ("columns", "rows") for value in (0, -1, 3, (1 << 30) + 1)),
        {"columns": 1, "rows": (1 << 30) + 1, "radius": 0.0}, {"rows": (1 << 29) + 1, "radius": 0.0},
        {"points": None}, {"candidates": None}, {"heads": None}, {"links": None}, {"accepted": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_number_of_an_exclusion_lies(wrong: Fields) -> None:
    """Three cells of 9 px are as wide as the radius, but for the margin that they need where they are rounded."""
    assert keep_apart(**wrong) == INVALID


@pytest.mark.parametrize(
    "sound",
    [
        {}, {"point_count": 0, "points": None}, {"candidate_count": 0, "candidates": None}, {"columns": 1}, {"rows": 1},
        {"radius": 0.0}, {"radius": 4.499},
        {"radius": 1e9, "columns": 1, "rows": 1}, {"width": 1e-9, "height": 1e-9, "columns": 1, "rows": 1},
    ],
    ids=str,
)  # fmt: skip
def test_the_ends_of_an_exclusion(sound: Fields) -> None:
    assert keep_apart(**sound) == OK


def test_an_exclusion_needs_a_task() -> None:
    assert load().core_keep_apart(None) == INVALID


@pytest.mark.parametrize(("nearer", "apart"), [(0.0, True), (2.0**-20, False)])
def test_a_radius_away_is_far_enough(nearer: float, apart: bool) -> None:
    candidate = np.array([[4.0 - nearer, 1.0]], np.float32)
    assert seeds.keep_apart(np.ones((1, 2), np.float32), candidate, 9, 9, 3.0).tolist() == [apart]
