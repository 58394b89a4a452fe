"""Wrong arguments of the losses: the core refuses all that it can check.

tools/core_mutation.py takes each check away.
"""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from splatc.core import loss_structs
from splatc.core.loading import INVALID, OK, address, aligned, load
from splatc.core.pool import Work, threads

TARGET, GRADIENT, CURVATURE = 10, 11, 14
"""Kinds of jobs."""


class LossCall:
    """A ``core_loss`` of 16 x 9 pixels of one channel; ``task`` may be changed."""

    def __init__(self, loss: int = 1, depth: int = 16, height: int = 9) -> None:
        self.samples = np.zeros((height, 1, 16), {8: np.uint8, 16: np.uint16}[depth])
        self.drawn, self.made = np.zeros((2, height, 1, 16), np.float32)
        self.task = loss_structs.Loss(
            loss, 1, 16, height, 16, address(self.samples), address(self.drawn), address(self.made), every=1, depth=depth,
            unit=1.0 / (2**depth - 1), workers=1,
        )  # fmt: skip
        self.task.workspace_bytes = load().core_loss_workspace(self.task)
        self.workspace = aligned(2 * self.task.workspace_bytes)
        self.workspace[:] = 0
        self.task.workspace = address(self.workspace)

    def phases(self, target: int = 0) -> list[int] | None:
        ends = np.zeros(3, np.int64)
        count = load().core_loss_phases(self.task, target, address(ends))
        return None if count < 0 else ends[:count].tolist()

    def run(self, kind: int, items: int = 1, workers: int = 1) -> int:
        return Work(kind, workers).run(self.task, items)

    def value(self) -> int:
        return int(load().core_loss_value(self.task, ctypes.c_double(), ctypes.c_double()))


OF_SIZES: list[tuple[str, int]] = [
    ("loss", -1), ("loss", 2), ("channels", 0), ("channels", 5), ("width", 0), ("width", (1 << 24) + 1), ("height", 0),
    ("height", (1 << 24) + 1), ("workers", 0), ("workers", 65), ("every", 0), ("first", -1), ("first", 1),
]  # fmt: skip
OF_MEMORY: list[tuple[str, int | None]] = [
    ("samples", None), ("workspace", None), ("stride", 24), ("stride", 0), ("stride", (1 << 25) + 16), ("depth", 0), ("depth", 24),
]  # fmt: skip


@pytest.mark.parametrize("loss", [0, 1])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_sound_task_runs(loss: int, depth: int) -> None:
    call = LossCall(loss, depth)
    for kind in (TARGET, GRADIENT):
        ends = call.phases(kind == TARGET)
        assert ends is not None
        assert call.run(kind, ends[-1]) == OK
        assert call.run(kind, ends[-1] + 1) == INVALID
    assert call.value() == OK


def test_the_curvature_of_a_sound_task() -> None:
    call = LossCall()
    ends = call.phases(2)
    assert ends is not None and len(ends) == 2
    assert call.run(TARGET, (call.phases(1) or [0])[-1]) == OK
    assert call.run(CURVATURE, ends[-1]) == OK
    assert call.run(CURVATURE, ends[-1] + 1) == INVALID
    call.task.drawn = None
    assert call.run(CURVATURE, ends[-1]) == OK
    other = LossCall(0)
    assert other.phases(2) is None and other.run(CURVATURE) == INVALID
    assert call.phases(3) is None and call.phases(-1) is None


@pytest.mark.parametrize(("name", "value"), OF_SIZES)
def test_a_size_lies(name: str, value: int) -> None:
    call = LossCall()
    setattr(call.task, name, value)
    assert load().core_loss_workspace(call.task) == -1
    assert call.phases(0) is None and call.phases(1) is None and call.phases(2) is None
    assert call.run(TARGET) == call.run(GRADIENT) == call.run(CURVATURE) == call.value() == INVALID


def test_the_ends_of_sizes() -> None:
    for name, value in (
        ("channels", 4),
        ("width", 1),
        ("width", 1 << 24),
        ("height", 1),
        ("height", 1 << 24),
        ("workers", 64),
    ):
        call = LossCall()
        setattr(call.task, name, value)
        assert call.phases() is not None and load().core_loss_workspace(call.task) > 0, (name, value)
    for loss, every, first, sound in (
        (1, 3, 2, True),
        (1, 3, 3, False),
        (1, 20, 8, True),
        (1, 20, 9, False),
        (0, 2, 0, False),
    ):
        call = LossCall(loss)
        call.task.every, call.task.first = every, first
        assert (call.phases() is not None) is sound, (loss, every, first)


@pytest.mark.parametrize(("name", "value"), OF_MEMORY)
def test_memory_lies(name: str, value: int | None) -> None:
    call = LossCall()
    setattr(call.task, name, value)
    assert call.run(TARGET) == call.run(GRADIENT) == call.run(CURVATURE) == call.value() == INVALID


def test_memory_does_not_begin_or_end_where_it_has_to() -> None:
    for name, by in (("samples", 1), ("workspace", 8), ("workspace_bytes", -1)):
        call = LossCall()
        setattr(call.task, name, getattr(call.task, name) + by)
        assert call.run(TARGET) == call.run(GRADIENT) == call.run(CURVATURE) == call.value() == INVALID, name
    for name in ("drawn", "gradient"):
        for value in (None, getattr(LossCall().task, name) + 2):
            call = LossCall()
            setattr(call.task, name, value)
            assert call.run(GRADIENT) == INVALID and call.run(TARGET) == OK, name
            assert (call.run(CURVATURE) == INVALID) is (name == "gradient")
    call = LossCall()
    call.task.stride = 1 << 25
    assert call.value() == OK


def test_nothing_is_given() -> None:
    call, number = LossCall(), ctypes.c_double()
    assert load().core_loss_workspace(None) == load().core_loss_phases(None, 0, address(np.zeros(3, np.int64))) == -1
    assert load().core_loss_phases(call.task, 0, None) == -1
    wrong = ((None, number, number), (call.task, None, number), (call.task, number, None))
    assert all(load().core_loss_value(*each) == INVALID for each in wrong)


@pytest.mark.parametrize("kind", [TARGET, GRADIENT, CURVATURE])
def test_a_worker_has_no_memory(kind: int) -> None:
    """The second thread of a job whose task has memory for one. It may come too late, so there are many jobs."""
    if threads() < 2:
        pytest.skip("takes two processors")
    call = LossCall(height=20_000)
    ends = call.phases({GRADIENT: 0, TARGET: 1, CURVATURE: 2}[kind])
    assert ends is not None
    assert call.run(TARGET) == OK
    assert any(call.run(kind, ends[-1], workers=2) == INVALID for _ in range(200))
