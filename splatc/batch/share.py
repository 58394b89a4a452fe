"""How many pictures at a time, and how many threads for each, where the user leaves it open.

One thread a picture has no serial parts and waits at no barrier: as many pictures at a time as there are processors make most of them
(tools/speed_bench.py batch), as long as memory holds them all.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from splatc.batch.job import Job
from splatc.encoder.request import Request
from splatc.errors import SplatError
from splatc.runtime import control_groups

if TYPE_CHECKING:
    from splatc.fit.memory import Workload
    from splatc.image.readers.header import Extent

MEMORY_SHARE = 0.5
"""Of the memory that is free when a run begins; other programs may need some later."""
PROCESS = 48 << 20
"""Bytes of an interpreter with the encoder's modules: 40 MiB were measured."""
UNKNOWN = 4 << 30
"""Bytes of free memory to assume where the system does not say."""


@dataclass(frozen=True)
class Share:
    """How the processors are shared out."""

    processes: int
    """Pictures at a time."""
    threads: int
    """Of each."""


def choose(needs: Sequence[int], processors: int, memory: int, threads: int | None = None) -> Share:
    """As many pictures at a time as there are processors (for each of ``threads``, where that is given) and as memory holds.

    Args:
        needs: bytes that each picture takes; any may lie in memory together.
        memory: bytes that are free.
    """
    most = max(1, min(len(needs), processors // (threads or 1)))
    held = itertools.accumulate(sorted(needs, reverse=True)[:most])
    processes = max(1, sum(together <= MEMORY_SHARE * memory for together in held))
    return Share(processes, threads or share_of_threads(processes, processors))


def share_of_threads(processes: int, processors: int) -> int:
    """Threads for each of so many processes, so that together they have at most one a processor."""
    return max(1, processors // processes)


def needed(job: Job) -> int:
    """Bytes that a job will take, by the header of its picture; one that cannot be read will fail, and takes nothing."""
    from splatc.fit import memory
    from splatc.image.readers.header import extent_of

    options = job.options
    try:
        extent = extent_of(job.source)
        reading = memory.reading(extent.width, extent.height, extent.channels, extent.bit_depth)
        fitting = memory.needed(_work(extent, options))
    except SplatError:
        return PROCESS
    allowed = options["max_memory"]
    taken = max(reading, fitting)
    return PROCESS + (taken if allowed is None else min(taken, allowed))


def _work(extent: Extent, options: dict[str, Any]) -> Workload:
    from splatc.encoder.pipeline import EncodeOptions, work_of
    from splatc.encoder.rate_control import Target
    from splatc.image.image import Image

    sample = np.zeros((), np.uint8 if extent.bit_depth == 8 else np.uint16)
    image = Image(np.broadcast_to(sample, (extent.height, extent.width, extent.channels)))  # takes no memory
    kind, limit = Request(**{each.name: options[each.name] for each in fields(Request)}).resolve(image)
    return work_of(image, EncodeOptions(Target(kind, limit), tune=options["tune"]))


def free_memory() -> int:
    """Bytes that this process and what it starts may still use: of the system, and of its control groups."""
    groups = control_groups.folders(control_groups.of_this_process(), control_groups.ROOT, "memory")
    return min([_free_of_system(), *(free for free in map(free_of_group, groups) if free is not None)])


def free_of_group(folder: Path) -> int | None:
    """Bytes that a control group leaves free, its cached files taken for free; None where it has no limit."""
    for limit, usage, prefix in (
        ("memory.max", "memory.current", ""),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
    ):
        try:
            most, used = int((folder / limit).read_text()), int((folder / usage).read_text())
            stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):  # no such file, or "max"
            continue
        cached = sum(int(stat.get(f"{prefix}{name}", 0)) for name in ("active_file", "inactive_file"))
        return max(0, most - max(0, used - cached))
    return None


def _free_of_system() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        pass
    try:  # macOS says how much there is
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return UNKNOWN
