"""New Gaussians are added where the error is largest, in the colour that is missing; those that only repeat the background are pruned."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc.blend import Blend
from splatc.fit import densification
from splatc.fit.densification import densified, sample_places
from splatc.fit.pruning import highest_costs, redundant_ones
from splatc.fit.subset import subset
from splatc.fit.table import LOG_ASPECT, LOG_SCALE, Table
from splatc.fit.task import Task
from splatc.gaussians import Gaussians
from splatc.steps import Quantizer
from tests.engines import ENGINES, table_of
from tests.scenes import floats, random_gaussians

BACKGROUND = floats([0.5, 0.5, 0.5])
SPOT = (slice(20, 30), slice(40, 52))
"""Rows and columns that are not of the background's colour."""


def spotted(ground: int = 128) -> NDArray[np.uint8]:
    pixels = np.full((48, 64, 3), ground, np.uint8)
    pixels[SPOT] = [255, 0, 0]
    return pixels


def some(count: int, channels: int = 3) -> Table:
    return table_of(random_gaussians(np.random.default_rng(1), count, 64, 48, channels=channels))


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("reduction", [1, 2])
def test_they_lie_where_the_error_is(name: str, blend: Blend, reduction: int) -> None:
    # Nothing draws the background in a mean, and black in a sum.
    task = Task(spotted(128 if blend is Blend.NORMALIZED else 0), blend, BACKGROUND, Quantizer())
    engine = ENGINES[name](task)
    engine.send(some(0))
    engine.densify(20, reduction, np.random.default_rng(3))
    new = engine.fetch().gaussians()
    assert 5 < len(new) <= 20
    x, y = new.mean.T
    inside = (x >= 40) & (x <= 52) & (y >= 20) & (y <= 30)
    assert inside.mean() > 0.9
    assert np.allclose(new.colour[inside], [1.0, 0.0, 0.0], atol=1e-3)
    assert len(np.unique(new.mean, axis=0)) == len(new)


@pytest.mark.parametrize("name", ENGINES)
def test_a_sum_gets_what_it_lacks(name: str) -> None:
    engine = ENGINES[name](Task(spotted(), Blend.SUM, BACKGROUND, Quantizer()))
    before = some(30)
    engine.send(before.copy())
    engine.densify(10, 1, np.random.default_rng(3))
    after = engine.fetch().gaussians()
    assert 30 < len(after) <= 40
    new = ~np.isin(after.colour[:, 0], before.gaussians().colour[:, 0])
    assert bool((after.colour[new] < 0).any())  # where there is too much


@pytest.mark.parametrize("name", ENGINES)
def test_a_perfect_picture_needs_none(name: str) -> None:
    engine = ENGINES[name](Task(np.full((16, 16, 1), 255, np.uint8), Blend.NORMALIZED, floats([1.0]), Quantizer()))
    engine.send(some(0, channels=1))
    engine.densify(5, 1, np.random.default_rng(0))
    assert len(engine.fetch()) == 0


def test_places_are_drawn_by_their_error(monkeypatch: pytest.MonkeyPatch) -> None:
    error = floats(np.zeros((40, 30)))
    error[3, 4], error[37, 29] = 1.0, 3.0
    for cells in (1 << 20, 60):  # of all rows at once, and of two
        monkeypatch.setattr(densification, "_CELLS", cells)
        y, x = sample_places(error, 50, np.random.default_rng(0))
        assert (y.tolist(), x.tolist()) == ([3, 37], [4, 29])
    rows = np.concatenate([sample_places(error, 1, np.random.default_rng(k))[0] for k in range(400)])
    assert (rows == 37).mean() == pytest.approx(0.75, abs=0.07)


def test_the_scale_is_a_share_of_what_each_has_to_cover() -> None:
    places = (np.array([3, 5]), np.array([7, 9]))
    table = densified(some(12), subset(64, 48, 1, 0), places, floats(np.zeros((2, 3))), np.random.default_rng(0))
    scale = np.exp(table.values[LOG_SCALE][np.isin(table.values[0], [7.5, 9.5])])
    assert scale == pytest.approx(densification.SCALE * math.sqrt(64 * 48 / 12 / math.pi))
    assert (table.values[LOG_ASPECT] == 0.0).sum() == 2
    cells = table.values[:2].astype(int)
    assert bool((np.diff(cells.sum(axis=0)) != 0).any())


def test_the_highest_costs_stay() -> None:
    cost = floats([3.0, -1.0, 5.0, 0.0, 3.0])
    assert highest_costs(cost, 3).tolist() == [0, 2, 4]
    assert highest_costs(cost, 9).tolist() == [0, 1, 2, 3, 4]
    assert highest_costs(cost, 3, np.array([False, True, True, False, False])).tolist() == [0, 4]
    assert len(highest_costs(cost, 2, np.ones(5, bool))) == 1


@pytest.mark.parametrize("reduction", [1, 2])
def test_what_repeats_the_background_is_redundant(reduction: int) -> None:
    mean = floats([[10, 10], [46, 25], [36, 25], [60, 40]])
    scale = floats([[2, 1], [2, 1], [2, 1], [2, 1]])
    table = table_of(Gaussians(mean, scale, floats([0.0, 0.0, 0.3, 0.0]), floats(np.full((4, 3), 0.5))))
    cost, gray = floats([0.0, 0.0, -1.0, 2.0]), floats([128 / 255] * 3)
    found = redundant_ones(table, cost, spotted(), subset(64, 48, reduction, 0), gray)
    assert found.tolist() == [True, False, False, False]  # on the spot; at its edge; worth something
