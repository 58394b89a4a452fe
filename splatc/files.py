"""Bytes in and out of files and pipes; an output appears whole or not at all.

An output is written to a temporary file in its own folder, flushed to the disk, and only then given its name. ``-`` is standard
input or output. Devices and named pipes (``/dev/null``) cannot be replaced and are written straight.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from splatc import strays
from splatc.errors import InputError, LimitError, OutputError, SplatError, UsageError

STDIO = "-"


@contextlib.contextmanager
def open_input(path: str) -> Iterator[BinaryIO]:
    """The bytes of a file, or standard input for ``-``. Raises InputError (missing, a folder, unreadable)."""
    if path == STDIO:
        yield sys.stdin.buffer
        return
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - closed below; only opening it belongs in this try
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"{display(path)}: cannot be read: {_reason(error)}") from error
    with stream:
        yield stream


def read_input(path: str, *, limit: int) -> bytes:
    """All bytes of a file or of standard input.

    Raises InputError, and LimitError for more than `limit` bytes, so that an endless pipe stops too.
    """
    with open_input(path) as stream:
        try:
            data = stream.read(limit + 1)
        except OSError as error:
            raise InputError(f"{display(path)}: cannot be read: {_reason(error)}") from error
    if len(data) > limit:
        raise LimitError(f"{display(path)}: longer than the {limit} bytes that splatc accepts")
    return data


def check_output(path: str, *, force: bool, source: str) -> None:
    """Say before any work starts that `path` cannot be the output of a command that reads `source`.

    Raises UsageError (it exists and not `force`, it is the input, binary data for a terminal) and OutputError (the folder is
    missing or cannot be written). Removes what killed processes have left in the folder.
    """
    if path == STDIO:
        if sys.stdout.isatty() and not force:
            raise UsageError("standard output is a terminal: redirect it, or add -f to write binary data to it")
        return
    try:
        target = Path(path).resolve()
        if target.is_dir():
            raise UsageError(f"{display(path)}: is a folder: give the name of a file")
        if source != STDIO and target.exists() and Path(source).exists() and target.samefile(source):
            raise UsageError(f"{display(path)}: is the input itself: choose another output")
        if not target.parent.is_dir():
            raise OutputError(f"{display(path)}: the folder {target.parent} does not exist: create it first")
        if _is_special(target):
            return
        strays.remove(target.parent)
        if target.exists() and not force:
            raise _already_exists(path)
        # The only honest test of a folder: permission bits say nothing of a read-only mount.
        descriptor, temporary = _create_beside(target)
        os.close(descriptor)
        temporary.unlink()
    except (OSError, ValueError) as error:
        raise OutputError(f"{display(path)}: cannot be written: {_reason(error)}") from error


@contextlib.contextmanager
def atomic_output(path: str, *, force: bool) -> Iterator[BinaryIO]:
    """A seekable stream whose bytes become the file `path` when the block ends without an exception.

    A symbolic link stays and its target is replaced; a replaced file passes its permission bits on. Raises UsageError if the
    file exists and not `force` (also when it appeared during the block) and OutputError if writing fails.
    """
    if path == STDIO or _is_special(Path(path)):
        buffer = io.BytesIO()
        yield buffer
        _write_through(path, buffer)
        return
    target = Path(path).resolve()
    try:
        descriptor, temporary = _create_beside(target)
    except OSError as error:
        raise OutputError(f"{display(path)}: cannot be written: {_reason(error)}") from error
    keeper = os.dup(descriptor)  # keeps the lock until the file has its name
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            if force and target.exists():
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            os.fsync(stream.fileno())
        if os.name == "nt":  # an open file cannot be renamed there
            keeper = _closed(keeper)
        if force:
            temporary.replace(target)
        else:
            _name_new(temporary, target)
        _sync_folder(target.parent)
    except FileExistsError as error:
        raise _already_exists(path) from error
    except OSError as error:
        raise OutputError(f"{display(path)}: cannot be written: {_reason(error)}") from error
    finally:
        _closed(keeper)
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def named(path: str) -> Iterator[None]:
    """Errors that the block raises about the contents of `path` begin with its name."""
    try:
        yield
    except SplatError as error:
        raise type(error)(f"{display(path)}: {error}") from error


def display(path: str) -> str:
    """How messages name a path."""
    return "standard input or output" if path == STDIO else path


def _already_exists(path: str) -> UsageError:
    return UsageError(f"{display(path)}: exists already: choose another name, or add -f to replace it")


def _create_beside(target: Path) -> tuple[int, Path]:
    """A new, empty, locked temporary file in the folder of `target`, with the permissions that the umask gives."""
    binary = getattr(os, "O_BINARY", 0)  # Windows only
    while True:
        temporary = target.with_name(strays.new_name())
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | binary, 0o666)
        if strays.lock(descriptor, temporary):
            return descriptor, temporary
        os.close(descriptor)


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


def _is_special(path: Path) -> bool:
    """Whether `path` is a device, a pipe or a socket."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _write_through(path: str, buffer: io.BytesIO) -> None:
    try:
        with contextlib.nullcontext(sys.stdout.buffer) if path == STDIO else Path(path).open("wb") as stream:
            stream.write(buffer.getbuffer())
            stream.flush()
    except BrokenPipeError:
        raise  # the reader has had enough: not an error of ours to explain
    except OSError as error:
        raise OutputError(f"{display(path)}: cannot be written: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The system's own words without the errno and the path, which the message names already."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
