"""A ``.splat2d`` file as a stream in which one can seek: the file itself, or what a pipe gives, kept until it is read."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, cast

from splatc.bitstream.container import SIGNATURE
from splatc.bitstream.limits import MAX_FILE_BYTES
from splatc.bitstream.source import PIECE, plain_file
from splatc.errors import InputError, LimitError, reason_of
from splatc.runtime.files import display_input, open_input, unreadable

KEPT_BYTES = 1 << 25
"""Of a pipe so much is kept in memory; what is longer goes into a temporary file, where any folder takes one."""


class _View(io.RawIOBase):
    """Bytes that are read where they lie: io.BytesIO would copy all of them."""

    def __init__(self, view: memoryview) -> None:
        self._bytes, self._place = view.cast("B") if view.nbytes else memoryview(b""), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._place = offset + (0, self._place, len(self._bytes))[whence]
        return self._place

    def close(self) -> None:
        """Let go of the bytes, which their owner may then resize or close."""
        self._bytes.release()
        super().close()

    def read(self, size: int = -1, /) -> bytes:
        part = bytes(self._bytes[self._place : self._place + size])
        self._place += len(part)
        return part


@contextlib.contextmanager
def open_file(file: str | bytes | bytearray | memoryview | os.PathLike[str]) -> Iterator[BinaryIO]:
    """The file of a path, of standard input for ``-``, or of bytes.

    Of a pipe no more is taken than splatc accepts, and nothing behind a beginning that is none of a ``.splat2d`` file.
    Raises InputError and LimitError.
    """
    if isinstance(file, bytes):
        yield io.BytesIO(file)
        return
    if isinstance(file, bytearray | memoryview):
        with memoryview(file) as view, _View(view if view.contiguous else memoryview(bytes(view))) as stream:
            yield cast("BinaryIO", stream)
        return
    path = os.fsdecode(file)
    with open_input(path) as stream:
        if _is_plain(stream):
            yield stream
            return
        with _kept(stream, path) as copy:
            yield copy


def _is_plain(stream: BinaryIO) -> bool:
    """Whether this is a regular file from its first byte on; files of /proc say that they are empty."""
    if plain_file(stream) is None and (os.name != "nt" or not stream.seekable()):
        return False
    try:
        return stream.tell() == 0 and os.fstat(stream.fileno()).st_size > 0
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def _kept(stream: BinaryIO, path: str) -> Iterator[BinaryIO]:
    """All that a stream gives."""
    with contextlib.ExitStack() as closing:
        kept: Any = io.BytesIO()
        memory_alone = False
        while part := _part(stream, path):
            if kept.tell() + len(part) > MAX_FILE_BYTES:
                raise LimitError(f"{display_input(path)}: longer than the {MAX_FILE_BYTES} bytes that splatc accepts")
            if isinstance(kept, io.BytesIO) and not memory_alone and kept.tell() + len(part) > KEPT_BYTES:
                file = closing.enter_context(_temporary())
                if file is None:
                    memory_alone = True
                else:
                    _write(file, kept.getbuffer(), path)
                    kept = file
            _write(kept, part, path)
            if kept.tell() >= len(SIGNATURE) > kept.tell() - len(part) and not _begins_well(kept):
                break
        kept.seek(0)
        yield kept


def _part(stream: BinaryIO, path: str) -> bytes:
    """The next bytes, as many as are there."""
    try:
        return getattr(stream, "read1", stream.read)(PIECE) or b""
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def _temporary() -> AbstractContextManager[Any]:
    """A temporary file; None where no folder takes one, and memory must do."""
    import tempfile

    try:
        return tempfile.TemporaryFile()
    except OSError:
        return contextlib.nullcontext()


def _write(kept: Any, part: bytes | memoryview, path: str) -> None:
    try:
        kept.write(part)
    except OSError as error:
        raise InputError(
            f"{display_input(path)}: what the pipe gives cannot be kept in a temporary file ({reason_of(error)}): give the file by its name"
        ) from error


def _begins_well(kept: BinaryIO) -> bool:
    end = kept.tell()
    kept.seek(0)
    start = kept.read(len(SIGNATURE))
    kept.seek(end)
    return start == SIGNATURE
