"""Predictions are good: what changes slowly, or goes with its neighbours, leaves small residuals. Exactness: test_core_predict.py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splatc.bitstream.predict import predicted_colours, to_symbols
from splatc.quantize import colour_step_table
from tests.bitstream_cases import header_for, random_quantized


def test_a_smooth_picture_leaves_small_residuals() -> None:
    """Colours that change slowly are predicted to within a few steps; independent ones are not."""
    header = header_for(1000, 1000)
    gaussians = random_quantized(np.random.default_rng(0), header, 5000, levels=1)
    smooth = np.stack([gaussians.x // 80, gaussians.y // 80, (gaussians.x + gaussians.y) // 120], axis=1).astype(
        np.int32
    )
    symbols = to_symbols(header.quantizer, replace(gaussians, colour=smooth))
    assert np.mean(np.abs(symbols.attributes["colour"][100:]) <= 2) > 0.97


def test_colours_of_like_neighbours_are_predicted() -> None:
    """Two overlapping kinds of Gaussians, each with its own luma and chroma: once luma is known, so is chroma."""
    header = header_for(400, 400)
    g = random_quantized(np.random.default_rng(0), header, 3000, levels=2)
    kind = np.random.default_rng(1).integers(0, 2, 3000)[:, None]
    colour = np.where(kind == 1, [60, 25, -20], [-60, -15, 30]).astype(np.int32)
    symbols = to_symbols(header.quantizer, replace(g, colour=colour))
    residual = np.abs(symbols.attributes["colour"][200:])
    assert np.mean(residual[:, 1:] <= 2) > 0.95
    assert np.mean(residual[:, 0] > 20) > 0.4  # which kind comes next is not to be known


def test_predicted_colours_of_any_order() -> None:
    """They are the colours less the residuals, each where its Gaussian stands."""
    header = header_for(300, 200)
    g = random_quantized(np.random.default_rng(2), header, 400)
    symbols = to_symbols(header.quantizer, g)
    steps = colour_step_table(header.quantizer, g.level, 3)
    expected = ((g.colour - symbols.attributes["colour"]) * steps).astype(np.float32)
    order = np.random.default_rng(3).permutation(400)
    found = predicted_colours(header.quantizer, g.take(order), header.width, header.height)
    # The order of Gaussians in one cell is open; there are hardly any here.
    assert np.mean(np.all(found == expected[order], axis=1)) > 0.9
