"""The structure of a file: header, chunks and sections, found without reading its streams or importing NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from splatc.bitstream import container, draft, index, layout, limits, metadata
from splatc.bitstream import header as header_format
from splatc.bitstream.container import Chunk
from splatc.bitstream.header import Header
from splatc.bitstream.layout import Layout, Section
from splatc.bitstream.metadata import Metadata
from splatc.bitstream.source import Source
from splatc.errors import CorruptFileError, LimitError

if TYPE_CHECKING:
    from splatc.bitstream.latents import Latents

CheckMemory = Callable[[int, str], None]
"""Raises LimitError unless so many bytes may be used for what the sentence names."""


class Structure:
    """Header, chunks and sections of a ``.splat2d`` file."""

    def __init__(self, file: BinaryIO, check_memory: CheckMemory | None = None) -> None:
        """Read the header and the index of a seekable file, which the caller closes.

        ``check_memory`` is called with the bytes that the index will take, before it is read.
        A file that ends too early can be opened if its header is whole; ``truncation`` then says what is wrong with it. Raises
        CorruptFileError, UnsupportedFileError (another version, an unknown critical chunk) or LimitError.
        """
        self._source = Source(file)
        self._check_memory = check_memory
        self.header: Header = read_header_of(self._source)
        chunks, self.truncation = container.chunk_table(self._source)
        self.chunks: tuple[Chunk, ...] = tuple(chunks)
        """In file order; of a truncated file those that have started."""
        self.layout: Layout = layout.whole(self.header)
        """The layers, coarse to fine."""
        self.sections: tuple[Section, ...] = ()
        """In file order; none if the file ends before they are known."""
        self.latents: Latents | None = self._latents()
        """The table of the tiles of a file with latents in place of Gaussians (spec/latent.md)."""
        gaussians = self._chunk(container.GAUSSIANS_CHUNK)
        indexed = self._chunk(container.INDEX_CHUNK)
        if gaussians is not None:
            if indexed is not None:
                index.check_length(indexed.length, self.header)
                if check_memory is not None:
                    check_memory(index.MEMORY * indexed.length, f"an index of {indexed.length} bytes")
                payload = container.payload(self._source, indexed)
                self.layout, self.sections = index.read(payload, self.header, gaussians.length)
            else:
                limits.check_plausible(self.header.count, gaussians.length)
                self.sections = layout.undivided(self.header, gaussians.length)

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

    def content(self) -> bytes:
        """All bytes of the file. Raises as Source.read does."""
        return self._source.read(0, self.file_bytes)

    def metadata(self) -> Metadata:
        """Colour profile, EXIF and XMP; of a truncated file those that are whole. Raises CorruptFileError or LimitError."""
        found, damaged = self.sound_metadata()
        for error in damaged.values():
            raise error
        return found

    def sound_metadata(self) -> tuple[Metadata, dict[str, CorruptFileError | LimitError]]:
        """The same without what is damaged, and why that is left out, by the name of the field."""
        found: dict[str, bytes] = {}
        damaged: dict[str, CorruptFileError | LimitError] = {}
        for name, kind in metadata.CHUNKS.items():
            chunk = self._chunk(kind)
            if chunk is not None and self._is_complete(chunk):
                try:
                    found[name] = metadata_of(self._source, chunk)
                except (CorruptFileError, LimitError) as error:
                    damaged[name] = error
        return Metadata(**found), damaged

    def check_whole(self) -> None:
        """Raise CorruptFileError if the file ends too early."""
        if self.truncation is not None:  # one of its own for each thread, and without the tracebacks of those before
            raise container.TruncatedFileError(str(self.truncation))

    def check(self, kept: int = 0) -> bytes | None:
        """Check the CRC of every chunk, known or not. Raises CorruptFileError.

        Returns the payload of GAUS if it has at most ``kept`` bytes, so that they need not be read once more.
        """
        self.check_whole()
        body = None
        for chunk in self.chunks:
            if chunk.type.encode() in (container.GAUSSIANS_CHUNK, container.LATENTS_CHUNK) and chunk.length <= kept:
                body = container.payload(self._source, chunk)
            else:
                container.check_crc(self._source, chunk)
        return body

    def _latents(self) -> Latents | None:
        """Raises as the constructor does."""
        chunk = self._chunk(container.LATENTS_CHUNK)
        if chunk is None:
            return None
        from splatc.bitstream import latents  # imports NumPy

        start = self._source.read(chunk.offset, min(chunk.length, latents.table_bytes(self.header)))
        return latents.read(start, self.header, chunk.length)

    def _is_complete(self, chunk: Chunk) -> bool:
        return chunk.offset + chunk.length + 4 <= self.file_bytes

    def _chunk(self, kind: bytes) -> Chunk | None:
        """The chunk of a type of which there is at most one."""
        return next((chunk for chunk in self.chunks if chunk.type.encode() == kind), None)


def read_header_of(source: Source) -> Header:
    """The header of a file, after its draft was checked, for that says what a header is. Raises as Structure does."""
    chunk = container.header_chunk(source)
    payload = container.payload(source, chunk)
    if header_format.version_of(payload) > header_format.VERSION:
        draft.check(container.payload(source, container.draft_chunk(source, chunk)))
    return header_format.read(payload)


def metadata_of(source: Source, chunk: Chunk) -> bytes:
    """What a chunk of metadata holds. Raises CorruptFileError or LimitError."""
    if chunk.length > limits.MAX_METADATA_PAYLOAD:
        raise LimitError(
            f"the {chunk.type} chunk has {chunk.length} bytes, splatc reads at most {limits.MAX_METADATA_PAYLOAD}"
        )
    return metadata.read(chunk.type, container.payload(source, chunk))
