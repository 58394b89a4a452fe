"""The header and the footer of a TGA file (Truevision TGA, version 2.0): what its alpha channel is, and its texts."""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np
import PIL.Image

from splatc.image.readers.found import Found
from splatc.image.readers.premultiplied import divided
from splatc.image.readers.splice import spliced

_TYPES = {1, 2, 3, 9, 10, 11}
_DEPTHS = {1, 8, 15, 16, 24, 32}
_FOOTER = b"TRUEVISION-XFILE.\0"
_ALPHA_TYPE = 494
"""Where the extension area says what its alpha channel is: 3 alpha, 4 premultiplied, others none."""


def begins(head: bytes) -> bool:
    """Whether these may be the first bytes of a TGA file, which has no magic number; others are asked before."""
    return len(head) >= 18 and head[1] in (0, 1) and head[2] in _TYPES and head[16] in _DEPTHS and head[17] >> 6 == 0


def survey(stream: BinaryIO) -> Found:
    """See survey.survey."""
    stream.seek(0)
    head = stream.read(18)
    notes = ["the image ID is left out"] if head[0] and stream.read(head[0]).strip(b"\0 ") else []
    end = stream.seek(0, 2)
    alpha_type = 3
    if end >= 44:
        stream.seek(end - 26)
        extension, developer, name = struct.unpack("<II18s", stream.read(26))
        if name == _FOOTER:
            if 0 < extension < end - 26:
                stream.seek(extension)
                area = stream.read(_ALPHA_TYPE + 1)
                alpha_type = area[_ALPHA_TYPE] if len(area) > _ALPHA_TYPE else 3
                if area[2:].strip(b"\0 "):
                    notes.append("the TGA extension area (author, comments, dates and the like) is left out")
            if developer:
                notes.append("the TGA developer area is left out")
    bits = head[17] & 0x0F
    opaque = bits == 0 or alpha_type not in (3, 4) or head[16] == 15
    if head[16] == 15 and head[2] in (2, 10):  # stored as 16 bits are, of which readers know
        stream = spliced(stream, [head[:16] + b"\x10" + head[17:], (18, end)])
    arranged = _straight if alpha_type == 4 and not opaque else None
    return Found(stream, tuple(notes), opaque=opaque, doubtful=True, arranged=arranged)


def _straight(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Of colours that are stored multiplied by alpha."""
    if picture.mode not in ("LA", "RGBA"):  # a palette with alpha
        picture = picture.convert("RGBA")
    pixels = np.array(picture)
    pixels[..., :-1] = divided(pixels)
    return PIL.Image.fromarray(pixels)
