"""The division of Gaussians into sections in NumPy: the oracle of the core's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatc.bitstream import limits
from splatc.bitstream.divide import ENOUGH, FULL, UNDIVIDED
from splatc.bitstream.header import Header
from splatc.bitstream.layout import Layer, Layout, Section, assemble, cells, tiles, tops, whole, work
from splatc.bitstream.morton import unmorton
from splatc.bitstream.positions import morton
from splatc.quantize import QuantizedGaussians


def choose(header: Header, gaussians: QuantizedGaussians) -> Layout:
    """Layers and tiles such that a region takes few of the bytes and the file hardly more than as one section.

    A layer takes levels until it holds ENOUGH Gaussians, unless too few are left for another; its tiles are the largest in which a section
    holds at most FULL on average.
    """
    if len(gaussians) <= UNDIVIDED:
        return whole(header)
    left = len(gaussians)
    layers: list[Layer] = []
    tile_log2 = whole(header)[0].tile_log2
    levels, held = 0, 0
    last = len(header.level_counts) - 1
    for index, count in enumerate(header.level_counts):
        levels, held, left = levels + 1, held + count, left - count
        if index < last and (held < ENOUGH or left < ENOUGH):
            continue
        top = last - index + levels - 1
        while tile_log2 > 6 and held > FULL * _tiles_with_gaussians(header, gaussians, tile_log2, top, levels):
            tile_log2 -= 1
        layers.append(Layer(levels, tile_log2))
        levels, held = 0, 0
    layout = tuple(layers)
    sections, _ = divide(header, layout, gaussians)
    return layout if limits.sections_allowed(len(sections), header.count, work(sections)) else whole(header)


def _tiles_with_gaussians(header: Header, gaussians: QuantizedGaussians, tile_log2: int, top: int, levels: int) -> int:
    codes = []
    for level in range(top, top - levels, -1):
        here = gaussians.level == level
        codes.append(
            np.unique(
                tile_code(
                    header, tile_log2, level, gaussians.x[here].astype(np.int64), gaussians.y[here].astype(np.int64)
                )
            )
        )
    return len(np.unique(np.concatenate(codes)))


def tile_code(
    header: Header, tile_log2: int, level: int, x: NDArray[np.int64], y: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(N,) the Morton codes of the tiles in which cells of a level's position grid lie."""
    step = header.quantizer.position_step(level)
    columns, rows = tiles(header, tile_log2)
    across = np.minimum(((2 * x + 1) * step) >> (33 + tile_log2), columns - 1)
    return morton(across, np.minimum(((2 * y + 1) * step) >> (33 + tile_log2), rows - 1))


def divide(
    header: Header, layout: Layout, gaussians: QuantizedGaussians
) -> tuple[tuple[Section, ...], NDArray[np.intp]]:
    """The sections that Gaussians make (without what their streams decide), and the permutation that brings the Gaussians into
    coding order: by section, in each by level, coarse to fine, in each level by the Morton code within the tile.

    ``header`` has their level counts.
    """
    number = np.zeros(len(gaussians), np.int64)  # of the layer
    code = np.zeros(len(gaussians), np.int64)  # of the tile
    within = np.zeros(len(gaussians), np.int64)  # Morton code of the cell in the tile
    levels = len(header.level_counts)
    for index, (top, each) in enumerate(zip(tops(layout, levels), layout, strict=True)):
        for level in range(top, top - each.levels, -1):
            here = np.flatnonzero(gaussians.level == level)
            if not len(here):
                continue
            x, y = gaussians.x[here].astype(np.int64), gaussians.y[here].astype(np.int64)
            number[here] = index
            code[here] = codes = tile_code(header, each.tile_log2, level, x, y)
            step = header.quantizer.position_step(level)
            keys, which = np.unique(codes, return_inverse=True)
            places = [unmorton(key) for key in keys.tolist()]
            left = np.array([cells(header.width, each.tile_log2, step, column)[0] for column, _ in places])[which]
            above = np.array([cells(header.height, each.tile_log2, step, row)[0] for _, row in places])[which]
            within[here] = morton(x - left, y - above)
    order = np.lexsort((within, -gaussians.level.astype(np.int64), code, number))
    number, code, level_of = number[order], code[order], gaussians.level[order]
    starts = np.flatnonzero((np.diff(number, prepend=-1) != 0) | (np.diff(code, prepend=-1) != 0)).tolist()
    found: list[tuple[int, int, int, tuple[int, ...]]] = []  # layer, column, row, counts
    for start, stop in zip(starts, [*starts, len(order)][1:], strict=True):
        index = int(number[start])
        top = tops(layout, levels)[index]
        counts = np.bincount(top - level_of[start:stop], minlength=layout[index].levels)
        found.append((index, *unmorton(int(code[start])), tuple(counts.tolist())))
    return assemble(layout, levels, found), order
