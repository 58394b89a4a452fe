"""The INDX payload: layers, and of each section its place, its counts and where its bytes are (spec/sections.md)."""

from __future__ import annotations

import struct
from dataclasses import replace

from splatc.attributes import MAX_LEVELS
from splatc.bitstream import layout as layouts
from splatc.bitstream import limits, varint
from splatc.bitstream.header import Header
from splatc.bitstream.layout import MAX_TILE_LOG2, Layer, Layout, Section
from splatc.bitstream.morton import morton_of, unmorton
from splatc.errors import CorruptFileError

WHERE = "the INDX chunk"
MEMORY = 100
"""Bytes that the sections of an index take in memory for each of its own; 90 were measured, of sections of one level and nine bytes."""


def write(layout: Layout, sections: tuple[Section, ...]) -> bytes:
    """The payload; sections in file order."""
    parts = [bytes([len(layout)]), *(bytes([each.levels, each.tile_log2]) for each in layout)]
    levels = sum(each.levels for each in layout)
    for top in layouts.tops(layout, levels):
        here = [section for section in sections if section.top == top]
        parts.append(varint.write(len(here)))
        expected = 0
        for section in here:
            code = morton_of(section.column, section.row)
            numbers = (code - expected, *section.counts, section.length, section.margin)
            parts += [*map(varint.write, numbers), struct.pack("<I", section.crc)]
            expected = code + 1
    return b"".join(parts)


def check_length(length: int, header: Header) -> None:
    """Raise CorruptFileError if a payload is longer than its fields can be, so that it need not be read."""
    levels = len(header.level_counts)
    sections = limits.FREE_SECTIONS + header.count // limits.GAUSSIANS_PER_SECTION
    most = 1 + 7 * MAX_LEVELS + sections * (19 + 5 * levels)  # varints take five bytes at most
    if length > most:
        raise CorruptFileError(
            f"{WHERE} has {length} bytes, {header.count} Gaussians take {most} at most: the file is damaged"
        )


def read(payload: bytes, header: Header, gaus_bytes: int) -> tuple[Layout, tuple[Section, ...]]:
    """Layout and sections from the payload, in file order.

    Raises CorruptFileError where it breaks a rule or does not agree with the header or with the length of the GAUS payload.
    """
    numbers = _Numbers(payload)
    layout = _layers(numbers, header)
    found: list[tuple[int, int, int, tuple[int, ...]]] = []
    streams: list[tuple[int, int, int]] = []  # length, margin, CRC
    for index, each in enumerate(layout):
        columns, rows = layouts.tiles(header, each.tile_log2)
        count = numbers.next()
        if len(found) + count > limits.FREE_SECTIONS + header.count // limits.GAUSSIANS_PER_SECTION:
            raise CorruptFileError(f"{WHERE} has too many sections for {header.count} Gaussians: the file is damaged")
        code = -1
        for _ in range(count):
            code += 1 + numbers.next()
            column, row = unmorton(code)
            if column >= columns or row >= rows:
                raise CorruptFileError(f"{WHERE} has a tile outside of the picture: the file is damaged")
            found.append((index, column, row, tuple(numbers.next() for _ in range(each.levels))))
            streams.append((numbers.next(), numbers.next(), numbers.crc()))
    if numbers.position != len(payload):
        raise CorruptFileError(f"{WHERE} has {len(payload)} bytes, expected {numbers.position}: the file is damaged")
    offset, sections = 0, []
    for section, (length, margin, crc) in zip(
        layouts.assemble(layout, len(header.level_counts), found), streams, strict=True
    ):
        sections.append(replace(section, offset=offset, length=length, margin=margin, crc=crc))
        offset += length
    _check(header, tuple(sections), gaus_bytes)
    return layout, tuple(sections)


def _layers(numbers: _Numbers, header: Header) -> Layout:
    layers = []
    for _ in range(numbers.byte()):
        layers.append(Layer(numbers.byte(), numbers.byte()))
    levels = len(header.level_counts)
    if sum(each.levels for each in layers) != levels or any(each.levels == 0 for each in layers):
        raise CorruptFileError(f"the layers of {WHERE} do not have the {levels} levels of the header")
    sizes = [MAX_TILE_LOG2, *(each.tile_log2 for each in layers)]
    if sizes != sorted(sizes, reverse=True):
        raise CorruptFileError(f"the tiles of {WHERE} are larger than allowed, or grow from layer to layer")
    return tuple(layers)


def _check(header: Header, sections: tuple[Section, ...], gaus_bytes: int) -> None:
    """What sections must fulfil together, and each by itself."""
    top = len(header.level_counts) - 1
    totals = [0] * (top + 1)
    for section in sections:
        for level, count in zip(range(section.top, -1, -1), section.counts, strict=False):
            totals[top - level] += count
        if section.count == 0:
            raise CorruptFileError(f"{WHERE} has a section without Gaussians: the file is damaged")
        if section.margin > limits.MAX_SIDE:
            raise CorruptFileError(f"a bounding margin is {section.margin} px, it must be 0..{limits.MAX_SIDE}")
        limits.check_plausible(section.count, section.length, WHERE, "a section of the GAUS chunk")
        if any(min(each.columns, each.rows) <= 0 for each in layouts.ranges(header, section)):
            raise CorruptFileError(f"{WHERE} has Gaussians in a tile that holds no cell of their level")
    if tuple(totals) != header.level_counts:
        raise CorruptFileError(f"the sections of {WHERE} do not add up to the Gaussians of the header")
    total = sum(section.length for section in sections)
    if total != gaus_bytes:
        raise CorruptFileError(f"the sections of {WHERE} take {total} bytes, but the GAUS chunk has {gaus_bytes}")
    if not limits.sections_allowed(len(sections), header.count, layouts.work(sections)):
        raise CorruptFileError(f"the sections of {WHERE} share too many ancestors for {header.count} Gaussians")


class _Numbers:
    """Reads a payload from its first byte on."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.position = 0

    def next(self) -> int:
        value, self.position = varint.read(self.payload, self.position, WHERE)
        return value

    def byte(self) -> int:
        return self._bytes(1)[0]

    def crc(self) -> int:
        return int.from_bytes(self._bytes(4), "little")

    def _bytes(self, count: int) -> bytes:
        start, self.position = self.position, self.position + count
        if self.position > len(self.payload):
            raise CorruptFileError(f"{WHERE} ends too early, after {len(self.payload)} bytes")
        return self.payload[start : self.position]
