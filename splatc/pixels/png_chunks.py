"""The chunks of a PNG file, without its pixels (PNG specification, third edition, section 5).

Tolerant: a file that ends early, or with a length that makes no sense, has the chunks that stand before that place.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from splatc.bitstream.limits import MAX_METADATA

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Chunk(NamedTuple):
    """Where a chunk lies in its file."""

    kind: bytes
    """Four letters."""
    offset: int
    """Of its content."""
    length: int
    """Bytes of its content."""


def chunks(stream: BinaryIO) -> Iterator[Chunk]:
    """All chunks up to IEND, those behind the pixels too; only their headers are read. `stream` may be used in between."""
    stream.seek(0)
    if stream.read(8) != _SIGNATURE:
        return
    at = 8
    while True:
        stream.seek(at)
        header = stream.read(8)
        if len(header) < 8:
            return
        length, kind = struct.unpack(">I4s", header)
        if length > 0x7FFFFFFF or kind == b"IEND":
            return
        yield Chunk(kind, at + 8, length)
        at += length + 12


def content(stream: BinaryIO, chunk: Chunk, limit: int = MAX_METADATA) -> bytes | None:
    """What a chunk holds; None if it is cut off, longer than `limit` bytes, or if its checksum is wrong."""
    if chunk.length > limit:
        return None
    stream.seek(chunk.offset)
    data = stream.read(chunk.length + 4)
    whole = len(data) == chunk.length + 4
    if not whole or zlib.crc32(data[:-4], zlib.crc32(chunk.kind)) != int.from_bytes(data[-4:], "big"):
        return None
    return data[:-4]


def inflated(data: bytes, limit: int = MAX_METADATA) -> bytes | None:
    """What a zlib stream holds; None if it is damaged, or holds more than `limit` bytes."""
    unpacker = zlib.decompressobj()
    try:
        result = unpacker.decompress(data, limit + 1)
    except zlib.error:
        return None
    return result if unpacker.eof and len(result) <= limit else None


def text(kind: bytes, data: bytes) -> tuple[bytes, bytes] | None:
    """Keyword and text of the content of a tEXt, zTXt or iTXt chunk, unpacked; None if it is damaged or no such chunk."""
    keyword, _, rest = data.partition(b"\0")
    packed: bytes | None = None
    if kind == b"tEXt":
        return keyword, rest
    if kind == b"zTXt" and rest[:1] == b"\0":
        packed = rest[1:]
    elif kind == b"iTXt" and rest[1:2] == b"\0":
        _language, _, translated = rest[2:].partition(b"\0")
        _keyword, _, plain = translated.partition(b"\0")
        if rest[:1] == b"\0":
            return keyword, plain
        packed = plain
    unpacked = None if packed is None else inflated(packed)
    return None if unpacked is None else (keyword, unpacked)
