"""The container: a signature, then chunks of type, length, payload and CRC-32 (spec/container.md)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from splatc.bitstream import limits, varint
from splatc.errors import CorruptFileError, UnsupportedFileError

SIGNATURE = b"\x8bS2D\r\n\x1a\n"
"""Not ASCII, so never taken for text; its line ends and its Ctrl-Z change in any text-mode transfer, as in PNG's."""
SMALLEST_CHUNK = 9
"""Bytes of a chunk without payload: type, length, CRC-32."""
HEADER_CHUNK = b"HEAD"
GAUSSIANS_CHUNK = b"GAUS"


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


def check_signature(data: bytes) -> None:
    """Raise CorruptFileError, saying what the file seems to be, unless it starts with the signature."""
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


def chunk_at(data: bytes, start: int) -> Chunk:
    """The chunk that starts at a byte of the file; its CRC is not looked at.

    Raises CorruptFileError if it is cut off or its type is not four letters, or its length no number.
    """
    if len(data) - start < SMALLEST_CHUNK:
        raise CorruptFileError(
            f"{len(data) - start} bytes at byte {start} are too few for a chunk: the file is truncated or has extra bytes"
        )
    kind = data[start : start + 4]
    if not (kind.isascii() and kind.isalpha()):
        raise CorruptFileError(f"the bytes {kind.hex(' ')} at byte {start} are no chunk type (four ASCII letters)")
    length, offset = varint.read(data, start + 4, "the file")
    available = len(data) - offset - 4
    if length > available:
        raise CorruptFileError(
            f"chunk {kind.decode()} at byte {start} claims {length} bytes, but only {max(0, available)} follow: the file is truncated"
        )
    return Chunk(kind.decode(), length, start, offset)


def payload(data: bytes, chunk: Chunk) -> bytes:
    """The payload of a chunk, after its CRC was checked (CorruptFileError)."""
    end = chunk.offset + chunk.length
    (stored,) = struct.unpack_from("<I", data, end)
    found = zlib.crc32(memoryview(data)[chunk.offset : end], zlib.crc32(chunk.type.encode()))
    if stored != found:
        raise CorruptFileError(
            f"chunk {chunk.type} at byte {chunk.start} is damaged: its CRC-32 is {found:08x}, the file says {stored:08x}"
        )
    return data[chunk.offset : end]


def header_chunk(data: bytes) -> Chunk:
    """The HEAD chunk, which follows the signature. Raises CorruptFileError."""
    check_signature(data)
    chunk = chunk_at(data, len(SIGNATURE))
    if chunk.type.encode() != HEADER_CHUNK:
        raise CorruptFileError(f"the first chunk is {chunk.type}, expected HEAD")
    return chunk


def chunk_table(data: bytes) -> list[Chunk]:
    """All chunks in file order: HEAD first, exactly one GAUS, the end of the file at the end of a chunk.

    Raises CorruptFileError where these rules are broken, UnsupportedFileError for a critical chunk of another type.
    CRCs are not looked at.
    """
    chunks = [header_chunk(data)]
    known = {HEADER_CHUNK.decode(), GAUSSIANS_CHUNK.decode()}
    while (start := chunks[-1].offset + chunks[-1].length + 4) < len(data):
        if len(chunks) == limits.MAX_CHUNKS:
            raise CorruptFileError(f"the file has more than {limits.MAX_CHUNKS} chunks")
        chunk = chunk_at(data, start)
        if chunk.critical and chunk.type not in known:
            raise UnsupportedFileError(
                f"the file needs chunk {chunk.type} (at byte {start}), which this version of splatc does not know"
            )
        if chunk.critical and any(chunk.type == earlier.type for earlier in chunks):
            raise CorruptFileError(f"a second {chunk.type} chunk at byte {start}; exactly one is allowed")
        chunks.append(chunk)
    if not any(chunk.type.encode() == GAUSSIANS_CHUNK for chunk in chunks):
        raise CorruptFileError("the GAUS chunk is missing: the file is truncated")
    return chunks
