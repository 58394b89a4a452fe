"""The container: a signature, then chunks of type, length, payload and CRC-32 (spec/container.md)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from splatc.bitstream import header as header_format
from splatc.bitstream import limits, metadata, varint
from splatc.bitstream.source import Source
from splatc.errors import CorruptFileError, UnsupportedFileError

SIGNATURE = b"\x8bS2D\r\n\x1a\n"
"""Not ASCII, so never taken for text; its line ends and its Ctrl-Z change in any text-mode transfer, as in PNG's."""
SMALLEST_CHUNK = 9
"""Bytes of a chunk without payload: type, length, CRC-32."""
HEADER_CHUNK = b"HEAD"
DRAFT_CHUNK = b"DRFT"
"""Directly after HEAD in files of a draft, and in no other (spec/draft.md)."""
INDEX_CHUNK = b"INDX"
GAUSSIANS_CHUNK = b"GAUS"
LATENTS_CHUNK = b"LATN"
"""In place of GAUS and INDX, in files of a draft alone (spec/latent.md)."""
KNOWN_CHUNKS = (HEADER_CHUNK, INDEX_CHUNK, GAUSSIANS_CHUNK)
"""The critical ones of every version, in their order."""
SINGLE_CHUNKS = tuple(metadata.CHUNKS.values())
"""Ancillary ones of which there is at most one."""
MAX_HEADER = 4096
"""Bytes of a HEAD payload that are looked at; its fields take some hundred."""


@dataclass(frozen=True)
class Chunk:
    """One entry of the chunk table: where a chunk lies, not its bytes."""

    type: str
    """Four ASCII letters; the first is upper case where a decoder must know the chunk (critical)."""
    length: int
    """Bytes of payload."""
    start: int
    """Byte of the file at which the chunk starts."""
    offset: int
    """Byte of the file at which its payload starts."""

    @property
    def critical(self) -> bool:
        return self.type[0].isupper()


def write(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """The whole file from (type, payload) pairs, in their order."""
    parts = [SIGNATURE]
    for kind, payload in chunks:
        parts += (kind, varint.write(len(payload)), payload, struct.pack("<I", zlib.crc32(kind + payload)))
    return b"".join(parts)


class TruncatedFileError(CorruptFileError):
    """The file ends too early; what is there may be intact."""


def check_signature(source: Source) -> None:
    """Raise CorruptFileError, saying what the file seems to be, unless it starts with the signature."""
    data = source.read(0, len(SIGNATURE))
    if data.startswith(SIGNATURE):
        return
    if not data:
        raise CorruptFileError("the file is empty (0 bytes)")
    if SIGNATURE.startswith(data):
        raise CorruptFileError(
            f"the file ends within the signature, after {len(data)} of {len(SIGNATURE)} bytes: it is truncated"
        )
    if data[1:4] == SIGNATURE[1:4] or data[:7] in (b"\xef\xbf\xbdS2D\r", b"\xef\xbf\xbdS2D\n", b"\xc2\x8bS2D\r\n"):
        raise CorruptFileError(
            "the signature is damaged, as by a transfer in text mode: copy the .splat2d file again in binary mode"
        )
    raise CorruptFileError(f"not a .splat2d file: it starts with {data[:8].hex(' ')}, expected {SIGNATURE.hex(' ')}")


def chunk_at(source: Source, start: int) -> Chunk:
    """The chunk that starts at a byte of the file; its CRC is not looked at, nor whether all of it is there.

    Raises CorruptFileError if its type is not four letters, or its length no number, TruncatedFileError if the file ends within these.
    """
    if source.length - start < SMALLEST_CHUNK:
        raise TruncatedFileError(
            f"{source.length - start} bytes at byte {start} are too few for a chunk: the file is truncated or has extra bytes"
        )
    head = source.read(start, SMALLEST_CHUNK)
    kind = head[:4]
    if not (kind.isascii() and kind.isalpha()):
        raise CorruptFileError(f"the bytes {kind.hex(' ')} at byte {start} are no chunk type (four ASCII letters)")
    length, offset = varint.read(head, 4, "the file")
    return Chunk(kind.decode(), length, start, start + offset)


def check_complete(source: Source, chunk: Chunk) -> None:
    """Raise TruncatedFileError if the file ends within a chunk."""
    available = source.length - chunk.offset - 4
    if chunk.length > available:
        raise TruncatedFileError(
            f"chunk {chunk.type} at byte {chunk.start} claims {chunk.length} bytes, but only {max(0, available)} follow: "
            "the file is truncated"
        )


def payload(source: Source, chunk: Chunk) -> bytes:
    """The payload of a chunk, after its CRC was checked (CorruptFileError). The caller has checked that it is not too long."""
    check_complete(source, chunk)
    content = source.read(chunk.offset, chunk.length)
    _compare(source, chunk, zlib.crc32(content, zlib.crc32(chunk.type.encode())))
    return content


def check_crc(source: Source, chunk: Chunk) -> None:
    """Check the CRC of a chunk of any length, of which never more than a piece lies in memory. Raises CorruptFileError."""
    check_complete(source, chunk)
    found = zlib.crc32(chunk.type.encode())
    for piece in source.pieces(chunk.offset, chunk.length):
        found = zlib.crc32(piece, found)
    _compare(source, chunk, found)


def _compare(source: Source, chunk: Chunk, found: int) -> None:
    (stored,) = struct.unpack("<I", source.read(chunk.offset + chunk.length, 4))
    if stored != found:
        raise CorruptFileError(
            f"chunk {chunk.type} at byte {chunk.start} is damaged: its CRC-32 is {found:08x}, the file says {stored:08x}"
        )


def header_chunk(source: Source) -> Chunk:
    """The HEAD chunk, which follows the signature. Raises CorruptFileError."""
    check_signature(source)
    chunk = chunk_at(source, len(SIGNATURE))
    if chunk.type.encode() != HEADER_CHUNK:
        raise CorruptFileError(f"the first chunk is {chunk.type}, expected HEAD")
    check_complete(source, chunk)
    if chunk.length > MAX_HEADER:
        raise CorruptFileError(f"the HEAD chunk has {chunk.length} bytes, its fields take {MAX_HEADER} at most")
    return chunk


def draft_chunk(source: Source, head: Chunk) -> Chunk:
    """The DRFT chunk of a file of a draft, which follows HEAD. Raises CorruptFileError."""
    chunk = chunk_at(source, head.offset + head.length + 4)
    _check_draft(chunk)
    check_complete(source, chunk)
    return chunk


def _check_draft(chunk: Chunk) -> None:
    if chunk.type.encode() != DRAFT_CHUNK:
        raise CorruptFileError(f"chunk {chunk.type} follows HEAD in a file of a draft, expected DRFT")
    if chunk.length > varint.MAX_BYTES:
        raise CorruptFileError(f"the DRFT chunk has {chunk.length} bytes, its number takes {varint.MAX_BYTES} at most")


def chunk_table(source: Source) -> tuple[list[Chunk], TruncatedFileError | None]:
    """All chunks in file order: HEAD first, at most one INDX, one GAUS after it, the end of the file at the end of a chunk.

    In a file of a draft DRFT is the second, in others it is unknown.

    If the file ends too early, the second value says so, and the last chunk may be there in part. CRCs are not looked at. Raises
    CorruptFileError where the rules are broken, UnsupportedFileError for a critical chunk of another type.
    """
    chunks = [header_chunk(source)]
    is_draft = tuple(source.read(chunks[0].offset, min(2, chunks[0].length))) == header_format.DRAFT_VERSION
    while (start := chunks[-1].offset + chunks[-1].length + 4) < source.length:
        if len(chunks) == limits.MAX_CHUNKS:
            raise CorruptFileError(f"the file has more than {limits.MAX_CHUNKS} chunks")
        try:
            chunk = chunk_at(source, start)
            if is_draft and len(chunks) == 1:
                _check_draft(chunk)
            else:
                _check_type(chunk, chunks, is_draft)
            chunks.append(chunk)
            check_complete(source, chunk)
        except TruncatedFileError as error:
            return chunks, error
    if not any(chunk.type.encode() in (GAUSSIANS_CHUNK, LATENTS_CHUNK) for chunk in chunks):
        return chunks, TruncatedFileError("the GAUS chunk is missing: the file is truncated")
    return chunks, None


def _check_type(chunk: Chunk, earlier: list[Chunk], is_draft: bool) -> None:
    """Raise unless a chunk may follow those before it."""
    kind = chunk.type.encode()
    known = (*KNOWN_CHUNKS, LATENTS_CHUNK) if is_draft else KNOWN_CHUNKS
    if kind in (*known, *SINGLE_CHUNKS, DRAFT_CHUNK) and any(chunk.type == each.type for each in earlier):
        raise CorruptFileError(f"a second {chunk.type} chunk at byte {chunk.start}; only one is allowed")
    if chunk.critical and kind not in known:
        raise UnsupportedFileError(
            f"the file needs chunk {chunk.type} (at byte {chunk.start}), which this version of splatc does not know"
        )
    if kind == INDEX_CHUNK and any(each.type.encode() == GAUSSIANS_CHUNK for each in earlier):
        raise CorruptFileError(f"the INDX chunk at byte {chunk.start} follows GAUS, it must stand before it")
    if kind in (LATENTS_CHUNK, INDEX_CHUNK, GAUSSIANS_CHUNK) and any(
        (each.type.encode() == LATENTS_CHUNK) != (kind == LATENTS_CHUNK)
        for each in earlier
        if each.type.encode() in (LATENTS_CHUNK, INDEX_CHUNK, GAUSSIANS_CHUNK)
    ):
        raise CorruptFileError(
            f"the {chunk.type} chunk at byte {chunk.start} is in one file with latents and Gaussians"
        )
