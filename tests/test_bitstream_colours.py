"""Shapes and distances behind the prediction of colours: about right, and nowhere too large for 64 bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from splatc.bitstream.colours import _distance, covariances

from splatc.bitstream.predict import from_symbols, to_symbols
from splatc.quantize import angle_count_table, dequantize
from splatc.steps import MAX_LEVELS, Quantizer
from tests.bitstream_cases import header_for, random_quantized
from tests.independent_decoder import prediction
from tests.independent_decoder.model import Header, Symbols


def test_covariances_are_about_those_of_the_gaussians() -> None:
    header = header_for(2000, 2000)
    g = random_quantized(np.random.default_rng(0), header, 2000, levels=9)
    directions = angle_count_table(header.quantizer)[g.level, g.anisotropy]
    found = covariances(header.quantizer, g.level, g.size, g.anisotropy, g.angle, directions) / 256.0
    floats = dequantize(header.quantizer, g)
    cos, sin = np.cos(floats.angle), np.sin(floats.angle)
    v1, v2 = floats.scale.T.astype(float) ** 2
    expected = np.stack([cos**2 * v1 + sin**2 * v2, cos * sin * (v1 - v2), sin**2 * v1 + cos**2 * v2], axis=1)
    assert np.all(np.abs(found - expected) <= 0.2 * v1[:, None] + 0.02)


def independent_header(quantizer: Quantizer) -> Header:
    steps = {name: getattr(quantizer, name) for name in vars(quantizer)}
    return Header(blend=1, channels=3, depth=8, width=9, height=9, background=(0, 0, 0), level_counts=(), **steps)


@pytest.mark.parametrize("sizes", [1, 5, 32])
def test_shapes_of_all_levels_are_those_of_unbounded_integers(sizes: int) -> None:
    rng = np.random.default_rng(sizes)
    quantizer = replace(Quantizer(), sizes=sizes, anisotropy=191)
    level = np.repeat(np.arange(MAX_LEVELS, dtype=np.int32), 64)
    anisotropy = np.tile(np.arange(64, dtype=np.int32), MAX_LEVELS)
    size = rng.integers(0, sizes, len(level)).astype(np.int32)
    directions = angle_count_table(quantizer)[level, anisotropy]
    angle = (rng.random(len(level)) * directions).astype(np.int32)
    found = covariances(quantizer, level, size, anisotropy, angle, directions)
    assert np.abs(found).max() < 1 << 46  # sums of two, times four, stay far from the end
    header = independent_header(quantizer)
    for i in range(len(level)):
        here = [int(array[i]) for array in (level, size, anisotropy, directions, angle)]
        symbols = Symbols(here[0], 0, 0, here[1], here[2], here[3], turn=0, strip=0, residual=[])
        assert tuple(found[i].tolist()) == prediction.shape(header, symbols, here[4])


def test_distances_never_overflow() -> None:
    rng = np.random.default_rng(0)
    largest = 1 << 46
    for _ in range(500):
        xx, yy = (int(2.0 ** rng.uniform(0, 46)) for _ in range(2))
        xy = int(rng.uniform(-1, 1) * np.sqrt(float(xx) * float(yy)))
        dx, dy = (int(rng.integers(-(1 << 26), 1 << 26)) for _ in range(2))
        assert _distance(dx, dy, xx, xy, yy) == prediction.distance(dx, dy, xx, xy, yy)
    assert _distance(1 << 26, -(1 << 26), largest, -largest + 1, largest) == prediction.distance(
        1 << 26, -(1 << 26), largest, -largest + 1, largest
    )


def test_colours_of_like_neighbours_are_promised() -> None:
    """Two overlapping kinds of Gaussians, each with its own luma and chroma: once luma is known, so is chroma."""
    header = header_for(400, 400)
    g = random_quantized(np.random.default_rng(0), header, 3000, levels=2)
    kind = np.random.default_rng(1).integers(0, 2, 3000)[:, None]
    colour = np.where(kind == 1, [60, 25, -20], [-60, -15, 30]).astype(np.int32)
    symbols = to_symbols(header.quantizer, replace(g, colour=colour))
    residual = np.abs(symbols.attributes.residual[200:])
    assert np.mean(residual[:, 1:] <= 2) > 0.95
    assert np.mean(residual[:, 0] > 20) > 0.4  # which kind comes next is not to be known
    np.testing.assert_array_equal(from_symbols(header.quantizer, symbols).colour, colour)
