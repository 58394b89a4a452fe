"""Neighbours are exactly the nearest earlier points, whatever the points are; residuals undo predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from splatc.bitstream.neighbours import NEIGHBOURS, nearest_earlier
from splatc.bitstream.predict import from_symbols, to_symbols
from tests.bitstream_cases import header_for, random_quantized


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 9, 100, 1500])
@pytest.mark.parametrize("extent", [1, 3, 20, 1 << 24])
def test_neighbours_are_the_nearest_earlier_points(count: int, extent: int) -> None:
    rng = np.random.default_rng(count + extent)
    x, y = rng.integers(0, extent, (2, count))
    neighbours, distances = nearest_earlier(x, y)
    for i in range(count):
        squares = (x[:i] - x[i]) ** 2 + (y[:i] - y[i]) ** 2
        nearest = np.argsort(squares, kind="stable")[:NEIGHBOURS]  # stable: ties go to the earlier point
        assert neighbours[i, : len(nearest)].tolist() == nearest.tolist()
        assert distances[i, : len(nearest)].tolist() == squares[nearest].tolist()
        assert np.all(neighbours[i, len(nearest) :] == -1)


def test_a_smooth_picture_leaves_small_residuals() -> None:
    """Colours that change slowly are predicted to within a few steps; independent ones are not."""
    header = header_for(1000, 1000)
    gaussians = random_quantized(np.random.default_rng(0), header, 5000, levels=1)
    smooth = np.stack([gaussians.x // 80, gaussians.y // 80, (gaussians.x + gaussians.y) // 120], axis=1).astype(
        np.int32
    )
    symbols = to_symbols(header.quantizer, replace(gaussians, colour=smooth))
    assert np.mean(np.abs(symbols.attributes.residual[100:]) <= 2) > 0.97
    np.testing.assert_array_equal(from_symbols(header.quantizer, symbols).colour, smooth)
