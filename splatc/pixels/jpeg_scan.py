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

import numpy as np

QUICKLY_WALKED = 1 << 18
"""Bytes; libjpeg's warnings are asked for in longer files, if they can be had."""
WALKED_BYTES = 1 << 22
"""Longer files are not walked through."""
_MOST_BLOCKS = 1 << 22  # of all scans: a file of few bytes may have that many
_DHT, _SOS, _DRI, _DNL, _EOI = 0xC4, 0xDA, 0xDD, 0xDC, 0xD9
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), 0xC2
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_SLACK = bytes(2560)  # more than the codes of one MCU: 10 blocks of 64 coefficients of 31 bits
_END_OF_BLOCK = 100  # beyond every index of a coefficient

Table = list[int]
"""By the next 16 bits: what a code takes, 0 for none."""


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
class Result:
    """What a walk has found."""

    damage: str = ""
    """What is wrong, for people; empty for a sound file, and for one that could not be walked through."""
    end: int | None = None
    """Where the last scan ends, if all of its blocks are there; None if not, or not known."""


class _DamageError(Exception):
    """The codes do not make sense."""


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


def check(data: bytes, segments: list[Segment]) -> Result:
    """Whether all samples of a JPEG file are there, given with its segments: by a walk, or for longer files by libjpeg's warnings."""
    if len(data) > QUICKLY_WALKED:
        warned = _warned(data, whole=segments[-1].marker == _EOI)
        if warned is not None or len(data) > WALKED_BYTES:
            return warned or Result()
    try:
        return _Walk(data, segments).run()
    except (_UnknownError, struct.error, IndexError, KeyError):  # tables that lack, or a frame that makes no sense
        return Result()


def _warned(data: bytes, *, whole: bool) -> Result | None:
    """What libjpeg warns of, None without pyvips; `whole`: the file has its end marker."""
    from splatc.pixels import large_source

    if not large_source.installed("pyvips"):
        return None
    import pyvips

    try:
        ended = data if whole else data + b"\xff\xd9"
        pyvips.Image.new_from_buffer(ended, "", access="sequential", fail_on="warning").avg()
    except pyvips.Error as error:
        lines = [line.partition("VipsJpeg:")[2].strip() for line in str(error).splitlines() if "VipsJpeg:" in line]
        return Result(lines[0] if lines else "")
    return Result(end=len(data))


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

    def run(self) -> Result:
        """Walk through it all. Raises _UnknownError, and what a first scan raises whose tables or components lack."""
        used: int | None = None
        scans = [index for index, (marker, *_) in enumerate(self.segments) if marker == _SOS]
        for index, segment in enumerate(self.segments):
            alone = index == scans[-1] == len(self.segments) - 1
            try:
                used = self._segment(segment, open_end=alone) or used
            except _DamageError as damage:
                return Result(str(damage))
            except (struct.error, IndexError, KeyError):
                if index > scans[0]:
                    return Result("a segment between its scans that makes no sense")
                raise
            between = (
                b"" if alone or segment.marker == _EOI else self.data[segment.end : self.segments[index + 1].start]
            )
            if between.strip(b"\xff"):
                return Result(f"{len(between)} bytes between its segments")
        return Result(end=used)

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
        """A table of 2^16 entries for DC (kind 0) or AC (1): bits of the code and those behind it, times 256, and the step that it makes.

        `raw` gives the bits of the code alone, and its symbol.
        """
        counts, symbols = self.ac[kind << 4 | number]
        key = counts + bytes([kind]), symbols, raw
        if key not in self.built:
            table = np.zeros(1 << 16, np.int64)
            code, at = 0, 0
            for length in range(1, 17):
                for symbol in symbols[at : at + counts[length - 1]]:
                    first, room = code << (16 - length), 1 << (16 - length)
                    table[first : first + room] = _entry(kind, length, symbol, raw)
                    code += 1
                at += counts[length - 1]
                code <<= 1
            self.built[key] = table.tolist()
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
                    raise _DamageError("restart markers behind the last block")
                if not open_end and used < len(coded):
                    raise _DamageError(f"{len(coded) - used} bytes too many in a scan")
                return at + used
            if not found:
                raise _DamageError("restart markers are missing")
            if used < len(coded):
                raise _DamageError(f"{len(coded) - used} bytes too many before a restart marker")
            if found[1][0] - 0xD0 != number % 8:
                raise _DamageError("restart markers are out of order")
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
            return lambda coded, _, count: _sequential(coded, tables, count)
        if first == 0:  # a bit for each block
            bits = 1 if alone else sum(each.horizontal * each.vertical for each, _ in chosen)
            return lambda coded, _, count: _Bits(coded).used(bits * count)
        component, numbers = chosen[0]
        if not alone or last > 63:
            raise _UnknownError
        if not component.seen:
            component.seen = [0] * (component.width * component.height)
        table = self._table(1, numbers & 15, raw=True)
        band = _first_of_band if approximation >> 4 == 0 else _refined_band
        return lambda coded, start, count: band(
            coded, table, component.seen, range(start, start + count), (first, last)
        )


def _entry(kind: int, length: int, symbol: int, raw: bool) -> int:
    """See _Walk._table."""
    if raw:
        return length << 8 | symbol
    if kind == 0:
        return (length + (symbol & 31)) << 8
    run, size = symbol >> 4, symbol & 15
    step = run + 1 if size or run == 15 else _END_OF_BLOCK
    return (length + size) << 8 | step


class _Bits:
    """Coded bytes without the zeros behind 255, to be looked up 16 bits at a time."""

    def __init__(self, coded: bytes) -> None:
        self.data = coded.replace(b"\xff\x00", b"\xff")
        self.end = 8 * len(self.data)
        padded = np.frombuffer(self.data + _SLACK, np.uint8).astype(np.uint32)
        words = padded[:-2] << np.uint32(16) | padded[1:-1] << np.uint32(8) | padded[2:]
        self.words: list[int] = words.tolist()
        """The 24 bits from each byte on."""

    def used(self, bits: int) -> int:
        """How many coded bytes so many bits are. Raises _DamageError where there are fewer."""
        if bits > self.end:
            raise _DamageError("the coded samples end too early")
        whole = -(-bits // 8)
        return whole + self.data[:whole].count(255)


def _sequential(coded: bytes, blocks: list[tuple[Table, Table]], count: int) -> int:
    """`count` MCUs of sequential JPEG, or of the first bits of progressive DC, whose tables of AC are empty."""
    bits = _Bits(coded)
    words, end, at = bits.words, bits.end, 0
    for _ in range(count):
        for dc, ac in blocks:
            entry = dc[words[at >> 3] >> (8 - (at & 7)) & 0xFFFF]
            if not entry:
                raise _DamageError("a Huffman code that does not exist")
            at += entry >> 8
            if not ac:
                continue
            index = 1
            while index < 64:
                entry = ac[words[at >> 3] >> (8 - (at & 7)) & 0xFFFF]
                if not entry:
                    raise _DamageError("a Huffman code that does not exist")
                at += entry >> 8
                index += entry & 255
            if 64 < index < _END_OF_BLOCK:
                raise _DamageError("a block of more than 64 coefficients")
        if at > end:
            break
    return bits.used(at)


def _first_of_band(coded: bytes, table: Table, seen: list[int], blocks: range, band: tuple[int, int]) -> int:
    """The first bits of AC coefficients (figure G.3)."""
    bits = _Bits(coded)
    words, at = bits.words, 0
    block, (first, last) = blocks.start, band
    while block < blocks.stop:
        index, here, current = first, 0, block
        block += 1
        while index <= last:
            entry = table[words[at >> 3] >> (8 - (at & 7)) & 0xFFFF]
            if not entry:
                raise _DamageError("a Huffman code that does not exist")
            at += entry >> 8
            run, size = entry >> 4 & 15, entry & 15
            if size == 0 and run < 15:  # this block ends, and so many others do
                more = (1 << run) + (words[at >> 3] >> (24 - (at & 7) - run) & ((1 << run) - 1)) - 1
                at += run
                block += more
                break
            index += run + 1
            if size:
                here |= 1 << (index - 1)
                at += size
        if index > last + 1:
            raise _DamageError("a block of more than 64 coefficients")
        if here:
            seen[current] |= here
        if at > bits.end:
            break
    return bits.used(at)


def _refined_band(coded: bytes, table: Table, seen: list[int], blocks: range, band: tuple[int, int]) -> int:
    """One more bit of AC coefficients: also of each that is not zero yet (figure G.7)."""
    bits = _Bits(coded)
    words, at, ended = bits.words, 0, 0
    first, last = band
    for block in blocks:
        before, index = seen[block], first
        while not ended and index <= last:
            entry = table[words[at >> 3] >> (8 - (at & 7)) & 0xFFFF]
            if not entry:
                raise _DamageError("a Huffman code that does not exist")
            at += entry >> 8
            run, size = entry >> 4 & 15, entry & 15
            if size == 0 and run < 15:
                ended = (1 << run) + (words[at >> 3] >> (24 - (at & 7) - run) & ((1 << run) - 1))
                at += run
                break
            at += size
            while index <= last:
                if before >> index & 1:
                    at += 1
                elif run == 0:
                    break
                else:
                    run -= 1
                index += 1
            if size:
                if size > 1 or index > last:
                    raise _DamageError("a block of more than 64 coefficients")
                seen[block] |= 1 << index
            index += 1
        if ended:
            at += (before >> index & ((1 << max(last + 1 - index, 0)) - 1)).bit_count()
            ended -= 1
        if at > bits.end:
            break
    return bits.used(at)
