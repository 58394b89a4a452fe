"""Colour profile, EXIF and XMP of a TIFF file, copied byte for byte, whatever types another program gave them."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from splatc.errors import InputImageError
from splatc.pixels.tiff.directory import Directory, directory_at

_DESCRIPTIVE = (270, 271, 272, 305, 306, 315, 33432)
"""What describes the picture; the others describe the file."""
_EXIF, _GPS, _INTEROPERABILITY = 34665, 34853, 40965
_XMP, _PROFILE, ORIENTATION = 700, 34675, 274
_LEFT_OUT = {
    "GeoTIFF (the place on Earth)": (33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113),
    "IPTC": (33723,),
    "Photoshop's data": (34377, 37724),
}
_LONG = 4
_BIG_KINDS = (16, 17, 18)  # BigTIFF's own
_MAX_EXIF = 1 << 26
Fields = dict[int, tuple[int, int, bytes]]
"""By tag: type, number of values, their bytes."""


def profile_of(page: Directory) -> bytes:
    """The colour profile; empty if there is none."""
    return page.values(_PROFILE)


def xmp_of(page: Directory) -> bytes:
    """The XMP packet; empty if there is none."""
    return page.values(_XMP).rstrip(b"\0")


def orientation_tag(page: Directory) -> bytes:
    """The orientation as an EXIF structure of one tag, of the type that it has; empty if there is none."""
    fields = _copied(page, (ORIENTATION,), [])
    return _structure(page.file.order, fields, {}) if fields else b""


def exif_of(page: Directory) -> tuple[bytes, tuple[str, ...]]:
    """What of a TIFF file is EXIF, as a structure of its own in the order of bytes of the file, and sentences about what is left out."""
    odd: list[int] = []
    own = _copied(page, _DESCRIPTIVE, odd)
    sub: dict[int, Fields] = {}
    for pointer in (_EXIF, _GPS):
        for at in page.numbers(pointer)[:1]:
            try:
                directory = directory_at(page.file, at)
            except InputImageError:
                odd.append(pointer)
                continue
            fields = _copied(directory, tuple(directory.entries), odd)
            fields.pop(_INTEROPERABILITY, None)  # an offset, to what only says "R98"
            if fields:
                sub[pointer] = fields
    notes = [f"{name} is left out" for name, tags in _LEFT_OUT.items() if any(tag in page.entries for tag in tags)]
    if odd:
        notes.append(f"damaged EXIF tags are left out: {', '.join(map(str, odd))}")
    size = sum(len(data) + 24 for fields in (own, *sub.values()) for _, _, data in fields.values())
    if size > _MAX_EXIF:
        return b"", (*notes, f"EXIF of {size} bytes is left out")
    return (_structure(page.file.order, own, sub) if own or sub else b""), tuple(notes)


def _copied(page: Directory, tags: tuple[int, ...], odd: list[int]) -> Fields:
    """Those of these tags that can be copied; the others are put into `odd`."""
    found: Fields = {}
    for tag in tags:
        entry = page.entries.get(tag)
        if entry is None or entry.count == 0:
            continue
        data = page.values(tag)
        if data and entry.kind not in _BIG_KINDS:
            found[tag] = (entry.kind, entry.count, data)
        else:
            odd.append(tag)
    return found


def _structure(order: str, own: Fields, sub: Mapping[int, Fields]) -> bytes:
    """A classic TIFF structure of these tags; the directories in `sub` hang from the tags that are their keys."""
    out = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 0))
    main = dict(own)
    for tag, fields in sub.items():
        main[tag] = (_LONG, 1, struct.pack(order + "I", len(out)))
        out += _directory(order, fields, len(out))
    struct.pack_into(order + "I", out, 4, len(out))
    out += _directory(order, main, len(out))
    return bytes(out)


def _directory(order: str, fields: Fields, at: int) -> bytes:
    """A directory that lies at this place, and behind it the values that do not fit into it."""
    entries, behind = struct.pack(order + "H", len(fields)), b""
    end = at + 2 + 12 * len(fields) + 4
    for tag, (kind, count, data) in sorted(fields.items()):
        entries += struct.pack(order + "HHI", tag, kind, count)
        if len(data) <= 4:
            entries += data.ljust(4, b"\0")
            continue
        entries += struct.pack(order + "I", end + len(behind))
        behind += data + bytes(len(data) % 2)
    return entries + bytes(4) + behind
