"""A file opened for reading in parts: a region, the coarser levels, or what is left of a truncated one."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from splatc.bitstream import container, index, layout, limits, metadata, stream
from splatc.bitstream import header as header_format
from splatc.bitstream.container import Chunk, Source
from splatc.bitstream.header import Header
from splatc.bitstream.layout import Layout, Section
from splatc.bitstream.metadata import Metadata
from splatc.bitstream.stream import GaussianSymbols, Tables
from splatc.errors import CorruptFileError
from splatc.quantize import QuantizedGaussians

if TYPE_CHECKING:
    from collections.abc import Iterator

    from splatc.bitstream.quick import QuickTables

CACHED = 1 << 17
"""Gaussians that a reader remembers, of sections that others need: the coarse ones, which are of use to every region."""
MARGIN = 1.0
"""px that a region is widened by: more than a reach may be off."""

Region = tuple[float, float, float, float]
"""x0, y0, x1, y1 in px of the picture."""


@dataclass(frozen=True)
class _Decoded:
    """A section that others go on from."""

    gaussians: QuantizedGaussians
    tables: QuickTables


class Reader:
    """A ``.splat2d`` file of which only what is asked for is read."""

    def __init__(self, file: BinaryIO) -> None:
        """Reads the header and the index of a seekable file, which the caller closes.

        A file that ends too early can be opened if its header is whole; ``read`` then says what is wrong with it. Raises CorruptFileError,
        UnsupportedFileError (another version, an unknown critical chunk) or LimitError.
        """
        self._source = Source(file)
        self.header: Header = read_header_of(self._source)
        chunks, self.truncation = container.chunk_table(self._source)
        self.chunks: tuple[Chunk, ...] = tuple(chunks)
        """In file order; of a truncated file those that have started."""
        self.layout: Layout = layout.whole(self.header)
        """The passes, coarse to fine."""
        self.sections: tuple[Section, ...] = ()
        """In file order; none if the file ends before they are known."""
        gaussians = self._chunk(container.GAUSSIANS_CHUNK)
        indexed = self._chunk(container.INDEX_CHUNK)
        if gaussians is not None:
            if indexed is not None:
                payload = container.payload(self._source, indexed)
                self.layout, self.sections = index.read(payload, self.header, gaussians.length)
            else:
                limits.check_plausible(self.header.count, gaussians.length)
                self.sections = layout.undivided(self.header, gaussians.length)
        self._cache: dict[int, _Decoded] = {}

    @property
    def count(self) -> int:
        """Gaussians in the file."""
        return self.header.count

    @property
    def file_bytes(self) -> int:
        return self._source.length

    @property
    def bytes_read(self) -> int:
        """Bytes of the file that were read so far."""
        return self._source.bytes_read

    def metadata(self) -> Metadata:
        """Colour profile, EXIF and XMP; of a truncated file those that are whole. Raises CorruptFileError or LimitError."""
        found = {}
        for name, kind in metadata.CHUNKS.items():
            chunk = self._chunk(kind)
            if chunk is not None and self._is_complete(chunk):
                found[name] = metadata.read(chunk.type, container.payload(self._source, chunk))
        return Metadata(**found)

    def read(
        self, region: Region | None = None, *, max_level: int | None = None, allow_truncated: bool = False
    ) -> QuantizedGaussians:
        """The Gaussians in coding order: all, or at least those whose ellipse can touch a region.

        With ``max_level`` those of this level and coarser ones only. With ``allow_truncated`` what is whole of a file that ends too
        early: of a stream that was cut off, the levels before the cut. Raises CorruptFileError.
        """
        if self.truncation is not None and not allow_truncated:
            raise self.truncation
        wanted = self._wanted(region, max_level or 0)
        return self._join([part for _, _, part in self._decode(wanted, max_level or 0)])

    def needed(self, region: Region | None = None, *, max_level: int | None = None) -> int:
        """How many Gaussians ``read`` would decode at most: those of the sections that it needs."""
        wanted = self._wanted(region, max_level or 0)
        needed = set(wanted).union(*(layout.ancestors(self.sections, number) for number in wanted))
        return sum(self.sections[number].count for number in needed)

    def read_section(self, number: int) -> QuantizedGaussians:
        """The Gaussians of one section of a whole file; it and its ancestors are checked. Raises CorruptFileError."""
        return self._join([part for _, _, part in self._decode([number], 0)])

    def check(self) -> None:
        """Read every chunk, known or not, and check its CRC. Raises CorruptFileError."""
        if self.truncation is not None:
            raise self.truncation
        for chunk in self.chunks:
            container.payload(self._source, chunk)

    def symbols(self) -> Iterator[tuple[Section, GaussianSymbols, dict[str, float]]]:
        """Of each section the symbols and the bits of each part, without a value reconstructed (no Numba)."""
        if self.truncation is not None:
            raise self.truncation
        learned: dict[int, Tables] = {}
        parents = {section.parent for section in self.sections}
        for number, section in enumerate(self.sections):
            tables = Tables() if section.parent is None else learned[section.parent].copy()
            symbols, bits = stream.decode(self.header, section, self._stream(section), tables)
            if number in parents:
                learned[number] = tables
            yield section, symbols, bits

    def _wanted(self, region: Region | None, stop_level: int) -> list[int]:
        """The sections of levels >= stop_level that can touch a region."""
        return [
            number
            for number, section in enumerate(self.sections)
            if section.top >= stop_level and (region is None or _touches(section, region))
        ]

    def _decode(self, wanted: list[int], stop_level: int) -> Iterator[tuple[int, Section, QuantizedGaussians]]:
        """Number, section and Gaussians of the sections that are wanted; in file order, so that parents come first."""
        # Here and not above: Numba takes longer to import than `splatc info` takes to run.
        from splatc.bitstream import predict, quick, reach

        needed = set(wanted).union(*(layout.ancestors(self.sections, number) for number in wanted))
        parents = {self.sections[number].parent for number in needed}
        known = dict(self._cache)
        for number in sorted(needed):
            section = self.sections[number]
            if number in known and number not in wanted:
                continue
            if number in known:
                gaussians = known[number].gaussians
            else:
                chain = layout.ancestors(self.sections, number)
                if not all(each in known for each in chain):
                    continue  # of a truncated file
                parent = known[chain[-1]].tables if chain else None
                symbols, tables = quick.decode(self.header, section, self._stream(section), parent, stop_level)
                earlier = self._join([known[each].gaussians for each in chain])
                gaussians = predict.from_symbols(self.header.quantizer, symbols, earlier)
                if section.crc is not None:
                    reach.check(self.header.quantizer, section, gaussians)
                if number in parents and len(gaussians) == section.count:
                    known[number] = _Decoded(gaussians, tables)
            if number in wanted:
                kept = int(np.count_nonzero(gaussians.level >= stop_level))  # levels descend
                yield number, section, gaussians.take(np.arange(kept))
        total = 0
        self._cache = {}
        for number in sorted(known):  # coarse ones first
            total += self.sections[number].count
            if total <= CACHED:
                self._cache[number] = known[number]

    def _stream(self, section: Section) -> bytes:
        """The bytes of a section, checked; of a truncated file fewer."""
        chunk = self._chunk(container.GAUSSIANS_CHUNK)
        assert chunk is not None, "sections are known only where GAUS is"
        if section.crc is None and self._is_complete(chunk):
            return container.payload(self._source, chunk)
        start = chunk.offset + section.offset
        content = self._source.read(start, max(0, min(section.length, self.file_bytes - start)))
        if section.crc is not None and len(content) == section.length and zlib.crc32(content) != section.crc:
            raise CorruptFileError(f"the section at byte {start} of the file is damaged: its CRC-32 is another")
        return content

    def _is_complete(self, chunk: Chunk) -> bool:
        return chunk.offset + chunk.length + 4 <= self.file_bytes

    def _chunk(self, kind: bytes) -> Chunk | None:
        """The chunk of a type of which there is at most one."""
        return next((chunk for chunk in self.chunks if chunk.type.encode() == kind), None)

    def _join(self, parts: list[QuantizedGaussians]) -> QuantizedGaussians:
        from splatc.bitstream import predict

        none = np.zeros(0, np.int32)
        empty = QuantizedGaussians(
            none, none, none, none, none, none, none, np.zeros((0, self.header.channels), np.int32)
        )
        return predict.joined([empty, *parts])


def read_header_of(source: Source) -> Header:
    """The header of a file. Raises as Reader does."""
    return header_format.read(container.payload(source, container.header_chunk(source)))


def _touches(section: Section, region: Region) -> bool:
    """Whether an ellipse of a section can touch a region."""
    x0, y0, x1, y1 = section.rectangle
    margin = section.reach + MARGIN
    return (
        region[0] <= x1 + margin and region[2] >= x0 - margin and region[1] <= y1 + margin and region[3] >= y0 - margin
    )
