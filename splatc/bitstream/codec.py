"""Whole files: quantized Gaussians <-> bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from splatc.bitstream import container, limits, stream
from splatc.bitstream import header as header_format
from splatc.bitstream.container import Chunk
from splatc.bitstream.header import Header
from splatc.bitstream.positions import morton
from splatc.quantize import MAX_ANISOTROPY, IntArray, QuantizedGaussians, angle_count_table, grid_shape


@dataclass(frozen=True)
class Inspection:
    """What a file consists of."""

    header: Header
    file_bytes: int
    chunks: tuple[Chunk, ...]
    bits: dict[str, float]
    """Bits by part: positions, size, anisotropy, angle, luma, chroma, alpha (those that occur), and overhead, which is
    everything else in the file; they add up to 8 file_bytes."""


def encode(header: Header, gaussians: QuantizedGaussians) -> bytes:
    """The file. ``header.level_counts`` is not looked at: it follows from the Gaussians.

    Raises ValueError if the Gaussians are not in coding order (positions.canonical_order) or out of range, LimitError if picture or
    count exceed the limits of the format.
    """
    # Here and not above: Numba takes longer to import than `splatc info` takes to run.
    from splatc.bitstream import predict

    counts = np.bincount(gaussians.level) if len(gaussians) else np.zeros(0, np.int64)
    header = replace(header, level_counts=tuple(counts[::-1].tolist()))
    head = header_format.write(header)
    _check(header, gaussians)
    payload = stream.encode(header, predict.to_symbols(header.quantizer, gaussians))
    return container.write([(container.HEADER_CHUNK, head), (container.GAUSSIANS_CHUNK, payload)])


def decode(data: bytes) -> tuple[Header, QuantizedGaussians]:
    """Header and Gaussians of a file.

    Raises CorruptFileError, UnsupportedFileError (another version, an unknown critical chunk) or LimitError.
    """
    from splatc.bitstream import predict  # as above

    header, symbols, _, _ = _read(data)
    return header, predict.from_symbols(header.quantizer, symbols)


def read_header(data: bytes) -> Header:
    """The header alone; it needs only the first hundred bytes or so of a file. Raises as decode does."""
    return header_format.read(container.payload(data, container.header_chunk(data)))


def inspect(data: bytes) -> Inspection:
    """Take a file apart without reconstructing values (no Numba). Raises as decode does."""
    header, _, bits, chunks = _read(data)
    total = 8 * len(data)
    return Inspection(header, len(data), tuple(chunks), bits | {"overhead": total - sum(bits.values())})


def _read(data: bytes) -> tuple[Header, stream.GaussianSymbols, dict[str, float], list[Chunk]]:
    """Check everything that can be checked before anything of the size of the picture is allocated, then read the symbols."""
    header = read_header(data)
    chunks = container.chunk_table(data)
    (gaussians_chunk,) = (chunk for chunk in chunks if chunk.type.encode() == container.GAUSSIANS_CHUNK)
    limits.check_plausible(header.count, gaussians_chunk.length)
    payloads = [container.payload(data, chunk) for chunk in chunks]
    symbols, bits = stream.decode(header, payloads[chunks.index(gaussians_chunk)])
    return header, symbols, bits, chunks


def _check(header: Header, gaussians: QuantizedGaussians) -> None:
    """Raise ValueError unless the Gaussians are what the format can hold, in coding order."""
    quantizer = header.quantizer
    count = len(gaussians)
    if gaussians.colour.shape != (count, header.channels):
        raise ValueError(f"colour has shape {gaussians.colour.shape}, expected {(count, header.channels)}")
    for name, low, high in (
        ("size", 0, quantizer.sizes - 1),
        ("anisotropy", 0, MAX_ANISOTROPY),
        ("colour", -(1 << 15), (1 << 15) - 1),
    ):
        _check_range(name, getattr(gaussians, name), low, high)
    stop = 0
    for level, level_count in zip(range(len(header.level_counts) - 1, -1, -1), header.level_counts, strict=True):
        start, stop = stop, stop + level_count
        columns, rows = grid_shape(header.width, header.height, quantizer.position_step(level))
        x, y = gaussians.x[start:stop], gaussians.y[start:stop]
        _check_range("x", x, 0, columns - 1)
        _check_range("y", y, 0, rows - 1)
        if np.any(gaussians.level[start:stop] != level) or np.any(np.diff(morton(x, y)) < 0):
            raise ValueError("the Gaussians are not in coding order: levels descending, Morton order within a level")
        directions = angle_count_table(quantizer)[level, gaussians.anisotropy[start:stop]]
        _check_range("angle", gaussians.angle[start:stop], 0, directions - 1)


def _check_range(name: str, values: IntArray, low: int, high: int | IntArray) -> None:
    if np.any(values < low) or np.any(values > high):
        raise ValueError(f"{name} is out of range: {values.min()}..{values.max()}, allowed {low}..{np.max(high)}")
