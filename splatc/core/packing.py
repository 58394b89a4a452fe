"""Gaussians -> integers -> what each symbol of a file takes. Arrays in, arrays out; ``fit/pack.h`` has the meaning of every number."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatc import core
from splatc.attributes import FLOATS, PREDICTED, column_shapes
from splatc.core import pack_structs
from splatc.core.loading import TOO_SMALL, address, aligned, check, load, size_of
from splatc.core.pool import Work, threads

_QUANTIZE, _PREDICT, _PACK = 22, 23, 24
"""Kinds of jobs."""
_CHUNK = 512
"""Gaussians whose neighbours are searched at a time."""
TILE_SIDES = 21
"""log2 of the side of a tile, px, is below this."""
_PARTS = 256
"""Sections that there is room for at first."""

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]


def quantize(steps: core.Steps, width: int, height: int, gaussians: Mapping[str, Floats]) -> core.Columns:
    """The integers nearest to N Gaussians, as arrays by name (splatc.attributes.FLOATS)."""
    inputs = [np.ascontiguousarray(gaussians[name], np.float32) for name in FLOATS]
    count, channels = gaussians["colour"].shape
    columns = core.Columns.empty(count, channels)
    task = pack_structs.Quantizing(
        address(steps), count, width, height, *map(address, inputs), *columns.addresses().values()
    )
    chunks = -(-count // core.CHUNK)
    if chunks:
        check(Work(_QUANTIZE, min(threads(), chunks)).run(task, chunks))
    return columns


class Arrangement:
    """N Gaussians (in any order) of a picture of width x height px: how they may be divided, and their order then."""

    def __init__(self, steps: core.Steps, width: int, height: int, levels: int, level: Ints, x: Ints, y: Ints) -> None:
        self._arrays = [np.ascontiguousarray(array, np.int32) for array in (level, x, y)]
        self._count = len(level)
        self._steps = steps
        size = load().core_arrange_workspace(self._count)
        self._workspace = aligned(size)
        self._task = pack_structs.Arranging(
            address(steps), self._count, width, height, *map(address, self._arrays), levels,
            workspace=address(self._workspace), workspace_bytes=size,
        )  # fmt: skip

    def occupied_tiles(self, top: int, levels: int) -> NDArray[np.int64]:
        """(TILE_SIDES,) by log2 of their side, the tiles in which Gaussians of the levels top, top - 1, ... lie."""
        tiles = np.empty(TILE_SIDES, np.int64)
        check(load().core_occupied_tiles(ctypes.byref(self._task), top, levels, address(tiles)))
        return tiles

    def divide(self, layers: list[tuple[int, int]]) -> tuple[Ints, NDArray[np.void]]:
        """The order (N,) and the sections (S,), pack_structs.PART, of layers: number of levels, and log2 of the side of a tile."""
        table, order = np.array(layers, pack_structs.LAYER), np.empty(self._count, np.int32)
        parts = np.empty(_PARTS, pack_structs.PART)
        task = self._task
        task.layers, task.layer_count, task.order = address(table), len(table), address(order)
        while True:
            task.parts, task.part_room = address(parts), len(parts)
            status = load().core_arrange(ctypes.byref(task))
            if status != TOO_SMALL:
                break
            parts = np.empty(task.part_count, pack_structs.PART)
        check(status)
        return order, parts[: task.part_count]


@dataclass(frozen=True)
class Symbols:
    """The symbols of a stream, as constriction takes them."""

    shares: NDArray[np.float64]
    """(N, 3) parts of the code space, each in 2^-24 of it less 1."""
    chosen: Ints
    """(N,) which of them a symbol has."""


class Packing:
    """N Gaussians in coding order, in sections that go on from one another; what they take in a file."""

    def __init__(
        self, steps: core.Steps, columns: core.Columns, sections: NDArray[np.void], levels: NDArray[np.void]
    ) -> None:
        """``sections`` (S,) pack_structs.SECTION, of which everything but search, first_symbol and results is filled in; ``levels`` (L,)
        structs.LEVEL. Predicts every Gaussian.
        """
        self.sections = sections
        self._steps = steps
        self._columns = columns.contiguous()
        count, channels = columns.colour.shape
        shapes = column_shapes(count, channels)
        self.residuals = {name: np.empty(shapes[name], np.int32) for name in PREDICTED}
        """By attribute, as the arrays of it."""
        self._levels = levels
        models = int(steps.view(np.int32)[-2])
        self._around = np.empty((count if models else 0, core.AROUND), np.int32)
        self._task = pack_structs.Pack(
            steps=address(steps), section_count=len(sections), levels=address(levels),
            level_count=len(levels), **self._columns.addresses(), count=count,
            **{f"{name}_residual": address(array) for name, array in self.residuals.items()},
            around=address(self._around) if models else None,
        )  # fmt: skip
        self._predict()

    def _predict(self) -> None:
        sections, task, count = self.sections, self._task, len(self._columns)
        if not len(sections):
            return
        chains = sections["chain"]
        sizes = [load().core_pack_search(chain) for chain in chains.tolist()]
        sections["search"] = np.cumsum([0, *sizes[:-1]])
        searches, sites, order = aligned(sum(sizes)), aligned(count * size_of("site")), np.empty(count, np.int32)
        pieces = -(-chains // _CHUNK)
        chunks = np.empty(int(pieces.sum()), pack_structs.CHUNK)
        chunks["section"] = number = np.repeat(np.arange(len(sections)), pieces)
        piece = np.arange(len(chunks)) - (np.cumsum(pieces) - pieces)[number]
        chunks["first"] = chains[number] * piece // pieces[number]
        chunks["last"] = chains[number] * (piece + 1) // pieces[number]
        task.sections, task.chunks, task.chunk_count = address(sections), address(chunks), len(chunks)
        task.sites, task.order = address(sites), address(order)
        self._sites = sites  # models look at them when symbols are made
        task.searches, task.search_bytes = address(searches), len(searches)
        phases = np.array([len(sections), 2 * len(sections), 2 * len(sections) + len(chunks)], np.int64)
        check(Work(_PREDICT, min(threads(), len(chunks))).run(task, int(phases[-1]), phases=phases))

    def measure(self) -> None:
        """Fill in symbols, length and beyond of the sections."""
        self._walk(None)

    def symbols(self) -> list[Symbols]:
        """Of each section, after they were measured."""
        ends = np.cumsum(self.sections["symbols"])
        self.sections["first_symbol"] = ends - self.sections["symbols"]
        total = int(ends[-1]) if len(ends) else 0
        whole = Symbols(np.empty((total, 3)), np.empty(total, np.int32))
        self._walk(whole)
        return [
            Symbols(whole.shares[first:last], whole.chosen[first:last])
            for first, last in zip(self.sections["first_symbol"].tolist(), ends.tolist(), strict=True)
        ]

    def _walk(self, symbols: Symbols | None) -> None:
        sections, task = self.sections, self._task
        if not len(sections):
            return
        parents = sections["parent"].tolist()
        depths: list[int] = []
        for parent in parents:
            depths.append(0 if parent < 0 else depths[parent] + 1)
        order = np.argsort(depths, kind="stable").astype(np.int32)
        phases = np.cumsum(np.bincount(depths)).astype(np.int64)
        workers = min(threads(), int(np.bincount(depths).max()))
        size = -(-load().core_pack_workspace(int(sections["count"].max())) // 64) * 64
        workspace = aligned(size * workers)
        first = first_tables(self._steps.tobytes())
        tables = np.empty((int(sections["tables"].max()) + 1, size_of("tables")), np.uint8)
        task.first, task.tables, task.table_count, task.partitions = (
            address(first),
            address(tables),
            len(tables),
            address(core._partitions()),
        )
        task.workspace, task.workspace_bytes, task.workers = address(workspace), size, workers
        task.shares, task.chosen, task.symbol_room = (
            (None, None, 0)
            if symbols is None
            else (address(symbols.shares), address(symbols.chosen), len(symbols.chosen))
        )
        check(Work(_PACK, workers).run(task, len(order), order, phases))


@functools.lru_cache(maxsize=16)
def first_tables(steps: bytes) -> core.Tables:
    """Those of sections without a parent."""
    return core.first_tables(np.frombuffer(steps, np.uint8))
