"""How a file takes the place of an older one: by its name where that can be, else by its bytes.

A new file that is given the old one's name is whole at every moment. Where a name cannot be given away (a single file that is mounted
into a container, a folder that takes no new files, a sticky folder and somebody else's file), the bytes are written over the old ones.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
from pathlib import Path
from typing import BinaryIO

_NAME_IS_BOUND = (errno.EBUSY, errno.EPERM, errno.EACCES, errno.EROFS)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BINARY = getattr(os, "O_BINARY", 0)  # Windows only


def check(target: Path) -> bool:
    """Whether the bytes of an existing file can be changed. Raises OSError where its name cannot be given away either."""
    try:
        os.close(os.open(target, os.O_WRONLY | _BINARY))
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.ETXTBSY) or not _may_be_renamed_over(target):
            raise
        return False
    return True


def replace(temporary: Path, target: Path) -> None:
    """Give a finished file the name of an older one, or the older one its bytes. Raises OSError."""
    with contextlib.suppress(OSError):
        _keep_owner(temporary, target)
    try:
        temporary.replace(target)
    except OSError as error:
        if error.errno not in _NAME_IS_BOUND or os.name == "nt":
            raise
        with temporary.open("rb") as content:
            write_over(content, target)


def write_over(content: BinaryIO, target: Path) -> None:
    """Replace the bytes of a file that exists. Raises OSError; the old bytes are still there only if the disk was found to be full."""
    size = content.seek(0, os.SEEK_END)
    content.seek(0)
    with os.fdopen(os.open(target, os.O_WRONLY | _BINARY), "wb") as stream:
        _reserve(stream.fileno(), size)
        shutil.copyfileobj(content, stream, 1 << 20)
        stream.truncate()
        stream.flush()
        os.fsync(stream.fileno())


def _reserve(descriptor: int, size: int) -> None:
    """Room for so many bytes, so that a full disk shows while the old ones are there."""
    before = os.fstat(descriptor).st_size
    if size <= before or not hasattr(os, "posix_fallocate"):  # Windows, macOS
        return
    try:
        os.posix_fallocate(descriptor, before, size - before)
    except OSError as error:  # many file systems cannot
        if error.errno in _FULL:
            os.ftruncate(descriptor, before)
            raise


def _may_be_renamed_over(target: Path) -> bool:
    """Whether a sticky folder lets us: only for files, or in folders, of our own."""
    folder = target.parent.stat()
    if sys.platform == "win32" or not folder.st_mode & stat.S_ISVTX:
        return True
    return os.geteuid() in (0, folder.st_uid, target.stat().st_uid)


def _keep_owner(temporary: Path, target: Path) -> None:
    """Owner, group and permissions of the older file, as far as the system lets us."""
    old, new = target.stat(), temporary.stat()
    mode = stat.S_IMODE(old.st_mode)
    if sys.platform != "win32" and (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.chown(temporary, old.st_uid, old.st_gid)
        except OSError:
            mode &= ~(stat.S_ISUID | stat.S_ISGID)  # they would apply to another owner
            with contextlib.suppress(OSError):
                os.chown(temporary, -1, old.st_gid)
    temporary.chmod(mode)
