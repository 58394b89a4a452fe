"""Gaussians -> sections -> streams, by the core; the way back is decoding.py.

The size of a file is found without writing it: the core runs the models over the symbols and counts. Where the bytes are wanted, it says
where each symbol lies in the code space, and constriction writes them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from splatc.bitstream import divide, limits
from splatc.bitstream import layout as layouts
from splatc.bitstream.coder import Encoder
from splatc.bitstream.header import Header
from splatc.bitstream.layout import Layout, Section
from splatc.core import pack_structs, structs
from splatc.core.packing import Packing
from splatc.quantize import QuantizedGaussians, columns_of, steps_of


@dataclass(frozen=True)
class Packed:
    """Gaussians in the order of a file, and what they take in it."""

    layout: Layout
    sections: tuple[Section, ...]
    """With length and margin, which need no stream."""
    packing: Packing


def pack(header: Header, gaussians: QuantizedGaussians, layout: Layout | None = None) -> Packed:
    """Divide Gaussians into sections, by default as divide.choose does, predict and measure them; ``header`` has their level counts."""
    layout, sections, order = divide.arrange(header, gaussians, layout)
    steps = steps_of(header.quantizer, header.channels, header.models)
    table, levels = _tables(header, sections)
    if layout == layouts.whole(header):
        table["x1"] = table["x0"]  # without an index no bounding margin is stored
    packing = Packing(steps, columns_of(gaussians.take(order)), table, levels)
    packing.measure()
    measured = zip(sections, packing.sections["length"].tolist(), packing.sections["beyond"].tolist(), strict=True)
    return Packed(
        layout,
        tuple(
            replace(section, length=length, margin=min(math.ceil(beyond), limits.MAX_SIDE))
            for section, length, beyond in measured
        ),
        packing,
    )


def _tables(header: Header, sections: Sequence[Section]) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """The core's records of the sections and of their levels."""
    table, levels = np.zeros(len(sections), pack_structs.SECTION), list[tuple[int, ...]]()
    parents = sorted({section.parent for section in sections if section.parent is not None})
    slots = {number: slot for slot, number in enumerate(parents)}
    start, chains, rows = 0, list[int](), list[tuple[float, ...]]()
    for number, section in enumerate(sections):
        ranges = layouts.ranges(header, section)
        chains.append(section.count + (0 if section.parent is None else chains[section.parent]))
        parent = -1 if section.parent is None else section.parent
        rows.append(
            (start, section.count, parent, chains[-1], slots.get(number, -1), len(levels), len(ranges),
             limits.minimum_payload(section.count), *section.rectangle, 0, 0, 0, 0, 0.0)
        )  # fmt: skip
        levels += [(each.stop - each.start, each.level, each.x, each.y, each.columns, each.rows, 0) for each in ranges]
        start += section.count
    table[:] = rows
    return table, np.array(levels, structs.LEVEL)


def streams(packed: Packed) -> list[bytes]:
    """The streams of the sections."""
    found = []
    for section, symbols in zip(packed.sections, packed.packing.symbols(), strict=True):
        encoder = Encoder()
        encoder.code_shares(symbols)
        found.append(encoder.finish(limits.minimum_payload(section.count)))
    return found
