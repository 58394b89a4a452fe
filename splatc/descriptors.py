"""Names that stand for open files of this process: ``/dev/stdout``, and ``/dev/fd/63`` as a shell makes it of ``>(command)``.

They are written and read through the descriptor, as ``-`` is: opened by their name, sockets fail, and a file that the shell redirects to
would be truncated, replaced, or read from its beginning once more.
"""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TYPE_CHECKING, BinaryIO

from splatc.errors import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STDIO = "-"
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_NUMBERED = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,9})")


def descriptor_of(path: str) -> int | None:
    """The descriptor that a name stands for; None for every other name."""
    if os.name == "nt":
        return None
    match = _NUMBERED.fullmatch(path)
    return int(match[1]) if match else _STANDARD.get(path)


def standard_name(path: str, descriptor: int) -> str:
    """``-`` for a name of standard input (0) or output (1), whichever is meant; the path itself for all others."""
    return STDIO if descriptor_of(path) == descriptor else path


class Readable(io.FileIO):
    """A file whose read errors are InputErrors, whoever reads from it."""

    def __init__(self, file: str | int, name: str, *, close: bool = True) -> None:
        """``name`` begins the messages. Raises OSError, and ValueError for a name that no file can have."""
        super().__init__(file, "rb", closefd=close)
        self._shown = name

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise self._unreadable(error) from error

    def readall(self) -> bytes:
        try:
            return super().readall()
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> InputError:
        return InputError(f"{self._shown}: cannot be read: {error.strerror or error}")


def standard_input(name: str) -> BinaryIO:
    """Standard input; ``name`` begins the messages. Raises InputError if it is closed."""
    if sys.stdin is None:
        raise InputError(f"{name}: standard input is closed: give the name of a file, or send it the bytes")
    buffer = sys.stdin.buffer
    raw = getattr(buffer, "raw", buffer)
    # Something else stands there in tests and in programs that call ours.
    return io.BufferedReader(Readable(raw.fileno(), name, close=False)) if type(raw) is io.FileIO else buffer
