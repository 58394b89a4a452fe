"""latent.md: from the LATN chunk to Gaussians, in whole numbers of NumPy's int64."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np

from tests.independent_decoder.coder import Cumulative, RangeDecoder
from tests.independent_decoder.header import read_varint
from tests.independent_decoder.model import Decoded, Header, Integers, clamp

NETWORK = Path(__file__).parents[2] / "spec" / "latent_1.bin"
ARRAYS = (
    ("G", "<u4", (96,)), ("O", "<i4", (1,)), ("H", "<i4", (63,)), ("B", "<i2", (13, 96)), ("T", "<u2", (64, 98)),
    ("M", "i1", (96, 9, 48)), ("S", "i1", (96, 9, 96)), ("N", "i1", (96, 9, 96)),
    ("WY", "i1", (16, 9, 16)), ("WF", "i1", (64, 9, 64)), ("WC", "i1", (16, 9, 16)), ("WD", "i1", (16, 9, 64)),
)  # fmt: skip
QUANTIZER = {
    "position": 128, "position_slope": 8, "log_scales": 2, "aspect": 0, "angle": 0, "angle_slope": 0, "luma": 48,
    "chroma": 48, "colour_slope": 0,
}  # fmt: skip

Network = dict[str, Integers]


@dataclass(frozen=True)
class Tile:
    """Cells from column x and row y on."""

    x: int
    y: int
    columns: int
    rows: int


def read_network() -> Network:
    """<The network>."""
    data, at, found = NETWORK.read_bytes(), 0, {}
    for name, kind, shape in ARRAYS:
        size = int(np.prod(shape))
        found[name] = np.frombuffer(data, kind, size, at).reshape(shape).astype(np.int64)
        at += size * np.dtype(kind).itemsize
    assert at == len(data)
    return found


def decode_latents(header: Header, payload: bytes) -> Decoded:
    """The Gaussians of a file with this payload. Raises ValueError."""
    if header.channels not in (1, 3) or header.level_counts or header.models or header.blend != 1:
        raise ValueError("HEAD is not one of a file with latents")
    if any(getattr(header, name) != value for name, value in QUANTIZER.items()):
        raise ValueError("HEAD does not have the quantizer of the network")
    columns, rows = -(-header.width // 16), -(-header.height // 16)
    if columns * rows > 4194304:  # limits.md
        raise ValueError("too many cells")
    tiles = [
        Tile(x, y, min(64, columns - x), min(64, rows - y)) for y in range(0, rows, 64) for x in range(0, columns, 64)
    ]
    if len(payload) < 2 or payload[0] != 1 or payload[1] > 191:
        raise ValueError("another network, or q beyond its range")
    q, at, lengths = payload[1], 2, []
    for tile in tiles:
        length, at = read_varint(payload, at)
        if length < tile.columns * tile.rows // 64:
            raise ValueError("a stream is too short for its cells")
        lengths.append(length)
    crcs = [int.from_bytes(payload[at + 4 * i : at + 4 * i + 4], "little") for i in range(len(tiles))]
    at += 4 * len(tiles)
    if at + sum(lengths) != len(payload):
        raise ValueError("the streams do not take what is there")
    count = 64 if header.channels == 1 else 96
    network = read_network()
    plane = np.zeros((count, rows, columns), np.int64)
    for tile, length, crc in zip(tiles, lengths, crcs, strict=True):
        stream, at = payload[at : at + length], at + length
        if zlib.crc32(stream) != crc:
            raise ValueError("a damaged stream")
        found = read_tile(network, q, stream, tile, count)
        plane[:, tile.y : tile.y + tile.rows, tile.x : tile.x + tile.columns] = found
    return synthesis(header, network, q, tiles, plane)


def read_tile(network: Network, q: int, stream: bytes, tile: Tile, count: int) -> Integers:
    """<Stream of a tile>: (count, rows, columns)."""
    decoder = RangeDecoder(stream)
    tables: list[Cumulative] = [[0, *accumulate(row)] for row in network["T"].tolist()]
    n, f = q // 16, q % 16
    b = ((16 - f) * network["B"][n] + f * network["B"][n + 1] + 8) >> 4
    y = np.zeros((count, tile.rows + 2, tile.columns + 2), np.int64)  # with a border of zeros
    with_mean = [*range(16), *range(64, 96)]
    for c in range(count):
        for row in range(tile.rows):
            for column in range(tile.columns):
                near = y[: c + 1, row : row + 3, column : column + 3].reshape(c + 1, 9)  # (d, j); 0 where not known
                m = 0
                if c in with_mean:
                    m = (64 + int((network["M"][: c + 1, :, with_mean.index(c)] * near.clip(-1023, 1023)).sum())) >> 7
                size = np.abs(near)
                s, any_ = network["S"][: c + 1, :, c], network["N"][: c + 1, :, c]
                v = int(b[c]) + int((s * size.clip(0, 8) + any_ * size.clip(0, 1)).sum())
                symbol = decoder.symbol(tables[int((network["H"] <= v).sum())])
                r = symbol - 48
                if symbol == 97:
                    (u,) = decoder.uniform(16, 1)
                    if u < 97:
                        raise ValueError("an escape for a residual that has a symbol")
                    r = -(u + 1) // 2 if u % 2 else u // 2
                if not -32768 <= r + m <= 32767:
                    raise ValueError("a latent is beyond its range")
                y[c, row + 1, column + 1] = r + m
    if decoder.stream() != stream:
        raise ValueError("the stream is not the one of its latents")
    return y[:, 1:-1, 1:-1]


def step(q: int) -> int:
    """D of <Synthesis>."""
    return round(2 ** (15 + q % 32 / 32)) << (q // 32)


def synthesis(header: Header, network: Network, q: int, tiles: list[Tile], y: Integers) -> Decoded:
    """<Synthesis> and <Gaussians>."""
    a = (step(q) * network["G"] + 2**15) >> 16
    x = (y * a[: len(y), None, None] + 2**11) >> 12
    x[0] += network["O"][0]
    x = np.pad(x.clip(-32767, 32767), ((0, 0), (1, 1), (1, 1)), mode="edge")
    found: list[tuple[int, ...]] = []
    for tile in tiles:
        for level, side, names in ((2, 4, ("WY", "WC")), (1, 8, ("WF", "WD"))):
            for row in range(tile.y, tile.y + tile.rows):
                for column in range(tile.x, tile.x + tile.columns):
                    if level == 2 or y[16:64, row, column].any():
                        near = x[:, row : row + 3, column : column + 3].reshape(len(x), 9)
                        found += cell(header, network, names, (level, side, column, row), near)
    table = np.array(found, np.int64).reshape(-1, 3 + header.channels)
    none = np.zeros(len(table), np.int64)
    return Decoded(header, table[:, 0], table[:, 1], table[:, 2], none, none, none, none, table[:, 3:])


def cell(
    header: Header, network: Network, names: tuple[str, str], place: tuple[int, int, int, int], near: Integers
) -> list[tuple[int, ...]]:
    """The Gaussians of one grid in one cell: level, x, y and colour."""
    level, side, column, row = place
    luma, chroma = (network[name] for name in names)
    sums = [np.einsum("djg,dj->g", luma, near[: len(luma)])]
    if header.channels == 3:
        sums += [np.einsum("djg,dj->g", chroma, near[start : start + 16]) for start in (64, 80)]
    assert max(int(np.abs(each).max()) for each in sums) < 2**31
    pitch = 16 // side
    ends = -(-header.width // pitch), -(-header.height // pitch)
    found = []
    for g in range(side * side):
        x, y = side * column + g % side, side * row + g // side
        if x < ends[0] and y < ends[1]:
            colour = (clamp((int(each[g]) + 2**9) >> 10, -4096, 4096) for each in sums)
            found.append((level, x, y, *colour))
    return found
