"""The division of Gaussians into sections in NumPy: the oracle of the core's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatc.bitstream import limits
from splatc.bitstream.divide import ENOUGH, FULL, UNDIVIDED
from splatc.bitstream.header import Header
from splatc.bitstream.layout import Layout, Pass, Section, assemble, blocks, cells, tops, whole, work
from splatc.bitstream.morton import unmorton
from splatc.bitstream.positions import morton
from splatc.quantize import QuantizedGaussians


def choose(header: Header, gaussians: QuantizedGaussians) -> Layout:
    """Passes and blocks such that a region takes few of the bytes and the file hardly more than as one section.

    A pass takes levels until it holds ENOUGH Gaussians, unless too few are left for another; its blocks are the largest in which a section
    holds at most FULL on average.
    """
    if len(gaussians) <= UNDIVIDED:
        return whole(header)
    left = len(gaussians)
    passes: list[Pass] = []
    block = whole(header)[0].block
    levels, held = 0, 0
    last = len(header.level_counts) - 1
    for index, count in enumerate(header.level_counts):
        levels, held, left = levels + 1, held + count, left - count
        if index < last and (held < ENOUGH or left < ENOUGH):
            continue
        top = last - index + levels - 1
        while block > 6 and held > FULL * _blocks_with_gaussians(header, gaussians, block, top, levels):
            block -= 1
        passes.append(Pass(levels, block))
        levels, held = 0, 0
    layout = tuple(passes)
    sections, _ = divide(header, layout, gaussians)
    return layout if limits.sections_allowed(len(sections), header.count, work(sections)) else whole(header)


def _blocks_with_gaussians(header: Header, gaussians: QuantizedGaussians, block: int, top: int, levels: int) -> int:
    codes = []
    for level in range(top, top - levels, -1):
        here = gaussians.level == level
        codes.append(
            np.unique(
                block_code(header, block, level, gaussians.x[here].astype(np.int64), gaussians.y[here].astype(np.int64))
            )
        )
    return len(np.unique(np.concatenate(codes)))


def block_code(header: Header, block: int, level: int, x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) the Morton codes of the blocks in which cells of a level's position grid lie."""
    step = header.quantizer.position_step(level)
    columns, rows = blocks(header, block)
    across = np.minimum(((2 * x + 1) * step) >> (33 + block), columns - 1)
    return morton(across, np.minimum(((2 * y + 1) * step) >> (33 + block), rows - 1))


def divide(
    header: Header, layout: Layout, gaussians: QuantizedGaussians
) -> tuple[tuple[Section, ...], NDArray[np.intp]]:
    """The sections that Gaussians make (without what their streams decide), and the permutation that brings the Gaussians into
    coding order: by section, in each by level, coarse to fine, in each level by the Morton code within the block.

    ``header`` has their level counts.
    """
    number = np.zeros(len(gaussians), np.int64)  # of the pass
    code = np.zeros(len(gaussians), np.int64)  # of the block
    within = np.zeros(len(gaussians), np.int64)  # Morton code of the cell in the block
    levels = len(header.level_counts)
    for index, (top, each) in enumerate(zip(tops(layout, levels), layout, strict=True)):
        for level in range(top, top - each.levels, -1):
            here = np.flatnonzero(gaussians.level == level)
            if not len(here):
                continue
            x, y = gaussians.x[here].astype(np.int64), gaussians.y[here].astype(np.int64)
            number[here] = index
            code[here] = codes = block_code(header, each.block, level, x, y)
            step = header.quantizer.position_step(level)
            keys, which = np.unique(codes, return_inverse=True)
            places = [unmorton(key) for key in keys.tolist()]
            left = np.array([cells(header.width, each.block, step, column)[0] for column, _ in places])[which]
            above = np.array([cells(header.height, each.block, step, row)[0] for _, row in places])[which]
            within[here] = morton(x - left, y - above)
    order = np.lexsort((within, -gaussians.level.astype(np.int64), code, number))
    number, code, level_of = number[order], code[order], gaussians.level[order]
    starts = np.flatnonzero((np.diff(number, prepend=-1) != 0) | (np.diff(code, prepend=-1) != 0)).tolist()
    found: list[tuple[int, int, int, tuple[int, ...]]] = []  # pass, column, row, counts
    for start, stop in zip(starts, [*starts, len(order)][1:], strict=True):
        index = int(number[start])
        top = tops(layout, levels)[index]
        counts = np.bincount(top - level_of[start:stop], minlength=layout[index].levels)
        found.append((index, *unmorton(int(code[start])), tuple(counts.tolist())))
    return assemble(layout, levels, found), order
