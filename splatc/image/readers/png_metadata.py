"""What a PNG file says beside its pixels, wherever its chunks stand: EXIF, XMP, and how its colours are meant."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from splatc.image.readers import png_chunks
from splatc.image.readers.png_chunks import TEXTS, TooLongError
from splatc.image.readers.xmp import XMP_PREFIX
from splatc.runtime.arguments import EXIF_PREFIX

_XMP = b"XML:com.adobe.xmp"
_RAW = b"Raw profile type "  # what ImageMagick and exiftool wrote before there was a chunk for it
_RAW_CHUNKS = {b"exif": b"eXIf", b"APP1": b"eXIf", b"xmp": b"XMP", b"icc": b"iCCP", b"icm": b"iCCP"}
_LENGTHS = {b"cICP": 4, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1}


@dataclass
class PngMetadata:
    """Empty or None where a file says nothing; of several chunks of a kind, the first sound one."""

    exif: bytes = b""
    """A TIFF structure."""
    xmp: bytes = b""
    icc: bytes = b""
    """A colour profile."""
    cicp: tuple[int, int, int, int] | None = None
    """Primaries, transfer and matrix by their numbers in ITU-T H.273; 1 for the full range."""
    srgb: bool = False
    gamma: float | None = None
    """Exponent of the file's samples over light: 1 / 2.2, say."""
    chromaticities: tuple[float, ...] | None = None
    """x and y of white, red, green and blue."""


def kept_text(keyword: bytes) -> str:
    """What the text under a keyword is read as: ``XMP``, ``EXIF`` or ``the colour profile``; empty for one that is left out."""
    kind = (
        b"XMP" if keyword == _XMP else _RAW_CHUNKS.get(keyword.removeprefix(_RAW)) if keyword.startswith(_RAW) else None
    )
    return {None: "", b"XMP": "XMP", b"eXIf": "EXIF", b"iCCP": "the colour profile"}[kind]


def png_metadata(stream: BinaryIO) -> PngMetadata:
    """What the chunks before and behind the pixels say; damaged ones, and those too long to be kept, say nothing (png.py has the notes)."""
    said: dict[bytes, bytes] = {}
    raw: dict[bytes, bytes] = {}
    for chunk in png_chunks.chunks(stream):
        known = chunk.kind in (b"eXIf", b"iCCP", *TEXTS) or _LENGTHS.get(chunk.kind) == chunk.length
        if not known or chunk.kind in said:
            continue
        try:
            data = png_chunks.content(stream, chunk)
            if not png_chunks.is_sound(stream, chunk):
                continue
            if chunk.kind in TEXTS:
                _add_text(raw, chunk.kind, data)
            else:
                said[chunk.kind] = png_chunks.profile(data) if chunk.kind == b"iCCP" else data
        except (TooLongError, zlib.error):
            continue
    return _of(raw | {kind: data for kind, data in said.items() if data})


def _of(said: dict[bytes, bytes]) -> PngMetadata:
    result = PngMetadata(exif=said.get(b"eXIf", b""), xmp=said.get(b"XMP", b""), icc=said.get(b"iCCP", b""))
    if b"cICP" in said:
        primaries, transfer, matrix, full = said[b"cICP"]
        result.cicp = primaries, transfer, matrix, full
    result.srgb = b"sRGB" in said
    if b"gAMA" in said:
        result.gamma = struct.unpack(">I", said[b"gAMA"])[0] / 100000
    if b"cHRM" in said:
        result.chromaticities = tuple(value / 100000 for value in struct.unpack(">8I", said[b"cHRM"]))
    return result


def _add_text(raw: dict[bytes, bytes], kind: bytes, data: bytes) -> None:
    """XMP, or a profile as text. What stands there already stays."""
    keyword = png_chunks.keyword(data)
    if not kept_text(keyword):
        return
    profile = unwrapped(keyword, png_chunks.text(kind, data))
    if keyword == _XMP or profile.startswith(XMP_PREFIX):
        raw.setdefault(b"XMP", profile.removeprefix(XMP_PREFIX))
    else:
        raw.setdefault(_RAW_CHUNKS[keyword.removeprefix(_RAW)], profile.removeprefix(EXIF_PREFIX))


def unwrapped(keyword: bytes, value: bytes) -> bytes:
    """XMP as it is; of a raw profile its bytes: an empty line, its name, its length, hexadecimal digits in lines.

    Raises zlib.error for a raw profile that is something else.
    """
    if keyword == _XMP:
        return value
    found = re.fullmatch(rb"\s*\S+\s+\d+\s+([0-9A-Fa-f\s]*)\0*", value)
    try:
        return bytes.fromhex(found[1].decode("ascii") if found else "none")
    except ValueError as error:
        raise zlib.error("a raw profile without digits") from error
