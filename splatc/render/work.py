"""How much it is to draw a view, before anything is drawn: evaluations of Gaussians (spec/limits.md, "Work").

Integers and one rational number, from the integers of a file and not from what they stand for: every decoder, on every machine, comes
to the same number. The boxes are right to some 5 % but for needles: up to 1.5 times too narrow along the grid, as their angle is rounded,
and 35 times what such an ellipse fills across it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from splatc.attributes import MAX_LEVELS
from splatc.bitstream.latent_layout import CELL, COARSE, COARSE_LEVEL, FINE, FINE_LEVEL
from splatc.core import TILE_HEIGHT, TILE_WIDTH
from splatc.core.latent import NOT_BUSY, Grids
from splatc.quantize import QuantizedGaussians, angle_count_table, log_aspect_table
from splatc.render.view import View
from splatc.steps import STEP8, Quantizer

Whole = NDArray[np.int64]

ROOM = 32
"""Grid points that each side of a box counts for besides its own: what begins and ends with each Gaussian, in each of its tiles and in each
block of columns (tools/work_bench.py)."""
GRID = 16
"""Evaluations that each point of the supersampling grid counts for besides its Gaussians: blended, averaged, written into a file."""
UNIT = 16
"""Of a px: positions of prediction.md."""

_CHUNK = 1 << 16
_QUARTER = (16384, 16305, 16069, 15679, 15137, 14449, 13623, 12665, 11585, 10394, 9102, 7723, 6270, 4756, 3196, 1606, 0)
_HALF = (*_QUARTER, *(-each for each in _QUARTER[15::-1]))
COS = np.array((*_HALF, *_HALF[31:0:-1]), np.int64)
"""Of i pi / 32, over 2^14 (prediction.md, "Shape")."""


@dataclass(frozen=True)
class Boxes:
    """Sums over boxes that are not empty."""

    count: int
    sides: int
    """Widths and heights, 1/16 px."""
    area: int
    """1/256 px^2."""


def drawing(quantizer: Quantizer, gaussians: QuantizedGaussians, view: View) -> int:
    """The work of drawing a view, evaluations."""
    return _in_view(boxes(quantizer, gaussians, clip(view)), view)


def drawing_of_grids(quantizer: Quantizer, grids: Grids, view: View) -> int:
    """The same of the Gaussians that grids stand for."""
    return _in_view(boxes_of_grids(quantizer, grids, clip(view)), view)


def _in_view(found: Boxes, view: View) -> int:
    grid_scale = view.grid_scale
    around = grid_scale**2 * Fraction(found.area, UNIT**2) + grid_scale * Fraction(ROOM * found.sides, UNIT)
    return math.ceil(around) + ROOM**2 * found.count + grid(view)


def grid(view: View) -> int:
    """The part of it that does not depend on the Gaussians."""
    return GRID * view.columns * view.rows * view.samples**2


def clip(view: View) -> tuple[int, int, int, int]:
    """(x0, y0, x1, y1), 1/16 px: the region and a tile around it, as far as the picture goes; tiles are drawn whole."""
    sides = []
    for start, length, whole, tile in zip(
        view.region[:2], view.region[2:], (view.width, view.height), (TILE_WIDTH, TILE_HEIGHT), strict=True
    ):
        margin = math.ceil(UNIT * tile / view.grid_scale)
        sides.append((max(UNIT * start - margin, 0), min(UNIT * (start + length) + margin, UNIT * whole)))
    (x0, x1), (y0, y1) = sides
    return x0, y0, x1, y1


def boxes(quantizer: Quantizer, gaussians: QuantizedGaussians, part: tuple[int, int, int, int]) -> Boxes:
    """The boxes around the ellipses where Gaussians end, clipped to a part (x0, y0, x1, y1) of the picture, 1/16 px."""
    count = sides = area = 0
    for start in range(0, len(gaussians), _CHUNK):
        stop = min(start + _CHUNK, len(gaussians))
        some = gaussians if stop - start == len(gaussians) else gaussians.take(np.arange(start, stop))
        across, down = _sides(quantizer, some, part)
        met = (across > 0) & (down > 0)
        across, down = across[met], down[met]
        count += len(across)
        sides += int(across.sum() + down.sum())
        # A product has up to 48 bits, and a chunk up to 2^16 of them.
        product = across * down
        area += (int((product >> 32).sum()) << 32) + int((product & 0xFFFFFFFF).sum())
    return Boxes(count, sides, area)


def boxes_of_grids(quantizer: Quantizer, grids: Grids, part: tuple[int, int, int, int]) -> Boxes:
    """The same of the Gaussians that grids stand for: how wide a box is depends on its column alone, and how high on its row."""
    total = Boxes(0, 0, 0)
    for level, side, least in ((COARSE_LEVEL, COARSE, NOT_BUSY), (FINE_LEVEL, FINE, 0)):
        there = grids.numbers >= least
        (columns, across), (rows, down) = _sums_of_cells(quantizer, grids, level, side, part)
        by_column, by_row = there @ across, there @ columns  # of each row of cells
        total = Boxes(
            total.count + int(rows @ by_row),
            total.sides + int(rows @ by_column) + int(down @ by_row),
            total.area + sum((down * by_column).tolist()),
        )
    return total


def _sums_of_cells(
    quantizer: Quantizer, grids: Grids, level: int, side: int, part: tuple[int, int, int, int]
) -> list[tuple[Whole, Whole]]:
    """Of each column and each row of cells how many columns or rows of means meet a part, and the sum of their widths or heights."""
    pitch = CELL // side
    first, last = np.array(grids.cells[:2]) * side, np.array(grids.cells[2:]) * side
    indices = np.arange(first.min(), last.max(), dtype=np.int32)
    zeros, nothing = np.zeros_like(indices), np.zeros((len(indices), 1), np.int32)
    diagonal = QuantizedGaussians(
        level=zeros + level,
        x=indices,
        y=indices,
        log_scale=zeros,
        aspect=zeros,
        angle=zeros,
        offset=zeros,
        colour=nothing,
    )
    found = []
    for axis, sides in enumerate(_sides(quantizer, diagonal, part)):
        there = (indices < -(-grids.picture[axis] // pitch)) & (sides > 0)
        own = np.where(there, sides, 0)[first[axis] - first.min() :][: last[axis] - first[axis]].reshape(-1, side)
        found.append((np.count_nonzero(own, axis=1), own.sum(axis=1)))
    return found


def _sides(quantizer: Quantizer, gaussians: QuantizedGaussians, part: tuple[int, int, int, int]) -> tuple[Whole, Whole]:
    """(N,) widths and heights of clipped boxes; those that do not meet the part have one that is not positive."""
    across, down = (
        np.minimum(middle + half, high) - np.maximum(middle - half, low)
        for middle, half, low, high in zip(
            _middles(quantizer, gaussians), _half_sides(quantizer, gaussians), part[:2], part[2:], strict=True
        )
    )
    return across, down


def _middles(quantizer: Quantizer, gaussians: QuantizedGaussians) -> tuple[Whole, Whole]:
    """(N,) X and Y of prediction.md, 1/16 px."""
    step = np.array([quantizer.position_step(level) for level in range(MAX_LEVELS)], np.int64)[gaussians.level]
    x, y = ((2 * cell.astype(np.int64) + 1) * step >> 29 for cell in (gaussians.x, gaussians.y))
    return x, y


def _half_sides(quantizer: Quantizer, gaussians: QuantizedGaussians) -> tuple[Whole, Whole]:
    """(N,) how far the ellipse q <= 12.25 reaches in x and in y, by the shape of prediction.md, 1/16 px."""
    level, log_scale, angle = (
        each.astype(np.int64) for each in (gaussians.level, gaussians.log_scale, gaussians.angle)
    )
    eighths = 16 * level + 48 + 8 * (2 * log_scale + 1) // quantizer.log_scales
    apart = 2955 * log_aspect_table(quantizer)[gaussians.aspect] >> 24
    steps = np.array(STEP8, np.int64)
    large, small = (steps[each & 7] << np.maximum(each >> 3, 0) >> 16 for each in (eighths + apart, eighths - apart))
    directions = angle_count_table(quantizer)[gaussians.level, gaussians.aspect].astype(np.int64)
    cosine = COS[(128 * angle + directions) // (2 * directions) % 64]
    middle, difference = (large + small) >> 1, (large - small) >> 1
    part = (difference >> 14) * cosine + ((difference & 16383) * cosine >> 14)
    # 49 / 4 of a variance has at most 48 bits, so that the root of the float, rounded down, is that of the integer.
    x, y = (np.sqrt((49 * np.maximum(each, 0) >> 2).astype(np.float64)) for each in (middle + part, middle - part))
    return x.astype(np.int64) + 1, y.astype(np.int64) + 1
