"""Streams of sections -> their Gaussians, by the core, side by side where they do not go on from one another."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatc import core
from splatc.attributes import COLUMNS, PARTS
from splatc.bitstream import layout as layouts
from splatc.bitstream import limits
from splatc.bitstream.header import Header
from splatc.bitstream.layout import LevelRange, Section
from splatc.core import loading, structs
from splatc.errors import CorruptFileError
from splatc.quantize import QuantizedGaussians, steps_of

MESSAGES = {
    loading.IMPOSSIBLE_CODE: "a stream of the GAUS chunk holds an impossible code: the file is damaged",
    loading.TOO_MANY_POINTS: "more points in a half than in the whole: the GAUS chunk is damaged",
    loading.NEEDLESS_ESCAPE: "an escape stands for a residual that has a symbol of its own: the GAUS chunk is damaged",
    loading.WRONG_END: "a stream of the GAUS chunk does not end where its last Gaussian does: the file is damaged",
    loading.BEYOND_MARGIN: "an ellipse lies {beyond:.1f} px beyond its tile, the INDX chunk says {margin}: the file is damaged",
}


@dataclass(frozen=True)
class Decoded:
    """A section that others go on from."""

    gaussians: QuantizedGaussians
    tables: core.Tables
    """(1, bytes) what its stream has learned."""

    def copy(self) -> Decoded:
        """The same in arrays of their own, so that those of all sections need not stay."""
        return Decoded(self.gaussians.copy(), self.tables.copy())


@dataclass(frozen=True)
class Result:
    """What the sections of a call hold."""

    gaussians: dict[int, QuantizedGaussians]
    """By number of the section, in file order; views of common arrays."""
    decoded: dict[int, Decoded]
    """Those with streams that others go on from."""
    bits: dict[int, dict[str, float]]
    """Where asked for, ideal bits by part."""


@functools.lru_cache(maxsize=16)
def _first_tables(steps: bytes) -> core.Tables:
    return core.first_tables(np.frombuffer(steps, np.uint8))


def decode(
    header: Header,
    sections: Sequence[Section],
    streams: Mapping[int, bytes],
    known: Mapping[int, Decoded],
    parents: set[int],
    stop_level: int = 0,
    *,
    tally: bool = False,
) -> Result:
    """The Gaussians of levels >= ``stop_level`` of the sections with these ``streams``, and of those that are ``known``.

    The numbers are those of ``sections``, which are all of the file; each ancestor of one in ``streams`` is itself among these or among
    ``known``. What ``parents`` have learned is kept. A stream that is shorter than its section's ``length`` was cut off: the levels
    that were complete come back. Raises CorruptFileError for the first damaged section of those that go on from equally many others.
    """
    numbers = sorted({*streams, *known})
    places = {number: place for place, number in enumerate(numbers)}
    slots = {number: slot for slot, number in enumerate(each for each in numbers if each in parents)}
    steps = steps_of(header.quantizer, header.channels, header.models)
    table, levels, joined = np.zeros(len(numbers), structs.SECTION), list[tuple[int, ...]](), list[bytes]()
    tables = np.zeros((len(slots), loading.size_of("tables")), np.uint8)
    count = stream_bytes = 0
    depths: list[int] = []
    for number, row in zip(numbers, table, strict=True):
        section = sections[number]
        row["parent"] = -1 if section.parent is None else places[section.parent]
        depths.append(0 if section.parent is None else depths[places[section.parent]] + 1)
        row["start"], row["tables"] = count, slots.get(number, -1)
        if number in known:
            row["known"], row["count"] = 1, len(known[number].gaussians)
            tables[slots[number]] = known[number].tables
        else:
            ranges = _readable(header, section, len(streams[number]), stop_level)
            row["stream"], row["first_level"] = stream_bytes, len(levels)
            _fill(row, section, len(streams[number]), ranges)
            levels += [
                (each.stop - each.start, each.level, each.x, each.y, each.columns, each.rows, 0) for each in ranges
            ]
            joined.append(streams[number])
            stream_bytes += len(streams[number])
        count += int(row["count"])
    columns = core.Columns.empty(count, header.channels)
    for number, decoded in known.items():
        _copy(decoded.gaussians, columns, int(table[places[number]]["start"]))
    waves = [np.flatnonzero(np.array(depths) == depth).astype(np.int32) for depth in range(max(depths, default=-1) + 1)]
    first = _first_tables(steps.tobytes())
    arrays = table, np.array(levels, structs.LEVEL)
    core.decode_sections(steps, b"".join(joined), *arrays, columns, tables, first, waves, tally=tally)
    _check(table, [sections[number] for number in numbers], waves)
    gaussians = {number: _view(columns, table[place]) for number, place in places.items()}
    kept = {
        number: Decoded(gaussians[number], tables[slot : slot + 1])
        for number, slot in slots.items()
        if number in streams and len(gaussians[number]) == sections[number].count
    }
    bits = (
        {number: dict(zip(PARTS, table[places[number]]["bits"].tolist(), strict=True)) for number in streams}
        if tally
        else {}
    )
    return Result(gaussians, kept, bits)


def _readable(header: Header, section: Section, length: int, stop_level: int) -> list[LevelRange]:
    """The levels that are wanted; of a stream that was cut off those for which there are bytes enough."""
    levels = [each for each in layouts.ranges(header, section) if each.level >= stop_level]
    if length != section.length:
        levels = [each for each in levels if limits.minimum_payload(each.stop) <= length]
    return levels


def _fill(row: np.void, section: Section, length: int, ranges: list[LevelRange]) -> None:
    """The core's record of a section of whose stream ``length`` bytes are there."""
    row["count"], row["levels"] = ranges[-1].stop if ranges else 0, len(ranges)
    row["length"], row["minimum"] = length, limits.minimum_payload(section.count)
    row["truncated"], row["ends"] = length != section.length, row["count"] == section.count
    row["x0"], row["y0"], row["x1"], row["y1"] = section.rectangle
    row["margin"] = -1 if section.crc is None else section.margin


def _copy(gaussians: QuantizedGaussians, columns: core.Columns, start: int) -> None:
    for name in COLUMNS:
        getattr(columns, name)[start : start + len(gaussians)] = getattr(gaussians, name)


def _view(columns: core.Columns, row: np.void) -> QuantizedGaussians:
    part = slice(int(row["start"]), int(row["start"] + row["decoded"]))
    return QuantizedGaussians(**{name: getattr(columns, name)[part] for name in COLUMNS})


def _check(table: NDArray[np.void], sections: list[Section], waves: list[NDArray[np.int32]]) -> None:
    for wave in waves:
        for place in wave[table["status"][wave] != loading.OK]:
            message = MESSAGES[int(table["status"][place])]
            raise CorruptFileError(message.format(beyond=float(table["beyond"][place]), margin=sections[place].margin))
