"""A second decoder of `.splat2d`, written from the text of spec/ alone, to be read beside it.

Nothing of splatc and none of its libraries: the standard library, and NumPy for distances and pixels. The sections are
the pages of spec/ in the order of its README, with their names; <Title> cites a heading of the page. Clear before fast.
Every file that the spec has a decoder refuse is a ValueError.
"""

from __future__ import annotations

import math
import zlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from operator import mul

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Header:
    """The fields of header.md, with the flags taken apart."""

    blend: int
    channels: int
    depth: int
    width: int
    height: int
    background: tuple[int, ...]
    position: int
    position_slope: int
    sizes: int
    anisotropy: int
    angle: int
    angle_slope: int
    luma: int
    chroma: int
    colour_slope: int
    level_counts: tuple[int, ...]  # from the top level down to level 0


@dataclass(frozen=True)
class Decoded:
    """A file as integers: arrays (n,) in coding order, and the coded channels of colour (n, channels)."""

    header: Header
    level: Integers
    x: Integers
    y: Integers
    size: Integers
    anisotropy: Integers
    angle: Integers
    colour: Integers


def clamp(a: int, low: int, high: int) -> int:
    return min(max(a, low), high)


# ---- picture.md ----


def samples(decoded: Decoded) -> Floats:
    """The reference picture (height, width, channels) in binary64, before samples are clamped and rounded."""
    header = decoded.header
    px, py = np.meshgrid(np.arange(header.width) + 0.5, np.arange(header.height) + 0.5)
    sum_w = np.zeros((header.height, header.width, 1))
    sum_wc = np.zeros((header.height, header.width, header.channels))
    mean, scale, theta, colour = gaussians(decoded)
    for (x, y), (s1, s2), angle, c in zip(mean, scale, theta, colour, strict=True):
        # <One Gaussian>
        dx, dy = px - x, py - y
        a = (math.cos(angle) * dx + math.sin(angle) * dy) / s1
        b = (-math.sin(angle) * dx + math.cos(angle) * dy) / s2
        w = np.maximum(0, np.exp(-(a**2 + b**2) / 2) - math.exp(-12.25 / 2))[..., None]
        sum_w += w
        sum_wc += w * c
    # <Blend>
    if header.blend == 0:
        return sum_wc
    background = binary32(np.array(header.background) / 255)
    return (sum_wc + 0.0001 * background) / (sum_w + 0.0001)


def render(decoded: Decoded) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The picture (height, width, channels) of <Samples>: uint8 for depth 8, uint16 for depth 16."""
    clamped = np.clip(samples(decoded), 0, 1)
    if decoded.header.depth == 8:
        return np.floor(clamped * 255 + 0.5).astype(np.uint8)
    return np.floor(clamped * 65535 + 0.5).astype(np.uint16)


# ---- quantization.md ----

STEP8 = (65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194)
DIRECTIONS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
CODED = {1: "Y", 2: "YA", 3: "YUV", 4: "YUVA"}


def step(k: int) -> int:
    k = clamp(k, 0, 191)
    return STEP8[k % 8] << (k // 8)


def position_step(header: Header, level: int) -> int:
    return step(header.position + level * header.position_slope)


def colour_step(header: Header, level: int, channel: str) -> int:
    """luma_step or chroma_step, whichever <Colour> names for this coded channel."""
    return step((header.chroma if channel in "UV" else header.luma) + level * header.colour_slope)


def grid(header: Header, level: int) -> tuple[int, int]:
    """(columns, rows) of the level."""
    p = position_step(header, level)
    return -(-(header.width << 32) // p), -(-(header.height << 32) // p)


def directions(header: Header, level: int, anisotropy: int) -> int:
    """M of <Angle>."""
    t = max(1, step(header.angle + level * header.angle_slope) >> 16)
    a = min((anisotropy * step(header.anisotropy)) >> 16, 262144)
    b = (a * a) >> 16
    c = (a * b) >> 16
    h = a + c // 6 + ((c * b) >> 16) // 120
    n = 205887 * h // (t << 16)
    return max(m for m in DIRECTIONS if m <= max(1, n))


def gaussians(decoded: Decoded) -> tuple[Floats, Floats, Floats, Floats]:
    """Means (n, 2) and scales (n, 2) in px, angles (n,) in rad, colours (n, channels), rounded to binary32 as picture.md asks."""
    header, level = decoded.header, decoded.level
    per_level = range(16)
    p = np.array([position_step(header, i) for i in per_level])[level] / 2**32
    mean = np.stack([(decoded.x + 0.5) * p, (decoded.y + 0.5) * p], axis=1)

    g = 2 ** (level - 1 + (decoded.size + 0.5) / header.sizes)
    r = np.minimum(decoded.anisotropy * step(header.anisotropy) / 2**32, 4)
    scale = np.stack([g * np.exp(r / 2), g * np.exp(-r / 2)], axis=1)

    m = np.array([directions(header, int(i), int(a)) for i, a in zip(level, decoded.anisotropy, strict=True)])
    theta = decoded.angle * math.pi / m

    coded = {}
    for index, channel in enumerate(CODED[header.channels]):
        t = np.array([colour_step(header, i, channel) for i in per_level])[level]
        coded[channel] = np.clip(decoded.colour[:, index] * t / 2**32, -4, 4)
    if header.channels >= 3:
        y, u, v = coded.pop("Y"), coded.pop("U"), coded.pop("V")
        rgb = [y + 1.224744871 * u + 0.707106781 * v, y - 1.414213562 * v, y - 1.224744871 * u + 0.707106781 * v]
        colour = np.stack([*rgb, *coded.values()], axis=1)
    else:
        colour = np.stack(list(coded.values()), axis=1)
    return binary32(mean), binary32(scale), binary32(theta), binary32(colour)


def binary32(numbers: Floats) -> Floats:
    return numbers.astype(np.float32).astype(np.float64)


# ---- container.md ----

SIGNATURE = bytes.fromhex("8B 53 32 44 0D 0A 1A 0A")


def read_chunk(data: bytes, start: int) -> tuple[str, bytes, bool, int]:
    """Type, payload, whether the CRC is right, and where the next chunk starts."""
    kind = data[start : start + 4]
    if len(kind) < 4 or not (kind.isalpha() and kind.isascii()):
        raise ValueError("no chunk here")
    length, first = read_varint(data, start + 4)
    end = first + length
    if end + 4 > len(data):
        raise ValueError("truncated chunk")
    payload = data[first:end]
    crc = int.from_bytes(data[end : end + 4], "little")
    return kind.decode(), payload, crc == zlib.crc32(kind + payload), end + 4


def read_container(data: bytes) -> tuple[Header, list[Section], bytes]:
    """The header, the sections and the payload of GAUS, in <Order of checks>."""
    if data[:8] != SIGNATURE:
        raise ValueError("not a .splat2d file")
    kind, payload, intact, start = read_chunk(data, 8)
    if kind != "HEAD" or not intact:
        raise ValueError("no HEAD, or a damaged one")
    header = read_header(payload)
    chunks = []
    while start < len(data):
        kind, payload, intact, start = read_chunk(data, start)
        chunks.append((kind, payload, intact))
        if kind[0].isupper() and kind not in ("INDX", "GAUS"):
            raise ValueError(f"unknown or repeated critical chunk {kind}")
    if 1 + len(chunks) > 1024:  # limits.md
        raise ValueError("too many chunks")
    critical = [kind for kind, _, _ in chunks if kind[0].isupper()]
    if critical not in (["GAUS"], ["INDX", "GAUS"]):
        raise ValueError("not exactly one GAUS, with at most one INDX before it")
    if any([kind for kind, _, _ in chunks].count(kind) > 1 for kind in ("iccp", "exif", "xmpd")):  # metadata.md
        raise ValueError("metadata of one type twice")
    if not all(intact for _, _, intact in chunks):
        raise ValueError("damaged chunk")
    payloads = {kind: payload for kind, payload, _ in chunks}
    sections = read_index(header, payloads["INDX"]) if "INDX" in payloads else one_section(header, payloads["GAUS"])
    check_sections(header, sections, payloads["GAUS"])
    return header, sections, payloads["GAUS"]


# ---- header.md ----


def read_varint(data: bytes, start: int) -> tuple[int, int]:
    """The number, and where the next starts."""
    number = 0
    for i, byte in enumerate(data[start : start + 5]):
        number += (byte & 127) << (7 * i)
        if byte < 128:
            if byte == 0 and i > 0:
                raise ValueError("a number is not in its shortest form")
            return number, start + i + 1
    raise ValueError("a number is too long, or cut off")


class Fields:
    """Reads the numbers of a header one after the other and holds each to its range."""

    def __init__(self, payload: bytes) -> None:
        self.rest = payload

    def u8(self, low: int = 0, high: int = 255) -> int:
        if not self.rest:
            raise ValueError("HEAD is too short")
        number, self.rest = self.rest[0], self.rest[1:]
        return self.checked(number, low, high)

    def i8(self) -> int:
        number = self.u8()
        return number - 256 if number >= 128 else number

    def varint(self, low: int, high: int) -> int:
        number, end = read_varint(self.rest, 0)
        self.rest = self.rest[end:]
        return self.checked(number, low, high)

    @staticmethod
    def checked(number: int, low: int, high: int) -> int:
        if not low <= number <= high:
            raise ValueError(f"a number in HEAD is {number}, not in {low}..{high}")
        return number


def read_header(payload: bytes) -> Header:
    field = Fields(payload)
    version = field.u8(), field.u8()
    if version != (0, 2):
        raise ValueError(f"version {version[0]}.{version[1]}, not 0.2")
    flags = field.u8(0, 15)
    channels = flags // 2 % 4 + 1
    header = Header(  # Python evaluates these in the order of the page's table
        blend=flags % 2,
        channels=channels,
        depth=16 if flags & 8 else 8,
        width=field.varint(1, 1048576),
        height=field.varint(1, 1048576),
        background=tuple(field.u8() for _ in range(channels)),
        position=field.u8(0, 191),
        position_slope=field.i8(),
        sizes=field.u8(1, 32),
        anisotropy=field.u8(0, 191),
        angle=field.u8(0, 191),
        angle_slope=field.i8(),
        luma=field.u8(0, 191),
        chroma=field.u8(0, 191),
        colour_slope=field.i8(),
        level_counts=tuple(field.varint(0, 67108864) for _ in range(field.u8(0, 16))),
    )
    if field.rest:
        raise ValueError("HEAD is too long")
    if header.level_counts[:1] == (0,):
        raise ValueError("the top level is empty")
    # limits.md
    if header.width * header.height > 2**32 or sum(header.level_counts) > 2**26:
        raise ValueError("beyond the limits")
    if any(max(grid(header, level)) > 2**26 for level in range(len(header.level_counts))):
        raise ValueError("a position grid is beyond the limits")
    return header


# ---- sections.md ----


@dataclass
class Section:
    """One entry of the index."""

    top: int  # the first level of its pass
    block: int  # b
    column: int
    row: int
    counts: list[int]  # of level top, top - 1, ...
    length: int
    reach: int | None = None  # None in a file without INDX
    crc: int | None = None
    parent: Section | None = None

    def ancestors(self) -> list[Section]:
        """The earliest first."""
        return [] if self.parent is None else [*self.parent.ancestors(), self.parent]


def one_section(header: Header, gaus: bytes) -> list[Section]:
    """Of a file without INDX."""
    counts = list(header.level_counts)
    return [Section(len(counts) - 1, 20, 0, 0, counts, len(gaus))] if counts else []


def read_index(header: Header, payload: bytes) -> list[Section]:
    """<The INDX chunk>."""
    if not payload or len(payload) < 1 + 2 * payload[0]:
        raise ValueError("INDX is too short")
    passes = [(payload[1 + 2 * i], payload[2 + 2 * i]) for i in range(payload[0])]
    sizes = [b for _, b in passes]
    if sum(levels for levels, _ in passes) != len(header.level_counts) or not all(levels for levels, _ in passes):
        raise ValueError("the passes have other levels than the header")
    if max(sizes, default=0) > 20 or sizes != sorted(sizes, reverse=True):
        raise ValueError("blocks too large, or growing")
    at = 1 + 2 * len(passes)
    found: list[Section] = []
    top = len(header.level_counts) - 1
    for levels, b in passes:
        sections, at = read_varint(payload, at)
        if len(found) + sections > 64 + sum(header.level_counts) // 256:  # limits.md
            raise ValueError("too many sections")
        code, new = -1, []
        for _ in range(sections):
            numbers = []
            for _ in range(levels + 3):  # gap, counts, length, reach
                number, at = read_varint(payload, at)
                numbers.append(number)
            if at + 4 > len(payload):
                raise ValueError("INDX is too short")
            gap, *counts, length, reach = numbers
            code += 1 + gap
            column, row = (int(f"{code:036b}"[first::2], 2) for first in (1, 0))
            crc = int.from_bytes(payload[at : at + 4], "little")
            new.append(Section(top, b, column, row, counts, length, reach, crc))
            at += 4
        for section in new:
            around = [
                each
                for each in found
                if section.column >> (each.block - b) == each.column and section.row >> (each.block - b) == each.row
            ]
            section.parent = around[-1] if around else None
        found += new
        top -= levels
    if at != len(payload):
        raise ValueError("INDX is too long")
    return found


def check_sections(header: Header, sections: list[Section], gaus: bytes) -> None:
    """What a decoder must refuse before it decodes anything; the passes were checked before."""
    totals = [0] * len(header.level_counts)
    for section in sections:
        if section.column >= -(-header.width >> section.block) or section.row >= -(-header.height >> section.block):
            raise ValueError("a block outside of the picture")
        if not any(section.counts) or section.length < shortest_stream(section):
            raise ValueError("a section without Gaussians, or with too many")
        if section.reach is not None and section.reach > 1048576:
            raise ValueError("a reach beyond its range")
        for i, n in enumerate(section.counts):
            totals[len(totals) - 1 - section.top + i] += n
            _, _, columns, rows = block_cells(header, section, section.top - i)
            if n and min(columns, rows) < 1:
                raise ValueError("Gaussians in a block without cells")
    if totals != list(header.level_counts) or sum(section.length for section in sections) != len(gaus):
        raise ValueError("sections do not add up")
    if sum(sum(sum(each.counts) for each in [s, *s.ancestors()]) for s in sections) > 64 * sum(totals):  # limits.md
        raise ValueError("too many ancestors")


def block_cells(header: Header, section: Section, level: int) -> tuple[int, int, int, int]:
    """(first column, first row, columns, rows) of the cells of a level in the block."""
    p = position_step(header, level)
    found = []
    sides = (header.width, section.column), (header.height, section.row)
    for (extent, i), cells in zip(sides, grid(header, level), strict=True):
        first, after = (min(cells, ((j << (33 + section.block)) + p - 1) // (2 * p)) for j in (i, i + 1))
        if i + 1 == -(-extent >> section.block):
            after = cells
        found.append((first, after - first))
    (x, columns), (y, rows) = found
    return x, y, columns, rows


def check_reach(decoded: Decoded, section: Section) -> None:
    """<Reach>, of the Gaussians of one section."""
    (mean, scale, theta, _), side = gaussians(decoded), 2**section.block
    for (x, y), (s1, s2), angle in zip(mean, scale, theta, strict=True):
        half_x = 3.5 * math.hypot(s1 * math.cos(angle), s2 * math.sin(angle))
        half_y = 3.5 * math.hypot(s1 * math.sin(angle), s2 * math.cos(angle))
        for centre, half, i in ((x, half_x, section.column), (y, half_y, section.row)):
            beyond = max(i * side - (centre - half), centre + half - (i + 1) * side)
            if section.reach is not None and beyond > section.reach + 0.5:
                raise ValueError("a Gaussian reaches farther than its section")


# ---- gaussians.md ----


@dataclass(frozen=True)
class Symbols:
    """One Gaussian before prediction."""

    level: int
    x: int
    y: int
    size: int
    anisotropy: int
    m: int  # number of directions
    turn: int
    residual: list[int]


@dataclass(frozen=True)
class Known:
    """What is left of a section when it is decoded: its Gaussians, their angles and colours, and what its tables have learned."""

    symbols: list[Symbols]
    angles: list[int]
    colours: list[list[int]]
    tables: Tables


def decode(data: bytes) -> Decoded:
    """The integers of a file. Raises ValueError for a file that the spec has a decoder refuse."""
    header, sections, gaus = read_container(data)
    known: dict[int, Known] = {}
    if not sections and gaus:
        raise ValueError("a payload without Gaussians")
    at = 0
    for section in sections:
        stream = gaus[at : at + section.length]
        at += section.length
        if section.crc not in (None, zlib.crc32(stream)):
            raise ValueError("a damaged section")
        ancestors = [known[id(each)] for each in section.ancestors()]
        known[id(section)] = here = decode_section(header, section, stream, ancestors)
        check_reach(as_arrays(header, [here]), section)
    return as_arrays(header, list(known.values()))


def decode_section(header: Header, section: Section, stream: bytes, ancestors: list[Known]) -> Known:
    decoder = RangeDecoder(stream)
    tables = deepcopy(ancestors[-1].tables) if ancestors else Tables(header.sizes)
    symbols = read_symbols(header, section, decoder, tables)
    if stream != whole_stream(section, decoder):
        raise ValueError("the stream is not the one of its Gaussians")
    earlier = [s for each in ancestors for s in each.symbols]
    angles = [angle for each in ancestors for angle in each.angles]
    colours = [colour for each in ancestors for colour in each.colours]
    angles, colours = predict(header, earlier + symbols, angles, colours)
    return Known(symbols, angles[len(earlier) :], colours[len(earlier) :], tables)


def as_arrays(header: Header, known: list[Known]) -> Decoded:
    symbols = [s for each in known for s in each.symbols]
    return Decoded(
        header,
        level=np.array([s.level for s in symbols], np.int64),
        x=np.array([s.x for s in symbols], np.int64),
        y=np.array([s.y for s in symbols], np.int64),
        size=np.array([s.size for s in symbols], np.int64),
        anisotropy=np.array([s.anisotropy for s in symbols], np.int64),
        angle=np.array([angle for each in known for angle in each.angles], np.int64),
        colour=np.array([colour for each in known for colour in each.colours], np.int64).reshape(-1, header.channels),
    )


def read_symbols(header: Header, section: Section, decoder: RangeDecoder, tables: Tables) -> list[Symbols]:
    """All Gaussians of a section in coding order."""
    symbols: list[Symbols] = []
    for i, n in enumerate(section.counts):
        level = section.top - i
        if n == 0:
            continue
        tables.next_level()
        left, above, columns, rows = block_cells(header, section, level)
        cells = read_positions(decoder, tables, columns, rows, n)
        size = tables["size",].array(decoder, n)
        anisotropy = tables["anisotropy",].array(decoder, n)
        m = [directions(header, level, a) for a in anisotropy]
        turn = read_turns(decoder, tables, m)
        residual = [read_residuals(decoder, tables, channel, n) for channel in CODED[header.channels]]
        for j, (x, y) in enumerate(cells):
            place = left + x, above + y
            symbols.append(Symbols(level, *place, size[j], anisotropy[j], m[j], turn[j], [r[j] for r in residual]))
    return symbols


def whole_stream(section: Section, decoder: RangeDecoder) -> bytes:
    """The one stream of the symbols that were decoded; each refusal of <Length and end> means that the file has another."""
    return decoder.stream().ljust(shortest_stream(section), b"\0")


def shortest_stream(section: Section) -> int:
    """m of <Length and end of a stream>: ceil((N - 64) / 2), at least 0."""
    return max(0, (sum(section.counts) - 63) // 2)


# ---- coder.md ----

Cumulative = list[int]  # of a table f: 0, f[0], f[0] + f[1], ..., 65536


def table(weights: Sequence[int]) -> Cumulative:
    total, symbols = sum(weights), len(weights)
    f = [1 + w * (65536 - symbols) // total for w in weights]
    f[weights.index(max(weights))] += 65536 - sum(f)
    return [0, *accumulate(f)]


class RangeDecoder:
    """The state of <Range decoder>."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.words = 0  # read so far
        self.range = 2**64 - 1
        self.offset = self.word() << 32
        self.offset += self.word()

    def word(self) -> int:
        word = self.payload[4 * self.words : 4 * self.words + 4]
        self.words += 1
        return int.from_bytes(word.ljust(4, b"\0"), "big")

    def symbol(self, cumulative: Cumulative) -> int:
        scale = self.range >> 24
        quantile = self.offset // scale
        if quantile >= 2**24:
            raise ValueError("invalid stream")
        s = bisect_right(cumulative, quantile >> 8) - 1
        self.offset -= scale * 256 * cumulative[s]
        self.range = scale * 256 * (cumulative[s + 1] - cumulative[s])
        if self.range < 2**32:
            self.range <<= 32
            self.offset = (self.offset << 32) + self.word()
        return s

    def array(self, cumulative: Cumulative, n: int) -> list[int]:
        return [self.symbol(cumulative) for _ in range(n)]

    def uniform(self, bits: int, n: int) -> list[int]:
        """<Uniform bits>: n numbers of so many bits."""
        numbers = [0] * n
        pieces = [bits % 8] * (bits % 8 > 0) + [8] * (bits // 8)
        for b in pieces:
            piece = self.array([i << (16 - b) for i in range(2**b + 1)], n)
            numbers = [(number << b) + low for number, low in zip(numbers, piece, strict=True)]
        return numbers

    def stream(self) -> bytes:
        """What an encoder would have written, <End>. Its L is what the decoder has subtracted from V: V - offset."""
        length = 4 * self.words  # 8 + 4e
        low = int.from_bytes(self.payload[:length].ljust(length, b"\0"), "big") - self.offset
        leading, left_off = low, 0  # V is leading and then so many zero bytes: leave off as many as can be
        while left_off < length:
            shorter = -(-low >> (8 * left_off + 8))  # rounded up: the smallest V of this length
            if shorter << (8 * left_off + 8) >= low + self.range:
                break
            leading, left_off = shorter, left_off + 1
        return leading.to_bytes(length - left_off, "big")


class AdaptiveTable:
    """<Adaptive tables>, with the counts C."""

    def __init__(self, counts: list[int], smooth: bool = False) -> None:
        self.counts = counts
        self.seen = 0
        self.smooth = smooth

    def array(self, decoder: RangeDecoder, n: int) -> list[int]:
        if len(self.counts) == 1:
            return [0] * n
        symbols: list[int] = []
        while len(symbols) < n:
            batch = decoder.array(table(self.counts), min(max(4, self.seen // 4), n - len(symbols)))
            for s in batch:
                self.grow(s)
            self.seen += len(batch)
            symbols += batch
        return symbols

    def grow(self, s: int) -> None:
        if not self.smooth:
            self.counts[s] += 256
            return
        self.counts[s] += 128
        for near in (s - 2, s - 1, s + 1, s + 2):
            if 0 <= near < len(self.counts):
                self.counts[near] += 32

    def heir(self) -> AdaptiveTable:
        total = sum(self.counts)
        return AdaptiveTable([1 + c * 8192 // total for c in self.counts], self.smooth)


class SpreadTable:
    """<Spread tables>."""

    def __init__(self, counts: list[int], distances: int) -> None:
        self.counts = counts
        self.seen = 0
        self.sum = distances
        self.number = 4

    def array(self, decoder: RangeDecoder, n: int) -> list[int]:
        symbols: list[int] = []
        while len(symbols) < n:
            p = residual_prior(256 * self.sum // (self.sum + self.number), 96)
            weights = [a + b for a, b in zip(self.counts, p, strict=True)]
            batch = decoder.array(table(weights), min(max(4, self.seen // 4), n - len(symbols)))
            for s in batch:
                self.counts[s] += 256
                self.sum += abs(s - 48)
            self.number += len(batch)
            self.seen += len(batch)
            symbols += batch
        return symbols

    def heir(self) -> SpreadTable:
        total = sum(self.counts)
        return SpreadTable([c * 2048 // total for c in self.counts], 4 * self.sum // self.number)


# ---- priors.md ----


def decay(r: int, n: int) -> list[int]:
    """d[0], d[1], ..., n numbers."""
    return list(accumulate(range(n - 1), lambda d, _: d * r // 256, initial=65536))


def prior(weights: Sequence[int], n: int) -> list[int]:
    total = sum(weights)
    return [1 + w * n * 256 // total for w in weights]


def residual_prior(r: int, n: int) -> list[int]:
    d = decay(r, 49)
    return prior([*d[:0:-1], *d, 256], n)


class Tables(dict[tuple[int | str, ...], AdaptiveTable | SpreadTable]):
    """The adaptive and spread tables in use, each made from its prior when it is first asked for; attributes.md says which there are."""

    def __init__(self, sizes: int) -> None:
        super().__init__()
        self.sizes = sizes

    def next_level(self) -> None:
        """Put heirs in the place of the tables that each level has for itself."""
        for key in self:
            if key[0] in ("size", "anisotropy", "residual"):
                self[key] = self[key].heir()

    def __missing__(self, key: tuple[int | str, ...]) -> AdaptiveTable | SpreadTable:
        match key:
            case ("size",):
                self[key] = AdaptiveTable(prior([1] * self.sizes, self.sizes))
            case ("anisotropy",):
                self[key] = AdaptiveTable(prior(decay(208, 64), 16))
            case "turn", int(m):
                weights = [8192 + 2**20 // (min(i, m - i) ** 2 + 1 + 512 // m) for i in range(m)]
                self[key] = AdaptiveTable(prior(weights, 8 * m))
            case "residual", "Y" | "A":
                self[key] = AdaptiveTable(residual_prior(236, 16), smooth=True)
            case "residual", "U" | "V":
                self[key] = SpreadTable([0] * 98, 12)
            case "split", int(m), int(share):
                self[key] = AdaptiveTable(prior(split_weights(m, share), 64))
        return self[key]


@cache
def split_weights(n: int, q: int) -> list[int]:
    """W[0..n] of <Splits>."""
    first = list(accumulate((q + i for i in range(n)), mul, initial=1))
    second = list(accumulate((16 - q + i for i in range(n)), mul, initial=1))
    v = [math.comb(n, k) * first[k] * second[n - k] for k in range(n + 1)]
    total = sum(v)
    return [2**30 * vk // total for vk in v]


@cache
def fixed_split_table(n: int, q: int) -> Cumulative:
    return table(split_weights(n, q))


# ---- positions.md ----


def read_positions(
    decoder: RangeDecoder, tables: Tables, columns: int, rows: int, points: int
) -> list[tuple[int, int]]:
    """<The tree>: the cells (x, y) of all points of a level, in coding order."""
    nodes = [(0, 0, points)]
    for remaining in range(2 * (max(columns, rows) - 1).bit_length(), 0, -1):
        half = 2 ** ((remaining - 1) // 2)
        vertical = remaining % 2 == 0
        shares = []  # 0 where nothing is coded
        for x, y, _ in nodes:
            extent, origin = (rows, y) if vertical else (columns, x)
            second = clamp(extent - origin - half, 0, half)
            shares.append(16 * half // (half + second) if second else 0)
        firsts = read_splits(decoder, tables, [n for _, _, n in nodes], shares)
        halves = []
        for (x, y, n), k in zip(nodes, firsts, strict=True):
            halves.append((x, y, k))
            halves.append((x, y + half, n - k) if vertical else (x + half, y, n - k))
        nodes = [node for node in halves if node[2]]
    return [(x, y) for x, y, n in nodes for _ in range(n)]


def read_splits(decoder: RangeDecoder, tables: Tables, counts: list[int], shares: list[int]) -> list[int]:
    """<The splits of one step>: k of each node."""
    groups, rests = defaultdict(list), defaultdict(list)
    for node, (n, share) in enumerate(zip(counts, shares, strict=True)):
        d = max(0, n.bit_length() - 8)
        if share:
            groups[n >> d, share].append(node)
            rests[d].append(node)
    ks = counts.copy()
    for (m, share), members in sorted(groups.items()):
        if 2 <= m <= 32:
            js = tables["split", m, share].array(decoder, len(members))
        else:
            js = decoder.array(fixed_split_table(m, share), len(members))
        for node, j in zip(members, js, strict=True):
            ks[node] = j
    for d, members in sorted(rests.items()):
        for node, rest in zip(members, decoder.uniform(d, len(members)), strict=True):
            ks[node] = (ks[node] << d) + rest
    if any(k > n for k, n in zip(ks, counts, strict=True)):
        raise ValueError("more points in a half than in the whole")
    return ks


# ---- attributes.md ----


def read_turns(decoder: RangeDecoder, tables: Tables, ms: list[int]) -> list[int]:
    """<Turns> of Gaussians with ms directions; 0 for those that have only one."""
    turns = [0] * len(ms)
    for m in sorted(set(ms) - {1}):
        members = [i for i in range(len(ms)) if ms[i] == m]
        for i, turn in zip(members, tables["turn", m].array(decoder, len(members)), strict=True):
            turns[i] = turn
    return turns


def read_residuals(decoder: RangeDecoder, tables: Tables, channel: str, n: int) -> list[int]:
    """<Residuals> of one coded channel."""
    symbols = tables["residual", channel].array(decoder, n)
    escapes = iter(decoder.uniform(16, symbols.count(97)))
    residuals = []
    for s in symbols:
        if s < 97:
            residuals.append(s - 48)
        else:
            u = next(escapes)
            if u < 97:
                raise ValueError("an escape for a residual that has a symbol")
            residuals.append(-(u + 1) // 2 if u % 2 else u // 2)
    return residuals


# ---- prediction.md ----


def predict(
    header: Header, symbols: list[Symbols], angles: list[int], colours: list[list[int]]
) -> tuple[list[int], list[list[int]]]:
    """Angles and colours, from the first Gaussian that has none yet (those of ancestors have) to the last."""
    x = np.array([((2 * s.x + 1) * position_step(header, s.level)) >> 29 for s in symbols], np.int64)
    y = np.array([((2 * s.y + 1) * position_step(header, s.level)) >> 29 for s in symbols], np.int64)
    for i, gaussian in enumerate(symbols):
        if i < len(angles):
            continue
        # <Neighbours>: argmin gives the first of equals
        distance = (x[i] - x[:i]) ** 2 + (y[i] - y[:i]) ** 2
        near: list[tuple[int, int]] = []  # index and D
        for _ in range(min(4, i)):
            j = int(distance.argmin())
            near.append((j, int(distance[j])))
            distance[j] = np.iinfo(np.int64).max
        # <Colour>
        colour = []
        for index, channel in enumerate(CODED[header.channels]):
            t = colour_step(header, gaussian.level, channel)
            e = {"Y": 32768, "U": 0, "V": 0, "A": 65536}[channel]
            if near:
                w = [max(1, 2**30 // (d + 4096)) for _, d in near]
                steps = [colour_step(header, symbols[j].level, channel) for j, _ in near]
                v = [
                    clamp((colours[j][index] * s) >> 16, -(2**20), 2**20) for (j, _), s in zip(near, steps, strict=True)
                ]
                e = sum(map(mul, w, v)) // sum(w)
            prediction = ((e << 17) + t) // (2 * t)
            colour.append((prediction + gaussian.residual[index] + 32768) % 65536 - 32768)
        colours.append(colour)
        # <Angle>
        m, prediction = gaussian.m, 0
        turned = [j for j, _ in near if symbols[j].m > 1]
        if turned:
            other, angle = symbols[turned[0]].m, angles[turned[0]]
            prediction = (2 * angle * m + other) // (2 * other) % m
        angles.append((prediction + gaussian.turn) % m)
    return angles, colours
