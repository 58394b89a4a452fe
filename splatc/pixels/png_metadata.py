"""What a PNG file says beside its pixels, wherever its chunks stand: EXIF, XMP, and how its colours are meant."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from splatc.pixels import png_chunks

_XMP = b"XML:com.adobe.xmp"
_RAW = b"Raw profile type "  # what ImageMagick and exiftool wrote before there was a chunk for it
_JPEG_EXIF = b"Exif\0\0"
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
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


def png_metadata(stream: BinaryIO) -> PngMetadata:
    """What the chunks before and behind the pixels say; damaged ones say nothing."""
    said: dict[bytes, bytes] = {}
    profiles: dict[bytes, bytes] = {}
    for chunk in png_chunks.chunks(stream):
        known = chunk.kind in (b"eXIf", b"iCCP", *_TEXTS) or _LENGTHS.get(chunk.kind) == chunk.length
        if not known or chunk.kind in said:
            continue
        data = png_chunks.content(stream, chunk)
        if data is None:
            continue
        if chunk.kind not in _TEXTS:
            said[chunk.kind] = data
        elif text := png_chunks.text(chunk.kind, data):
            keyword, value = text
            if keyword == _XMP:
                profiles.setdefault(b"xmp", value)
            elif keyword.startswith(_RAW):
                _add_raw(profiles, keyword.removeprefix(_RAW), value)
    return _of(said, profiles)


def _of(said: dict[bytes, bytes], profiles: dict[bytes, bytes]) -> PngMetadata:
    result = PngMetadata(exif=said.get(b"eXIf") or profiles.get(b"exif", b""), xmp=profiles.get(b"xmp", b""))
    packed = said.get(b"iCCP", b"").partition(b"\0")[2]
    result.icc = (png_chunks.inflated(packed[1:]) if packed[:1] == b"\0" else None) or profiles.get(b"icc", b"")
    if b"cICP" in said:
        primaries, transfer, matrix, full = said[b"cICP"]
        result.cicp = primaries, transfer, matrix, full
    result.srgb = b"sRGB" in said
    if b"gAMA" in said:
        result.gamma = struct.unpack(">I", said[b"gAMA"])[0] / 100000
    if b"cHRM" in said:
        result.chromaticities = tuple(value / 100000 for value in struct.unpack(">8I", said[b"cHRM"]))
    return result


def _add_raw(profiles: dict[bytes, bytes], name: bytes, value: bytes) -> None:
    """A profile as text: an empty line, its name, its length, hexadecimal digits in lines. What stands there already stays."""
    found = re.fullmatch(rb"\s*\S+\s+\d+\s+([0-9A-Fa-f\s]*)\0*", value)
    if not found:
        return
    try:
        data = bytes.fromhex(found[1].decode("ascii"))
    except ValueError:
        return
    kind = {b"exif": b"exif", b"APP1": b"exif", b"xmp": b"xmp", b"icc": b"icc", b"icm": b"icc"}.get(name)
    if data.startswith(_JPEG_XMP):
        kind, data = b"xmp", data.removeprefix(_JPEG_XMP)
    if kind:
        profiles.setdefault(kind, data.removeprefix(_JPEG_EXIF))
