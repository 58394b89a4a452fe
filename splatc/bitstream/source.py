"""The bytes of a file, read as they are needed, by any number of threads, and by processes that forked from one another."""

from __future__ import annotations

import contextlib
import io
import operator
import os
import stat
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

from splatc.bitstream import limits
from splatc.errors import CorruptFileError, InputError, LimitError, SplatError, UsageError, reason_of

START = 256
"""Bytes that are read at once when a file is opened: the header is among them."""
PIECE = 1 << 20
"""Bytes that lie in memory at once where a file is only looked through."""


class Source:
    """A file of at most limits.MAX_FILE_BYTES.

    Of a plain file bytes are read by their place (``os.pread``): no thread moves the position of another, nor does a process that has
    forked. Any other stream has one position, so its seeking and reading are one step, behind a lock.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """``stream`` is binary and seekable, and stays open as long as this is used.

        Raises LimitError for a longer file, InputError where the stream cannot be read, UsageError for one of text.
        """
        self._stream = stream
        self._file = plain_file(stream)
        self._owner = os.getpid()
        self._locks: dict[int, threading.Lock] = {}
        self.bytes_read = 0
        with self._alone(), _explained():
            self.length: int = self._measure()
            """Bytes of the file."""
        if self.length > limits.MAX_FILE_BYTES:
            raise LimitError(
                f"the file has {self.length} bytes, more than the {limits.MAX_FILE_BYTES} that splatc accepts"
            )
        self._start = self._read(0, min(START, self.length))

    def read(self, start: int, length: int) -> bytes:
        """Some bytes; fewer where the file ends within them. Raises CorruptFileError if it has become shorter, InputError."""
        length = max(0, min(length, self.length - start))
        if start + length <= len(self._start):
            return self._start[start : start + length]
        return self._read(start, length)

    def pieces(self, start: int, length: int) -> Iterator[bytes]:
        """The same bytes in pieces of at most PIECE, so that no more of them lie in memory."""
        for offset in range(start, start + length, PIECE):
            yield self.read(offset, min(PIECE, start + length - offset))

    def _read(self, start: int, length: int) -> bytes:
        """Bytes that were there when the file was opened, however few a stream gives at a time."""
        parts: list[bytes] = []
        missing = length
        with self._alone(), _explained():
            if self._file is None:
                self._stream.seek(start)
            while missing > 0 and (part := self._part(start + length - missing, missing)):
                parts.append(part)
                missing -= len(part)
            self.bytes_read += length - missing
        if missing:
            raise CorruptFileError("the file has become shorter while it was read")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _part(self, start: int, length: int) -> bytes:
        if self._file is not None:
            content = os.pread(self._file.fileno(), length, start)
            # Closed by another thread, the number may have been given to another file meanwhile. Python marks a file as closed first.
            if self._file.closed:
                raise InputError("cannot be read: it was closed meanwhile")
            return content
        part: Any = self._stream.read(length)
        if isinstance(part, str):
            raise UsageError('a file that was opened as text: open it with "rb"')
        if part is None:
            raise InputError("cannot be read: the stream does not wait for its bytes (non-blocking)")
        content = part if type(part) is bytes else memoryview(part).tobytes()
        if len(content) > length:
            raise InputError(f"cannot be read: the stream gives {len(content)} bytes where {length} were asked for")
        return content

    def _measure(self) -> int:
        if self._file is not None:
            return os.fstat(self._file.fileno()).st_size
        end: Any = self._stream.seek(0, io.SEEK_END)
        length = operator.index(
            self._stream.tell() if end is None else end
        )  # a memory map does not say where it has gone
        if length < 0:
            raise InputError(f"cannot be read: the stream says that it ends at byte {length}")
        return length

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other thread of this process reads meanwhile. Raises UsageError where another process may."""
        process = os.getpid()
        if self._file is None and process != self._owner and _has_descriptor(self._stream):
            raise UsageError(
                f"a {type(self._stream).__name__} that was opened before the process forked has one position for both: "
                "open the file by its path, or in each process"
            )
        # A lock for each process: one that another thread held while the process forked would never be released in the child.
        with contextlib.nullcontext() if self._file is not None else self._locks.setdefault(process, threading.Lock()):
            yield


def plain_file(stream: Any) -> io.FileIO | io.BufferedReader | io.BufferedRandom | None:
    """What reads a regular file by its place, if that is all that ``stream`` is; a subclass may give other bytes than are there."""
    if not hasattr(os, "pread"):  # Windows, where no process forks
        return None
    if type(stream).__name__ == "_TemporaryFileWrapper":
        stream = stream.file
    raw = stream.raw if type(stream) in (io.BufferedReader, io.BufferedRandom) else stream
    if type(raw) is not io.FileIO:
        return None
    try:
        if not stream.readable() or not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            return None
        if stream.writable():
            stream.flush()
    except (OSError, ValueError):  # closed, for one: reading it says so
        return None
    found: io.FileIO | io.BufferedReader | io.BufferedRandom = stream
    return found


def _has_descriptor(stream: BinaryIO) -> bool:
    try:
        stream.fileno()
    except Exception:  # a stream in memory has none, and says so in one way or another
        return False
    return True


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Whatever a stream raises, of any class that its library has, is a file that cannot be read."""
    try:
        yield
    except SplatError:
        raise
    except Exception as error:
        raise InputError(f"cannot be read: {reason_of(error)}") from error
