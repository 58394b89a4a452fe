"""Files taken apart and put together again with CRCs that match: how tests make damaged files that pass the CRC checks."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace

from splatc.bitstream import Reader, container, index
from splatc.bitstream.layout import Section
from splatc.bitstream.source import Source

Chunks = list[tuple[bytes, bytes]]
"""(type, payload) in file order."""


def chunks_of(data: bytes) -> Chunks:
    """The chunks of a file whose chunk table is sound. Raises as Reader does."""
    found, _ = container.chunk_table(Source(io.BytesIO(data)))
    return [(each.type.encode(), data[each.offset : each.offset + each.length]) for each in found]


def payload_of(data: bytes, kind: bytes) -> bytes:
    """The payload of the one chunk of a type."""
    return dict(chunks_of(data))[kind]


def with_payload(data: bytes, kind: bytes, change: Callable[[bytearray], object]) -> bytes:
    """The file with another payload in one chunk, and CRCs to match."""
    chunks = []
    for each, payload in chunks_of(data):
        content = bytearray(payload)
        if each == kind:
            change(content)
        chunks.append((each, bytes(content)))
    return container.write(chunks)


def with_sections(data: bytes, change: Callable[[list[Section]], object]) -> bytes:
    """The file with another list of sections in its index."""
    reader = Reader(io.BytesIO(data))
    sections = list(reader.sections)
    change(sections)
    payload = index.write(reader.layout, tuple(sections))
    return container.write([(kind, payload if kind == b"INDX" else old) for kind, old in chunks_of(data)])


def mended(data: bytes) -> bytes:
    """The file with the CRCs of its sections made right, where its index can be read. Raises as Reader does."""
    body = payload_of(data, b"GAUS")

    def change(sections: list[Section]) -> None:
        for number, each in enumerate(sections):
            sections[number] = replace(each, crc=zlib.crc32(body[each.offset : each.offset + each.length]))

    return with_sections(data, change)


def chunk(kind: bytes, payload: bytes) -> bytes:
    """The bytes of one chunk."""
    return container.write([(kind, payload)])[len(container.SIGNATURE) :]


def varint(value: int) -> bytes:
    """A number in the format's own writing, however many bytes it takes."""
    groups = []
    while True:
        groups.append(value & 127)
        value >>= 7
        if not value:
            return bytes([group | 128 for group in groups[:-1]] + groups[-1:])


def wrong_crc(data: bytes, start: int, length: int) -> bytes:
    """The file with the four bytes of the CRC behind ``length`` bytes at ``start`` inverted."""
    at = start + length
    (stored,) = struct.unpack("<I", data[at : at + 4])
    return data[:at] + struct.pack("<I", stored ^ 0xFFFFFFFF) + data[at + 4 :]
