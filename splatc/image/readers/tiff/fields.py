"""Tags with their values as bytes: taken from one TIFF structure and laid into another, whatever types they have."""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np

from splatc.errors import InputImageError
from splatc.image.readers.tiff.directory import Directory, directory_at

EXIF, GPS = 34665, 34853
INTEROPERABILITY = 40965
"""In the directory of EXIF: another one, which says sRGB (R98) or Adobe RGB (R03)."""
DESCRIPTIVE = (270, 271, 272, 305, 306, 315, 33432)
"""The tags of a first directory that describe the picture; the others describe the file, or a thumbnail."""
_SWAPPED = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes that change their places with the order of bytes, by type."""
_BIG_TYPES = (16, 17, 18)  # BigTIFF's own
_LONG, _LONG8 = 4, 16
_NAMES = {EXIF: "its own directory", GPS: "GPS", INTEROPERABILITY: "interoperability"}
_MOST_BYTES = 1 << 26
"""Of the values of a directory: those of a sound one do not overlap, so that they are no more than the structure has either."""


class TiffField(NamedTuple):
    """The values of a tag."""

    kind: int
    """Type, as TIFF counts: 3 SHORT, 4 LONG, ..."""
    values: int
    """How many."""
    data: bytes


Fields = dict[int, TiffField]
"""By tag."""


def taken(page: Directory, tags: tuple[int, ...], odd: list[int]) -> Fields:
    """Those of these tags that can be laid into another structure; the numbers of the others are put into `odd`."""
    found: Fields = {}
    room = min(page.file.size, _MOST_BYTES)
    for tag in tags:
        entry = page.entries.get(tag)
        if entry is None or entry.count == 0:
            continue
        room -= entry.size
        data = page.values(tag) if room >= 0 and entry.kind not in _BIG_TYPES else b""
        if data:
            found[tag] = TiffField(entry.kind, entry.count, data)
        else:
            odd.append(tag)
    return found


def names(tags: list[int]) -> str:
    """For people: of a few tags."""
    names = [_NAMES.get(tag, f"tag {tag}") for tag in tags[:8]]
    return ", ".join(names) + (f" and {len(tags) - 8} more" if len(tags) > 8 else "")


def exif_fields(page: Directory, odd: list[int]) -> tuple[Fields, dict[int, Fields]]:
    """What of a first directory is EXIF: its descriptive tags, and the directories below by the tag that they hang from."""
    own = taken(page, DESCRIPTIVE, odd)
    sub: dict[int, Fields] = {}
    for pointer in (EXIF, GPS):
        directory = _below(page, pointer, odd)
        fields = taken(directory, tuple(set(directory.entries) - {INTEROPERABILITY}), odd) if directory else {}
        inner = _below(directory, INTEROPERABILITY, odd) if directory and pointer == EXIF else None
        interoperability = taken(inner, tuple(inner.entries), odd) if inner else {}
        if interoperability:
            sub[INTEROPERABILITY] = interoperability
        if fields or interoperability:
            sub[pointer] = fields
    return own, sub


def _below(page: Directory, pointer: int, odd: list[int]) -> Directory | None:
    """The directory that a tag points to; None if there is none, or it is damaged, and then its tag is put into `odd`."""
    if pointer not in page.entries:
        return None
    try:
        return directory_at(page.file, page.number(pointer, 0))
    except InputImageError:
        odd.append(pointer)
        return None


def swapped(fields: Fields, before: str, after: str) -> Fields:
    """The same values in another order of bytes: ``<`` or ``>``."""
    if before == after:
        return fields
    result = {}
    for tag, field in fields.items():
        width = _SWAPPED.get(field.kind, 1)
        data = np.frombuffer(field.data, f"{before}u{width}").astype(f"{after}u{width}").tobytes()
        result[tag] = field._replace(data=data)
    return result


def directory_bytes(fields: Fields, at: int, order: str, *, big: bool = False) -> bytes:
    """The last directory of a chain that lies at this place, and behind it the values that do not fit into it."""
    place = order + ("Q" if big else "I")
    room = struct.calcsize(place)
    entries, behind = struct.pack(order + ("Q" if big else "H"), len(fields)), bytearray()
    end = at + len(entries) + (20 if big else 12) * len(fields) + room
    for tag, (kind, count, data) in sorted(fields.items()):
        entries += struct.pack(order + "HH", tag, kind) + struct.pack(place, count)
        if len(data) <= room:
            entries += data.ljust(room, b"\0")
            continue
        entries += struct.pack(place, end + len(behind))
        behind += data + bytes(-len(data) % 8)
    return entries + bytes(room) + behind


def with_directories(
    own: Fields, sub: dict[int, Fields], at: int, order: str, *, big: bool = False
) -> tuple[bytes, int]:
    """Bytes for this place, a multiple of 8: the directories in `sub`, then that of `own`, which points to them; where that lies."""
    out, main = bytearray(), dict(own)
    below = {tag: dict(fields) for tag, fields in sub.items()}
    pack = struct.Struct(order + ("Q" if big else "I")).pack
    for tag in sorted(below, key=lambda tag: tag != INTEROPERABILITY):  # what hangs from another one first
        above = below[EXIF] if tag == INTEROPERABILITY else main
        above[tag] = TiffField(_LONG8 if big else _LONG, 1, pack(at + len(out)))
        out += directory_bytes(below[tag], at + len(out), order, big=big)
        out += bytes(-len(out) % 8)
    first = at + len(out)
    return bytes(out) + directory_bytes(main, first, order, big=big), first
