"""The directories of a TIFF file, read as bytes: no tag of one, however odd, keeps another from being read.

Sources: TIFF revision 6.0, section 2; the BigTIFF design; Adobe's TIFF technical note 1 (SubIFDs).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from splatc.errors import InputImageError

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a value by its type."""
_INTEGERS = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
MAX_PAGES = 1000
"""Directories that are looked at."""
_MAX_ENTRIES = 1 << 16
_SUB_IFDS = 330


@dataclass(frozen=True)
class Entry:
    """A tag of a directory."""

    kind: int
    count: int
    at: int
    """Where its values lie in the file."""
    raw: bytes
    """The entry itself, 12 or 20 bytes."""

    @property
    def size(self) -> int:
        """Bytes of its values."""
        return self.count * _SIZES.get(self.kind, 0)


class TiffBytes:
    """The bytes of a file, and how they are to be read."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.size = stream.seek(0, 2)
        head = self.read(0, 16).ljust(16, b"\0")
        self.order = "<" if head.startswith(b"II") else ">"
        self.big = struct.unpack_from(self.order + "H", head, 2)[0] == 43
        self.first: int = struct.unpack_from(self.order + ("Q" if self.big else "I"), head, 8 if self.big else 4)[0]

    @property
    def count_format(self) -> str:
        """Of the number of entries in a directory."""
        return self.order + ("Q" if self.big else "H")

    @property
    def offset_format(self) -> str:
        """Of a place in the file."""
        return self.order + ("Q" if self.big else "I")

    def read(self, at: int, size: int) -> bytes:
        """As many of these bytes as there are."""
        if at >= self.size:
            return b""
        self.stream.seek(at)
        return self.stream.read(min(size, self.size - at))


@dataclass(frozen=True)
class Directory:
    """One picture of a TIFF file, as its tags describe it."""

    file: TiffBytes
    at: int
    entries: Mapping[int, Entry]
    following: int
    """Where the next directory of the chain lies; 0 if there is none."""
    index: int | None
    """Its place in the chain; None for what hangs from another directory."""

    def values(self, tag: int) -> bytes:
        """The bytes of a tag's values; empty where it is missing, of an unknown type or not whole in the file."""
        entry = self.entries.get(tag)
        if entry is None or not 0 < entry.size <= self.file.size:
            return b""
        data = self.file.read(entry.at, entry.size)
        return data if len(data) == entry.size else b""

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Its values as integers; none where it has no type of integers."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in _INTEGERS:
            return ()
        return tuple(np.frombuffer(self.values(tag), self.file.order + _INTEGERS[entry.kind]).tolist())

    def number(self, tag: int, default: int) -> int:
        """Its first value."""
        return (self.numbers(tag) or (default,))[0]

    def ratios(self, tag: int) -> tuple[float, ...]:
        """Its values, which are fractions; none where it has another type, or a fraction with a denominator of zero."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in (5, 10):
            return ()
        pairs = np.frombuffer(self.values(tag), self.file.order + ("u4" if entry.kind == 5 else "i4")).reshape(-1, 2)
        return tuple((pairs[:, 0] / pairs[:, 1]).tolist()) if pairs[:, 1].all() else ()


def directory_at(file: TiffBytes, at: int, index: int | None = None) -> Directory:
    """Raises InputImageError where the file has no whole directory."""
    wide = struct.calcsize(file.count_format)
    head = file.read(at, wide) if at else b""
    if len(head) < wide:
        raise InputImageError(f"damaged or truncated picture: no TIFF directory at byte {at} of {file.size}")
    (count,) = struct.unpack(file.count_format, head)
    step, room = (20, 8) if file.big else (12, 4)
    data = file.read(at + wide, count * step + room) if 0 < count < _MAX_ENTRIES else b""
    if len(data) < count * step or not data:
        raise InputImageError(f"damaged or truncated picture: the TIFF directory at byte {at} is not whole")
    entries: dict[int, Entry] = {}
    for start in range(0, count * step, step):
        raw = data[start : start + step]
        tag, kind, values = struct.unpack_from(file.order + ("HHQ" if file.big else "HHI"), raw)
        place = at + wide + start + step - room
        if values * _SIZES.get(kind, 0) > room:
            (place,) = struct.unpack_from(file.offset_format, raw, step - room)
        entries.setdefault(tag, Entry(kind, values, place, raw))
    tail = data[count * step :]
    following = struct.unpack(file.offset_format, tail)[0] if len(tail) == room else 0
    return Directory(file, at, entries, following, index)


def chain(file: TiffBytes) -> list[Directory]:
    """The directories of the file in their order, up to MAX_PAGES. A damaged or repeated one after the first ends it.

    Raises InputImageError where the first one is damaged.
    """
    found = [directory_at(file, file.first, 0)]
    seen = {file.first}
    while found[-1].following and found[-1].following not in seen and len(found) < MAX_PAGES:
        seen.add(found[-1].following)
        try:
            found.append(directory_at(file, found[-1].following, len(found)))
        except InputImageError:
            break
    return found


def sub_files(parent: Directory) -> list[Directory]:
    """The directories that hang from this one (SubIFDs), those that are whole."""
    found = []
    for at in parent.numbers(_SUB_IFDS)[:MAX_PAGES]:
        try:
            found.append(directory_at(parent.file, at))
        except InputImageError:
            continue
    return found
