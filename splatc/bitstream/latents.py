"""The LATN payload: a table of tiles, and the streams of their latents; and how latents become Gaussians (spec/latent.md)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from splatc.attributes import COLUMNS
from splatc.bitstream import latent_network, varint
from splatc.bitstream.cost import Cost
from splatc.bitstream.header import Header
from splatc.bitstream.latent_layout import CELL, COARSE, COARSE_LEVEL, FINE, FINE_LEVEL, LATENTS, LOW, LUMA
from splatc.core import latent as core
from splatc.core import loading
from splatc.core.pool import threads
from splatc.errors import CorruptFileError, LimitError, UnsupportedFileError
from splatc.quantize import QuantizedGaussians, empty_gaussians, joined, steps_of
from splatc.steps import Quantizer

WHERE = "the LATN chunk"
TILE = 64
"""Cells a side of a tile."""
MOST_Q = 191
MOST_CELLS = 1 << 22
"""Of a picture: their coarse Gaussians are as many as a file may have."""
MEMORY = 512
"""Bytes that a Gaussian takes until it is drawn (spec/limits.md)."""
CELLS_PER_BYTE = 64
"""A stream of b bytes holds the latents of fewer than CELLS_PER_BYTE (b + 1) cells."""
MOST_CELL_BYTES = 400
"""A symbol takes at most 16 bits, an escaped one 16 more: 384 bytes for 96 latents."""
REACH = 9.0
"""px that a Gaussian may lie outside of what it is drawn in: 3.5 standard deviations of the coarse ones, and some more."""
QUANTIZER = Quantizer(
    position=128, position_slope=8, log_scales=2, aspect=0, angle=0, angle_slope=0, luma=48, chroma=48, colour_slope=0
)
"""The fields of a header whose file has latents: those of the network."""
MESSAGES = {
    loading.IMPOSSIBLE_CODE: "a stream of the LATN chunk holds an impossible code: the file is damaged",
    loading.NEEDLESS_ESCAPE: "an escape stands for a latent that has a symbol of its own: the LATN chunk is damaged",
    loading.WRONG_END: "a stream of the LATN chunk does not end where its last latent does: the file is damaged",
}

LatentArray = NDArray[np.int16]
"""(C, rows, columns) latents of cells."""
Cells = tuple[int, int, int, int]
"""Columns x0 .. x1 - 1 and rows y0 .. y1 - 1: x0, y0, x1, y1."""


@dataclass(frozen=True)
class Tile:
    """Some cells, and where their stream is."""

    cells: Cells
    length: int = 0
    crc: int = 0
    offset: int = 0
    """Of its first byte in the payload."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        x0, y0, x1, y1 = self.cells
        return y1 - y0, x1 - x0

    @property
    def count(self) -> int:
        """Cells."""
        rows, columns = self.shape
        return rows * columns


@dataclass(frozen=True)
class Latents:
    """What a payload says before its streams."""

    network: int
    q: int
    tiles: tuple[Tile, ...]
    """By rows."""


def cells_of(width: int, height: int) -> tuple[int, int]:
    """Columns and rows of the cells of a picture."""
    return -(-width // CELL), -(-height // CELL)


def latents_of(channels: int) -> int:
    """Latents of a cell."""
    return LUMA if channels == 1 else LATENTS


def tiles_of(width: int, height: int) -> list[Tile]:
    """The tiles of a picture, by rows."""
    columns, rows = cells_of(width, height)
    return [
        Tile((x, y, min(x + TILE, columns), min(y + TILE, rows)))
        for y, x in product(range(0, rows, TILE), range(0, columns, TILE))
    ]


def table_bytes(header: Header) -> int:
    """The bytes at the beginning of a payload among which its table is."""
    return 2 + (varint.MAX_BYTES + 4) * len(tiles_of(header.width, header.height))


def write(network: int, q: int, streams: list[bytes]) -> bytes:
    """The payload of the streams of all tiles."""
    crcs = [struct.pack("<I", zlib.crc32(stream)) for stream in streams]
    return b"".join([bytes([network, q]), *(varint.write(len(stream)) for stream in streams), *crcs, *streams])


def check_header(header: Header) -> None:
    """Raise CorruptFileError unless a file with this header may have latents."""
    plain = header.blend and not header.level_counts and not header.models
    if header.channels not in (1, 3) or header.quantizer != QUANTIZER or not plain:
        raise CorruptFileError(f"the HEAD chunk is not one of a file with latents, but {WHERE} is there")


def read(start: bytes, header: Header, length: int) -> Latents:
    """The table of a payload of ``length`` bytes, of which ``start`` are the first ``table_bytes``, or all.

    Raises CorruptFileError where it breaks a rule, UnsupportedFileError for an unknown network.
    """
    check_header(header)
    columns, rows = cells_of(header.width, header.height)
    if columns * rows > MOST_CELLS:
        raise LimitError(f"the picture has {columns} x {rows} cells of latents, the format allows at most {MOST_CELLS}")
    tiles = tiles_of(header.width, header.height)
    if len(start) < 2:
        raise CorruptFileError(f"{WHERE} ends too early, after {length} bytes")
    network, q = start[0], start[1]
    if network not in latent_network.KNOWN:
        raise UnsupportedFileError(f"{WHERE} needs network {network}, which this version of splatc does not know")
    if q > MOST_Q:
        raise CorruptFileError(f"q in {WHERE} is {q}, it must be 0..{MOST_Q}")
    position, lengths = 2, []
    for _ in tiles:
        number, position = varint.read(start, position, WHERE)
        lengths.append(number)
    if position + 4 * len(tiles) > len(start):
        raise CorruptFileError(f"{WHERE} ends too early, after {length} bytes")
    crcs = struct.unpack_from(f"<{len(tiles)}I", start, position)
    offset, placed = position + 4 * len(tiles), []
    for tile, size, crc in zip(tiles, lengths, crcs, strict=True):
        if not tile.count // CELLS_PER_BYTE <= size <= MOST_CELL_BYTES * tile.count:
            raise CorruptFileError(f"a tile of {tile.count} cells has a stream of {size} bytes: the file is damaged")
        placed.append(replace(tile, length=size, crc=crc, offset=offset))
        offset += size
    if offset != length:
        raise CorruptFileError(f"the tiles of {WHERE} take {offset} bytes, but it has {length}")
    return Latents(network, q, tuple(placed))


def cells_in(header: Header, region: tuple[float, float, float, float] | None) -> Cells:
    """The cells whose Gaussians can touch a region x0, y0, x1, y1 in px; all without one."""
    columns, rows = cells_of(header.width, header.height)
    if region is None:
        return 0, 0, columns, rows
    x0, y0 = (max(0, int((edge - REACH) // CELL)) for edge in region[:2])
    x1, y1 = (int((edge + REACH) // CELL) + 1 for edge in region[2:])
    return x0, y0, max(x0, min(x1, columns)), max(y0, min(y1, rows))


def overlap(first: Cells, second: Cells) -> Cells | None:
    """What two boxes of cells have in common."""
    x0, y0, x1, y1 = *map(max, first[:2], second[:2]), *map(min, first[2:], second[2:])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def around(cells: Cells, header: Header) -> Cells:
    """A box of cells with those that touch it."""
    columns, rows = cells_of(header.width, header.height)
    x0, y0, x1, y1 = cells
    return max(x0 - 1, 0), max(y0 - 1, 0), min(x1 + 1, columns), min(y1 + 1, rows)


def needed(latents: Latents, cells: Cells, header: Header) -> list[int]:
    """The numbers of the tiles whose latents the Gaussians of some cells need."""
    wanted = around(cells, header)
    return [number for number, tile in enumerate(latents.tiles) if overlap(tile.cells, wanted)]


def decode_tiles(latents: Latents, streams: Mapping[int, bytes], channels: int) -> dict[int, LatentArray]:
    """The latents of some tiles, by number, side by side. Raises CorruptFileError."""
    with ThreadPoolExecutor(threads()) as pool:
        found = pool.map(lambda number: decode_tile(latents, number, streams[number], channels), streams)
        return dict(zip(streams, found, strict=True))


def decode_tile(latents: Latents, number: int, stream: bytes, channels: int) -> LatentArray:
    """The latents of a tile. Raises CorruptFileError."""
    tile = latents.tiles[number]
    status, found = core.decode_latents(
        latent_network.load(latents.network), stream, latents.q, latents_of(channels), *tile.shape
    )
    if status != loading.OK:
        raise CorruptFileError(MESSAGES[status])
    return found


def gaussians(
    header: Header, latents: Latents, cells: Cells, known: Mapping[int, LatentArray], least_level: int = 0
) -> QuantizedGaussians:
    """The Gaussians of some cells in coding order; of tiles that are not ``known``, as of a truncated file, there are none.

    ``known``: the latents of the tiles that are ``needed``, by number.
    """
    network = latent_network.load(latents.network)
    plane = _plane(header, latents, cells, known)
    left, top, *_ = cells

    def each(box: Cells) -> QuantizedGaussians:
        x0, y0, x1, y1 = box
        values = plane[:, y0 - top : y1 - top + 2, x0 - left : x1 - left + 2]
        columns = core.synthesize(network, values, latents.q, (x0, y0), (header.width, header.height), least_level)
        return QuantizedGaussians(**{name: getattr(columns, name) for name in COLUMNS})

    boxes = (overlap(latents.tiles[number].cells, cells) for number in sorted(known))
    with ThreadPoolExecutor(threads()) as pool:
        parts = list(pool.map(each, [box for box in boxes if box is not None]))
    return parts[0] if len(parts) == 1 else joined([empty_gaussians(header.channels), *parts])


@dataclass(frozen=True)
class Decoded:
    """The latents of the tiles that some cells of a picture need, of which Gaussians or grids are made."""

    header: Header
    latents: Latents
    cells: Cells
    known: dict[int, LatentArray]
    """By number of the tile; of a truncated file not all."""
    least_level: int

    def gaussians(self) -> QuantizedGaussians:
        """The Gaussians in coding order."""
        return gaussians(self.header, self.latents, self.cells, self.known, self.least_level)

    def grids(self) -> core.Grids:
        """The same Gaussians as grids."""
        return grids(self.header, self.latents, self.cells, self.known, self.least_level)


def grids(
    header: Header, latents: Latents, cells: Cells, known: Mapping[int, LatentArray], least_level: int = 0
) -> core.Grids:
    """The same Gaussians as `gaussians` makes, as the grids that they are."""
    network = latent_network.load(latents.network)
    plane = _plane(header, latents, cells, known)
    left, top, right, bottom = cells
    boxes = [box for number in known if (box := overlap(latents.tiles[number].cells, cells))]
    numbers = np.full((bottom - top, right - left), core.NO_CELL, np.int32)
    for x0, y0, x1, y1 in boxes if least_level <= COARSE_LEVEL else ():
        numbers[y0 - top : y1 - top, x0 - left : x1 - left] = core.NOT_BUSY
    if least_level <= FINE_LEVEL:
        busy = plane[LOW:LUMA, 1:-1, 1:-1].any(axis=0) & (numbers == core.NOT_BUSY)
        numbers[busy] = np.arange(np.count_nonzero(busy), dtype=np.int32)
    found = core.Grids(
        cells,
        (header.width, header.height),
        TILE,
        np.empty((*numbers.shape, header.channels, COARSE * COARSE), np.int16),
        np.empty((numbers.max(initial=-1) + 1, header.channels, FINE * FINE), np.int16),
        numbers,
        steps_of(header.quantizer, header.channels, header.models),
    )

    def make(box: Cells) -> None:
        x0, y0, x1, y1 = box
        values = plane[:, y0 - top : y1 - top + 2, x0 - left : x1 - left + 2]
        core.synthesize_grids(network, values, latents.q, (x0, y0), found)

    with ThreadPoolExecutor(threads()) as pool:
        list(pool.map(make, boxes))
    return found


def _plane(header: Header, latents: Latents, cells: Cells, known: Mapping[int, LatentArray]) -> LatentArray:
    """(C, rows + 2, columns + 2) the latents of a box of cells and around it; beyond the picture those of the nearest cell in it."""
    inside = around(cells, header)
    left, top, right, bottom = inside
    plane = np.zeros((latents_of(header.channels), bottom - top, right - left), np.int16)
    for number, found in known.items():
        x, y, *_ = latents.tiles[number].cells
        box = overlap(latents.tiles[number].cells, inside)
        assert box is not None, "only tiles that are needed are known"
        x0, y0, x1, y1 = box
        plane[:, y0 - top : y1 - top, x0 - left : x1 - left] = found[:, y0 - y : y1 - y, x0 - x : x1 - x]
    x0, y0, x1, y1 = cells
    edges = ((0, 0), (top - y0 + 1, y1 + 1 - bottom), (left - x0 + 1, x1 + 1 - right))
    return np.pad(plane, edges, mode="edge")


def memory_of(known: Mapping[int, LatentArray]) -> int:
    """Bytes that the Gaussians of some tiles take."""
    return sum(
        MEMORY * (COARSE * COARSE * each[0].size + FINE * FINE * int(np.count_nonzero(each[LOW:LUMA].any(axis=0))))
        for each in known.values()
    )


def cost_in(header: Header, latents: Latents, cells: Cells) -> Cost:
    """What it takes to make the Gaussians of some cells."""
    x0, y0, x1, y1 = cells
    read = sum(latents.tiles[number].count for number in needed(latents, cells, header))
    return Cost((x1 - x0) * (y1 - y0) * COARSE * COARSE, 0, 0, read)
