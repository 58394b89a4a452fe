"""The files that a user has named, alone or by their folder: nothing else is ever opened, whatever a browser asks for.

A request names an entry of a table, never a path; so there is no way from an address to the file system. Below a folder that was named,
links are neither listed nor followed, not even those that took the place of a file or a folder meanwhile.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote_from_bytes

from splatc.bitstream.limits import MAX_FILE_BYTES
from splatc.errors import InputError, LimitError
from splatc.runtime.files import STDIO, display_input, is_special, read_input, unreadable
from splatc.view.conditions import Version

SUFFIX = ".splat2d"
MAX_FILES = 10_000
"""Of a folder: a page with more of them is of no use to anyone."""


@dataclass(frozen=True)
class Opened:
    """A file that is read; to be closed."""

    stream: BinaryIO
    size: int
    """Bytes."""
    version: Version

    def unchanged(self) -> bool:
        """Whether the file is still what it was when it was opened."""
        if isinstance(self.stream, io.BytesIO):
            return True
        return _version(os.fstat(self.stream.fileno())) == self.version


def opened_bytes(content: bytes, modified: int) -> Opened:
    """Bytes in memory, as a file that last changed at a time, in seconds since 1970."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return Opened(io.BytesIO(content), len(content), Version(tag, modified))


def _version(status: os.stat_result) -> Version:
    tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"'
    return Version(tag, int(status.st_mtime))


@dataclass(frozen=True)
class ListedFile:
    """A file that was named, or lies below a folder that was."""

    key: bytes
    """Where it stands in the table: the number of the argument and the path below it."""
    name: str
    """For people; may hold any character, and surrogates for bytes that are no UTF-8."""
    path: Path
    said: str = ""
    """How messages name it: as the user did."""
    root: Path | None = None
    """The folder that was named, if it is not the file itself."""
    content: bytes | None = None
    """All bytes, where they came through a pipe."""
    started: int = 0
    """When they came, seconds since 1970."""

    @property
    def address(self) -> str:
        """The key as a relative URL."""
        return quote_from_bytes(self.key)

    def size(self) -> int | None:
        """Bytes, as it is now; None if it is gone."""
        try:
            with (opened := self.open()).stream:
                return opened.size
        except OSError:
            return None

    def open(self) -> Opened:
        """The file as it is now. Raises OSError if it is gone, or anything but a regular file."""
        if self.content is not None:
            return opened_bytes(self.content, self.started)
        descriptor = _open_plainly(self.path) if self.root is None else _open_below(self.root, self.path)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise FileNotFoundError(f"{self.path} is no regular file")
        return Opened(os.fdopen(descriptor, "rb"), status.st_size, _version(status))


class Catalogue:
    """What was named on the command line: a table of files by key."""

    def __init__(self, names: Sequence[str]) -> None:
        """Raises InputError if one of them is missing, cannot be read, or is a folder without a file of ours; LimitError for too many."""
        self._named = [_named(number, name) for number, name in enumerate(names)]
        self._table: dict[bytes, ListedFile] = {}
        self.refresh()
        if len(self._table) > MAX_FILES:
            raise LimitError(f"more than {MAX_FILES} files: name a smaller folder")
        numbers = {key.partition(b"/")[0] for key in self._table}
        for number in range(len(names)):
            if b"%d" % number not in numbers:
                raise InputError(f"{names[number]}: no {SUFFIX} file lies in this folder or below it")

    @property
    def alone(self) -> bool:
        """Whether one file was named and no folder: it is shown itself, not as one of many."""
        return len(self._named) == 1 and isinstance(self._named[0], ListedFile)

    @property
    def entries(self) -> list[ListedFile]:
        """In the order of the arguments and, below a folder, of names; at most MAX_FILES + 1."""
        return list(self._table.values())

    @property
    def given(self) -> list[ListedFile]:
        """The files that were named themselves."""
        return [each for each in self._named if isinstance(each, ListedFile)]

    def find(self, key: bytes) -> ListedFile | None:
        """The file of a key, as of the last refresh."""
        return self._table.get(key)

    def refresh(self) -> None:
        """Look which files lie in the folders now."""
        self._table = {entry.key: entry for entry in itertools.islice(self._all(), MAX_FILES + 1)}

    def _all(self) -> Iterator[ListedFile]:
        for number, each in enumerate(self._named):
            if isinstance(each, ListedFile):
                yield each
            else:
                yield from _below(number, each)


def _named(number: int, name: str) -> ListedFile | Path:
    """A file, or the folder."""
    path = Path(name)
    try:
        if name != STDIO and path.is_dir():
            return path.resolve()
        if name == STDIO or is_special(name):
            content = read_input(name, limit=MAX_FILE_BYTES)
            key = b"%d/stdin%s" % (number, SUFFIX.encode())
            return ListedFile(
                key, display_input(name), path, display_input(name), content=content, started=int(time.time())
            )
        if not path.exists():
            raise FileNotFoundError("No such file or directory")
    except (OSError, ValueError, RuntimeError) as error:
        raise unreadable(name, error) from error
    return ListedFile(b"%d/%s" % (number, os.fsencode(path.name)), path.name, path.absolute(), name)


def _below(number: int, root: Path) -> Iterator[ListedFile]:
    """The files of ours in a folder and below it. What cannot be read is left out."""
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as scan:
                here = sorted(scan, key=lambda each: each.name)
            files = [
                each for each in here if each.name.lower().endswith(SUFFIX) and each.is_file(follow_symlinks=False)
            ]
            folders += [Path(each.path) for each in reversed(here) if each.is_dir(follow_symlinks=False)]
        except OSError:
            continue
        for each in files:
            path = Path(each.path)
            below = path.relative_to(root).as_posix()
            yield ListedFile(b"%d/%s" % (number, os.fsencode(below)), below, path, each.path, root)


def _open_plainly(path: Path, folder: int | None = None) -> int:
    """A descriptor of a file, which no pipe makes wait; below an open folder only if it is no link. Raises OSError."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    if folder is not None:
        flags |= os.O_NOFOLLOW
    return os.open(path, flags, dir_fd=folder)


def _open_below(root: Path, path: Path) -> int:
    """A descriptor of a file below a folder, without a link on the way. Raises OSError."""
    if os.open not in os.supports_dir_fd:  # Windows
        if path.resolve() != path:
            raise FileNotFoundError(f"{path} is a link")
        return _open_plainly(path)
    *folders, last = path.relative_to(root).parts
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in folders:
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        return _open_plainly(Path(last), at)
    finally:
        os.close(at)
