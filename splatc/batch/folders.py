"""The files below a folder, each once, links followed.

A linked folder is followed after all folders that really lie there, so that what is reached in both ways keeps its own place, and only if
nothing of it was visited before: loops end. A link to a folder that it lies in has nothing of its own, and is left out.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

Note = Callable[[str], None]


def files_below(folder: Path, note: Note, wanted: Callable[[Path], bool]) -> Iterator[Path]:
    """Paths of all files below a folder whose names are `wanted`, in alphabetical order; hidden files and folders are left out.

    Args:
        note: called with a sentence for every folder and link that is left out.
        wanted: called with the path relative to `folder`.
    """
    plain: list[Path] = []
    linked: list[Path] = []
    visited: set[str] = set()
    folders = deque([folder])
    links: deque[Path] = deque()
    while folders or links:
        path = folders.popleft() if folders else links.popleft()
        real = os.path.realpath(path)
        if real in visited:
            continue
        if path != folder and path.is_symlink() and Path(os.path.realpath(path.parent)).is_relative_to(real):
            note(f"{path}: a link to a folder that it lies in: not followed")
            continue
        visited.add(real)
        try:
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError as error:
            note(f"{path}: its files are left out: {error.strerror}")
            continue
        for entry in entries:
            each = path / entry.name
            kind = "" if entry.name.startswith(".") else _kind(entry)
            if kind == "folder":
                (links if entry.is_symlink() else folders).append(each)
            elif kind and wanted(each.relative_to(folder)):
                if kind == "file":
                    (linked if entry.is_symlink() else plain).append(each)
                else:
                    note(f"{each}: a link to nothing: left out")
    yield from sorted(plain)
    yield from sorted(linked)


def _kind(entry: os.DirEntry[str]) -> str:
    """folder, file, broken for a link that leads nowhere, or nothing for pipes and the like."""
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
        return "broken" if entry.is_symlink() and not Path(entry.path).exists() else ""
    except OSError:  # a link to itself, or to where one may not look
        return "broken"


def matches(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether the parts of a path fit those of a pattern, in which ``**`` stands for any number of folders, at its end for all below."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        return (len(pattern) == 1 and bool(path)) or any(matches(path[at:], pattern[1:]) for at in range(len(path) + 1))
    return bool(path) and Path(path[0]).match(pattern[0]) and matches(path[1:], pattern[1:])
