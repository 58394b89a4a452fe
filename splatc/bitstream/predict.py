"""Angles and colours -> residuals to what the neighbours predict (spec/prediction.md), by the core; the way back is decoding.py.

A Gaussian is predicted from the nearest ones coded before it, in its own section and in the ancestors of this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatc import core
from splatc.attributes import CODED, MAX_LEVELS
from splatc.bitstream.stream import GaussianSymbols
from splatc.core import pack_structs, structs
from splatc.core.packing import TILE_SIDES, Arrangement, Packing
from splatc.quantize import IntArray, QuantizedGaussians, colour_step_table, columns_of, joined, steps_of
from splatc.steps import Quantizer


def to_symbols(
    quantizer: Quantizer, gaussians: QuantizedGaussians, earlier: QuantizedGaussians | None = None
) -> GaussianSymbols:
    """What is coded of the Gaussians of a section, in coding order; ``earlier`` are those of its ancestors."""
    g = gaussians if earlier is None else joined([earlier, gaussians])
    first = len(g) - len(gaussians)
    residuals = core.make_residuals(steps_of(quantizer, g.colour.shape[1]), columns_of(g), first)
    coded = {
        each.name: residuals[each.name][first:] if each.predicted else getattr(gaussians, each.name) for each in CODED
    }
    return GaussianSymbols(gaussians.level, gaussians.x, gaussians.y, coded)


def predicted_colours(
    quantizer: Quantizer, gaussians: QuantizedGaussians, width: int, height: int
) -> NDArray[np.float32]:
    """(N, C) what colours are predicted to be, in units of full range, for Gaussians in any order and all in one section."""
    channels = gaussians.colour.shape[1]
    _, found = residuals(quantizer, gaussians, width, height)
    return ((gaussians.colour - found["colour"]) * colour_step_table(quantizer, gaussians.level, channels)).astype(
        np.float32
    )


def residuals(
    quantizer: Quantizer, gaussians: QuantizedGaussians, width: int, height: int
) -> tuple[IntArray, dict[str, IntArray]]:
    """(N,) the coding order of Gaussians in any order and all in one section; by attribute, in the order given, their residuals."""
    steps = steps_of(quantizer, gaussians.colour.shape[1])
    arrangement = Arrangement(steps, width, height, MAX_LEVELS, gaussians.level, gaussians.x, gaussians.y)
    order, _ = arrangement.divide([(MAX_LEVELS, TILE_SIDES - 1)])
    sections = np.zeros(min(len(gaussians), 1), pack_structs.SECTION)
    sections["count"] = sections["chain"] = len(gaussians)
    sections["parent"] = -1
    packing = Packing(steps, columns_of(gaussians.take(order)), sections, np.zeros(0, structs.LEVEL))
    back = np.empty_like(order)
    back[order] = np.arange(len(order), dtype=order.dtype)
    return order, {name: array[back] for name, array in packing.residuals.items()}
