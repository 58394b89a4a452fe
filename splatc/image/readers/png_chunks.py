"""The chunks of a PNG file (PNG specification, third edition, section 5): one walk through them, their checksums, what texts hold."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from splatc.bitstream.limits import MAX_METADATA

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_READ = 1 << 20  # bytes of a chunk at a time


class PngChunk(NamedTuple):
    """Where a chunk lies in its file."""

    kind: bytes
    """Four letters, in a sound file."""
    offset: int
    """Of its content."""
    length: int
    """Bytes of its content."""

    @property
    def start(self) -> int:
        """Of its length, with which it begins."""
        return self.offset - 8

    @property
    def end(self) -> int:
        """Behind its checksum."""
        return self.offset + self.length + 4


class TooLongError(Exception):
    """More bytes than are wanted."""


def chunks(stream: BinaryIO) -> Iterator[PngChunk]:
    """All chunks up to IEND, those behind the pixels too; only their headers are read. `stream` may be used in between.

    The last one may be another than IEND: a file that ends early, or with a length that makes no sense. Then it may end behind the file.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if stream.read(8) != SIGNATURE:
        return
    at, kind = 8, b""
    while kind != b"IEND" and at + 8 <= size:
        stream.seek(at)
        length, kind = struct.unpack(">I4s", stream.read(8))
        found = PngChunk(kind, at + 8, length)
        yield found
        at = found.end


def is_sound(stream: BinaryIO, chunk: PngChunk) -> bool:
    """Whether a chunk is whole and its checksum right; a piece of it at a time is read."""
    stream.seek(chunk.offset)
    crc, left = zlib.crc32(chunk.kind), chunk.length
    while left > 0 and (data := stream.read(min(left, _READ))):
        crc, left = zlib.crc32(data, crc), left - len(data)
    return left == 0 and stream.read(4) == struct.pack(">I", crc)


def content(stream: BinaryIO, chunk: PngChunk, limit: int = MAX_METADATA) -> bytes:
    """What a chunk holds. Raises TooLongError beyond `limit` bytes."""
    if chunk.length > limit:
        raise TooLongError
    stream.seek(chunk.offset)
    return stream.read(chunk.length)


def inflated(data: bytes, limit: int = MAX_METADATA) -> bytes:
    """What a zlib stream holds. Raises TooLongError beyond `limit` bytes, zlib.error if it is damaged or cut off."""
    unpacker = zlib.decompressobj()
    result = unpacker.decompress(data, limit + 1)
    if len(result) > limit:
        raise TooLongError
    if not unpacker.eof:
        raise zlib.error("incomplete or truncated stream")
    return result


def profile(data: bytes) -> bytes:
    """The colour profile in the content of an iCCP chunk. Raises as `inflated` does."""
    _name, _, packed = data.partition(b"\0")
    if packed[:1] != b"\0":  # deflate, the one method there is
        raise zlib.error("unknown method of compression")
    return inflated(packed[1:])


def keyword(data: bytes) -> bytes:
    """With which the content of a text chunk begins: at most 79 bytes."""
    return data[:80].partition(b"\0")[0]


def text(kind: bytes, data: bytes, limit: int = MAX_METADATA) -> bytes:
    """The text in the content of a tEXt, zTXt or iTXt chunk, unpacked. Raises TooLongError beyond `limit` bytes, zlib.error for damage."""
    _keyword, _, rest = data.partition(b"\0")
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        packed, method = rest[:1] == b"\1", rest[1:2]
        parts = rest[2:].split(b"\0", 2)  # language, translated keyword, text
        if len(parts) < 3 or rest[:1] not in (b"\0", b"\1"):
            raise zlib.error("an international text that is cut off")
        rest = method + parts[2] if packed else parts[2]
    if not packed:
        if len(rest) > limit:
            raise TooLongError
        return rest
    if rest[:1] != b"\0":
        raise zlib.error("unknown method of compression")
    return inflated(rest[1:], limit)


def chunk_bytes(kind: bytes, data: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
