"""What it takes to decode some sections of a file, by what its index says of them (spec/limits.md, "Work")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from splatc.bitstream.layout import Section

READ = 1 << 12
"""Evaluations that a Gaussian counts for as it is read: 2 us, against up to 0.5 ns for one that is drawn (tools/work_bench.py)."""
SEARCHED = 1 << 6
"""Evaluations for each Gaussian that stands in the tree which a section searches for neighbours: 7 ns."""

CELL = 1 << 14
"""Evaluations that the latents of a cell count for."""


class Cost(NamedTuple):
    """What is decoded."""

    gaussians: int
    """Of the sections that are needed, ancestors among them."""
    parents: int
    """How many of these sections others of the file go on from."""
    searched: int
    """The same Gaussians, those of its ancestors counted again for each section: each is looked at for what lies near."""

    cells: int = 0
    """With latents, in the tiles that are needed."""

    @property
    def work(self) -> int:
        """In evaluations of Gaussians."""
        return READ * self.gaussians + SEARCHED * self.searched + CELL * self.cells


def cost_of(sections: Sequence[Section], needed: Iterable[int], parents: set[int]) -> Cost:
    """What sections take that include their ancestors, of those of a file; others go on from its ``parents``."""
    chains: dict[int, int] = {}
    numbers = sorted(needed)  # a parent comes before what goes on from it
    for number in numbers:
        section = sections[number]
        chains[number] = section.count + (0 if section.parent is None else chains[section.parent])
    gaussians = sum(sections[number].count for number in numbers)
    return Cost(gaussians, len(parents.intersection(numbers)), sum(chains.values()))
