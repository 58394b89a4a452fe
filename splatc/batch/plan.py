"""Which pictures a run means, and what their files will be called."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from splatc.errors import InputError, UsageError

_NAMES = "png jpg jpeg jpe webp avif jp2 j2k jpx tif tiff ppm pgm pbm pnm bmp gif tga qoi"
EXTENSIONS = frozenset(f".{name}" for name in _NAMES.split())
"""What is taken for a picture in a folder; files that are named one by one may be called anything."""


@dataclass(frozen=True)
class Pair:
    """A picture and the file that it becomes."""

    source: str
    output: str


def plan(inputs: Sequence[str], folder: Path, *, keep_extension: bool = False) -> list[Pair]:
    """The pictures that `inputs` name (files, folders with all below them, patterns), each once, and their files in `folder`.

    What lies below a folder, or below the fixed part of a pattern, keeps its place below `folder`. ``a.png`` becomes ``a.splat2d``,
    or ``a.png.splat2d`` if `keep_extension`. Hidden files and folders are left out.

    Raises InputError (an input that does not exist, a pattern or folder without pictures) and UsageError (two pictures would
    become one file).
    """
    outputs: dict[str, Pair] = {}
    seen: set[Path] = set()
    for each in inputs:
        found = False
        for source, place in _pictures(each):
            found = True
            if source.resolve() in seen:
                continue
            seen.add(source.resolve())
            name = place.with_name(f"{place.name}.splat2d") if keep_extension else place.with_suffix(".splat2d")
            pair = Pair(str(source), str(folder / name))
            key = pair.output.casefold()  # a.png and A.png are one file on many systems
            if key in outputs:
                raise _collision(outputs[key], pair, keep_extension)
            outputs[key] = pair
        if not found:
            raise InputError(
                f"{each}: no pictures there: expected files, folders or a pattern such as 'photos/**/*.png'"
            )
    return list(outputs.values())


def _pictures(name: str) -> Iterator[tuple[Path, Path]]:
    """Path, and path within the folder that is mirrored, of all pictures that an argument names, in alphabetical order."""
    path = Path(name)
    if path.is_dir():
        for source in _below(path):
            yield source, source.relative_to(path)
    elif path.exists() or not glob.has_magic(name):
        if not path.exists():
            raise InputError(f"{name}: cannot be read: No such file or directory")
        yield path, Path(path.name)
    else:
        root = _fixed_part(path)
        for source in sorted(root.glob(str(path.relative_to(root)))):
            inside = source.relative_to(root)
            if source.is_file() and not _hidden(inside):
                yield source, inside


def _below(folder: Path) -> Iterator[Path]:
    for source in sorted(folder.rglob("*")):
        if source.suffix.lower() in EXTENSIONS and not _hidden(source.relative_to(folder)) and source.is_file():
            yield source


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
