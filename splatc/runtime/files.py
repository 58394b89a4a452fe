"""Bytes in and out of files and pipes; an output appears whole or not at all.

An output is written to a temporary file in its own folder, flushed to the disk, and only then given its name; overwriting.py says what
becomes of an older file of that name. ``-`` is standard input or output. Devices, pipes and descriptors (``/dev/null``, ``/dev/fd/63``)
cannot be replaced and are written straight.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

from splatc.errors import InputError, LimitError, OutputError, SplatError, UsageError, reason_of
from splatc.runtime import orphans, overwriting
from splatc.runtime.descriptors import STDIO, descriptor_of

__all__ = [
    "STDIO",
    "atomic_output",
    "check_output",
    "display",
    "is_special",
    "named",
    "open_input",
    "read_all",
    "read_input",
    "unreadable",
]

_PIECE = 1 << 20


@contextlib.contextmanager
def open_input(path: str) -> Iterator[BinaryIO]:
    """The bytes of a file, or standard input for ``-``. Raises InputError (missing, a folder, unreadable, closed)."""
    if path == STDIO:
        if sys.stdin is None:
            raise InputError("standard input is closed: give the name of a file, or send it the bytes")
        yield sys.stdin.buffer
        return
    try:
        descriptor = descriptor_of(path)
        stream = Path(path).open("rb") if descriptor is None else os.fdopen(os.dup(descriptor), "rb")  # noqa: SIM115 - closed below; only opening it belongs in this try
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise unreadable(path, error) from error
    with stream:
        yield stream


def unreadable(path: str, error: Exception) -> InputError:
    """What to raise where the system does not give the bytes of a file."""
    return InputError(f"{display_input(path)}: cannot be read: {reason_of(error)}")


def read_input(path: str, *, limit: int) -> bytes:
    """All bytes of a file or of standard input.

    Raises InputError, and LimitError for more than `limit` bytes, so that an endless pipe stops too.
    """
    with open_input(path) as stream:
        return read_all(stream, path, limit=limit)


def read_all(stream: BinaryIO, path: str, *, limit: int) -> bytes:
    """What an open file still holds; `path` is its name for messages. Raises as read_input does."""
    parts, missing = [], limit + 1
    try:
        while missing > 0 and (
            part := stream.read(min(missing, _PIECE))
        ):  # a read takes memory for all that it is asked for
            parts.append(part)
            missing -= len(part)
    except OSError as error:
        raise unreadable(path, error) from error
    if missing <= 0:
        raise LimitError(f"{display_input(path)}: longer than the {limit} bytes that splatc accepts")
    return b"".join(parts)


def check_output(path: str, *, force: bool, source: str) -> None:
    """Say before any work starts that `path` cannot be the output of a command that reads `source`.

    Raises UsageError (it exists and not `force`, it is the input, binary data for a terminal) and OutputError (the folder is
    missing or cannot be written). Removes what killed processes have left in the folder.
    """
    if path == STDIO:
        if _standard_output().isatty() and not force:
            raise UsageError("standard output is a terminal: redirect it, or add -f to write binary data to it")
        return
    try:
        if is_special(path):
            _check_special(path, force=force)
            return
        target = Path(path).resolve()
        if target.is_dir():
            raise UsageError(f"{display(path)}: is a folder: give the name of a file")
        if source != STDIO and target.exists() and Path(source).exists() and target.samefile(source):
            raise UsageError(f"{display(path)}: is the input itself: choose another output")
        if not target.parent.is_dir():
            raise OutputError(f"{display(path)}: the folder {target.parent} does not exist: create it first")
        orphans.remove(target.parent)
        if target.exists() and not force:
            raise _already_exists(path)
        if not (target.exists() and overwriting.check(target)):
            _check_folder(target)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise _unwritable(path, error) from error


@contextlib.contextmanager
def atomic_output(path: str, *, force: bool) -> Iterator[BinaryIO]:
    """A seekable stream whose bytes become the file `path` when the block ends without an exception.

    A symbolic link stays and its target is replaced; a replaced file passes its permission bits on, and its owner where the system lets
    it. Raises UsageError if the file exists and not `force` (also when it appeared during the block) and OutputError if writing fails.
    """
    if path == STDIO or is_special(path):
        buffer = io.BytesIO()
        yield buffer
        _write_through(path, buffer)
        return
    try:
        target = Path(path).resolve()
        made = _create_beside(target, or_none=force and target.exists())
    except (OSError, ValueError, RuntimeError) as error:
        raise _unwritable(path, error) from error
    if made is None:
        yield from _written_over(path, target)
        return
    descriptor, temporary = made
    keeper = -1
    try:
        with os.fdopen(descriptor, "wb") as stream:
            keeper = os.dup(descriptor)  # keeps the lock until the file has its name
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if os.name == "nt":  # an open file cannot be renamed there
            keeper = _closed(keeper)
        if force and target.exists():
            overwriting.replace(temporary, target)
        elif force:
            temporary.replace(target)
        else:
            _name_new(temporary, target)
        _sync_folder(target.parent)
    except FileExistsError as error:
        raise _already_exists(path) from error
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        _closed(keeper)
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def named(path: str) -> Iterator[None]:
    """Errors that the block raises about the contents of `path` begin with its name."""
    try:
        yield
    except SplatError as error:
        if str(error).startswith(f"{display_input(path)}: "):  # the message has the path already
            raise
        raise type(error)(f"{display_input(path)}: {error}") from error


def display(path: str) -> str:
    """How messages name a path."""
    return "standard input or output" if path == STDIO else path


def display_input(path: str) -> str:
    """How messages name a path that is read."""
    return "standard input" if path == STDIO else path


def is_special(path: str) -> bool:
    """Whether `path` is a device, a pipe, a socket, or a descriptor of this process: what is written straight."""
    if descriptor_of(path) is not None:
        return True
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _already_exists(path: str) -> UsageError:
    return UsageError(
        f"{display(path)}: exists already: choose another name, or add -f (in Python force=True) to replace it"
    )


def _unwritable(path: str, error: Exception) -> OutputError:
    return OutputError(f"{display(path)}: cannot be written: {reason_of(error)}")


def _check_special(path: str, *, force: bool) -> None:
    """Raises OSError, or UsageError for a terminal."""
    descriptor = descriptor_of(path)
    if descriptor is None:
        if stat.S_ISSOCK(Path(path).stat().st_mode):
            raise OutputError(f"{display(path)}: is a socket: give the name of a file or a pipe")
        if not os.access(path, os.W_OK):
            raise PermissionError("Permission denied")
        return
    os.fstat(descriptor)
    if os.isatty(descriptor) and not force:
        raise UsageError(f"{display(path)} is a terminal: redirect it, or add -f to write binary data to it")


def _check_folder(target: Path) -> None:
    """The only reliable test of a folder: permission bits do not show a read-only mount. Raises OSError."""
    made = _create_beside(target)
    assert made is not None
    os.close(made[0])
    made[1].unlink()


def _create_beside(target: Path, *, or_none: bool = False) -> tuple[int, Path] | None:
    """A new, empty, locked temporary file in the folder of `target`, with the permissions that the umask gives.

    Raises OSError where the folder takes none; then None with `or_none`.
    """
    binary = getattr(os, "O_BINARY", 0)  # Windows only
    while True:
        temporary = target.with_name(orphans.new_name())
        try:
            descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | binary, 0o666)
        except OSError:
            if or_none:
                return None
            raise
        if orphans.lock(descriptor, temporary):
            return descriptor, temporary
        os.close(descriptor)


def _written_over(path: str, target: Path) -> Iterator[BinaryIO]:
    """A stream whose bytes take the place of those of a file in a folder that takes no other."""
    buffer = io.BytesIO()
    yield buffer
    try:
        overwriting.write_over(buffer, target)
    except OSError as error:
        raise _unwritable(path, error) from error


def _closed(descriptor: int) -> int:
    """Close a descriptor if it is open; -1."""
    if descriptor >= 0:
        os.close(descriptor)
    return -1


def _name_new(temporary: Path, target: Path) -> None:
    """Give `temporary` the name `target`; FileExistsError if that is taken, even by a process that was quicker."""
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links (FAT): reserve the name, then replace the reservation
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            temporary.replace(target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut, where the system lets a folder be synchronized."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _standard_output() -> TextIO:
    """Where bytes go for ``-``. Raises OutputError if it is closed."""
    if sys.stdout is None or not sys.stdout.writable():
        raise OutputError("standard output is closed: redirect it, or give the name of a file")
    return sys.stdout


def _write_through(path: str, buffer: io.BytesIO) -> None:
    try:
        with _straight(path) as stream:
            stream.write(buffer.getbuffer())
            stream.flush()
    except BrokenPipeError:
        raise  # the reader has closed the pipe
    except OSError as error:
        raise _unwritable(path, error) from error


def _straight(path: str) -> contextlib.AbstractContextManager[BinaryIO]:
    """A stream into what cannot be replaced; standard output stays open after it. Raises OSError and OutputError."""
    if path == STDIO:
        return contextlib.nullcontext(_standard_output().buffer)
    descriptor = descriptor_of(path)
    return Path(path).open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb")
