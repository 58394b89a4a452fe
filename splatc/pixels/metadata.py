"""What a picture carries beside its pixels: the colour profile, EXIF and XMP, as bytes that only pass through.

One thing is changed in them: the pixels come in as they are shown, so the orientation that EXIF and XMP tell is set to "as it is". That
is done in place, byte for byte: writing EXIF anew would break the makers' notes, whose offsets nobody knows.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import Any

import PIL.Image

from splatc.bitstream import Metadata
from splatc.bitstream.metadata import write
from splatc.pixels.tiff_exif import exif_of_tiff

_PREFIX = b"Exif\0\0"  # of JPEG's APP1 segment; PNG, WebP, TIFF and we store what follows it
_ORIENTATION = 0x0112
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>)\s*)([1-8])")
_JPEG_SEGMENT = 65533  # bytes that one segment holds
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
JPEG_EXIF, JPEG_XMP = _JPEG_SEGMENT - len(_PREFIX), _JPEG_SEGMENT - len(_JPEG_XMP)
"""Bytes of EXIF and of XMP that a JPEG file holds."""
_PNG_XMP = b"XML:com.adobe.xmp\0\0\0\0\0"  # keyword, neither compressed nor translated


def exif_of(picture: PIL.Image.Image) -> bytes:
    """The EXIF of an opened picture as a TIFF structure, empty if there is none. Reads no pixels."""
    raw = picture.info.get("exif", b"")
    if not raw and isinstance(text := picture.info.get("Raw profile type exif"), str):  # ImageMagick's, in PNG text
        try:
            raw = bytes.fromhex("".join(text.split("\n")[3:]))
        except ValueError:
            raw = b""
    if picture.format == "TIFF":
        raw, _ = exif_of_tiff(picture)
    raw = raw.removeprefix(_PREFIX) if isinstance(raw, bytes) else b""
    return raw if raw[:4] in (b"II*\0", b"MM\0*") else b""


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


def orientation_of(exif: bytes, xmp: bytes) -> int:
    """How the stored pixels are to be turned, 1..8 as EXIF counts; 1 (as they are) where nothing valid is told."""
    at = _orientation_offset(exif)
    if at is not None:
        (value,) = struct.unpack_from(_byte_order(exif) + "H", exif, at)
        return int(value) if 1 <= value <= 8 else 1
    told = _XMP_ORIENTATION.search(xmp)
    return int(told[2]) if told else 1


def upright(exif: bytes, xmp: bytes) -> tuple[bytes, bytes]:
    """Both, telling that the pixels lie as they are shown."""
    at = _orientation_offset(exif)
    if at is not None:
        exif = exif[:at] + struct.pack(_byte_order(exif) + "H", 1) + exif[at + 2 :]
    return exif, _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)


def _byte_order(exif: bytes) -> str:
    return "<" if exif.startswith(b"II") else ">"


def _orientation_offset(exif: bytes) -> int | None:
    """Where in the first directory of a TIFF structure the value of the orientation stands."""
    order = _byte_order(exif)
    try:
        (directory,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, values = struct.unpack_from(order + "HHI", exif, entry)
            if tag == _ORIENTATION and kind == 3 and values == 1 and entry + 12 <= len(exif):
                return entry + 8
    except struct.error:  # truncated: whoever wrote it lives with it
        pass
    return None


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
