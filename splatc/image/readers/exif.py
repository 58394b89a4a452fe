"""The TIFF structure of an EXIF block: a few of its fields read, and changed in place.

Nothing moves: makers' notes hold offsets of unknown meaning. Sources: TIFF revision 6.0; Exif 2.32; the types of BigTIFF.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

ORIENTATION = 0x0112
EXIF_IFD, GPS_IFD, INTEROPERABILITY_IFD = 0x8769, 0x8825, 0xA005
_SUB_DIRECTORIES = (EXIF_IFD, GPS_IFD, INTEROPERABILITY_IFD)
_STRIPS, _STRIP_BYTES, _JPEG, _JPEG_BYTES = 0x0111, 0x0117, 0x0201, 0x0202  # where a thumbnail lies
_MOST = 1 << 16
"""Values of a field that is looked at."""
_NAMES = {1: "B", 2: "c", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I"}
_NAMES |= {16: "Q", 17: "q", 18: "Q"}
"""By a field's type, what struct calls one value."""


class ExifField(NamedTuple):
    """An entry of a directory."""

    tag: int
    kind: int
    values: int
    """How many there are."""
    offset: int
    """Where its values stand."""
    size: int
    """Bytes of its values."""


def is_exif(data: bytes) -> bool:
    """Whether this begins as a TIFF structure does."""
    return data[:4] in (b"II*\0", b"MM\0*")


def order(exif: bytes | bytearray) -> str:
    """The byte order, as struct writes it."""
    return "<" if exif[:2] == b"II" else ">"


def fields(exif: bytes | bytearray, directory: int) -> Iterator[ExifField]:
    """The fields of the directory at an offset whose values lie within the structure; unknown types are passed over."""
    sign = order(exif)
    (count,) = _unpacked(sign + "H", exif, directory) or (0,)
    for entry in range(directory + 2, min(directory + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind, values = struct.unpack_from(sign + "HHI", exif, entry)
        if kind not in _NAMES:
            continue
        size = struct.calcsize("=" + _NAMES[kind]) * values
        offset = entry + 8 if size <= 4 else struct.unpack_from(sign + "I", exif, entry + 8)[0]
        if 0 < size <= len(exif) - offset:
            yield ExifField(tag, kind, values, offset, size)


def first_directory(exif: bytes | bytearray) -> int:
    """Where the first directory stands; beyond the end if that cannot be found."""
    (at,) = _unpacked(order(exif) + "I", exif, 4) or (len(exif),)
    return int(at)


def find(exif: bytes | bytearray, tag: int, directory: int | None = None) -> ExifField | None:
    """The first field with a tag in a directory, the first one by default; None if there is none."""
    at = first_directory(exif) if directory is None else directory
    return next((field for field in fields(exif, at) if field.tag == tag), None)


def numbers(exif: bytes | bytearray, field: ExifField | None) -> tuple[float, ...]:
    """The values of a field of numbers, or of digits as text; nothing where they are none, or a fraction has no denominator."""
    if field is None or field.values > _MOST:
        return ()
    name = _NAMES[field.kind]
    if field.kind == 2:
        digits = bytes(exif[field.offset : field.offset + field.size]).rstrip(b"\0 ").strip()
        return (float(digits),) if digits.isdigit() and len(digits) < 10 else ()
    values = struct.unpack_from(f"{order(exif)}{field.values * len(name)}{name[0]}", exif, field.offset)
    if len(name) == 1:
        return values if all(map(math.isfinite, values)) else ()
    if not all(values[1::2]):
        return ()
    return tuple(above / below for above, below in zip(values[::2], values[1::2], strict=True))


def orientation(exif: bytes) -> int | None:
    """The orientation as it stands in the first directory, in whatever type of number; None if there is none.

    What is no whole number of 1 to 8 means 1: as the pixels lie. Of several numbers the first counts.
    """
    field = find(exif, ORIENTATION)
    if field is None:
        return None
    values = numbers(exif, field)
    return int(values[0]) if values and values[0] in range(1, 9) else 1


def with_orientation_1(exif: bytes) -> bytes:
    """The same structure, whose orientation is 1, in the type of number that it has."""
    field = find(exif, ORIENTATION)
    if field is None:
        return exif
    changed = bytearray(exif)
    if field.kind == 2:
        changed[field.offset : field.offset + field.size] = b"1".ljust(field.size, b"\0")
    else:
        name = _NAMES[field.kind]
        struct.pack_into(order(exif) + name, changed, field.offset, *(1,) * len(name))
    return bytes(changed)


def without_thumbnail(exif: bytes) -> bytes:
    """The same structure without its second directory and the small picture there; what else it has stays where it is."""
    first = first_directory(exif)
    (count,) = _unpacked(order(exif) + "H", exif, first) or (0,)
    link = first + 2 + 12 * count
    (second,) = _unpacked(order(exif) + "I", exif, link) or (0,)
    if not second:
        return exif
    gone = np.zeros(len(exif), bool)
    for start, end in _merged([*_extents(exif, second), *_thumbnail(exif, second)]):
        gone[start:end] = True
    for start, end in _merged([(0, 8), *(each for at in _directories(exif, first) for each in _extents(exif, at))]):
        gone[start:end] = False
    changed = np.frombuffer(exif, np.uint8).copy()
    changed[link : link + 4] = 0
    changed[gone] = 0
    stays = np.flatnonzero(~gone)
    return changed[: int(stays[-1]) + 1].tobytes()


def _directories(exif: bytes, first: int) -> list[int]:
    """The first directory and those that it names, each once."""
    found = [first]
    for directory in found:
        inner = (numbers(exif, field) for field in fields(exif, directory) if _is_pointer(field))
        found += {int(values[0]) for values in inner if values} - set(found)
    return found


def _is_pointer(field: ExifField) -> bool:
    return field.tag in _SUB_DIRECTORIES and field.values == 1


def _extents(exif: bytes, directory: int) -> list[tuple[int, int]]:
    """(start, end) of a directory and of its values."""
    (count,) = _unpacked(order(exif) + "H", exif, directory) or (0,)
    values = [(field.offset, field.offset + field.size) for field in fields(exif, directory)]
    return [(directory, directory + 2 + 12 * count + 4), *values]


def _merged(extents: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same without overlaps: a structure may name the same megabytes thousands of times."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(each for each in extents if 0 <= each[0] < each[1]):
        if result and start <= result[-1][1]:
            result[-1] = result[-1][0], max(end, result[-1][1])
        else:
            result.append((start, end))
    return result


def _thumbnail(exif: bytes, directory: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each piece of a thumbnail, as JPEG or as strips of samples."""
    for starts, lengths in ((_JPEG, _JPEG_BYTES), (_STRIPS, _STRIP_BYTES)):
        pieces = (numbers(exif, find(exif, tag, directory)) for tag in (starts, lengths))
        yield from ((int(start), int(start + length)) for start, length in zip(*pieces, strict=False) if start >= 0)


def _unpacked(name: str, data: bytes | bytearray, at: int) -> tuple[int, ...] | None:
    """struct.unpack_from, or None beyond the end."""
    return struct.unpack_from(name, data, at) if 0 <= at <= len(data) - struct.calcsize(name) else None
