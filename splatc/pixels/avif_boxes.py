"""What the boxes of an AVIF file say of its picture (ISO/IEC 23008-12; AV1 Image File Format).

Properties belong to items: an alpha plane, a thumbnail and a gain map have colours of their own, which are not the picture's.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from splatc.pixels.boxes import Box, boxes, content, within

Property = tuple[bytes, bytes]
"""Kind and content of a box."""
_IN_TRACK = (b"trak", b"mdia", b"minf", b"stbl")


@dataclass
class AvifMetadata:
    """What belongs to the primary item, or to the first track of a sequence without one."""

    properties: list[Property] = field(default_factory=list)
    exif: bytes = b""
    """A TIFF structure, as it stands in the file."""

    def colour(self, kind: bytes) -> bytes:
        """The rest of the first colour box of this kind: ``nclx``, ``prof`` or ``rICC``; empty if there is none."""
        found = (data[4:] for name, data in self.properties if name == b"colr" and data[:4] == kind)
        return next(found, b"")


def avif_metadata(stream: BinaryIO) -> AvifMetadata:
    """What a file says; what cannot be understood says nothing."""
    said = AvifMetadata()
    for box in boxes(stream):
        try:
            if box.kind == b"meta" and not said.properties:
                said = _of_meta(stream, content(stream, box))
            elif box.kind == b"moov" and not said.properties:
                said.properties = _of_track(content(stream, box))
        except (struct.error, IndexError):  # cut off
            continue
    return said


def _of_meta(stream: BinaryIO, meta: bytes) -> AvifMetadata:
    parts: dict[bytes, bytes] = {}
    for kind, data in within(meta, 4):
        parts.setdefault(kind, data)
    version = parts[b"pitm"][0] if parts.get(b"pitm") else 0
    (primary,) = struct.unpack_from(">I" if version else ">H", parts.get(b"pitm", bytes(8)), 4)
    said = AvifMetadata(_properties(parts.get(b"iprp", b""), primary))
    if not said.colour(b"nclx") and not said.colour(b"prof"):  # a grid may leave it to its tiles
        for tile in _references(parts.get(b"iref", b""), primary, b"dimg")[:1]:
            said.properties += [each for each in _properties(parts.get(b"iprp", b""), tile) if each[0] == b"colr"]
    items = _items(parts.get(b"iinf", b""), b"Exif")
    if items:
        exif = _item(stream, parts.get(b"iloc", b""), parts.get(b"idat", b""), items[0])
        said.exif = exif[4 + int.from_bytes(exif[:4], "big") :]  # it says first how far its TIFF structure is
    return said


def _properties(iprp: bytes, wanted: int) -> list[Property]:
    """The properties that are associated with an item, in order."""
    parts = list(within(iprp))
    known = [each for kind, data in parts if kind == b"ipco" for each in within(data)]
    result = []
    for data in (data for kind, data in parts if kind == b"ipma"):
        wide, long = data[0] > 0, data[3] & 1
        (count,) = struct.unpack_from(">I", data, 4)
        at = 8
        for _ in range(min(count, len(data))):
            (item,) = struct.unpack_from(">I" if wide else ">H", data, at)
            at += 4 if wide else 2
            associations = data[at]
            numbers = struct.unpack_from(f">{associations}{'H' if long else 'B'}", data, at + 1)
            at += 1 + associations * (2 if long else 1)
            if item == wanted:
                places = (number & (0x7FFF if long else 0x7F) for number in numbers)  # the first bit: essential
                result += [known[place - 1] for place in places if 0 < place <= len(known)]
    return result


def _references(iref: bytes, item: int, wanted: bytes) -> list[int]:
    """The items that an item refers to in this way."""
    name = "H" if iref[:1] == b"\0" else "I"
    for kind, data in within(iref, 4):
        if kind == wanted and struct.unpack_from(">" + name, data)[0] == item:
            (count,) = struct.unpack_from(">H", data, struct.calcsize(name))
            return list(struct.unpack_from(f">{count}{name}", data, struct.calcsize(name) + 2))
    return []


def _items(iinf: bytes, wanted: bytes) -> list[int]:
    """The numbers of the items of a type."""
    result = []
    for kind, data in within(iinf, 6 if iinf[:1] == b"\0" else 8):
        if kind == b"infe" and data[0] in (2, 3):
            name = ">I" if data[0] == 3 else ">H"
            (number,) = struct.unpack_from(name, data, 4)
            if data[4 + struct.calcsize(name) + 2 :][:4] == wanted:
                result.append(number)
    return result


def _item(stream: BinaryIO, iloc: bytes, idat: bytes, wanted: int) -> bytes:
    """The bytes of an item that lie in the file or in the box beside; nothing if they lie elsewhere."""
    version = iloc[0]
    sizes = iloc[4] >> 4, iloc[4] & 15, iloc[5] >> 4, iloc[5] & 15 if version else 0
    at = 6

    def number(size: int) -> int:
        nonlocal at
        at += size
        if at > len(iloc):
            raise IndexError
        return int.from_bytes(iloc[at - size : at], "big")

    for _ in range(number(4 if version == 2 else 2)):
        item = number(4 if version == 2 else 2)
        method = number(2) & 15 if version else 0
        number(2)  # the file that it lies in: this one
        base = number(sizes[2])
        result = b""
        for _ in range(number(2)):
            number(sizes[3])
            start, length = base + number(sizes[0]), number(sizes[1])
            if item != wanted:
                continue
            place = Box(b"", start, start + length)
            result += idat[start : start + length] if method == 1 else content(stream, place) if method == 0 else b""
        if item == wanted:
            return result
    return b""


def _of_track(moov: bytes) -> list[Property]:
    """The boxes in the first sample entry of the first track of a sequence."""
    data = moov
    for wanted in _IN_TRACK:
        data = next((inner for kind, inner in within(data) if kind == wanted), b"")
    table = next((inner for kind, inner in within(data) if kind == b"stsd"), b"")
    entry = next((inner for kind, inner in within(table, 8) if kind == b"av01"), b"")
    return list(within(entry, 78))
