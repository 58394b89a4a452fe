"""What stands in a picture file beside its pixels, found by walking through its parts: what is left out of it, and what is damaged.

Readers look at more than they need: a checksum in a comment, a text that is too long, an index of further pictures stops them. So each type
of file has a module (jpeg.py, png.py, ...) that knows its parts and nothing of its pixels. It hands on the parts that pixels need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from splatc.image.readers import avif, bmp, gif, jp2, jpeg, png, pnm, tga, webp
from splatc.image.readers.found import Found

HEAD = 32
"""Bytes by which a type is known."""


@dataclass(frozen=True)
class _Type:
    begins: Callable[[bytes], bool]
    """Whether these first HEAD bytes are of this type."""
    survey: Callable[[BinaryIO], Found]


_TYPES = (
    _Type(lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), png.survey),
    _Type(lambda head: head.startswith(b"\xff\xd8\xff"), jpeg.survey),
    _Type(lambda head: head.startswith((b"GIF87a", b"GIF89a")), gif.survey),
    _Type(lambda head: head.startswith(b"BM"), bmp.survey),
    _Type(lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", webp.survey),
    _Type(lambda head: head[4:8] == b"ftyp", avif.survey),
    _Type(lambda head: head.startswith(jp2.SIGNATURE), jp2.survey),
    _Type(lambda head: head.startswith(jp2.CODESTREAM), jp2.survey_codestream),
    _Type(pnm.begins, pnm.survey),
    _Type(tga.begins, tga.survey),  # the last: it has no magic number
)


def survey(stream: BinaryIO) -> Found:
    """What is found in a seekable stream; the stream itself and no notes for types that have no module here.

    Raises InputImageError for a file whose damage concerns its pixels, or whose type of coding no reader here knows.
    """
    stream.seek(0)
    head = stream.read(HEAD)
    for each in _TYPES:
        if each.begins(head):
            return each.survey(stream)
    return Found(stream)
