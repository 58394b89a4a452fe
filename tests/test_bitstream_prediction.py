"""Neighbours are exactly the nearest earlier points, whatever the points are; residuals undo predictions."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from splatc.bitstream.colours import covariances
from splatc.bitstream.neighbours import NEIGHBOURS, nearest_earlier

from splatc.bitstream.predict import from_symbols, to_symbols
from splatc.quantize import MAX_ANISOTROPY, angle_count_table
from splatc.steps import MAX_LEVELS, Quantizer
from tests.bitstream_cases import header_for, random_quantized
from tests.independent_decoder.model import Header, Symbols
from tests.independent_decoder.prediction import shape

DESCRIBED = Header(
    blend=1, channels=3, depth=8, width=9, height=9, background=(0, 0, 0), position=0, position_slope=0, sizes=0, anisotropy=0,
    angle=0, angle_slope=0, luma=0, chroma=0, colour_slope=0, level_counts=(1,),
)  # fmt: skip
"""What of a header has no say in shapes is 0."""


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


@pytest.mark.parametrize("step", [96, 113])
def test_every_shape_is_that_of_the_text(step: int) -> None:
    """All sizes and anisotropies at four levels, in 64 directions of those that there are."""
    quantizer = Quantizer(anisotropy=step)
    described = replace(DESCRIBED, sizes=quantizer.sizes, anisotropy=step)
    cases = []
    for level, size, anisotropy in itertools.product(
        (0, 3, 9, MAX_LEVELS - 1), range(quantizer.sizes), range(MAX_ANISOTROPY + 1)
    ):
        directions = int(angle_count_table(quantizer)[level, anisotropy])
        for k in range(min(64, directions)):
            cases.append((level, size, anisotropy, k * directions // min(64, directions), directions))
    found = covariances(quantizer, *np.array(cases, np.int32).T)
    for (level, size, anisotropy, angle, m), xx_xy_yy in zip(cases, found.tolist(), strict=True):
        gaussian = Symbols(level, 0, 0, size, anisotropy, m, 0, 0, [])
        assert shape(described, gaussian, angle) == tuple(xx_xy_yy)


def test_every_step_of_anisotropy_stretches_as_the_text_says() -> None:
    anisotropy = np.arange(MAX_ANISOTROPY + 1, dtype=np.int32)
    for step in range(60, 192):
        quantizer = Quantizer(anisotropy=step)
        described = replace(DESCRIBED, sizes=quantizer.sizes, anisotropy=step)
        zero, three, eight = (np.full_like(anisotropy, each) for each in (0, 3, 8))
        found = covariances(quantizer, three, zero, anisotropy, zero, eight)
        expected = [shape(described, Symbols(3, 0, 0, 0, each, 8, 0, 0, []), 0) for each in anisotropy.tolist()]
        assert list(map(tuple, found.tolist())) == expected


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
