"""Whether the coded samples of a JPEG file are whole: a walk through its Huffman codes (ITU-T T.81, F and G), no pixel decoded.

Decoders fill what they cannot read with gray, or with what stood there before, and only warn; Pillow passes no warning on. A walk looks up
one code after the other, 1.5 s for a megabyte; pyvips, which passes libjpeg's warnings on, takes a tenth of that where it is installed.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from splatc.image.readers.jpeg_codes import Bits, DamageError, Table, first_of_band, refined_band, sequential, table_of

QUICKLY_WALKED = 1 << 18
"""Bytes; libjpeg's warnings are asked for in longer files, if they can be had."""
WALKED_BYTES = 1 << 22
"""Longer files are not walked through."""
_MOST_BLOCKS = 1 << 22  # of all scans: a file of few bytes may have that many
_DHT, _SOS, _DRI, _DNL, _EOI = 0xC4, 0xDA, 0xDD, 0xDC, 0xD9
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), 0xC2
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")


class Segment(NamedTuple):
    """A part of a JPEG file."""

    marker: int
    start: int
    """Of the marker; bytes of 255 may fill the place before it."""
    body: bytes
    body_end: int
    end: int
    """Behind its body; of a scan, behind its coded samples."""


@dataclass(frozen=True)
class ScanResult:
    """What a walk has found."""

    damage: str = ""
    """What is wrong, for people; empty for a sound file, and for one that could not be walked through."""
    end: int | None = None
    """Where the last scan ends, if all of its blocks are there; None if not, or not known."""


class _UnknownError(Exception):
    """A kind of scan that is not walked through."""


@dataclass
class _Component:
    horizontal: int
    vertical: int
    width: int = 0
    """Blocks in a scan of its own."""
    height: int = 0
    across: int = 0
    """Blocks of a row of whole MCUs."""
    seen: list[int] = field(default_factory=list)
    """Progressive: for each block a bit for each coefficient that is not zero."""


def check(data: bytes, segments: list[Segment]) -> ScanResult:
    """Whether all samples of a JPEG file are there, given with its segments: by a walk, or for longer files by libjpeg's warnings."""
    if len(data) > QUICKLY_WALKED:
        warned = _warned(data, whole=segments[-1].marker == _EOI)
        if warned is not None or len(data) > WALKED_BYTES:
            return warned or ScanResult()
    try:
        return _Walk(data, segments).run()
    except (_UnknownError, struct.error, IndexError, KeyError):  # tables that lack, or a frame that makes no sense
        return ScanResult()


def _warned(data: bytes, *, whole: bool) -> ScanResult | None:
    """What libjpeg warns of, None without pyvips; `whole`: the file has its end marker."""
    from splatc.image.readers import large_source

    if not large_source.installed("pyvips"):
        return None
    import pyvips

    try:
        ended = data if whole else data + b"\xff\xd9"
        pyvips.Image.new_from_buffer(ended, "", access="sequential", fail_on="warning").avg()
    except pyvips.Error as error:
        lines = [line.partition("VipsJpeg:")[2].strip() for line in str(error).splitlines() if "VipsJpeg:" in line]
        return ScanResult(lines[0] if lines else "")
    return ScanResult(end=len(data))


class _Walk:
    def __init__(self, data: bytes, segments: list[Segment]) -> None:
        self.data, self.segments = data, segments
        self.dc: dict[int, Table] = {}
        self.ac: dict[int, tuple[bytes, bytes]] = {}
        self.built: dict[tuple[bytes, bytes, bool], Table] = {}
        self.interval = 0
        self.blocks = 0
        self.progressive = False
        self.components: dict[int, _Component] = {}

    def run(self) -> ScanResult:
        """Walk through it all. Raises _UnknownError, and what a first scan raises whose tables or components lack."""
        used: int | None = None
        scans = [index for index, (marker, *_) in enumerate(self.segments) if marker == _SOS]
        for index, segment in enumerate(self.segments):
            alone = index == scans[-1] == len(self.segments) - 1
            try:
                used = self._segment(segment, open_end=alone) or used
            except DamageError as damage:
                return ScanResult(str(damage))
            except (struct.error, IndexError, KeyError):
                if index > scans[0]:
                    return ScanResult("a segment between its scans that makes no sense")
                raise
            between = (
                b"" if alone or segment.marker == _EOI else self.data[segment.end : self.segments[index + 1].start]
            )
            if between.strip(b"\xff"):
                return ScanResult(f"{len(between)} bytes between its segments")
        return ScanResult(end=used)

    def _segment(self, segment: Segment, *, open_end: bool) -> int | None:
        """Take one segment; of a scan where its samples end."""
        marker, _, body, body_end, end = segment
        if marker in (*_SEQUENTIAL, _PROGRESSIVE):
            self._frame(body)
            self.progressive = marker == _PROGRESSIVE
        elif marker == _DHT:
            self._tables(body)
        elif marker == _DRI:
            (self.interval,) = struct.unpack_from(">H", body)
        elif marker == _DNL or 0xC3 <= marker <= 0xCF:
            raise _UnknownError
        elif marker == _SOS:
            return self._scan(body, body_end, end, open_end=open_end)
        return None

    def _frame(self, body: bytes) -> None:
        height, width, count = struct.unpack_from(">HHB", body, 1)
        if not height or not width:
            raise _UnknownError
        for index in range(count):
            name, sampling, _ = body[6 + 3 * index : 9 + 3 * index]
            self.components[name] = _Component(sampling >> 4, sampling & 15)
        widest = max(each.horizontal for each in self.components.values())
        highest = max(each.vertical for each in self.components.values())
        self.columns, self.rows = math.ceil(width / (8 * widest)), math.ceil(height / (8 * highest))
        for each in self.components.values():
            each.width = math.ceil(math.ceil(width * each.horizontal / widest) / 8)
            each.height = math.ceil(math.ceil(height * each.vertical / highest) / 8)

    def _tables(self, body: bytes) -> None:
        at = 0
        while at + 17 <= len(body):
            counts = body[at + 1 : at + 17]
            self.ac[body[at]] = counts, body[at + 17 : at + 17 + sum(counts)]
            at += 17 + sum(counts)

    def _table(self, kind: int, number: int, *, raw: bool) -> Table:
        """See jpeg_codes.table_of."""
        counts, symbols = self.ac[kind << 4 | number]
        key = counts + bytes([kind]), symbols, raw
        if key not in self.built:
            self.built[key] = table_of(kind, counts, symbols, raw=raw)
        return self.built[key]

    def _scan(self, body: bytes, start: int, end: int, *, open_end: bool) -> int:
        """Walk through one scan; returns where it ends. `open_end`: the file ends with it, whatever stands behind its last block."""
        chosen = [(self.components[body[1 + 2 * index]], body[2 + 2 * index]) for index in range(body[0])]
        first, last, approximation = body[1 + 2 * body[0] : 4 + 2 * body[0]]
        alone = len(chosen) == 1
        units = chosen[0][0].width * chosen[0][0].height if alone else self.columns * self.rows
        self.blocks += units * (1 if alone else sum(each.horizontal * each.vertical for each, _ in chosen))
        if self.blocks > _MOST_BLOCKS:
            raise _UnknownError
        walk = self._walker(chosen, first, last, approximation)
        at, done = start, 0
        per = self.interval or units
        for number in range(max(1, math.ceil(units / per))):
            found = _RESTART.search(self.data, at, end)
            stop = found.start() if found else end
            count = min(per, units - done)
            coded = self.data[at:stop].rstrip(b"\xff")  # these fill the place before a marker
            used = walk(coded, done, count)
            done += count
            final = done == units
            if final:
                if found and not open_end:
                    raise DamageError("restart markers behind the last block")
                if not open_end and used < len(coded):
                    raise DamageError(f"{len(coded) - used} bytes too many in a scan")
                return at + used
            if not found:
                raise DamageError("restart markers are missing")
            if used < len(coded):
                raise DamageError(f"{len(coded) - used} bytes too many before a restart marker")
            if found[1][0] - 0xD0 != number % 8:
                raise DamageError("restart markers are out of order")
            at = found.end()
        return at

    def _walker(
        self, chosen: list[tuple[_Component, int]], first: int, last: int, approximation: int
    ) -> Callable[[bytes, int, int], int]:
        """A function of (coded bytes, first block or MCU, how many) that returns how many of the bytes they take."""
        alone = len(chosen) == 1
        if not self.progressive or (first == 0 and approximation >> 4 == 0):
            tables = []
            for each, numbers in chosen:
                dc = self._table(0, numbers >> 4, raw=False)
                ac = [] if self.progressive else self._table(1, numbers & 15, raw=False)
                tables += [(dc, ac)] * (1 if alone else each.horizontal * each.vertical)
            return lambda coded, _, count: sequential(coded, tables, count)
        if first == 0:  # a bit for each block
            bits = 1 if alone else sum(each.horizontal * each.vertical for each, _ in chosen)
            return lambda coded, _, count: Bits(coded).used(bits * count)
        component, numbers = chosen[0]
        if not alone or last > 63:
            raise _UnknownError
        if not component.seen:
            component.seen = [0] * (component.width * component.height)
        table = self._table(1, numbers & 15, raw=True)
        band = first_of_band if approximation >> 4 == 0 else refined_band
        return lambda coded, start, count: band(
            coded, table, component.seen, range(start, start + count), (first, last)
        )
