"""Positions cost what an unordered set must cost, and not more."""

from __future__ import annotations

import math

import numpy as np
import pytest

from splatc.bitstream.coder import Decoder, Encoder
from splatc.bitstream.morton import morton_of, unmorton
from splatc.bitstream.positions import decode, encode, morton


def cost(columns: int, rows: int, x: np.ndarray, y: np.ndarray) -> float:
    """Bits for these points, after a round trip."""
    order = np.argsort(morton(x, y))
    x, y = x[order].astype(np.int32), y[order].astype(np.int32)
    encoder = Encoder()
    encode(encoder, {}, columns, rows, x, y)
    stream = encoder.finish()
    decoder = Decoder(stream)
    found_x, found_y = np.zeros_like(x), np.zeros_like(y)
    decode(decoder, {}, columns, rows, found_x, found_y)
    decoder.finish()
    np.testing.assert_array_equal(found_x, x)
    np.testing.assert_array_equal(found_y, y)
    return 8.0 * len(stream)


@pytest.mark.parametrize("count", [60, 500, 5000, 100_000])
@pytest.mark.parametrize(("columns", "rows"), [(2560, 1707), (1025, 1025), (4096, 4096), (100_000, 37)])
def test_uniform_points_cost_the_entropy_of_a_set(columns: int, rows: int, count: int) -> None:
    rng = np.random.default_rng(count)
    points = rng.integers(0, [columns, rows], (count, 2)).T
    multisets = math.lgamma(columns * rows + count) - math.lgamma(columns * rows) - math.lgamma(count + 1)
    assert cost(columns, rows, *points) < 1.01 * multisets / math.log(2) + 30


def test_clustered_points_cost_less() -> None:
    rng = np.random.default_rng(0)
    uniform = rng.integers(0, 2048, (2, 3000))
    clustered = np.clip(rng.normal(1000, 100, (2, 3000)), 0, 2047).astype(int)
    assert cost(2048, 2048, *clustered) < 0.75 * cost(2048, 2048, *uniform)


@pytest.mark.parametrize("count", [1, 2, 33, 255, 256, 257, 100_000])
@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (1, 9), (9, 1), (3, 2)])
def test_many_points_in_few_cells(columns: int, rows: int, count: int) -> None:
    rng = np.random.default_rng(count)
    x, y = rng.integers(0, [columns, rows], (count, 2)).T
    assert cost(columns, rows, x, y) <= 8 * math.ceil((columns * rows - 1) * (math.log2(count + 1) + 5) / 8)


def test_the_bit_of_the_row_is_above_that_of_the_column() -> None:
    assert morton(np.array([5]), np.array([3])).tolist() == [0b011011]
    for column, row in ((0, 0), (5, 3), (1, 2**20), (2**14 - 1, 9)):
        assert morton_of(column, row) == morton(np.array([column]), np.array([row]))[0]
        assert unmorton(morton_of(column, row)) == (column, row)
