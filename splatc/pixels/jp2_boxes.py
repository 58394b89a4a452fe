"""What the boxes of a JPEG 2000 file say beside its pixels (ISO/IEC 15444-1, annex I; 15444-2, annex M)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

from splatc.pixels.boxes import boxes, content, within

EXIF = b"JpgTiffExif->JP2"
EXIF_OF_PHOTOSHOP = bytes.fromhex("0537cdab9d0c4431a72afa561f2a113e")
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_JPEG_EXIF = b"Exif\0\0"
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"


@dataclass
class Jp2Metadata:
    """Empty where the file says nothing; of several boxes of a kind, the first."""

    exif: bytes = b""
    """A TIFF structure."""
    xmp: bytes = b""
    colours: list[bytes] = field(default_factory=list)
    """The contents of its colour specification boxes, in order."""


def jp2_metadata(stream: BinaryIO) -> Jp2Metadata:
    """What a file says; nothing for a code stream without boxes."""
    said = Jp2Metadata()
    stream.seek(0)
    if stream.read(12)[4:8] != b"jP  ":
        return said
    for box in boxes(stream):
        if box.kind == b"jp2h":
            said.colours += [data for kind, data in within(content(stream, box)) if kind == b"colr"]
        elif box.kind == b"uuid":
            data = content(stream, box)
            name, data = data[:16], data[16:]
            if name in (EXIF, EXIF_OF_PHOTOSHOP):
                said.exif = said.exif or data.removeprefix(_JPEG_EXIF)
            elif name == XMP:
                said.xmp = said.xmp or data.removeprefix(_JPEG_XMP)
        elif box.kind == b"xml ":
            data = content(stream, box)
            if b"adobe:ns:meta/" in data[:4096]:
                said.xmp = said.xmp or data
    return said
