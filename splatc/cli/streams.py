"""The standard streams of a command, which may be closed, full, or of an encoding with few characters."""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from splatc.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


@contextlib.contextmanager
def prepared() -> Iterator[None]:
    """Within the block standard error exists, and a failing write to standard output raises OutputError.

    BrokenPipeError is raised as it is. Characters that the encoding of standard output lacks are escaped.
    """
    _occupy_closed()
    before = sys.stdout, sys.stderr
    with Path(os.devnull).open("w", encoding="utf-8") as null:
        output, error = _explained(before[0]), before[1] or null
        sys.stdout, sys.stderr = output, error
        try:
            yield
        finally:
            _let_go(output)
            _let_go(error)
            sys.stdout, sys.stderr = before


def flush() -> None:
    """Write what standard output still holds. Raises OutputError and BrokenPipeError."""
    sys.stdout.flush()


class _Output(io.FileIO):
    """Standard output whose errors name it, and which waits where the descriptor is non-blocking."""

    def write(self, data: ReadableBuffer) -> int:
        try:
            while (count := super().write(data)) is None:
                select.select([], [self], [])
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"standard output: cannot be written: {error.strerror or error}") from error
        return count


class _Closed(io.TextIOBase):
    """Standard output that the caller has closed: an error, but only for commands that write to it."""

    encoding = "utf-8"

    def writable(self) -> bool:
        return False

    def write(self, text: str) -> int:
        if not isinstance(text, str):  # by which click distinguishes text from bytes
            raise TypeError("expected text")
        if text:
            raise OutputError("standard output is closed: redirect it, to /dev/null if it is not needed")
        return 0


def _explained(stream: TextIO | None) -> TextIO:
    if stream is None:
        return _Closed()  # type: ignore[return-value]
    if type(stream) is not io.TextIOWrapper:  # of a test, or of a program that calls ours
        return stream
    raw = getattr(stream.buffer, "raw", stream.buffer)
    if type(raw) is not io.FileIO:  # a console of Windows
        return stream
    stream.flush()
    buffer = io.BufferedWriter(_Output(raw.fileno(), "wb", closefd=False))
    return io.TextIOWrapper(buffer, stream.encoding, "backslashreplace", line_buffering=stream.line_buffering)


def _occupy_closed() -> None:
    """Open the null device for each closed standard stream: else the next opened file gets its number, and the stream's output."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            if os.open(os.devnull, os.O_RDWR) == descriptor:
                os.set_inheritable(descriptor, True)  # processes that are started need it, too


def _let_go(stream: TextIO) -> None:
    """Discard what a stream cannot write: else Python tries again at exit and prints an error."""
    try:
        stream.flush()
    except (OSError, ValueError, OutputError):
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)
            stream.flush()
