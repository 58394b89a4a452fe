"""What the boxes of a JPEG 2000 file say beside its pixels (ISO/IEC 15444-1, annex I; 15444-2, annex M)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

from splatc.image.readers.boxes import boxes, content, within
from splatc.image.readers.xmp import XMP_PREFIX
from splatc.runtime.arguments import EXIF_PREFIX

EXIF = b"JpgTiffExif->JP2"
EXIF_OF_PHOTOSHOP = bytes.fromhex("0537cdab9d0c4431a72afa561f2a113e")
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_CODE_STREAM = b"\xff\x4f\xff\x51"  # its start, and SIZ directly behind it
_SIZ_BYTES = 43  # so far as the precision of the first channel


@dataclass
class Jp2Metadata:
    """Empty where the file says nothing; of several boxes of a kind, the first."""

    exif: bytes = b""
    """A TIFF structure."""
    xmp: bytes = b""
    colours: list[bytes] = field(default_factory=list)
    """The contents of its colour specification boxes, in order."""
    bits: int = 8
    """Per sample, of its first channel."""


def jp2_metadata(stream: BinaryIO) -> Jp2Metadata:
    """What a file says; of a code stream without boxes the bits per sample alone."""
    said = Jp2Metadata()
    stream.seek(0)
    head = stream.read(_SIZ_BYTES)
    if head[4:8] != b"jP  ":
        said.bits = _bits(head)
        return said
    for box in boxes(stream):
        if box.kind == b"jp2h":
            said.colours += [data for kind, data in within(content(stream, box)) if kind == b"colr"]
        elif box.kind == b"uuid":
            data = content(stream, box)
            name, data = data[:16], data[16:]
            if name in (EXIF, EXIF_OF_PHOTOSHOP):
                said.exif = said.exif or data.removeprefix(EXIF_PREFIX)
            elif name == XMP:
                said.xmp = said.xmp or data.removeprefix(XMP_PREFIX)
        elif box.kind == b"jp2c":
            said.bits = _bits(content(stream, box._replace(end=min(box.end, box.start + _SIZ_BYTES))))
        elif box.kind == b"xml ":
            data = content(stream, box)
            if b"adobe:ns:meta/" in data[:4096]:
                said.xmp = said.xmp or data
    return said


def _bits(code_stream: bytes) -> int:
    """Precision of the first channel, by the beginning of a code stream (15444-1, A.5.1); 8 where that cannot be found."""
    known = code_stream.startswith(_CODE_STREAM) and len(code_stream) >= _SIZ_BYTES
    return (code_stream[_SIZ_BYTES - 1] & 0x7F) + 1 if known else 8
