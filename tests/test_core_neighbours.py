"""Neighbours are exactly the nearest earlier points, whatever the points are, and no arrangement of points makes the search slow."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc import core

Points = NDArray[np.int64]
END = 1 << 30
"""Coordinates have 30 bits."""


def nearest(x: Points, y: Points, first: int) -> NDArray[np.int64]:
    """(N, 16) by looking at all pairs."""
    found = np.full((len(x), core.NEIGHBOURS), -1)
    for i in range(first, len(x)):
        order = np.argsort((x[:i] - x[i]) ** 2 + (y[:i] - y[i]) ** 2, kind="stable")[: core.NEIGHBOURS]
        found[i, : len(order)] = order  # stable: of points equally near the earlier comes first
    return found


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 9, 16, 17, 100, 1500])
@pytest.mark.parametrize("extent", [1, 2, 3, 20, END])
def test_neighbours_are_the_nearest_earlier_points(count: int, extent: int) -> None:
    """A single place (all are ties), few places (many are), and the whole range of coordinates."""
    rng = np.random.default_rng(count + extent)
    x, y = rng.integers(0, extent, (2, count))
    np.testing.assert_array_equal(core.find_neighbours(x, y), nearest(x, y, 0))


@pytest.mark.parametrize("first", [1, 3, 16, 17, 250, 299, 300])
def test_only_points_from_the_first_on_are_asked_for(first: int) -> None:
    x, y = np.random.default_rng(first).integers(0, 12, (2, 300))
    np.testing.assert_array_equal(core.find_neighbours(x, y, first), nearest(x, y, first))


def test_points_far_apart() -> None:
    """In the corners of what 30 bits hold, where squared distances have 61."""
    rng = np.random.default_rng(0)
    x, y = np.where(rng.integers(0, 2, (2, 400)) == 1, END - 1, 0) + rng.integers(-3, 3, (2, 400))
    x, y = np.clip(x, 0, END - 1), np.clip(y, 0, END - 1)
    np.testing.assert_array_equal(core.find_neighbours(x, y), nearest(x, y, 0))


@pytest.mark.parametrize("arrangement", ["lines", "circle", "grid", "two clusters", "diagonal", "twice"])
def test_points_in_order(arrangement: str) -> None:
    x, y = arranged(arrangement, 700)
    np.testing.assert_array_equal(core.find_neighbours(x, y), nearest(x, y, 0))
    np.testing.assert_array_equal(core.find_neighbours(x[::-1], y[::-1]), nearest(x[::-1], y[::-1], 0))


def arranged(arrangement: str, count: int) -> tuple[Points, Points]:
    """Points that are hard for a search tree: none near, all equally near, all in few boxes, earlier and later ones mixed."""
    rng = np.random.default_rng(1)
    place = np.arange(count)
    if arrangement == "lines":  # half of them on one line, the other half looks at it from another
        return np.where(place < count // 2, 1 << 20, END - (1 << 20)), (place % (count // 2)) * (END // count)
    if arrangement == "circle":  # then points around the middle
        turns = 2 * np.pi * place / count
        radius = np.where(place < count * 3 // 4, END // 2 - 1, 1 << 10)
        return (END // 2 + radius * np.cos(turns)).astype(np.int64), (END // 2 + radius * np.sin(turns)).astype(
            np.int64
        )
    if arrangement == "grid":  # in any order: ties everywhere
        side = int(np.ceil(np.sqrt(count)))
        chosen = rng.permutation(side * side)[:count]
        return chosen % side * 64, chosen // side * 64
    if arrangement == "two clusters":
        far = rng.integers(0, 2, count) * (END - 2048)
        return far + rng.integers(0, 1024, count), far + rng.integers(0, 1024, count)
    if arrangement == "diagonal":
        return place * (END // count), place[::-1] * (END // count)
    twice = rng.integers(0, END, (2, count))  # every point twice, far apart in order
    return np.concatenate([twice[0, : (count + 1) // 2], twice[0, : count // 2]]), np.concatenate(
        [twice[1, : (count + 1) // 2], twice[1, : count // 2]]
    )


@pytest.mark.parametrize("arrangement", ["lines", "circle", "grid", "two clusters", "diagonal", "twice"])
@pytest.mark.parametrize("backwards", [False, True])
def test_no_arrangement_takes_long(arrangement: str, backwards: bool) -> None:
    """At most 5 times as long as random points (measured: as long at most), where a search of all pairs would take 1000 times."""
    x, y = arranged(arrangement, 40_000)
    usual = seconds(*np.random.default_rng(0).integers(0, END, (2, 40_000)))
    assert seconds(*((x[::-1], y[::-1]) if backwards else (x, y))) < 5 * usual + 0.05


def seconds(x: Points, y: Points) -> float:
    """Processor time."""
    start = time.process_time()
    core.find_neighbours(x, y)
    return time.process_time() - start
