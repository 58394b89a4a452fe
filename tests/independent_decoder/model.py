"""The terms of spec/ as classes: headers, sections, symbols, and a file as integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Header:
    """The fields of header.md, with the flags taken apart."""

    version: tuple[int, int]
    blend: int
    channels: int
    depth: int
    width: int
    height: int
    background: tuple[int, ...]
    position: int
    position_slope: int
    log_scales: int
    aspect: int
    angle: int
    angle_slope: int
    luma: int
    chroma: int
    colour_slope: int
    level_counts: tuple[int, ...]  # from the top level down to level 0
    models: int  # of a draft


@dataclass(frozen=True)
class Decoded:
    """A file as integers: arrays (n,) in coding order, and the coded channels of colour (n, channels)."""

    header: Header
    level: Integers
    x: Integers
    y: Integers
    log_scale: Integers
    aspect: Integers
    angle: Integers
    offset: Integers
    colour: Integers


def clamp(a: int, low: int, high: int) -> int:
    return min(max(a, low), high)


@dataclass
class Section:
    """One entry of the index."""

    top: int  # the first level of its layer
    tile_log2: int  # b
    column: int
    row: int
    counts: list[int]  # of level top, top - 1, ...
    length: int
    margin: int | None = None  # None in a file without INDX
    crc: int | None = None
    parent: Section | None = None

    def ancestors(self) -> list[Section]:
        """The earliest first."""
        return [] if self.parent is None else [*self.parent.ancestors(), self.parent]


@dataclass(frozen=True)
class Symbols:
    """One Gaussian before prediction."""

    level: int
    x: int
    y: int
    log_scale: int
    aspect: int
    m: int  # number of directions
    angle_residual: int
    offset: int
    colour_residual: list[int]
