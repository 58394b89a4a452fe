"""What a picture carries beside its pixels: the colour profile, EXIF and XMP, as bytes that only pass through.

Only what they say of the orientation changes (splatc/pixels/orientation.py).
"""

from __future__ import annotations

import zlib
from typing import Any

import PIL.Image

from splatc.bitstream import Metadata
from splatc.bitstream.metadata import write

_PREFIX = b"Exif\0\0"  # of JPEG's APP1 segment; PNG, WebP, TIFF and we store what follows it
_JPEG_SEGMENT = 65533  # bytes that one segment holds
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
JPEG_EXIF, JPEG_XMP = _JPEG_SEGMENT - len(_PREFIX), _JPEG_SEGMENT - len(_JPEG_XMP)
"""Bytes of EXIF and of XMP that a JPEG file holds."""
_PNG_XMP = b"XML:com.adobe.xmp\0\0\0\0\0"  # keyword, neither compressed nor translated


def exif_of(picture: PIL.Image.Image) -> bytes:
    """The EXIF of an opened picture without its prefix, empty if there is none. Reads no pixels."""
    raw = picture.info.get("exif", b"")
    return raw.removeprefix(_PREFIX) if isinstance(raw, bytes) else b""


def is_exif(data: bytes) -> bool:
    """Whether this begins as a TIFF structure does."""
    return data[:4] in (b"II*\0", b"MM\0*")


def xmp_of(picture: PIL.Image.Image) -> bytes:
    """The XMP packet of an opened picture, empty if there is none."""
    packet = picture.info.get("xmp", b"")
    return packet.encode() if isinstance(packet, str) else bytes(packet)


def kinds(metadata: Metadata) -> str:
    """What there is of it, for people: ``colour profile and EXIF``."""
    names = {"colour profile": metadata.icc, "EXIF": metadata.exif, "XMP": metadata.xmp}
    *most, last = [name for name, content in names.items() if content] or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last


def metadata_bytes(metadata: Metadata) -> int:
    """What it takes in a ``.splat2d`` file, without the framing of its chunks. Raises LimitError if a part is too long for one."""
    return sum(len(payload) for _, payload in write(metadata))


def pillow_options(metadata: Metadata, name: str) -> dict[str, Any]:
    """The arguments of Pillow's ``save`` that write metadata into a file of the type `name`: JPEG or WEBP, others hold none.

    What a type cannot hold is left out: EXIF and XMP beyond 64 kB in JPEG, the profile of gray in WebP, which is always RGB.
    """
    if name not in ("JPEG", "WEBP"):
        return {}
    options: dict[str, Any] = {}
    if metadata.icc and not (name == "WEBP" and metadata.icc[16:20] == b"GRAY"):
        options["icc_profile"] = metadata.icc
    if metadata.exif and not (name == "JPEG" and len(metadata.exif) > JPEG_EXIF):
        options["exif"] = _PREFIX + metadata.exif
    if metadata.xmp and not (name == "JPEG" and len(metadata.xmp) > JPEG_XMP):
        options["xmp"] = metadata.xmp
    return options


def png_chunks(metadata: Metadata) -> list[tuple[bytes, bytes]]:
    """Metadata as PNG chunks (type, data), to stand between IHDR and the first IDAT."""
    chunks = []
    if metadata.icc:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.exif:
        chunks.append((b"eXIf", metadata.exif))
    if metadata.xmp:
        chunks.append((b"iTXt", _PNG_XMP + metadata.xmp))
    return chunks
