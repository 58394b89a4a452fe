"""Which pictures a batch encodes, and the names of their files."""

from __future__ import annotations

import glob
import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from splatc.batch.folders import Note, files_below, matches
from splatc.errors import InputError, UsageError
from splatc.runtime.files import STDIO

_NAMES = "png jpg jpeg jpe webp avif jp2 j2k jpx tif tiff ppm pgm pbm pnm bmp gif tga qoi"
EXTENSIONS = frozenset(f".{name}" for name in _NAMES.split())
"""What is taken for a picture in a folder; files that are named one by one may be called anything."""


@dataclass(frozen=True)
class Pair:
    """A picture and the file that it becomes."""

    source: str
    output: str


def plan(
    inputs: Sequence[str], folder: Path, *, keep_extension: bool = False, note: Note = lambda text: None
) -> list[Pair]:
    """The pictures that `inputs` name (files, folders with all below them, patterns), each once, and their files in `folder`.

    What lies below a folder, or below the fixed part of a pattern, keeps its place below `folder`. ``a.png`` becomes ``a.splat2d``,
    or ``a.png.splat2d`` if `keep_extension`. Hidden files and folders are left out. Linked folders are followed once; `note` is called for
    those that are not, and of what cannot be read.

    Raises InputError (an input that does not exist, a pattern or folder without pictures) and UsageError (two pictures would
    become one file).
    """
    outputs: dict[str, Pair] = {}
    seen: set[Path] = set()
    for each in inputs:
        found = False
        for source, place in _readable(each, note):
            found = True
            if source.resolve() in seen:
                continue
            seen.add(source.resolve())
            name = place.with_name(f"{place.name}.splat2d") if keep_extension else place.with_suffix(".splat2d")
            named = str(source) if str(source) != STDIO else os.path.join(os.curdir, STDIO)  # noqa: PTH118 - Path drops the dot
            pair = Pair(named, str(folder / name))
            # a.png and A.png are one file on many systems, and so are the two ways of writing an accent.
            key = unicodedata.normalize("NFD", pair.output.casefold())
            if key in outputs:
                raise _collision(outputs[key], pair, keep_extension)
            outputs[key] = pair
        if not found:
            raise InputError(
                f"{each}: no pictures there: expected files, folders or a pattern such as 'photos/**/*.png'"
            )
    return list(outputs.values())


def _readable(name: str, note: Note) -> Iterator[tuple[Path, Path]]:
    try:
        yield from _pictures(name, note)
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from error


def _pictures(name: str, note: Note) -> Iterator[tuple[Path, Path]]:
    """Path, and path within the folder that is mirrored, of all pictures that an argument names, in alphabetical order."""
    path = Path(name)
    if path.is_dir():
        for source in files_below(path, note, _is_picture):
            yield source, source.relative_to(path)
    elif os.path.lexists(path) or not glob.has_magic(name):
        if not path.exists():
            reason = "a link to nothing" if path.is_symlink() else "No such file or directory"
            raise InputError(f"{name}: cannot be read: {reason}")
        yield path, Path(path.name)
    else:
        root = _fixed_part(path)
        for source in _matching(root, path.relative_to(root).parts, note):
            yield source, source.relative_to(root)


def _matching(root: Path, pattern: tuple[str, ...], note: Note) -> Iterator[Path]:
    """The files below a folder that fit a pattern, the visible ones."""
    if "**" not in pattern:  # as many folders down as the pattern has parts
        for source in sorted(root.glob(os.path.join(*pattern))):  # noqa: PTH118 - parts of a pattern are no path
            if source.is_file() and not _hidden(source.relative_to(root)):
                yield source
        return

    def wanted(inside: Path) -> bool:
        return matches(inside.parts, pattern) and (pattern[-1] != "**" or _is_picture(inside))

    yield from files_below(root, note, wanted)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _fixed_part(pattern: Path) -> Path:
    """The folders of a pattern before its first wildcard."""
    while glob.has_magic(str(pattern)):
        pattern = pattern.parent
    return pattern


def _collision(first: Pair, second: Pair, keep_extension: bool) -> UsageError:
    advice = "give them different output folders" if keep_extension else "add --keep-extension, or rename one"
    return UsageError(f"{first.source} and {second.source} would both become {second.output}: {advice}")
