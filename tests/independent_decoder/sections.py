"""sections.md: the index, its tiles, and how far the Gaussians of a section extend beyond their tile."""

from __future__ import annotations

import math

from tests.independent_decoder.header import read_varint
from tests.independent_decoder.model import Decoded, Header, Section
from tests.independent_decoder.quantization import gaussians, grid, position_step


def one_section(header: Header, gaus: bytes) -> list[Section]:
    """Of a file without INDX."""
    counts = list(header.level_counts)
    return [Section(len(counts) - 1, 20, 0, 0, counts, len(gaus))] if counts else []


def read_index(header: Header, payload: bytes) -> list[Section]:
    """<The INDX chunk>."""
    if not payload or len(payload) < 1 + 2 * payload[0]:
        raise ValueError("INDX is too short")
    layers = [(payload[1 + 2 * i], payload[2 + 2 * i]) for i in range(payload[0])]
    sizes = [b for _, b in layers]
    if sum(levels for levels, _ in layers) != len(header.level_counts) or not all(levels for levels, _ in layers):
        raise ValueError("the layers have other levels than the header")
    if max(sizes, default=0) > 20 or sizes != sorted(sizes, reverse=True):
        raise ValueError("tiles too large, or growing")
    at = 1 + 2 * len(layers)
    found: list[Section] = []
    top = len(header.level_counts) - 1
    for levels, b in layers:
        sections, at = read_varint(payload, at)
        if len(found) + sections > 64 + sum(header.level_counts) // 256:  # limits.md
            raise ValueError("too many sections")
        code, new = -1, []
        for _ in range(sections):
            numbers = []
            for _ in range(levels + 3):  # gap, counts, length, margin
                number, at = read_varint(payload, at)
                numbers.append(number)
            if at + 4 > len(payload):
                raise ValueError("INDX is too short")
            gap, *counts, length, margin = numbers
            code += 1 + gap
            column, row = (int(f"{code:036b}"[first::2], 2) for first in (1, 0))
            crc = int.from_bytes(payload[at : at + 4], "little")
            new.append(Section(top, b, column, row, counts, length, margin, crc))
            at += 4
        for section in new:
            around = [
                each
                for each in found
                if section.column >> (each.tile_log2 - b) == each.column
                and section.row >> (each.tile_log2 - b) == each.row
            ]
            section.parent = around[-1] if around else None
        found += new
        top -= levels
    if at != len(payload):
        raise ValueError("INDX is too long")
    return found


def check_sections(header: Header, sections: list[Section], gaus: bytes) -> None:
    """What a decoder must refuse before it decodes anything; the layers were checked before."""
    totals = [0] * len(header.level_counts)
    for section in sections:
        if section.column >= -(-header.width >> section.tile_log2) or section.row >= -(
            -header.height >> section.tile_log2
        ):
            raise ValueError("a tile outside of the picture")
        if not any(section.counts) or section.length < shortest_stream(section):
            raise ValueError("a section without Gaussians, or with too many")
        if section.margin is not None and section.margin > 1048576:
            raise ValueError("a margin beyond its range")
        for i, n in enumerate(section.counts):
            totals[len(totals) - 1 - section.top + i] += n
            _, _, columns, rows = tile_cells(header, section, section.top - i)
            if n and min(columns, rows) < 1:
                raise ValueError("Gaussians in a tile without cells")
    if totals != list(header.level_counts) or sum(section.length for section in sections) != len(gaus):
        raise ValueError("sections do not add up")
    if sum(sum(sum(each.counts) for each in [s, *s.ancestors()]) for s in sections) > 64 * sum(totals):  # limits.md
        raise ValueError("too many ancestors")


def tile_cells(header: Header, section: Section, level: int) -> tuple[int, int, int, int]:
    """(first column, first row, columns, rows) of the cells of a level in the tile."""
    p = position_step(header, level)
    found = []
    sides = (header.width, section.column), (header.height, section.row)
    for (extent, i), cells in zip(sides, grid(header, level), strict=True):
        first, after = (min(cells, ((j << (33 + section.tile_log2)) + p - 1) // (2 * p)) for j in (i, i + 1))
        if i + 1 == -(-extent >> section.tile_log2):
            after = cells
        found.append((first, after - first))
    (x, columns), (y, rows) = found
    return x, y, columns, rows


def check_margin(decoded: Decoded, section: Section) -> None:
    """<Bounding margin>, of the Gaussians of one section."""
    (mean, scale, theta, _), side = gaussians(decoded), 2**section.tile_log2
    for (x, y), (s1, s2), angle in zip(mean, scale, theta, strict=True):
        half_x = 3.5 * math.hypot(s1 * math.cos(angle), s2 * math.sin(angle))
        half_y = 3.5 * math.hypot(s1 * math.sin(angle), s2 * math.cos(angle))
        for centre, half, i in ((x, half_x, section.column), (y, half_y, section.row)):
            beyond = max(i * side - (centre - half), centre + half - (i + 1) * side)
            if section.margin is not None and beyond > section.margin + 0.5:
                raise ValueError("a Gaussian lies beyond the bounding margin of its section")


def shortest_stream(section: Section) -> int:
    """m of <Length and end of a stream>: ceil((N - 64) / 2), at least 0."""
    return max(0, (sum(section.counts) - 63) // 2)
