"""Whole files: quantized Gaussians <-> bytes."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass, replace

import numpy as np

from splatc.attributes import CODED, alphabet_of, column_shapes
from splatc.bitstream import container, draft, encoding, index
from splatc.bitstream import header as header_format
from splatc.bitstream import layout as layouts
from splatc.bitstream import metadata as metadata_format
from splatc.bitstream.container import Chunk
from splatc.bitstream.encoding import Packed
from splatc.bitstream.header import Header
from splatc.bitstream.layout import Layout, Section
from splatc.bitstream.metadata import Metadata
from splatc.bitstream.reader import Reader
from splatc.bitstream.source import Source
from splatc.bitstream.structure import read_header_of
from splatc.quantize import IntArray, QuantizedGaussians, choice_counts
from splatc.steps import grid_shape


@dataclass(frozen=True)
class Inspection:
    """What a file consists of."""

    header: Header
    file_bytes: int
    chunks: tuple[Chunk, ...]
    bits: dict[str, float]
    """Bits by part (splatc.attributes.PARTS, those that occur), and overhead, which is
    everything else in the file; they add up to 8 file_bytes."""
    layers: Layout = ()
    """The layers, coarse to fine."""
    sections: tuple[Section, ...] = ()
    """In file order; one if the file has no index."""


def encode(
    header: Header,
    gaussians: QuantizedGaussians,
    metadata: Metadata = Metadata(),  # noqa: B008 - frozen
    *,
    layout: Layout | None = None,
) -> bytes:
    """The file. The order of the Gaussians means nothing; ``header.level_counts`` is not looked at: it follows from them.

    ``layout`` divides them into sections, by default as divide.choose does. Raises ValueError if the Gaussians are out of range,
    LimitError if picture, count or metadata exceed the limits of the format.
    """
    header = _counted(header, gaussians)
    chunks = _header_chunks(header)
    _check(header, gaussians)
    before, after = _metadata_chunks(metadata)
    packed = encoding.pack(header, gaussians, layout)
    streams = encoding.streams(packed)
    placed = tuple(
        replace(section, length=len(stream)) for section, stream in zip(packed.sections, streams, strict=True)
    )
    packed = replace(packed, sections=placed)
    return container.write([*chunks, *before, *_gaussian_chunks(header, packed, streams), *after])


def decode(data: bytes) -> tuple[Header, QuantizedGaussians]:
    """Header and Gaussians of a file, in coding order, after everything in it was checked.

    Raises CorruptFileError, UnsupportedFileError (another version, an unknown critical chunk) or LimitError.
    """
    reader = Reader(io.BytesIO(data))
    return reader.header, reader.read()


def read_header(data: bytes) -> Header:
    """The header alone; it needs only the first hundred bytes or so of a file. Raises as decode does."""
    return read_header_of(Source(io.BytesIO(data)))


def inspect(data: bytes) -> Inspection:
    """Take a file apart; its streams are decoded for what their bits are spent on alone. Raises as decode does."""
    reader = Reader(io.BytesIO(data))
    bits = reader.bits()
    bits["overhead"] = 8 * len(data) - sum(bits.values())
    return Inspection(reader.header, len(data), reader.chunks, bits, reader.layout, reader.sections)


def measure(header: Header, gaussians: QuantizedGaussians, metadata: Metadata = Metadata()) -> int:  # noqa: B008 - frozen
    """Bytes of the file that ``encode`` would make of Gaussians that the format can hold, without writing it; wrong once in 10^9."""
    header = _counted(header, gaussians)
    packed = encoding.pack(header, gaussians)
    streams = [bytes(section.length) for section in packed.sections]
    before, after = _metadata_chunks(metadata)
    chunks = [
        *_header_chunks(header),
        *before,
        *_gaussian_chunks(header, packed, streams),
        *after,
    ]
    return len(container.write(chunks))


def _counted(header: Header, gaussians: QuantizedGaussians) -> Header:
    """The header with the level counts of Gaussians."""
    counts = np.bincount(gaussians.level) if len(gaussians) else np.zeros(0, np.int64)
    return replace(header, level_counts=tuple(counts[::-1].tolist()))


def _header_chunks(header: Header) -> list[tuple[bytes, bytes]]:
    """HEAD, and DRFT in a file of a draft."""
    chunks = [(container.HEADER_CHUNK, header_format.write(header))]
    if header.is_draft:
        chunks.append((container.DRAFT_CHUNK, draft.write()))
    return chunks


def _gaussian_chunks(header: Header, packed: Packed, streams: list[bytes]) -> list[tuple[bytes, bytes]]:
    """GAUS, and INDX before it where the Gaussians are divided."""
    body = (container.GAUSSIANS_CHUNK, b"".join(streams))
    if packed.layout == layouts.whole(header):
        return [body]
    placed = tuple(
        replace(section, crc=zlib.crc32(stream)) for section, stream in zip(packed.sections, streams, strict=True)
    )
    return [(container.INDEX_CHUNK, index.write(packed.layout, placed)), body]


def _metadata_chunks(content: Metadata) -> tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]]:
    """The chunks before the Gaussians and those after them: a picture that is still arriving needs its colour profile first."""
    chunks = list(metadata_format.write(content))
    profile = metadata_format.CHUNKS["icc"]
    return [each for each in chunks if each[0] == profile], [each for each in chunks if each[0] != profile]


def _check(header: Header, gaussians: QuantizedGaussians) -> None:
    """Raise ValueError unless the Gaussians are what the format can hold."""
    quantizer = header.quantizer
    count = len(gaussians)
    for name, shape in column_shapes(count, header.channels).items():
        if getattr(gaussians, name).shape != shape:
            raise ValueError(f"{name} has shape {getattr(gaussians, name).shape}, expected {shape}")
    for each in CODED:
        if each.coding == "symbols":
            _check_range(each.name, getattr(gaussians, each.name), 0, alphabet_of(each, quantizer) - 1)
        elif each.coding == "residuals":
            _check_range(each.name, getattr(gaussians, each.name), -(1 << 15), (1 << 15) - 1)
    grids = [
        grid_shape(header.width, header.height, quantizer.position_step(level))
        for level in range(len(header.level_counts))
    ]
    if count:
        cells = np.array(grids)[gaussians.level]  # (N, 2)
        _check_range("x", gaussians.x, 0, cells[:, 0] - 1)
        _check_range("y", gaussians.y, 0, cells[:, 1] - 1)
        for each in CODED:
            if each.coding == "choices":
                counts = choice_counts(each, quantizer, gaussians.level, gaussians.aspect)
                _check_range(each.name, getattr(gaussians, each.name), 0, counts - 1)


def _check_range(name: str, values: IntArray, low: int, high: int | IntArray) -> None:
    if np.any(values < low) or np.any(values > high):
        raise ValueError(f"{name} is out of range: {values.min()}..{values.max()}, allowed {low}..{np.max(high)}")
