"""Temporary files of processes that were killed: the next run in the same folder removes them.

A temporary file is locked by the process that writes it, until that ends; one without a lock is an orphan. Windows has no such
locks, but deletes no file that a process has open. The name of a temporary file begins with a number for the computer: not every network
file system shares locks between computers.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import sys
import time
import zlib
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_FRESH = 60.0
"""Seconds: a file that was written so lately may be closed because it is about to be given its name, which Windows asks for."""


def new_name() -> str:
    """A name for a temporary file."""
    return f"{_prefix()}{os.urandom(8).hex()}.tmp"


def lock(descriptor: int, path: Path) -> bool:
    """Mark a file that was just made as in use until its last descriptor is closed; False if it was taken for an orphan and removed."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:  # a file system without locks: the file cannot be removed
        return True


def remove(folder: Path) -> None:
    """Remove the temporary files of this machine that no process writes any more. Raises nothing."""
    remove_one = _remove_if_closed if sys.platform == "win32" else _remove_if_free
    pattern = re.compile(re.escape(_prefix()) + r"[0-9a-f]{16}\.tmp")
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for name in [entry.name for entry in entries if pattern.fullmatch(entry.name)]:
            with contextlib.suppress(OSError):
                remove_one(folder / name)


def _remove_if_closed(path: Path) -> None:
    """Windows: raises OSError for a file that is open."""
    if time.time() - path.stat().st_mtime > _FRESH:
        path.unlink()


def _remove_if_free(path: Path) -> None:
    assert sys.platform != "win32"
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(descriptor)


def _prefix() -> str:
    return f".splatc-{zlib.crc32(platform.node().encode()):08x}"
