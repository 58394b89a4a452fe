"""The encoder's side of sections: which Gaussians belong to which, and how finely a file is divided."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatc.bitstream import limits
from splatc.bitstream.header import Header
from splatc.bitstream.layout import Layer, Layout, Section, assemble, whole, work
from splatc.core.packing import Arrangement
from splatc.quantize import QuantizedGaussians, steps_of

UNDIVIDED = 8192
"""Up to so many Gaussians a file is one section: reading all of it costs less than finding the way to a part."""
FULL = 2048
"""Tiles become smaller as long as a section would hold more Gaussians than this on average, so they end at 500 to 2000. On 48 000
Gaussians 1024 costs 0.6 % in bytes, 2048 0.1 %, and a region takes half the bytes that it takes with 4096 (tools/sections.py)."""
ENOUGH = 4096
"""A layer takes one more level until it holds so many Gaussians."""


def choose(header: Header, gaussians: QuantizedGaussians) -> Layout:
    """Layers and tiles such that a region takes few of the bytes and the file hardly more than as one section.

    A layer takes levels until it holds ENOUGH Gaussians, unless too few are left for another; its tiles are the largest in which a section
    holds at most FULL on average.
    """
    return arrange(header, gaussians)[0]


def divide(
    header: Header, layout: Layout, gaussians: QuantizedGaussians
) -> tuple[tuple[Section, ...], NDArray[np.int32]]:
    """The sections that Gaussians make (without what their streams decide), and the permutation that brings the Gaussians into
    coding order: by section, in each by level, coarse to fine, in each level by the Morton code within the tile.

    ``header`` has their level counts.
    """
    return arrange(header, gaussians, layout)[1:]


def arrange(
    header: Header, gaussians: QuantizedGaussians, layout: Layout | None = None
) -> tuple[Layout, tuple[Section, ...], NDArray[np.int32]]:
    """Layout (by default as choose does), sections and order of Gaussians; ``header`` has their level counts."""
    steps = steps_of(header.quantizer, header.channels)
    arrangement = Arrangement(
        steps, header.width, header.height, len(header.level_counts), gaussians.level, gaussians.x, gaussians.y
    )
    if layout is None and len(gaussians) > UNDIVIDED:
        layout = _layers(header, arrangement)
        sections, order = _divide(header, layout, arrangement)
        if limits.sections_allowed(len(sections), header.count, work(sections)):
            return layout, sections, order
        layout = None
    layout = whole(header) if layout is None else layout
    return layout, *_divide(header, layout, arrangement)


def _layers(header: Header, arrangement: Arrangement) -> Layout:
    left = header.count
    layers: list[Layer] = []
    tile_log2 = whole(header)[0].tile_log2
    levels, held = 0, 0
    last = len(header.level_counts) - 1
    for index, count in enumerate(header.level_counts):
        levels, held, left = levels + 1, held + count, left - count
        if index < last and (held < ENOUGH or left < ENOUGH):
            continue
        top = last - index + levels - 1
        occupied = arrangement.occupied_tiles(top, levels)
        while tile_log2 > 6 and held > FULL * occupied[tile_log2]:
            tile_log2 -= 1
        layers.append(Layer(levels, tile_log2))
        levels, held = 0, 0
    return tuple(layers)


def _divide(header: Header, layout: Layout, arrangement: Arrangement) -> tuple[tuple[Section, ...], NDArray[np.int32]]:
    order, parts = arrangement.divide([(each.levels, each.tile_log2) for each in layout])
    rows = zip(*(parts[name].tolist() for name in ("layer", "column", "row", "counts")), strict=True)
    found = [(layer, column, row, tuple(counts[: layout[layer].levels])) for layer, column, row, counts in rows]
    return assemble(layout, len(header.level_counts), found), order
