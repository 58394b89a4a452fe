"""A TIFF file as its readers get to see it: one directory, of the tags that its pixels need, and nothing that could disturb them.

Readers stumble over tags that no pixel needs (EXIF and GPS of wrong types), turn pictures by themselves or not, invert WhiteIsZero or
not, and take the first directory even where it is a thumbnail. So they are shown the file with two pieces exchanged: the place of the
first directory in the header, and that directory, which lies behind the end of the file.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import BinaryIO

from splatc.image.readers.tiff.directory import Directory, TiffBytes
from splatc.image.readers.tiff.layout import BLACK_IS_ZERO, MASK, RGB, WHITE_IS_ZERO, Layout

_PHOTOMETRIC, _EXTRA = 262, 338
_SHORT, _LONG, _UNASSOCIATED = 3, 4, 2
_WIDTHS = (256, 322)
_LAST_PLACE = (1 << 32) - (1 << 16)
"""Of a directory in a file of 32-bit offsets."""
_NEEDED = {
    256, 257, 258, 259, _PHOTOMETRIC, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325, _EXTRA, 347,
    512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532,
}  # fmt: skip


class Overlaid(io.RawIOBase):
    """The bytes of a stream, some of them exchanged, or behind its end."""

    def __init__(self, base: BinaryIO, patches: dict[int, bytes]) -> None:
        self._base, self._patches, self._at = base, patches, 0
        self._size = max(base.seek(0, 2), *(place + len(patch) for place, patch in patches.items()))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        count = max(0, min(len(view), self._size - self._at))
        self._base.seek(self._at)
        data = bytearray(self._base.read(count).ljust(count, b"\0"))
        for place, patch in self._patches.items():
            start, end = max(place, self._at), min(place + len(patch), self._at + count)
            if start < end:
                data[start - self._at : end - self._at] = patch[start - place : end - place]
        view[:count] = data
        self._at += count
        return count


def overlaid(page: Directory, layout: Layout) -> BinaryIO:
    """The file with this page alone: gray and masks as BlackIsZero, bands without a meaning as RGB, alpha as unassociated."""
    numbers: dict[int, int] = {}
    without: tuple[int, ...] = ()
    if layout.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, MASK):
        as_rgb = layout.colour == (0, 1, 2)
        numbers[_PHOTOMETRIC] = RGB if as_rgb else BLACK_IS_ZERO
        if as_rgb and layout.samples == 3:
            without = (_EXTRA,)
        elif layout.samples == (4 if as_rgb else 2):
            numbers[_EXTRA] = 0
    if layout.alpha is not None and layout.samples == layout.alpha + 1 and layout.alpha == len(layout.colour):
        numbers[_EXTRA] = _UNASSOCIATED
    return overlaid_as(page, numbers, without)


def overlaid_as(page: Directory, numbers: Mapping[int, int], without: tuple[int, ...] = ()) -> BinaryIO:
    """The file with this page alone, some of its tags of another value, some left out; the file itself if that is what it has."""
    file = page.file
    if page.at == file.first and not numbers and set(page.entries) <= _NEEDED - set(without):
        file.stream.seek(0)
        return file.stream
    entries = {tag: entry.raw for tag, entry in page.entries.items() if tag in _NEEDED and tag not in without}
    entries |= {tag: _number(file, tag, value) for tag, value in numbers.items()}
    count = struct.pack(file.count_format, len(entries))
    body = b"".join(raw for _, raw in sorted(entries.items()))
    behind = file.size + -file.size % 8
    place = behind if file.big or behind < _LAST_PLACE else page.at
    patches = {
        8 if file.big else 4: struct.pack(file.offset_format, place),
        place: count + body + struct.pack(file.offset_format, 0),
    }
    return io.BufferedReader(Overlaid(file.stream, patches))


def _number(file: TiffBytes, tag: int, value: int) -> bytes:
    head = struct.pack(file.order + ("HHQ" if file.big else "HHI"), tag, _LONG if tag in _WIDTHS else _SHORT, 1)
    return (head + struct.pack(file.order + ("I" if tag in _WIDTHS else "H"), value)).ljust(
        20 if file.big else 12, b"\0"
    )
