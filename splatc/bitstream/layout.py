"""How the Gaussians of a file are divided into sections: passes of levels, and blocks of the picture (spec/sections.md).

A reader of a region needs the sections whose blocks can reach it and the ancestors of these, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from splatc.bitstream import limits
from splatc.bitstream.header import Header
from splatc.errors import CorruptFileError
from splatc.steps import grid_shape

MAX_BLOCK = 20
"""log2 of the largest block, px; one such block covers any picture."""


@dataclass(frozen=True)
class Pass:
    """Consecutive levels that are divided into the same blocks."""

    levels: int
    """How many."""
    block: int
    """log2 of the side of its blocks, px, 0..MAX_BLOCK."""


Layout = tuple[Pass, ...]
"""Coarse to fine; blocks never grow, so that each lies in one block of the pass before."""


@dataclass(frozen=True)
class Section:
    """The Gaussians of the levels of one pass whose means lie in one block: one stream of the range coder."""

    top: int
    """Its coarsest level."""
    counts: tuple[int, ...]
    """Gaussians of levels top, top - 1, ...; not all 0."""
    block: int
    """log2 of the side of its block, px."""
    column: int
    row: int
    """Where its block stands among those of the pass."""
    parent: int | None
    """The section, by its number in the file, that it goes on from: the one of the last pass before that has one around this block."""
    offset: int = 0
    """Byte of the GAUS payload at which its stream starts."""
    length: int = 0
    """Bytes of its stream."""
    reach: int = 0
    """No ellipse of it leaves the block by more than this, px."""
    crc: int | None = None
    """CRC-32 of the stream; None where that of the GAUS chunk says the same."""

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def rectangle(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 of its block, px; that of the last column and row may end outside of the picture."""
        return (
            self.column << self.block,
            self.row << self.block,
            (self.column + 1) << self.block,
            (self.row + 1) << self.block,
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
    """The first cell of the level's position grid that lies in the block."""
    columns: int
    rows: int
    """Cells of the grid in the block."""


def whole(header: Header) -> Layout:
    """Everything in one section."""
    levels = len(header.level_counts)
    return (Pass(levels, max(header.width - 1, header.height - 1).bit_length()),) if levels else ()


def undivided(header: Header, length: int) -> tuple[Section, ...]:
    """The one section of a file without an index, or none if it has no Gaussians. ``length`` is that of the GAUS payload.

    Raises CorruptFileError if there are bytes but no Gaussians.
    """
    if not header.count:
        if length:
            raise CorruptFileError(f"the GAUS chunk has {length} bytes, but the header declares no Gaussian")
        return ()
    (each,) = whole(header)
    return (Section(each.levels - 1, header.level_counts, each.block, 0, 0, None, 0, length, limits.MAX_SIDE),)


def blocks(header: Header, block: int) -> tuple[int, int]:
    """Columns and rows of the blocks of a side of 2^block px."""
    return -(-header.width >> block), -(-header.height >> block)


def cells(extent: int, block: int, step: int, number: int) -> tuple[int, int]:
    """The cells of a position grid, along one side of the picture, whose centres lie in a block: first, one after the last.

    Those beyond the last block belong to it: the centre of the last cell may lie outside of the picture.
    """
    count, _ = grid_shape(extent, 1, step)

    def first(block_number: int) -> int:  # the first cell x with (2 x + 1) step / 2^33 >= the left side
        return min(((block_number << (block + 33)) + step - 1) // (2 * step), count)

    return first(number), count if number + 1 == -(-extent >> block) else first(number + 1)


def ranges(header: Header, section: Section) -> list[LevelRange]:
    """The levels of a section that hold Gaussians, coarse to fine."""
    found, stop = [], 0
    for level, count in zip(range(section.top, -1, -1), section.counts, strict=False):
        if count:
            start, stop = stop, stop + count
            step = header.quantizer.position_step(level)
            x, end_x = cells(header.width, section.block, step, section.column)
            y, end_y = cells(header.height, section.block, step, section.row)
            found.append(LevelRange(level, start, stop, x, y, end_x - x, end_y - y))
    return found


def tops(layout: Layout, levels: int) -> list[int]:
    """The coarsest level of each pass."""
    return [levels - 1 - sum(each.levels for each in layout[:i]) for i in range(len(layout))]


def assemble(layout: Layout, levels: int, found: list[tuple[int, int, int, tuple[int, ...]]]) -> tuple[Section, ...]:
    """Sections from (pass, column, row, counts) in file order, each with its parent."""
    numbers: dict[tuple[int, int, int], int] = {}
    top = tops(layout, levels)
    sections = []
    for number, (index, column, row, counts) in enumerate(found):
        numbers[index, column, row] = number
        parent = None
        for before in range(index - 1, -1, -1):
            shift = layout[before].block - layout[index].block
            parent = numbers.get((before, column >> shift, row >> shift))
            if parent is not None:
                break
        sections.append(Section(top[index], counts, layout[index].block, column, row, parent))
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
