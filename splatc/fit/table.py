"""The Gaussians of a fit in one table: the coordinates that the file quantizes, Adam's moments, and the frozen mask."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatc.attributes import COORDINATES
from splatc.core import exact
from splatc.core.seeds import order_points
from splatc.gaussians import FloatArray, Gaussians
from splatc.quantize import from_coded_colour, to_coded_colour


def _rows_of() -> dict[str, int | slice]:
    """By coordinate, its row or rows."""
    rows: dict[str, int | slice] = {}
    start = 0
    for each in COORDINATES:
        stop = None if each.rows is None else start + each.rows
        rows[each.name] = start if each.rows == 1 else slice(start, stop)
        start = stop or start
    return rows


ROWS = _rows_of()
NAMES = tuple(ROWS)
"""The coordinates in the order of the rows."""
FROZEN = {each.name: each.frozen for each in COORDINATES}
"""By coordinate, its bit in ``Table.frozen``."""
SHAPE_ROWS = sum(each.rows or 0 for each in COORDINATES)
"""Rows before the colours."""

MEAN = slice(0, 2)
"""Rows of x and y, px."""
LOG_SCALE = 2
"""ln of g = sqrt(s1 s2), g in px."""
LOG_ASPECT = 3
"""ln(s1 / s2); negative where the axes have changed places, until it is rounded."""
ANGLE = 4
"""rad, unbounded."""
COLOUR = slice(SHAPE_ROWS, None)
"""In the coded space Y | Y A | Y U V | Y U V A."""

MIN_SCALE = 0.5
"""Smallest g, px: level 0 begins here."""
FIT_MAX_LOG_ASPECT = 3.0


@dataclass
class Table:
    """N Gaussians during a fit. All arrays are C-contiguous; an engine may change what is in them."""

    values: FloatArray
    """(SHAPE_ROWS + C, N)"""
    first: FloatArray
    """(SHAPE_ROWS + C, N) Adam's first moments; those of the mean are along and across each Gaussian."""
    second: FloatArray
    """(SHAPE_ROWS + C, N)"""
    frozen: NDArray[np.uint8]
    """(N,) the frozen mask, bits of ``FROZEN``: the attributes that are rounded and stay."""
    order: FloatArray
    """(N,) in [0, 1): the turn of a Gaussian in progressive quantization."""

    def __len__(self) -> int:
        return int(self.values.shape[1])

    @staticmethod
    def from_values(values: FloatArray, rng: np.random.Generator) -> Table:
        """Gaussians (SHAPE_ROWS + C, N) without moments, all of whose attributes may move."""
        count = int(values.shape[1])
        values = np.ascontiguousarray(values, np.float32)
        order = rng.random(count, dtype=np.float32)
        return Table(values, np.zeros_like(values), np.zeros_like(values), np.zeros(count, np.uint8), order)

    @staticmethod
    def from_gaussians(gaussians: Gaussians, rng: np.random.Generator) -> Table:
        """The same of float Gaussians; ``rng`` draws the order in which they are rounded."""
        return Table.from_values(values_of(gaussians), rng)

    def gaussians(self) -> Gaussians:
        """Float Gaussians with s1 >= s2 and angles in [0, pi)."""
        values = self.values.astype(np.float64)
        log2_scale, half = values[LOG_SCALE] / math.log(2.0), 0.5 * np.abs(values[LOG_ASPECT]) / math.log(2.0)
        turned = values[ANGLE] + np.where(values[LOG_ASPECT] < 0.0, 0.5 * math.pi, 0.0)
        angle = (turned - np.floor(turned / math.pi) * math.pi).astype(np.float32)
        return Gaussians(
            mean=np.ascontiguousarray(self.values[MEAN].T),
            scale=exact.exp2(np.stack([log2_scale + half, log2_scale - half], axis=1)).astype(np.float32),
            angle=np.where(angle < np.float32(math.pi), angle, np.float32(0.0)),  # what float32 rounds up
            colour=np.ascontiguousarray(from_coded_colour(self.values[COLOUR].T), np.float32),
        )

    def keep(self, index: NDArray[np.integer]) -> Table:
        """The Gaussians of an index array, in its order."""
        values, first, second = (np.ascontiguousarray(rows[:, index]) for rows in _rows(self))
        return Table(values, first, second, self.frozen[index], self.order[index])

    def joined(self, values: FloatArray, rng: np.random.Generator) -> Table:
        """These Gaussians, then new ones (SHAPE_ROWS + C, K) without moments."""
        new = Table.from_values(values, rng)
        values, first, second = (np.concatenate(both, axis=1) for both in zip(_rows(self), _rows(new), strict=True))
        frozen, order = np.concatenate([self.frozen, new.frozen]), np.concatenate([self.order, new.order])
        return Table(values, first, second, frozen, order)

    def copy(self) -> Table:
        """The same in arrays of its own."""
        values, first, second = (rows.copy() for rows in _rows(self))
        return Table(values, first, second, self.frozen.copy(), self.order.copy())

    def free(self) -> tuple[str, ...]:
        """The attributes that may still move in some Gaussian."""
        final = int(np.bitwise_and.reduce(self.frozen, initial=0xFF))
        return tuple(name for name in NAMES if not final & FROZEN[name])


def _rows(table: Table) -> tuple[FloatArray, FloatArray, FloatArray]:
    return table.values, table.first, table.second


def values_of(gaussians: Gaussians) -> FloatArray:
    """(SHAPE_ROWS + C, N) the rows of float Gaussians."""
    log2_scale = exact.log2(np.maximum(gaussians.scale, 1e-3))
    long, short = (log2_scale * math.log(2.0)).T
    rows = {
        "mean": gaussians.mean.T,
        "log_scale": np.maximum(0.5 * (long + short), math.log(MIN_SCALE))[None],
        "log_aspect": (long - short)[None],
        "angle": gaussians.angle[None],
        "colour": to_coded_colour(gaussians.colour).T,
    }
    return np.concatenate([rows[name] for name in NAMES]).astype(np.float32)


def bounds(width: int, height: int) -> tuple[FloatArray, FloatArray]:
    """(SHAPE_ROWS,) the least and the largest values of the rows before the colours, for a picture of width x height px.

    Means lie inside the picture, so that each has a cell; scales and aspects are in the range that a file can hold.
    """
    limits = {
        "mean": ([0.0, 0.0], [width - 1 / 64, height - 1 / 64]),
        "log_scale": ([math.log(MIN_SCALE)], [math.log(2.0 * max(width, height))]),
        "log_aspect": ([-FIT_MAX_LOG_ASPECT], [FIT_MAX_LOG_ASPECT]),
        "angle": ([-math.inf], [math.inf]),
    }
    low, high = (np.array([value for name in limits for value in limits[name][end]], np.float32) for end in (0, 1))
    return low, high


def spatial_order(values: FloatArray) -> NDArray[np.int32]:
    """(N,) an order in which neighbours in the picture are neighbours in memory: three times as fast on large pictures."""
    return order_points(np.maximum(values[MEAN], np.float32(0.0)).T)
