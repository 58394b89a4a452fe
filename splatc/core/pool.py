"""The number of threads of the core, and how a long call is interrupted."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import math
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatc.core import structs
from splatc.core.loading import RUNNING, load
from splatc.runtime import arguments, control_groups

MOST = 64
_POLL = 50
"""Milliseconds after which a call looks for signals: Ctrl-C."""
_chosen: int | None = None
_watching = threading.local()
"""``call`` is what `watched` was given in this thread."""


def set_threads(number: int | None) -> None:
    """Work on so many threads, at most on one a processor; None: on one a processor. Raises UsageError."""
    global _chosen
    _chosen = None if number is None else arguments.whole("threads", number, otherwise="None")


@contextlib.contextmanager
def working_on(number: int | None) -> Iterator[None]:
    """Within the block, work on so many threads, in all of this process; None: on as many as before. Raises UsageError."""
    before = _chosen
    if number is not None:
        set_threads(number)
    try:
        yield
    finally:
        set_threads(before)


def threads() -> int:
    """How many threads work: what was chosen, at most one for each processor that this process may use."""
    most = min(available(), MOST)
    return most if _chosen is None else max(1, min(_chosen, most))


def available() -> int:
    """Processors that this process may use: its affinity, and what its control group allows."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        count = os.cpu_count() or 1
    return max(1, min(count, _quota()))


@functools.cache
def _quota() -> int:
    """Processors that the control groups of this process grant, rounded up."""
    return quota_of(control_groups.of_this_process(), control_groups.ROOT)


def quota_of(groups: str, root: Path) -> int:
    """The same from the text of /proc/self/cgroup and the folder in which control groups lie."""
    least = min(map(_limit, control_groups.folders(groups, root, "cpu")), default=math.inf)
    return 1 << 16 if least == math.inf else max(1, math.ceil(least))


def _limit(folder: Path) -> float:
    """Processors of one control group: cpu.max of version 2, cpu.cfs_quota_us of version 1."""
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            text = " ".join((folder / name).read_text() for name in names)
        except OSError:
            continue
        if match := re.fullmatch(r"(\d+)\s+(\d+)\s*", text):
            return int(match[1]) / max(int(match[2]), 1)
    return math.inf


@contextlib.contextmanager
def watched(call: Callable[[], object]) -> Iterator[None]:
    """Within the block, ``call`` is called every 50 ms for which this thread waits for the core; what it raises ends that wait.

    Args:
        call: may itself call the core.
    """
    before = getattr(_watching, "call", None)
    _watching.call = call
    try:
        yield
    finally:
        _watching.call = before


def _look_around() -> None:
    """Call what `watched` was given, if anything; not while such a call runs."""
    call = getattr(_watching, "call", None)
    if call is None:
        return
    _watching.call = None
    try:
        call()
    finally:
        _watching.call = call


class Work:
    """A job for the pool: give ``stop`` to its task before it runs."""

    def __init__(self, kind: int, workers: int, *, joined: bool = False) -> None:
        """``joined``: this thread works along, as one of the workers; for items of a few milliseconds."""
        self._job = structs.Job(kind=kind, workers=workers, joined=joined)
        self.stop = ctypes.addressof(self._job) + structs.Job.stop.offset

    def run(
        self,
        task: ctypes.Structure,
        items: int,
        numbers: NDArray[np.int32] | None = None,
        phases: NDArray[np.int64] | None = None,
    ) -> int:
        """Run the items (those with these ``numbers``) and return the status; a signal of Python's ends it within moments.

        ``phases`` are the items that end each phase, ascending, the last all of them: no phase begins before the one before is done.
        """
        library = load()
        self._job.task = ctypes.addressof(task)
        self._job.items = items
        self._job.list = None if numbers is None else numbers.ctypes.data
        self._job.phases = None if phases is None else phases.ctypes.data
        self._job.phase_count = 0 if phases is None else len(phases)
        try:
            if status := library.core_start(self._job):
                return int(status)
            while (status := library.core_wait(self._job, _POLL)) == RUNNING:
                _look_around()
        except BaseException:
            self._abandon()
            raise
        return int(status)

    def _abandon(self) -> None:
        """Cancel, and stay until no worker uses the memory of the task, whatever signals arrive meanwhile."""
        library = load()
        while True:
            with contextlib.suppress(BaseException):
                library.core_cancel(self._job)
                while library.core_wait(self._job, _POLL) == RUNNING:
                    pass
                return


def patiently(call: Callable[[], int], keep: object) -> int:
    """The status of a call that cannot be stopped; Python's signals are still handled, and the objects in ``keep`` live until it ends."""
    statuses: list[int] = []

    def run(_keep: object) -> None:
        statuses.append(call())

    thread = threading.Thread(target=run, args=(keep,), daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the system gives no thread: the call cannot be interrupted
        return call()
    while thread.is_alive():
        thread.join(_POLL / 1000)
        _look_around()
    return statuses[0]


def _before_fork() -> None:
    """Threads do not survive a fork; Python warns of those that it sees."""
    if load.cache_info().currsize:
        load().core_retire()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
