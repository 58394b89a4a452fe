"""Wrong arguments of a step of the fit: the core refuses all that it can check.

tools/core_mutation.py takes each check away.
"""

from __future__ import annotations

import ctypes
import math

import numpy as np
import pytest

from splatc import core
from splatc.core import fit as core_fit
from splatc.core.fit_structs import Adam, Network, Rate
from splatc.core.loading import INVALID, OK, TOO_SMALL, address, load, size_of
from splatc.gaussians import FloatArray
from splatc.neural.step import FEATURES
from tests.core_calls import DEFAULT
from tests.fit_calls import FitCall, random_pixels, random_values


def sound(what: int = core_fit.STEP, **others: int) -> FitCall:
    rng = np.random.default_rng(0)
    return FitCall(random_values(rng, 300, 70, 40, 3), random_pixels(rng, 70, 40, 3), what, **others)


@pytest.mark.parametrize("what", range(6))
def test_phases_of_what_is_to_be_done(what: int) -> None:
    call = sound(what)
    ends = {core_fit.DRAW: [2, 3, 5, 5], core_fit.ERRORS: [2, 3, 5, 5]}
    expected = ends.get(what, [2, 3, 5, 7])
    assert call.phases() == expected
    assert call.run() == OK
    assert call.item(-1) == call.item(expected[-1]) == call.item(0, 1) == call.item(0, -1) == INVALID


ALWAYS: list[tuple[str, float | None]] = [
    ("what", -1), ("what", 6), ("channels", 0), ("channels", 5), ("count", -1), ("count", (1 << 26) + 1), ("width", 0), ("height", 0),
    ("width", 81), ("stride", 64), ("stride", 88), ("values", None), ("frozen", None), ("placed", None), ("boxes", None),
    ("entry_starts", None), ("tile_starts", None), ("entries", -1), ("entries", 1 << 31), ("members", None), ("sums", None),
    ("reduction", 0.99), ("reduction", math.nan), ("workspace_bytes", 1), ("workspace_bytes", -64), ("workspace", 8),
]  # fmt: skip
"""Fields, and what they may never be; those of the workspace are added to what is there."""
OF_SOME: dict[int, list[tuple[str, float | None]]] = {
    core_fit.STEP: [
        ("first", None), ("second", None), ("adam", None), ("tile_squares", None), ("samples", None), ("depth", 12), ("depth", 0),
    ],
    core_fit.DRAW: [("image", None), ("weight", None)],
    core_fit.MOVE: [
        ("first", None), ("second", None), ("adam", None), ("image", None), ("weight", None), ("gradient", None), ("finer", 0),
    ],
    core_fit.COSTS: [("tile_squares", None), ("samples", None), ("depth", 7), ("cost", None)],
    core_fit.ERRORS: [("tile_squares", None), ("samples", None), ("depth", 7), ("weight", None)],
    core_fit.LOSS_COSTS: [
        ("image", None), ("weight", None), ("gradient", None), ("curvature", None), ("cost", None), ("finer", 0),
    ],
}  # fmt: skip


@pytest.mark.parametrize("what", range(6))
def test_a_number_of_a_step_lies(what: int) -> None:
    for name, value in [*ALWAYS, *OF_SOME[what]]:
        call = sound(what)
        assert call.phases() is not None
        if name == "adam":
            setattr(call.task, name, ctypes.POINTER(Adam)())
        else:
            before = getattr(call.task, name) if name.startswith("workspace") else 0
            setattr(call.task, name, value if value is None else before + value)
        assert call.phases() is None, (name, value)
        assert call.item(0) == INVALID, (name, value)


def test_what_a_step_does_not_need_may_be_missing() -> None:
    every = {name for names in OF_SOME.values() for name, _ in names} - {"depth", "adam", "finer"}
    for what, needed in OF_SOME.items():
        call = sound(what)
        for name in every - {name for name, _ in needed}:
            setattr(call.task, name, None)
        assert call.phases() is not None
    call = sound(core_fit.DRAW, normalized=0)
    call.task.weight = None
    assert call.run() == OK


@pytest.mark.parametrize(("channels", "width"), [(1, 80), (4, 80), (2, 79), (3, 1)])
def test_the_ends_of_what_is_sound(channels: int, width: int) -> None:
    """The fewest and the most channels; planes that fill their stride."""
    rng = np.random.default_rng(0)
    call = FitCall(random_values(rng, 20, width, 9, channels), random_pixels(rng, width, 9, channels))
    assert call.run() == OK


def test_the_largest_numbers_that_are_sound() -> None:
    call = sound()
    for name, values in {
        "count": (1 << 26, 0),
        "entries": ((1 << 31) - 1, 0),
        "workspace_bytes": (call.size, call.size + 64),
    }.items():
        before = getattr(call.task, name)
        for value in values:
            setattr(call.task, name, value)
            assert call.phases() is not None, (name, value)
        setattr(call.task, name, before)
    assert (
        load().core_fit_phases(None, address(call.squares))
        == load().core_fit_phases(ctypes.byref(call.task), None)
        == -1
    )
    assert load().core_fit_item(None, ctypes.c_int64(0), 0) == INVALID


def test_subsets_have_tiles() -> None:
    def tiles(width: int, height: int) -> int:
        return int(load().core_fit_tiles(width, height))

    assert tiles(0, 5) == tiles(5, 0) == tiles(-1, 5) == tiles((1 << 20) + 1, 1) == tiles(1, (1 << 20) + 1) == -1
    assert (tiles(1, 1), tiles(64, 64), tiles(65, 64), tiles(64, 65)) == (1, 1, 2, 2)
    assert tiles(1 << 20, 1) == tiles(1, 1 << 20) == 1 << 14


def test_without_room_nothing_moves() -> None:
    """And the task says how much it takes: as much does."""
    call = sound(entries=1)
    before = call.values.copy()
    assert call.run() == TOO_SMALL
    assert np.array_equal(call.values, before)
    needed = int(call.task.needed)
    assert needed > 300 and sound(entries=needed - 1).run() == TOO_SMALL and sound(entries=needed).run() == OK


def test_a_step_stops_when_it_is_cancelled() -> None:
    call, stop = sound(), np.ones(1, np.int32)
    call.task.stop = address(stop)
    assert call.run() not in (OK, INVALID)
    stop[0] = 0
    assert call.run() == OK


@pytest.mark.parametrize("worker", [0, 1])
def test_each_worker_has_a_workspace(worker: int) -> None:
    call = sound(workers=2)
    for number in range(3):
        assert call.item(number) == OK
    call.workspace[:] = 7
    assert call.item(3, worker) == OK
    halves = call.workspace.reshape(2, -1)
    assert (halves[1 - worker] == 7).all() and (halves[worker] != 7).any()


def with_network(call: FitCall, hidden: int, weights: FloatArray | None) -> FitCall:
    """The same step, moved by a network."""
    call.task.network = ctypes.pointer(Network(None if weights is None else address(weights), hidden, 1.0, 0.0, 1.0))
    return call


@pytest.mark.parametrize("hidden", [8, 48, 64])
def test_networks_of_a_step(hidden: int) -> None:
    """Its weights are as many as it has units, and no more are read."""
    weights = np.zeros((FEATURES + 1) * hidden + (hidden + 1) * hidden + (hidden + 1) * 8, np.float32)
    call = with_network(sound(), hidden, weights)
    before = call.values.copy()
    assert call.run() == OK
    assert np.allclose(call.values[5:], before[5:]), "weights of zero say that nothing moves"


@pytest.mark.parametrize("hidden", [0, -8, 7, 9, 60, 72])
def test_a_network_of_another_size_is_refused(hidden: int) -> None:
    assert with_network(sound(), hidden, np.zeros(1 << 14, np.float32)).phases() is None


def test_a_network_is_of_steps_of_three_channels() -> None:
    weights = np.zeros(1 << 14, np.float32)
    assert with_network(sound(), 48, weights).phases() is not None
    assert with_network(sound(), 48, None).phases() is None
    assert with_network(sound(core_fit.MOVE), 48, weights).phases() is None
    rng = np.random.default_rng(0)
    for channels in (1, 2, 4):
        call = FitCall(random_values(rng, 20, 70, 40, channels), random_pixels(rng, 70, 40, channels))
        assert with_network(call, 48, weights).phases() is None, channels
    for what in (core_fit.DRAW, core_fit.COSTS, core_fit.ERRORS):
        assert with_network(sound(what), 0, None).phases() is not None, "nothing is moved"


def test_widths_of_steps() -> None:
    steps, widths = core.make_steps(3, *DEFAULT), np.zeros(size_of("fit_widths"), np.uint8)
    assert load().core_fit_make_widths(address(steps), address(widths)) == OK
    assert (
        load().core_fit_make_widths(address(steps), None)
        == load().core_fit_make_widths(None, address(widths))
        == INVALID
    )
    assert load().core_fit_make_widths(address(np.zeros_like(steps)), address(widths)) == INVALID


def test_the_rate_of_a_step_is_a_struct_of_its_own() -> None:
    assert ctypes.sizeof(Rate) == size_of("fit_rate")
