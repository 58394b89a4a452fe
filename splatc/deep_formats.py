"""PNG and PNM files with 16 bits per sample, which Pillow writes for gray only.

Sources: the PNG specification, third edition (chunks, colour types, filter type 2 "Up"); the Netpbm formats P5 and P6.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

PNG_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""By the number of channels: gray, gray and alpha, RGB, RGB and alpha."""
_BAND = 256  # rows compressed at a time: bounds the memory that a large picture takes


def write_png16(samples: NDArray[np.uint16], stream: BinaryIO, chunks: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Write (H, W, C) samples, C = 1..4, as a PNG file of 16 bits per sample, with more chunks (type, data) before the pixels."""
    height, width, channels = samples.shape
    stream.write(b"\x89PNG\r\n\x1a\n")
    header = struct.pack(">IIBBBBB", width, height, 16, PNG_COLOUR_TYPES[channels], 0, 0, 0)
    _write_chunk(stream, b"IHDR", header)
    for kind, data in chunks:
        _write_chunk(stream, kind, data)
    compressor = zlib.compressobj(6)
    for rows in _filtered_bands(samples):
        _write_chunk(stream, b"IDAT", compressor.compress(rows))
    _write_chunk(stream, b"IDAT", compressor.flush())
    _write_chunk(stream, b"IEND", b"")


def write_pnm16(samples: NDArray[np.uint16], stream: BinaryIO) -> None:
    """Write (H, W, C) samples, C = 1 or 3, as a PGM or PPM file with a maximum of 65535."""
    height, width, channels = samples.shape
    magic = {1: "P5", 3: "P6"}[channels]
    stream.write(f"{magic}\n{width} {height}\n65535\n".encode("ascii"))
    for top in range(0, height, _BAND):
        stream.write(samples[top : top + _BAND].astype(">u2").tobytes())


def _filtered_bands(samples: NDArray[np.uint16]) -> Iterator[bytes]:
    """Big-endian rows, each after its filter type and less the row above, byte by byte."""
    height, width, channels = samples.shape
    above = np.zeros((1, width * channels * 2), np.uint8)
    for top in range(0, height, _BAND):
        band = samples[top : top + _BAND]
        rows = band.astype(">u2").reshape(len(band), -1).view(np.uint8)  # (rows, W C 2)
        filtered = np.full((len(rows), rows.shape[1] + 1), 2, np.uint8)
        np.subtract(rows, np.concatenate([above, rows[:-1]]), out=filtered[:, 1:])
        above = rows[-1:]
        yield filtered.tobytes()


def _write_chunk(stream: BinaryIO, kind: bytes, data: bytes) -> None:
    if data or kind == b"IEND":
        stream.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
