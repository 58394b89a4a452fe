"""A stream made of pieces of another one: what readers are given of a file that is sound in all that its pixels need."""

from __future__ import annotations

import bisect
import io
from collections.abc import Iterable
from typing import BinaryIO

Piece = bytes | tuple[int, int]
"""Bytes as they are, or (start, end) of the stream below."""


def spliced(stream: BinaryIO, pieces: Iterable[Piece]) -> BinaryIO:
    """A stream that reads as the pieces do, one after the other; `stream` stays open as long as it is read."""
    return io.BufferedReader(_Spliced(stream, pieces), 1 << 16)


class _Spliced(io.RawIOBase):
    def __init__(self, stream: BinaryIO, pieces: Iterable[Piece]) -> None:
        self._stream = stream
        self._pieces: list[Piece] = []
        for piece in pieces:
            before = self._pieces[-1] if self._pieces else b""
            if isinstance(piece, tuple) and isinstance(before, tuple) and before[1] == piece[0]:
                self._pieces[-1] = (before[0], piece[1])
            elif _length(piece):
                self._pieces.append(piece)
        self._starts = [0]
        for piece in self._pieces:
            self._starts.append(self._starts[-1] + _length(piece))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._starts[-1]}[whence]
        if base + offset < 0:
            raise ValueError(f"negative seek position {base + offset}")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # RawIOBase allows every buffer
        index = bisect.bisect_right(self._starts, self._at) - 1
        if index >= len(self._pieces):
            return 0
        piece, skipped = self._pieces[index], self._at - self._starts[index]
        size = min(len(buffer), _length(piece) - skipped)
        if isinstance(piece, bytes):
            data = piece[skipped : skipped + size]
        else:
            self._stream.seek(piece[0] + skipped)
            data = self._stream.read(size)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _length(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
