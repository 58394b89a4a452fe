"""The compiled core: reading symbols, predictions, drawing. Arrays in, arrays out; ``core.h`` has the meaning of every number.

Arrays that a function is given have the dtype and the shape that it names; they are made contiguous here where they are not.
"""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatc import attributes
from splatc.attributes import FLOATS, PREDICTED, column_shapes, float_shapes
from splatc.core import fit_structs, loading, structs
from splatc.core.loading import address, aligned, check, load, size_of
from splatc.core.pool import Work, patiently, set_threads, threads

__all__ = [
    "Columns",
    "Lists",
    "Placed",
    "Steps",
    "Tables",
    "decode_sections",
    "dequantize",
    "draw",
    "find_neighbours",
    "first_tables",
    "make_residuals",
    "make_steps",
    "place",
    "run_draw",
    "set_threads",
    "sort_into_tiles",
    "threads",
]

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
Steps = NDArray[np.uint8]
"""A ``core_steps``."""
Tables = NDArray[np.uint8]
"""(K, bytes of a ``core_tables``)"""
NEIGHBOURS = 16
AROUND = 7 + 1 + 6
"""What is kept of the neighbours of a Gaussian for models: CORE_AROUND."""
ANCHORS = 7
"""CORE_ANCHORS."""
TILE_WIDTH, TILE_HEIGHT = 128, 32
CHUNK = 4096
_MANY_ENTRIES = 1 << 22
"""Of the lists of tiles, that take some 50 ms to sort."""
_DECODE, _DRAW, _DEQUANTIZE, _PLACE = range(4)
"""Kinds of jobs."""
_WORKSPACE, _FREE_WORKSPACE = 200, 1 << 26
"""Bytes of workspaces for each Gaussian of a call, and without any."""


def make_steps(channels: int, *fields: int) -> Steps:
    """What follows from the header; ``fields`` as in ``core_header``, from ``position`` on; without ``models`` there are none."""
    steps = np.zeros(size_of("steps"), np.uint8)
    check(load().core_make_steps(structs.CoreHeader(channels, *fields), address(steps)))
    return steps


def first_tables(steps: Steps) -> Tables:
    """(1, bytes) what a section without a parent starts from."""
    tables = np.zeros((1, size_of("tables")), np.uint8)
    check(load().core_first_tables(address(steps), address(tables)))
    return tables


class Columns(attributes.Columns):
    """N Gaussians as integers, in coding order."""

    @staticmethod
    def empty(count: int, channels: int) -> Columns:
        """Room for so many."""
        return Columns(**{name: np.empty(shape, np.int32) for name, shape in column_shapes(count, channels).items()})

    def contiguous(self) -> Columns:
        """The same as the core reads them."""
        return Columns(**{name: np.ascontiguousarray(array, np.int32) for name, array in vars(self).items()})

    def addresses(self) -> dict[str, int]:
        return {name: address(array) for name, array in vars(self).items()}


@functools.cache
def _partitions() -> NDArray[np.uint8]:
    """The cache of partition tables that all threads share."""
    return np.zeros(size_of("partitions"), np.uint8)


if hasattr(os, "register_at_fork"):  # a table that a thread was making in the parent would never be finished
    os.register_at_fork(after_in_child=_partitions.cache_clear)


def decode_sections(
    steps: Steps,
    stream: bytes,
    sections: NDArray[np.void],
    levels: NDArray[np.void],
    columns: Columns,
    tables: Tables,
    first: Tables,
    waves: list[Ints],
    *,
    tally: bool = False,
) -> None:
    """Decode sections side by side, wave by wave, each a list of numbers of ``sections`` whose parents are in earlier waves.

    ``sections`` (S,) structs.SECTION, whose results are filled in; ``levels`` (L,) structs.LEVEL; ``columns`` is filled in but for
    sections that are known. A wave with a section whose status is not OK is the last.
    """
    if not len(sections):
        return
    chains = sections["count"].copy()
    for number, parent in enumerate(sections["parent"].tolist()):
        if parent >= 0:
            chains[number] += chains[parent]
    count = len(columns.level)
    size = max(
        load().core_decode_workspace(int(own), int(chain)) for own, chain in zip(sections["count"], chains, strict=True)
    )
    size = -(-size // 64) * 64
    most = max(
        1, (count * _WORKSPACE + _FREE_WORKSPACE) // size
    )  # many threads on few large sections would take it all
    workers = min(threads(), max(len(wave) for wave in waves), most)
    workspace, sites = aligned(size * workers), aligned(count * size_of("site"))
    order, content = np.empty(count, np.int32), np.frombuffer(stream, np.uint8)
    work = Work(_DECODE, workers)
    task = structs.Decode(
        steps=address(steps), bytes=address(content), byte_count=len(content), sections=address(sections), section_count=len(sections),
        levels=address(levels), level_count=len(levels), first=address(first), tables=address(tables), table_count=len(tables),
        partitions=address(_partitions()), **columns.addresses(), sites=address(sites), order=address(order), count=count,
        workspace=address(workspace), workspace_bytes=size, workers=workers, tally=tally, stop=work.stop,
    )  # fmt: skip
    for wave in waves:
        status = work.run(task, len(wave), wave)
        if status in (loading.INVALID, loading.NO_THREAD):
            check(status)
        if status:
            return


def make_residuals(steps: Steps, columns: Columns, first: int) -> dict[str, Ints]:
    """By attribute that is predicted, residuals of the Gaussians from ``first`` on; those before are their ancestors."""
    columns, count = columns.contiguous(), len(columns)
    residuals = {name: np.zeros_like(getattr(columns, name)) for name in PREDICTED}
    size = load().core_decode_workspace(count, count)
    workspace, sites = aligned(size), np.empty(count * size_of("site"), np.uint8)
    task = structs.Predict(
        steps=address(steps), **columns.addresses(), count=count, first=first,
        **{f"{name}_residual": address(array) for name, array in residuals.items()},
        sites=address(sites), workspace=address(workspace), workspace_bytes=size,
    )  # fmt: skip
    check(load().core_make_residuals(task))
    return residuals


def find_neighbours(x: NDArray[np.integer[Any]], y: NDArray[np.integer[Any]], first: int = 0) -> Ints:
    """(N, NEIGHBOURS) the nearest earlier points of each from ``first`` on, nearest first, -1 where there are fewer; 0 <= x, y < 2^30."""
    across, down = (np.ascontiguousarray(values, np.int32) for values in (x, y))
    count = len(across)
    neighbours = np.empty((count, NEIGHBOURS), np.int32)
    size = load().core_decode_workspace(count, count)
    workspace, sites = aligned(size), np.empty(count * size_of("site"), np.uint8)
    status = load().core_find_neighbours(
        address(across), address(down), count, first, address(neighbours), address(sites), address(workspace), size
    )
    check(status)
    return neighbours


def dequantize(steps: Steps, columns: Columns) -> dict[str, Floats]:
    """The Gaussians as floats: by name, the arrays of splatc.attributes.FLOATS."""
    columns = columns.contiguous()
    count, channels = columns.colour.shape
    floats = {name: np.empty(shape, np.float32) for name, shape in float_shapes(count, channels).items()}
    task = structs.Dequantizing(
        steps=address(steps), count=count, **columns.addresses(),
        **{f"{name}_floats": address(array) for name, array in floats.items()},
    )  # fmt: skip
    _run_chunks(_DEQUANTIZE, task, count)
    return floats


def _run_chunks(kind: int, task: ctypes.Structure, count: int) -> None:
    """Run a job whose items are CHUNK Gaussians each."""
    chunks = -(-count // CHUNK)
    if chunks:
        check(Work(kind, min(threads(), chunks)).run(task, chunks))


@dataclass(frozen=True)
class Placed:
    """Gaussians on the grid of a view."""

    view: structs.CoreView
    memory: NDArray[np.uint8]
    """(N) core_placed."""
    entries: int
    """Of the lists of all tiles together."""

    @property
    def count(self) -> int:
        return len(self.memory) // size_of("placed")

    @property
    def tiles(self) -> int:
        return int(self.view.tiles_x * self.view.tiles_y)


def place(view: structs.CoreView, gaussians: Mapping[str, Floats], normalized: bool) -> Placed:
    """Place N Gaussians: by name, the arrays of splatc.attributes.FLOATS."""
    arrays = [np.ascontiguousarray(gaussians[name], np.float32) for name in FLOATS]
    count, channels = gaussians["colour"].shape
    memory = np.empty(count * size_of("placed"), np.uint8)
    task = structs.Placing(
        ctypes.pointer(view), count, *map(address, arrays), channels=channels, normalized=normalized, placed=address(memory)
    )  # fmt: skip
    _run_chunks(_PLACE, task, count)
    entries = load().core_count_entries(view, count, address(memory))
    check(loading.OK if entries >= 0 else loading.INVALID)
    return Placed(view, memory, entries)


@dataclass(frozen=True)
class Lists:
    """Tile t has the Gaussians members[starts[t] : starts[t + 1]], in ascending order."""

    starts: NDArray[np.int64]
    """(tiles + 1,)"""
    members: Ints


def sort_into_tiles(placed: Placed) -> Lists:
    """The Gaussians that may reach each tile."""
    starts, members = np.empty(placed.tiles + 1, np.int64), np.empty(placed.entries, np.int32)
    cursor = np.empty(max(placed.tiles, 1), np.int64)
    given = placed.view, placed.count, address(placed.memory), address(starts)
    filled = *given, address(cursor), address(members), len(members)

    def sort() -> int:
        return int(load().core_count_tiles(*given) or load().core_fill_tiles(*filled))

    if placed.entries < _MANY_ENTRIES:
        check(sort())
    else:
        check(patiently(sort, (placed, starts, members, cursor)))
    return Lists(starts, members)


def draw(
    placed: Placed,
    lists: Lists,
    background: Floats,
    normalized: bool,
    first: int,
    last: int,
    out: NDArray[np.uint8 | np.uint16 | np.float32],
) -> None:
    """Draw the rows first .. last - 1 of a view into ``out`` (last - first, columns, C)."""
    task = structs.Draw(
        placed=address(placed.memory), count=placed.count, starts=address(lists.starts), members=address(lists.members),
        member_count=len(lists.members), normalized=normalized,
    )  # fmt: skip
    run_draw(task, placed.view, background, first, last, out)


def run_draw(
    task: structs.Draw,
    view: structs.CoreView,
    background: Floats,
    first: int,
    last: int,
    out: NDArray[np.uint8 | np.uint16 | np.float32],
) -> None:
    """Run a task that says what is to be drawn and how it is blended; the rest is filled in here."""
    workers = threads()
    workspace = aligned(load().core_draw_workspace() * workers)
    work = Work(_DRAW, workers)
    task.view = ctypes.pointer(view)
    task.background[:] = [*background.tolist(), *[0.0] * (fit_structs.MAX_CHANNELS - len(background))]
    task.channels, task.depth, task.workers = len(background), 8 * out.itemsize, workers
    task.first, task.last, task.out, task.out_bytes = first, last, address(out), out.nbytes
    task.workspace, task.workspace_bytes, task.stop = address(workspace), load().core_draw_workspace(), work.stop
    tiles = load().core_draw_tiles(task)
    check(loading.OK if tiles >= 0 else loading.INVALID)
    check(work.run(task, tiles))
