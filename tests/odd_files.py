"""Parts of picture files, to make odd ones of ordinary ones."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import PIL.Image

QUADRANTS = np.repeat(
    np.repeat(np.array([[[200, 40, 30], [30, 180, 60]], [[40, 60, 210], [220, 210, 50]]]), 24, 0), 32, 1
)
"""(48, 64, 3) of four colours."""
PICTURE = PIL.Image.fromarray(QUADRANTS.astype(np.uint8))


def saved(kind: str, picture: PIL.Image.Image = PICTURE, **options: Any) -> bytes:
    """A picture as Pillow writes it."""
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    """A segment of a JPEG file."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg_with(*segments: bytes, jfif: bool = True, behind: bytes = b"", **options: Any) -> bytes:
    """A JPEG file with further segments before its tables, and bytes behind its end."""
    plain = saved("JPEG", **options)
    start = 20 if jfif else 2
    return plain[:start] + b"".join(segments) + plain[20:] + behind


def chunk(kind: bytes, body: bytes, *, wrong: bool = False) -> bytes:
    """A chunk of a PNG file, with a `wrong` checksum or the right one."""
    crc = zlib.crc32(kind + body) ^ wrong
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def png_with(*chunks: bytes, late: bytes = b"", behind: bytes = b"", picture: PIL.Image.Image = PICTURE) -> bytes:
    """A PNG file with further chunks behind IHDR, before IEND (`late`), and bytes behind its end."""
    plain = saved("PNG", picture)
    return plain[:33] + b"".join(chunks) + plain[33:-12] + late + plain[-12:] + behind


def box(kind: bytes, body: bytes) -> bytes:
    """A box of an AVIF file."""
    return struct.pack(">I4s", len(body) + 8, kind) + body


def avif_with(*properties: bytes) -> bytes:
    """An AVIF file whose picture has further property boxes."""
    data = bytearray(saved("AVIF", quality=90))
    added = b"".join(properties)
    more = len(added) + len(properties)  # boxes, and a byte for each of them in the list of associations
    container, list_of = data.index(b"ipco") - 4, data.index(b"ipma") - 4
    (length,) = struct.unpack_from(">I", data, container)
    count = len(_children(data, container + 8, container + length))
    entries = list_of + 19  # size, type, version, number of entries, item, number of properties
    assert data[list_of + 15] == 1  # of one item
    last = entries + data[list_of + 18]
    numbers = range(count + 1, count + 1 + len(properties))
    data[last:last] = bytes(
        number | 0x80 * (each[4:8] == b"clap") for number, each in zip(numbers, properties, strict=True)
    )
    data[list_of + 18] += len(properties)
    data[container + length : container + length] = added
    sizes = {b"ipco": len(added), b"ipma": len(properties), b"iprp": more, b"meta": more}
    for kind, grown in sizes.items():
        at = data.index(kind) - 4
        struct.pack_into(">I", data, at, struct.unpack_from(">I", data, at)[0] + grown)
    locations = data.index(b"iloc") + 4
    assert data[locations] == 0
    at = locations + 8 + 6  # the first extent of the first item, offsets of 4 bytes
    struct.pack_into(">I", data, at, struct.unpack_from(">I", data, at)[0] + more)
    return bytes(data)


def _children(data: bytes | bytearray, start: int, end: int) -> list[int]:
    found = []
    while start < end:
        found.append(start)
        start += struct.unpack_from(">I", data, start)[0]
    return found
