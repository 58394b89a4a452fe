"""Boxes of the ISO base media file format (ISO/IEC 14496-12), of which JPEG 2000 and AVIF files are made.

Tolerant: a box that is longer than what it lies in ends with it, and one whose length makes no sense ends the list.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from splatc.bitstream.limits import MAX_METADATA

_MOST = 1 << 16  # boxes of one level


class Box(NamedTuple):
    """Where a box lies in its stream."""

    kind: bytes
    """Four characters."""
    start: int
    """Of its content."""
    end: int


def boxes(stream: BinaryIO, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes that lie one after the other from `start` on; only their headers are read. `stream` may be used in between."""
    if end is None:
        end = stream.seek(0, io.SEEK_END)
    for _ in range(_MOST):
        if start + 8 > end:
            return
        stream.seek(start)
        header = stream.read(16)
        if len(header) < 8:
            return
        size, kind = struct.unpack_from(">I4s", header)
        content = start + 8
        if size == 1 and len(header) == 16:
            (size,) = struct.unpack_from(">Q", header, 8)
            content += 8
        elif size == 0:
            size = end - start
        if start + size < content:
            return
        yield Box(kind, content, min(start + size, end))
        start += size


def content(stream: BinaryIO, box: Box, limit: int = MAX_METADATA) -> bytes:
    """What a box holds; nothing if that is longer than `limit` bytes."""
    if box.end - box.start > limit:
        return b""
    stream.seek(box.start)
    return stream.read(box.end - box.start)


def within(data: bytes, start: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the boxes in the content of another one, from byte `start` of it on."""
    stream = io.BytesIO(data)
    for box in boxes(stream, start):
        yield box.kind, data[box.start : box.end]
