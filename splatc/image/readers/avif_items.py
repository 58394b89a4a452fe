"""The items of an AVIF file, with their properties and references (ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12, 6 and 9.3).

Properties belong to items: an alpha plane, a thumbnail and a gain map have colours of their own, which are not the picture's. Tolerant: a
part of the box of metadata that makes no sense is taken as empty.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from splatc.bitstream.limits import MAX_METADATA
from splatc.image.readers.boxes import Box, boxes, content, within

Property = tuple[bytes, bytes]
"""Kind and content of a box."""
_IN_TRACK = (b"trak", b"mdia", b"minf", b"stbl")
_MOST = 1 << 16  # entries of a table
_PIECES = 64  # of an item


class Reference(NamedTuple):
    """That an item belongs to others."""

    kind: bytes
    source: int
    targets: tuple[int, ...]


@dataclass
class Items:
    """What the box of metadata says; nothing of a file without one."""

    primary: int = 0
    """The picture."""
    types: dict[int, bytes] = field(default_factory=dict)
    """The type of each item: ``av01``, ``grid``, ``Exif``."""
    places: dict[int, int] = field(default_factory=dict)
    """Where in the file the type of an item stands."""
    references: list[Reference] = field(default_factory=list)
    properties: dict[int, list[Property]] = field(default_factory=dict)
    """Of each item, in its order."""
    locations: dict[int, list[Box]] = field(default_factory=dict)
    """Where the pieces of an item's data lie in the file."""

    def tiles(self) -> tuple[int, ...]:
        """What the picture is put together of; nothing where it is coded as a whole."""
        found = (each.targets for each in self.references if each.kind == b"dimg" and each.source == self.primary)
        return next(found, ())

    def of_picture(self) -> list[Property]:
        """The properties of the picture, and those of its first tile: a grid may leave it to its tiles to say what they are."""
        own = self.properties.get(self.primary, [])
        return [*own, *(each for tile in self.tiles()[:1] for each in self.properties.get(tile, []))]

    def data(self, stream: BinaryIO, item: int) -> bytes:
        """The bytes of an item that lie in the file, of a long one its beginning."""
        pieces = (_beginning(stream, each) for each in self.locations.get(item, []))
        return b"".join(itertools.islice(pieces, _PIECES))


def _beginning(stream: BinaryIO, piece: Box) -> bytes:
    return content(stream, piece._replace(end=min(piece.end, piece.start + MAX_METADATA)))


def avif_items(stream: BinaryIO) -> Items:
    """The items of a file."""
    meta = next((box for box in boxes(stream) if box.kind == b"meta"), None)
    found = Items()
    if meta is None:
        return found
    parts: dict[bytes, Box] = {}
    for part in boxes(stream, meta.start + 4, meta.end):
        parts.setdefault(part.kind, part)
    idat = parts.get(b"idat")
    steps: dict[bytes, Callable[[bytes, Box], None]] = {
        b"pitm": lambda data, _: _primary(found, data),
        b"iinf": lambda data, box: _types(found, data, box.start),
        b"iref": lambda data, _: _references(found, data),
        b"iprp": lambda data, _: _properties(found, data),
        b"iloc": lambda data, _: _locations(found, data, idat),
    }
    for kind, step in steps.items():
        if kind in parts:
            try:
                step(content(stream, parts[kind]), parts[kind])
            except (struct.error, IndexError):
                continue
    return found


def track_properties(stream: BinaryIO) -> list[Property]:
    """The boxes in the first sample entry of the first track of a sequence."""
    moov = next((box for box in boxes(stream) if box.kind == b"moov"), None)
    data = content(stream, moov) if moov else b""
    for wanted in _IN_TRACK:
        data = next((inner for kind, inner in within(data) if kind == wanted), b"")
    table = next((inner for kind, inner in within(data) if kind == b"stsd"), b"")
    entry = next((inner for kind, inner in within(table, 8) if kind == b"av01"), b"")
    return list(within(entry, 78))


class _Numbers:
    """Big-endian numbers one after the other. Raises IndexError beyond the end."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def next(self, size: int) -> int:
        self.at += size
        if self.at > len(self.data):
            raise IndexError
        return int.from_bytes(self.data[self.at - size : self.at], "big")


def _primary(found: Items, pitm: bytes) -> None:
    found.primary = _Numbers(pitm, 4).next(4 if pitm[0] else 2)


def _types(found: Items, iinf: bytes, start: int) -> None:
    """`start`: where the content of the box lies in the file."""
    at = 6 if iinf[0] == 0 else 8
    for kind, data in within(iinf, at):
        at += 8
        if kind == b"infe" and data[:1] in (b"\2", b"\3"):
            size = 4 if data[0] == 3 else 2
            number, place = _Numbers(data, 4).next(size), 4 + size + 2
            found.types[number] = data[place : place + 4]
            found.places[number] = start + at + place
        at += len(data)


def _references(found: Items, iref: bytes) -> None:
    size = 2 if iref[0] == 0 else 4
    for kind, data in within(iref, 4):
        numbers = _Numbers(data)
        source, count = numbers.next(size), numbers.next(2)
        count = min(count, (len(data) - numbers.at) // size)
        found.references.append(Reference(kind, source, tuple(numbers.next(size) for _ in range(count))))


def _properties(found: Items, iprp: bytes) -> None:
    parts = list(within(iprp))
    known = [each for kind, data in parts if kind == b"ipco" for each in within(data)]
    for data in (data for kind, data in parts if kind == b"ipma"):
        wide, long = data[0] > 0, data[3] & 1
        numbers = _Numbers(data, 4)
        for _ in range(min(numbers.next(4), _MOST)):
            item = numbers.next(4 if wide else 2)
            chosen = [numbers.next(2 if long else 1) for _ in range(numbers.next(1))]
            places = (number & (0x7FFF if long else 0x7F) for number in chosen)  # the first bit: essential
            found.properties.setdefault(item, []).extend(known[at - 1] for at in places if 0 < at <= len(known))


def _locations(found: Items, iloc: bytes, idat: Box | None) -> None:
    """Pieces in other files, or made of other items, are passed over."""
    version, numbers = iloc[0], _Numbers(iloc, 6)
    of_offset, of_length, of_base = iloc[4] >> 4, iloc[4] & 15, iloc[5] >> 4
    of_index = iloc[5] & 15 if version else 0
    wide = 4 if version == 2 else 2
    for _ in range(min(numbers.next(wide), _MOST)):
        item = numbers.next(wide)
        method = numbers.next(2) & 15 if version else 0
        elsewhere = numbers.next(2) != 0
        base = numbers.next(of_base)
        pieces = []
        for _ in range(min(numbers.next(2), _MOST)):
            numbers.next(of_index)
            start, length = base + numbers.next(of_offset), numbers.next(of_length)
            if method == 1 and idat is not None:
                start += idat.start
                pieces.append(Box(b"", min(start, idat.end), min(start + length, idat.end)))
            elif method == 0 and not elsewhere:
                pieces.append(Box(b"", start, start + length))
        found.locations.setdefault(item, pieces)
