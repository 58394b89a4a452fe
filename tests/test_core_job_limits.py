"""Wrong arguments of jobs: the core refuses whatever does not fit the buffers of a call.

tools/core_mutation.py takes each check away.
"""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from splatc import core
from splatc.core import loading, structs
from splatc.core.loading import address, load
from tests.core_calls import (
    DEFAULT,
    INVALID,
    OK,
    SITE,
    STEPS,
    DrawCall,
    blank,
)

# ---- The library and its threads ----


def test_structs_and_levels() -> None:
    assert [load().core_struct_bytes(kind) for kind in (-1, 29, 1 << 30)] == [0, 0, 0]
    assert load().core_struct_bytes(12) == ctypes.sizeof(structs.Job)
    assert (SITE.itemsize, STEPS.itemsize) == (loading.size_of("site"), loading.size_of("steps"))
    level, best = load().core_get_level(), load().core_best_level()
    assert [load().core_set_level(each) for each in (-1, 0, best + 1)] == [INVALID] * 3
    assert load().core_set_level(best) == OK
    assert load().core_set_level(level) == OK
    assert load().core_get_level() == level


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("workers", 0), ("workers", 65), ("workers", -1), ("items", -1), ("task", None), ("kind", 5), ("kind", 31), ("kind", 32),
        ("kind", -1),
    ],
)  # fmt: skip
def test_a_number_of_a_job_lies(field: str, value: int | None) -> None:
    call = DrawCall()
    job = structs.Job(kind=1, workers=2, task=ctypes.addressof(call.task), items=0)
    setattr(job, field, value)
    assert load().core_start(job) == INVALID
    assert load().core_start(None) == INVALID


@pytest.mark.parametrize(
    ("phases", "count", "expected"),
    [
        ([4], 1, OK), ([1, 4], 2, OK), ([0, 0, 3, 3, 4], 5, OK), ([4], 0, INVALID), ([4], -1, INVALID), ([3], 1, INVALID),
        ([5], 1, INVALID), ([4, 3], 1, OK), ([4, 3], 2, INVALID), ([3, 2, 4], 3, INVALID), ([-1, 4], 2, INVALID), ([5, 4], 2, INVALID),
    ],
)  # fmt: skip
def test_phases_of_a_job(phases: list[int], count: int, expected: int) -> None:
    """They end one after the other, the last with the items."""
    call, ends = DrawCall(), np.array(phases, np.int64)
    job = structs.Job(
        kind=1, workers=2, task=ctypes.addressof(call.task), items=4, phases=address(ends), phase_count=count
    )
    assert load().core_start(job) == expected
    while expected == OK and (status := load().core_wait(job, 1000)) != OK:
        assert status == loading.RUNNING


@pytest.mark.parametrize(
    "wrong",
    [{"joined": 2}, {"joined": -1}, *({"kind": kind} for kind in (-1, -(1 << 28), 3 + 28, 32, 1 << 28))],
    ids=str,
)
def test_jobs_of_no_kind(wrong: dict[str, int]) -> None:
    call = DrawCall()
    fields = {"kind": 1, "workers": 2, "task": ctypes.addressof(call.task), "items": 4}
    assert load().core_start(structs.Job(**(fields | wrong))) == INVALID


def test_a_job_of_no_phases_is_wrong_whatever_lies_before_them() -> None:
    call, ends = DrawCall(), np.array([4, 4], np.int64)
    job = structs.Job(
        kind=1,
        workers=2,
        task=ctypes.addressof(call.task),
        items=4,
        phases=address(ends) + ends.itemsize,
        phase_count=0,
    )
    assert load().core_start(job) == INVALID


def test_jobs_of_as_many_workers_as_there_may_be() -> None:
    call = DrawCall()
    for workers, items in ((1, 4), (64, 4), (1, 0)):
        job = structs.Job(kind=1, workers=workers, task=ctypes.addressof(call.task), items=items)
        call.task.workers = 2
        assert load().core_start(job) == OK
        while (status := load().core_wait(job, 1000)) == loading.RUNNING:
            pass
        assert status in (OK, INVALID)  # a third worker has no workspace


def test_a_job_has_the_status_of_its_first_item_that_fails() -> None:
    call = DrawCall()
    job = structs.Job(kind=1, workers=2, task=ctypes.addressof(call.task), items=5)
    assert load().core_start(job) == OK
    while (status := load().core_wait(job, 1000)) == loading.RUNNING:
        pass
    assert status == INVALID


@pytest.mark.parametrize("kind", [2, 3])
def test_chunks_behind_the_last_gaussian(kind: int) -> None:
    """4096 Gaussians an item: of 4097 there are two."""
    count = 4097
    columns = blank(count, 1)
    steps, view, floats = (
        core.make_steps(1, *DEFAULT),
        DrawCall().view,
        [np.zeros(2 * count, np.float32) for _ in range(4)],
    )
    placed = np.zeros(count * loading.size_of("placed"), np.uint8)
    task = (
        structs.Dequantizing(address(steps), count, *columns.addresses().values(), *map(address, floats))
        if kind == 2
        else structs.Placing(ctypes.pointer(view), count, *map(address, floats), 1, 0, address(placed))
    )
    for items, expected in ((2, OK), (3, INVALID)):
        job = structs.Job(kind=kind, workers=2, task=ctypes.addressof(task), items=items)
        assert load().core_start(job) == OK
        while (status := load().core_wait(job, 1000)) == loading.RUNNING:
            pass
        assert status == expected
    if kind == 2:
        task.steps = None
        job = structs.Job(kind=kind, workers=2, task=ctypes.addressof(task), items=1)
        assert load().core_start(job) == OK
        while (status := load().core_wait(job, 1000)) == loading.RUNNING:
            pass
        assert status == INVALID
