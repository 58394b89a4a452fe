"""Calls of the core with arguments that tests may change: every buffer is as large as the call says, and no larger."""

from __future__ import annotations

import ctypes
import io
import mmap
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc import core
from splatc.attributes import FLOATS
from splatc.bitstream import Reader
from splatc.core import fit_structs, loading, structs
from splatc.core.loading import address, aligned, load, size_of

SITE = np.dtype(
    [
        ("code", np.uint64),
        *((name, np.int64) for name in ("xx", "xy", "yy")),
        *((name, np.int32) for name in ("x", "y")),
        ("value", np.int32, fit_structs.MAX_CHANNELS),
        *((name, np.int32) for name in ("directions", "angle")),
    ]
)
"""``core_site``."""
TABLES = np.dtype(
    [
        ("partitions", np.int64, (33, 8, 33)),
        ("partitions_seen", np.int64, (33, 8)),
        ("angles", np.int64, (16, 256)),
        ("angles_seen", np.int64, 16),
        ("log_scales", np.int64, 32),
        ("aspects", np.int64, 64),
        ("residuals", np.int64, (4, 98)),
        ("distance", np.int64, 4),
        ("number", np.int64, 4),
        ("inherits", np.int64),
    ]
)
"""``core_tables``."""
STEPS = np.dtype(
    [
        ("position", np.int64, 16),
        ("colour", np.int64, (16, 4)),
        ("aspect", np.int64),
        ("log_aspect", np.int64, 64),
        ("directions", np.int32, (16, 64)),
        ("offsets", np.int32, 64),
        ("channels", np.int32),
        ("log_scales", np.int32),
        ("chroma", np.int32, 4),
        ("models", np.int32),
        ("unused", np.int32),
    ]
)
"""``core_steps``."""
DEFAULT = (121, 5, 5, 114, 104, 1, 98, 100, -6)
"""Fields of a header, from ``position`` on."""


class _RecordedError(Exception):
    """Carries the arguments of a call that did not take place."""


@dataclass
class DecodeCall:
    """A ``core_decode``; ``task`` and the arrays may be changed before ``run``."""

    steps: core.Steps
    stream: bytes
    sections: NDArray[np.void]
    levels: NDArray[np.void]
    columns: core.Columns
    tables: core.Tables
    first: core.Tables
    workers: int = 2
    task: structs.Decode = field(init=False)

    def __post_init__(self) -> None:
        count, chains = len(self.columns.level), self.sections["count"].copy()
        for number, parent in enumerate(self.sections["parent"].tolist()):
            chains[number] += chains[parent] if parent >= 0 else 0
        needed = [
            load().core_decode_workspace(int(own), int(chain))
            for own, chain in zip(self.sections["count"], chains, strict=True)
        ]
        size = max(needed)
        self.workspace, self.sites = aligned(size * self.workers), np.zeros(count, SITE)
        self.order, self.bytes = np.zeros(count, np.int32), np.frombuffer(self.stream, np.uint8)
        self.partitions = np.zeros(size_of("partitions"), np.uint8)
        self.task = structs.Decode(
            steps=address(self.steps), bytes=address(self.bytes), byte_count=len(self.bytes), sections=address(self.sections),
            section_count=len(self.sections), levels=address(self.levels), level_count=len(self.levels), first=address(self.first),
            tables=address(self.tables), table_count=len(self.tables), partitions=address(self.partitions), **self.columns.addresses(),
            sites=address(self.sites), order=address(self.order), count=count, workspace=address(self.workspace), workspace_bytes=size,
            workers=self.workers,
        )  # fmt: skip

    def run(self, number: int, worker: int = 0) -> int:
        """Decode a section: its status."""
        return int(load().core_decode_section(self.task, number, worker))

    def run_all(self) -> list[int]:
        """Decode all sections, ancestors first: their statuses."""
        return [self.run(number) for number in range(len(self.sections))]


def decode_call(data: bytes) -> DecodeCall:
    """What decoding a whole file calls, not yet called."""
    return recorded(lambda: Reader(io.BytesIO(data)).read())


def recorded(decode: Callable[[], object]) -> DecodeCall:
    """What a function decodes, not yet decoded."""

    def record(*arguments: Any, tally: bool = False) -> None:
        raise _RecordedError(arguments[:-1])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core, "decode_sections", record)
        try:
            decode()
        except _RecordedError as found:
            steps, *others = found.args[0]
            return DecodeCall(steps.copy(), *others)
    raise AssertionError("nothing to decode")


def chained(counts: list[int], stream: bytes = bytes(64), fields: tuple[int, ...] = DEFAULT) -> DecodeCall:
    """A chain of sections, each the child of the one before it and of one level, on a grid of 64 x 64 cells."""
    sections, levels = np.zeros(len(counts), structs.SECTION), np.zeros(len(counts), structs.LEVEL)
    for number, count in enumerate(counts):
        sections[number]["start"], sections[number]["count"] = sum(counts[:number]), count
        sections[number]["parent"], sections[number]["tables"] = number - 1, number
        sections[number]["first_level"], sections[number]["levels"] = number, 1
        sections[number]["length"], sections[number]["margin"] = len(stream), -1
        levels[number] = (count, 0, 0, 0, 64, 64, 0)
    steps = core.make_steps(3, *fields)
    tables = np.zeros((len(counts), size_of("tables")), np.uint8)
    return DecodeCall(
        steps, stream, sections, levels, core.Columns.empty(sum(counts), 3), tables, core.first_tables(steps)
    )


@dataclass
class PredictCall:
    """A ``core_predict`` of ``count`` Gaussians of zeros."""

    count: int = 20
    first: int = 5
    task: structs.Predict = field(init=False)

    def __post_init__(self) -> None:
        self.steps = core.make_steps(3, *DEFAULT)
        self.columns = vars(blank(self.count, 3))
        self.angle, self.colour = np.zeros(self.count, np.int32), np.zeros((self.count, 3), np.int32)
        size = load().core_decode_workspace(self.count, self.count)
        self.workspace, self.sites = aligned(size), np.zeros(self.count, SITE)
        self.task = structs.Predict(
            steps=address(self.steps), **{name: address(array) for name, array in self.columns.items()}, count=self.count,
            first=self.first, angle_residual=address(self.angle), colour_residual=address(self.colour), sites=address(self.sites),
            workspace=address(self.workspace), workspace_bytes=size,
        )  # fmt: skip

    def run(self) -> int:
        return int(load().core_make_residuals(self.task))


@dataclass
class DrawCall:
    """A ``core_draw`` of a view of 200 x 40 pixels: 2 x 2 tiles, and some Gaussians."""

    depth: int = 16
    task: structs.Draw = field(init=False)

    def __post_init__(self) -> None:
        self.view = structs.CoreView(
            grid_scale=1.0, samples=1, columns=200, rows=40, end_x=200, end_y=40, tiles_x=2, tiles_y=2
        )  # fmt: skip
        rng = np.random.default_rng(0)
        shapes = (9, 2), (9, 2), (9,), (9, 3)
        ranges = zip((0.0, 2.0, 0.0, 0.0), (200.0, 9.0, 3.0, 1.0), shapes, strict=True)
        arrays = (rng.uniform(*each).astype(np.float32) for each in ranges)
        self.placed = core.place(self.view, dict(zip(FLOATS, arrays, strict=True)), True)
        self.lists = core.sort_into_tiles(self.placed)
        self.out = aligned(40 * 200 * 3 * self.depth // 8)
        size = load().core_draw_workspace()
        self.workspace = aligned(2 * size)
        self.task = structs.Draw(
            view=ctypes.pointer(self.view), placed=address(self.placed.memory), count=9, starts=address(self.lists.starts),
            members=address(self.lists.members), member_count=len(self.lists.members), channels=3, normalized=1, depth=self.depth,
            workers=2, first=0, last=40, out=address(self.out), out_bytes=self.out.nbytes, workspace=address(self.workspace),
            workspace_bytes=size,
        )  # fmt: skip

    def tiles(self) -> int:
        return int(load().core_draw_tiles(self.task))

    def run(self, tile: int = 0, worker: int = 0) -> int:
        return int(load().core_draw_tile(self.task, tile, worker))


INVALID, OK = loading.INVALID, loading.OK
MOST = 1 << 26
"""Gaussians, and cells a side of a grid."""
STEPS_END = (1 << 58) // (120194 << 23)
"""Cells a side where positions have the coarsest step: their coordinates in 1/16 px have 30 bits."""


def blank(count: int, channels: int) -> core.Columns:
    """Gaussians of zeros."""
    columns = core.Columns.empty(count, channels)
    for array in vars(columns).values():
        array[:] = 0
    return columns


def zeros(size: int) -> NDArray[np.uint8]:
    """Memory to read that takes none, where the system can."""
    if sys.platform == "win32":
        return np.zeros(1000, np.uint8)
    return np.frombuffer(
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ), np.uint8
    )
