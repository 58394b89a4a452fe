"""Which picture of a TIFF file is coded: the first that is neither a smaller copy nor a mask; and what to say of the others."""

from __future__ import annotations

from dataclasses import dataclass

from splatc.errors import InputImageError
from splatc.image.readers.tiff.directory import MAX_PAGES, Directory, TiffBytes, chain, sub_files

_NEW_SUBFILE_TYPE, _SUBFILE_TYPE, _PHOTOMETRIC, _DNG_VERSION = 254, 255, 262, 50706
_REDUCED, _MASK = 1, 4
_MASK_PHOTOMETRIC = 4
_SENSOR = (32803, 34892)  # samples of a camera's sensor: a colour filter array, and DNG's linear ones
RAW = "a camera's raw file, of which only the preview could be read: develop it to TIFF, PNG or JPEG first"


@dataclass(frozen=True)
class Choice:
    """The directory whose picture is coded, and sentences about the others."""

    directory: Directory
    notes: tuple[str, ...]


def choose(file: TiffBytes) -> Choice:
    """Raises InputImageError for a damaged file and for a camera's raw file."""
    pages = chain(file)
    hanging = [sub for page in pages[:16] for sub in sub_files(page)]
    if any(_DNG_VERSION in page.entries for page in pages) or any(
        page.number(_PHOTOMETRIC, 0) in _SENSOR for page in pages + hanging
    ):
        raise InputImageError(RAW)
    whole = [page for page in pages if not _reduced(page) and not _mask(page)]
    chosen = (whole or [sub for sub in hanging if not _reduced(sub) and not _mask(sub)] or pages)[0]
    return Choice(chosen, _of_the_rest(chosen, pages, hanging))


def _reduced(page: Directory) -> bool:
    """Whether it is a smaller copy of another picture in the file."""
    if _NEW_SUBFILE_TYPE in page.entries:
        return bool(page.number(_NEW_SUBFILE_TYPE, 0) & _REDUCED)
    return page.number(_SUBFILE_TYPE, 1) == 2


def _mask(page: Directory) -> bool:
    return bool(page.number(_NEW_SUBFILE_TYPE, 0) & _MASK) or page.number(_PHOTOMETRIC, 0) == _MASK_PHOTOMETRIC


def _of_the_rest(chosen: Directory, pages: list[Directory], hanging: list[Directory]) -> tuple[str, ...]:
    rest = [page for page in pages + hanging if page is not chosen]
    masks = sum(_mask(page) for page in rest)
    copies = sum(_reduced(page) and not _mask(page) for page in rest)
    others = len(rest) - masks - copies
    notes = []
    if others:
        many = "at least " if len(pages) == MAX_PAGES else ""
        notes.append(f"only the first of {many}{others + 1} pictures in the file is coded")
    if copies:
        notes.append(
            "a smaller copy of the picture is left out" if copies == 1 else f"{copies} smaller copies are left out"
        )
    if masks:
        notes.append("a transparency mask is left out" if masks == 1 else f"{masks} transparency masks are left out")
    return tuple(notes)
