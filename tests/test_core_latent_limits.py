"""Latents that a decoder may not be given: the core refuses whatever does not fit the buffers of a call.

tools/core_mutation.py takes each check away.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from splatc import core
from splatc.bitstream import latent_network
from splatc.core import structs
from splatc.core.loading import CANCELLED, INVALID, OK, TOO_SMALL, WRONG_END, address, aligned, load

Change = Callable[[Any], object]


class TileCall:
    """A stream of zeros for 3 x 2 cells, with all of its buffers."""

    def __init__(self) -> None:
        self.network = latent_network.load(1).copy()
        self.stream = np.zeros(1, np.uint8)
        self.result = np.zeros(96 * 6, np.int16)
        size = load().core_latent_workspace(3, 2)
        self.workspace = aligned(size)
        self.task = structs.LatentTile(
            address(self.network), address(self.stream), 0, 100, 96, 3, 2,
            address(self.result), address(self.workspace), size, None,
        )  # fmt: skip

    def run(self) -> int:
        return int(load().core_decode_latents(ctypes.byref(self.task)))

    def expect(self) -> int:
        means, tables = np.zeros(96 * 6, np.int32), np.zeros(96 * 6, np.uint8)
        latents = np.ones(96 * 6, np.int16)
        return int(
            load().core_expect_latents(ctypes.byref(self.task), address(latents), address(means), address(tables))
        )


class SynthesisCall:
    """The Gaussians of 3 x 2 cells, of which two are busy."""

    def __init__(self) -> None:
        self.network = latent_network.load(1).copy()
        self.values = np.zeros((96, 4, 5), np.int16)
        self.values[20, 1, 1] = self.values[63, 2, 3] = 1
        self.room = 6 * 16 + 2 * 64
        self.columns = core.Columns.empty(self.room, 3)
        size = load().core_synthesis_workspace(3, 2)
        self.workspace = aligned(size)
        self.task = structs.Synthesis(
            address(self.network), address(self.values), 100, 96, 3, 2, 0, 0, 48, 32, 0, 0,
            **self.columns.addresses(), room=self.room, workspace=address(self.workspace), workspace_bytes=size,
        )  # fmt: skip

    def run(self) -> int:
        return int(load().core_synthesize(ctypes.byref(self.task)))


WRONG: list[Change] = [
    lambda task: setattr(task, "network", None),
    lambda task: setattr(task, "q", -1),
    lambda task: setattr(task, "q", 192),
    lambda task: setattr(task, "latents", 63),
    lambda task: setattr(task, "latents", 97),
    lambda task: setattr(task, "columns", 0),
    lambda task: setattr(task, "columns", 65),
    lambda task: setattr(task, "rows", 0),
    lambda task: setattr(task, "rows", 65),
    lambda task: setattr(task, "workspace", task.workspace + 8),
    lambda task: setattr(task, "workspace_bytes", task.workspace_bytes - 1),
]


@pytest.mark.parametrize("change", WRONG)
def test_a_tile_that_does_not_fit_its_buffers(change: Change) -> None:
    call = TileCall()
    assert call.run() in (OK, WRONG_END) and call.expect() == OK
    change(call.task)
    assert call.run() == call.expect() == INVALID


def test_a_stream_of_less_than_nothing() -> None:
    call = TileCall()
    call.task.length = -1
    assert call.run() == INVALID


@pytest.mark.parametrize("place", [0, 97])
@pytest.mark.parametrize(
    "change", [lambda row, at: row.__setitem__(at, 0), lambda row, at: row.__setitem__(at, row[at] + 1)]
)
def test_a_network_whose_tables_are_none(change: Callable[[Any, int], object], place: int) -> None:
    call = TileCall()
    change(call.network.view(latent_network.NETWORK)[0]["frequencies"][63], place)
    assert call.run() == INVALID


def test_a_table_with_a_0_and_the_right_sum() -> None:
    call = TileCall()
    row = call.network.view(latent_network.NETWORK)[0]["frequencies"][5]
    row[48], row[0] = row[48] + row[0], 0
    assert call.run() == INVALID


def test_a_call_that_is_stopped() -> None:
    call, stop = TileCall(), np.ones(1, np.int32)
    call.task.stop = address(stop)
    assert call.run() == CANCELLED


def test_cells_become_gaussians() -> None:
    call = SynthesisCall()
    assert call.run() == OK and call.task.count == call.room
    call.task.room -= 1
    before = call.columns.colour.copy()
    assert call.run() == TOO_SMALL and call.task.count == call.room
    np.testing.assert_array_equal(call.columns.colour, before)


@pytest.mark.parametrize(
    "change",
    [
        *WRONG,
        lambda task: setattr(task, "column", -1),
        lambda task: setattr(task, "row", -1),
        lambda task: setattr(task, "column", (1 << 26) + 1),
        lambda task: setattr(task, "row", (1 << 26) + 1),
        lambda task: setattr(task, "width", 0),
        lambda task: setattr(task, "height", 0),
        lambda task: setattr(task, "width", (1 << 20) + 1),
        lambda task: setattr(task, "height", (1 << 20) + 1),
        lambda task: setattr(task, "least_level", -1),
    ],
)
def test_cells_that_do_not_fit_their_buffers(change: Change) -> None:
    call = SynthesisCall()
    change(call.task)
    assert call.run() == INVALID


def test_gaussians_beyond_the_picture_do_not_exist() -> None:
    call = SynthesisCall()
    call.task.width, call.task.height = 41, 17
    assert call.run() == OK
    count = call.task.count
    level, x, y = (getattr(call.columns, name)[:count] for name in ("level", "x", "y"))
    assert x[level == 2].max() == 10 and y[level == 2].max() == 4
    assert x[level == 1].max() == 20 and y[level == 1].max() == 8
    call.task.column = 3
    assert call.run() == OK and call.task.count == 0


def test_the_largest_latents_stay_within_the_largest_colours() -> None:
    call = SynthesisCall()
    call.values[:] = np.where(np.arange(call.values.size).reshape(call.values.shape) % 2, 32767, -32768)
    call.task.q = 191
    call.task.room = 0
    assert call.run() == TOO_SMALL
    columns = core.Columns.empty(call.task.count, 3)
    for name, where in columns.addresses().items():
        setattr(call.task, name, where)
    call.task.room = call.task.count
    assert call.run() == OK
    assert np.abs(columns.colour).max() == 4096


def test_no_workspace_for_what_is_no_tile() -> None:
    for columns, rows in ((0, 1), (1, 0), (65, 1), (1, 65), (-1, 5)):
        assert load().core_latent_workspace(columns, rows) == load().core_synthesis_workspace(columns, rows) == -1
