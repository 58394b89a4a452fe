"""Wrong arguments of the metrics: the core refuses all that it can check.

tools/core_mutation.py takes each check away.
"""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from splatc.core import loss_structs
from splatc.core.loading import INVALID, OK, address, aligned, load
from splatc.core.pool import Work, threads

SQUARES, SIMILARITY = 12, 13
"""Kinds of jobs."""
CHUNK = 1 << 18


def run(kind: int, task: ctypes.Structure, items: int = 1, workers: int = 1) -> int:
    return Work(kind, workers).run(task, items)


class SquaresCall:
    """A ``core_squares`` of two chunks and one more sample."""

    def __init__(self, depth: int = 16) -> None:
        self.pictures, self.sums = np.zeros((2, 4 * CHUNK), np.uint16), np.zeros(6, np.int64)
        self.task = loss_structs.Squares(
            address(self.pictures[0]), address(self.pictures[1]), 2 * CHUNK + 1, address(self.sums[1:]), depth
        )


def test_chunks_of_squares() -> None:
    for count, chunks in ((0, 0), (1, 1), (CHUNK, 1), (2 * CHUNK + 1, 3)):
        call = SquaresCall()
        call.task.count = count
        assert run(SQUARES, call.task, chunks) == OK and run(SQUARES, call.task, chunks + 1) == INVALID
    assert run(SQUARES, SquaresCall(8).task) == OK


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a", None),
        ("b", None),
        ("sums", None),
        ("depth", 0),
        ("depth", 12),
        ("depth", 24),
        ("count", -1),
        ("count", -CHUNK - 1),
    ],
)
def test_a_number_of_squares_lies(name: str, value: int | None) -> None:
    call = SquaresCall()
    setattr(call.task, name, value)
    assert run(SQUARES, call.task) == INVALID


@pytest.mark.parametrize("name", ["a", "b"])
def test_samples_of_16_bits_are_aligned(name: str) -> None:
    call, other = SquaresCall(), SimilarityCall()
    for task, kind in ((call.task, SQUARES), (other.task, SIMILARITY)):
        setattr(task, name, getattr(task, name) + 1)
        assert run(kind, task) == INVALID


class SimilarityCall:
    """A ``core_similarity`` of two pictures of 30 x 24 pixels of two channels."""

    def __init__(self, height: int = 24) -> None:
        self.pictures = np.zeros((2, height, 30, 2), np.uint16)
        self.task = loss_structs.Similarity(
            address(self.pictures[0]), address(self.pictures[1]), 30, height, 2, 0, depth=16, workers=1
        )
        self.task.workspace_bytes = load().core_similarity_workspace(self.task)
        self.workspace = aligned(2 * self.task.workspace_bytes)
        self.workspace[:] = 0
        self.task.workspace = address(self.workspace)

    def phases(self) -> list[int] | None:
        ends = np.zeros(2, np.int64)
        return ends.tolist() if load().core_similarity_phases(self.task, address(ends)) == OK else None

    def means(self) -> int:
        found = np.zeros((2, 5))
        return int(load().core_similarity_means(self.task, address(found[0]), address(found[1])))


def test_a_sound_similarity_is_computed() -> None:
    call = SimilarityCall()
    ends = call.phases()
    assert ends == [1, 3]
    assert run(SIMILARITY, call.task, 3) == OK and run(SIMILARITY, call.task, 4) == INVALID
    assert call.means() == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", 0), ("width", (1 << 24) + 1), ("height", 0), ("height", (1 << 24) + 1), ("channels", 0), ("channels", 5),
        ("workers", 0), ("workers", 65),
    ],
)  # fmt: skip
def test_a_size_of_a_similarity_lies(name: str, value: int) -> None:
    call = SimilarityCall()
    setattr(call.task, name, value)
    assert load().core_similarity_workspace(call.task) == call.means() == -1
    assert call.phases() is None and run(SIMILARITY, call.task) == INVALID


def test_the_ends_of_sizes() -> None:
    for name, values in {"width": (1, 1 << 24), "height": (1, 1 << 24), "channels": (1, 4), "workers": (1, 64)}.items():
        for value in values:
            call = SimilarityCall()
            setattr(call.task, name, value)
            assert call.phases() is not None and load().core_similarity_workspace(call.task) > 0, (name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a", None), ("b", None), ("depth", 0), ("depth", 12), ("depth", 24), ("channel", -1), ("channel", 2), ("workspace", None),
    ],
)  # fmt: skip
def test_memory_of_a_similarity_lies(name: str, value: int | None) -> None:
    call = SimilarityCall()
    setattr(call.task, name, value)
    assert call.means() == -1 and run(SIMILARITY, call.task) == INVALID


@pytest.mark.parametrize(("name", "by"), [("workspace", 8), ("workspace_bytes", -1)])
def test_a_workspace_is_aligned_and_large_enough(name: str, by: int) -> None:
    call = SimilarityCall()
    setattr(call.task, name, getattr(call.task, name) + by)
    assert call.means() == -1 and run(SIMILARITY, call.task) == INVALID


def test_nothing_is_given() -> None:
    call, memory = SimilarityCall(), np.zeros(5)
    place = address(memory)
    assert load().core_similarity_workspace(None) == -1
    assert load().core_similarity_phases(None, place) == load().core_similarity_phases(call.task, None) == INVALID
    wrong = ((None, place, place), (call.task, None, place), (call.task, place, None))
    assert all(load().core_similarity_means(*each) == -1 for each in wrong)


def test_a_worker_has_no_memory() -> None:
    """The second thread of a job whose task has memory for one. It may come too late, so there are many jobs."""
    if threads() < 2:
        pytest.skip("takes two processors")
    call = SimilarityCall(20_000)
    ends = call.phases()
    assert ends is not None
    assert any(run(SIMILARITY, call.task, ends[-1], workers=2) == INVALID for _ in range(200))
