"""How the Gaussians of a file are divided into sections: layers of levels, and tiles of the picture (spec/sections.md).

A reader of a region needs the sections whose tiles, widened by their bounding margins, meet it, and the ancestors of these, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from splatc.bitstream import limits
from splatc.bitstream.header import Header
from splatc.errors import CorruptFileError
from splatc.steps import grid_shape

MAX_TILE_LOG2 = 20
"""log2 of the largest tile, px; one such tile covers any picture."""


@dataclass(frozen=True)
class Layer:
    """Consecutive levels that are divided into the same tiles."""

    levels: int
    """How many."""
    tile_log2: int
    """log2 of the side of its tiles, px, 0..MAX_TILE_LOG2."""


Layout = tuple[Layer, ...]
"""Coarse to fine; tiles never grow, so that each lies in one tile of the layer before."""


@dataclass(frozen=True)
class Section:
    """The Gaussians of the levels of one layer whose means lie in one tile: one stream of the range coder."""

    top: int
    """Its coarsest level."""
    counts: tuple[int, ...]
    """Gaussians of levels top, top - 1, ...; not all 0."""
    tile_log2: int
    """log2 of the side of its tile, px."""
    column: int
    row: int
    """Where its tile stands among those of the layer."""
    parent: int | None
    """The section, by its number in the file, that it goes on from: the one of the last layer before that has one around this tile."""
    offset: int = 0
    """Byte of the GAUS payload at which its stream starts."""
    length: int = 0
    """Bytes of its stream."""
    margin: int = 0
    """Bounding margin: no ellipse of it leaves the tile by more than this, px."""
    crc: int | None = None
    """CRC-32 of the stream; None where that of the GAUS chunk says the same."""

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def rectangle(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 of its tile, px; that of the last column and row may end outside of the picture."""
        return (
            self.column << self.tile_log2,
            self.row << self.tile_log2,
            (self.column + 1) << self.tile_log2,
            (self.row + 1) << self.tile_log2,
        )


@dataclass(frozen=True)
class LevelRange:
    """The Gaussians of one level in a section."""

    level: int
    start: int
    stop: int
    """Gaussians start..stop - 1 of the section."""
    x: int
    y: int
    """The first cell of the level's position grid that lies in the tile."""
    columns: int
    rows: int
    """Cells of the grid in the tile."""


def whole(header: Header) -> Layout:
    """Everything in one section."""
    levels = len(header.level_counts)
    return (Layer(levels, max(header.width - 1, header.height - 1).bit_length()),) if levels else ()


def undivided(header: Header, length: int) -> tuple[Section, ...]:
    """The one section of a file without an index, or none if it has no Gaussians. ``length`` is that of the GAUS payload.

    Raises CorruptFileError if there are bytes but no Gaussians.
    """
    if not header.count:
        if length:
            raise CorruptFileError(f"the GAUS chunk has {length} bytes, but the header declares no Gaussian")
        return ()
    (each,) = whole(header)
    return (Section(each.levels - 1, header.level_counts, each.tile_log2, 0, 0, None, 0, length, limits.MAX_SIDE),)


def tiles(header: Header, tile_log2: int) -> tuple[int, int]:
    """Columns and rows of the tiles of a side of 2^tile_log2 px."""
    return -(-header.width >> tile_log2), -(-header.height >> tile_log2)


def cells(extent: int, tile_log2: int, step: int, number: int) -> tuple[int, int]:
    """The cells of a position grid, along one side of the picture, whose centres lie in a tile: first, one after the last.

    Those beyond the last tile belong to it: the centre of the last cell may lie outside of the picture.
    """
    count, _ = grid_shape(extent, 1, step)

    def first(tile_number: int) -> int:  # the first cell x with (2 x + 1) step / 2^33 >= the left side
        return min(((tile_number << (tile_log2 + 33)) + step - 1) // (2 * step), count)

    return first(number), count if number + 1 == -(-extent >> tile_log2) else first(number + 1)


def ranges(header: Header, section: Section) -> list[LevelRange]:
    """The levels of a section that hold Gaussians, coarse to fine."""
    found, stop = [], 0
    for level, count in zip(range(section.top, -1, -1), section.counts, strict=False):
        if count:
            start, stop = stop, stop + count
            step = header.quantizer.position_step(level)
            x, end_x = cells(header.width, section.tile_log2, step, section.column)
            y, end_y = cells(header.height, section.tile_log2, step, section.row)
            found.append(LevelRange(level, start, stop, x, y, end_x - x, end_y - y))
    return found


def tops(layout: Layout, levels: int) -> list[int]:
    """The coarsest level of each layer."""
    return [levels - 1 - sum(each.levels for each in layout[:i]) for i in range(len(layout))]


def assemble(layout: Layout, levels: int, found: list[tuple[int, int, int, tuple[int, ...]]]) -> tuple[Section, ...]:
    """Sections from (layer, column, row, counts) in file order, each with its parent."""
    numbers: dict[tuple[int, int, int], int] = {}
    top = tops(layout, levels)
    sections = []
    for number, (index, column, row, counts) in enumerate(found):
        numbers[index, column, row] = number
        parent = None
        for before in range(index - 1, -1, -1):
            shift = layout[before].tile_log2 - layout[index].tile_log2
            parent = numbers.get((before, column >> shift, row >> shift))
            if parent is not None:
                break
        sections.append(Section(top[index], counts, layout[index].tile_log2, column, row, parent))
    return tuple(sections)


def work(sections: tuple[Section, ...]) -> int:
    """Gaussians of all sections, those of the ancestors of each counted again for it: what a decoder has to look at."""
    chain: list[int] = []
    for section in sections:
        chain.append(section.count + (0 if section.parent is None else chain[section.parent]))
    return sum(chain)


def ancestors(sections: tuple[Section, ...], number: int) -> list[int]:
    """The parent of a section, its parent and so on, in file order."""
    found: list[int] = []
    parent = sections[number].parent
    while parent is not None:
        found.append(parent)
        parent = sections[parent].parent
    return found[::-1]
