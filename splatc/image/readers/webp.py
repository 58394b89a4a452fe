"""The chunks of a WebP file (RFC 9649): the size of its canvas, for which its reader takes memory at once, and what is left out."""

from __future__ import annotations

import struct
from typing import BinaryIO

from splatc.image.readers.found import Found, listed

_READ = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "}


def survey(stream: BinaryIO) -> Found:
    """See survey.survey."""
    stream.seek(0)
    head = stream.read(30)
    end = stream.seek(0, 2)
    frames, others, at = 0, [], 12
    while at + 8 <= end:
        stream.seek(at)
        kind, length = struct.unpack("<4sI", stream.read(8))
        frames += kind == b"ANMF"
        if kind not in _READ:
            others.append(kind.decode("latin-1").strip())
        at += 8 + length + length % 2
        if len(others) > 100:  # not the chunks of a picture
            break
    notes = [f"only the first of {frames} frames is coded"] if frames > 1 else []
    notes += [f"WebP chunks are left out: {listed(others)}"] if others else []
    return Found(stream, tuple(notes), size=_canvas(head))


def _canvas(head: bytes) -> tuple[int, int] | None:
    if len(head) < 30:
        return None
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
        return width + 1, height + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
