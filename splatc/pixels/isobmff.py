"""Boxes of the ISO base media file format (ISO/IEC 14496-12), as AVIF has them, read with patience."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_MOST = 4096  # boxes of one level


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """(type, start, end) of the content of each box between two places; stops at the first that is not whole."""
    end = len(data) if end is None else min(end, len(data))
    for _ in range(_MOST):
        if start + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        content = start + 8
        if size == 1 and start + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, content)
            content += 8
        elif size == 0:
            size = end - start
        if size < content - start or start + size > end:
            return
        yield kind, content, start + size
        start += size


def child(data: bytes, kind: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Where the content of the first box of a type lies."""
    return next(((first, last) for name, first, last in boxes(data, start, end) if name == kind), None)
