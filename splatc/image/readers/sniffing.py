"""What a picture file is: what to call it, why it is refused, what of it is left out. Reads headers only."""

from __future__ import annotations

from typing import BinaryIO

import PIL.Image

from splatc.errors import InputImageError
from splatc.image.readers import cicp
from splatc.image.readers.avif_metadata import avif_metadata
from splatc.image.readers.file_metadata import transfer_of
from splatc.image.readers.jp2_metadata import jp2_metadata
from splatc.image.readers.sixteen_bit import is_16_bit_colour, raw_mode
from splatc.image.readers.tiff.pages import RAW

_MODES = {
    "1": "bilevel",
    "L": "gray",
    "LA": "gray and alpha",
    "P": "palette",
    "PA": "palette",
    "I;16": "16-bit gray",
    "I;16B": "16-bit gray",
}
_HDR = "HDR pictures of floating-point samples ({}) are not supported: tone-map the picture to 8 or 16 bits per sample first"
_REFUSED = {
    b"\x76\x2f\x31\x01": _HDR.format("OpenEXR"),
    b"#?RADIANCE": _HDR.format("Radiance"),
    b"#?RGBE": _HDR.format("Radiance"),
    b"PF\n": _HDR.format("PFM"),
    b"Pf\n": _HDR.format("PFM"),
}


def refuse_by_first_bytes(head: bytes) -> None:
    """Raises InputImageError for files that are pictures, but of no kind that splatc codes. `head`: their first 16 bytes."""
    for magic, reason in _REFUSED.items():
        if head.startswith(magic):
            raise InputImageError(reason)
    if head[:2] == b"\xff\x0a" or head[4:8] == b"JXL ":
        raise InputImageError("JPEG XL pictures are not supported: convert the picture to PNG or JPEG")
    if head[:4] in (b"II*\0", b"MM\0*") and head[8:10] == b"CR":
        raise InputImageError(RAW)


def refuse_by_header(picture: PIL.Image.Image, stream: BinaryIO) -> None:
    """Raises InputImageError for an opened picture that Pillow reads, but not for what it is."""
    hdr = cicp.HDR.get(transfer_of(picture, stream))
    if hdr:
        raise InputImageError(f"HDR pictures ({hdr}) are not supported: tone-map the picture to SDR first")
    if picture.mode == "F":
        raise InputImageError(_HDR.format(str(picture.format)))
    depth = _dropped_depth(picture, stream)
    if picture.format == "JPEG2000" and depth > 8:  # in Pillow white turns to black: it rounds beyond 255
        raise InputImageError(
            f"JPEG 2000 of {depth} bits per sample is not supported: convert it to 16-bit TIFF or PNG"
        )


def describe(picture: PIL.Image.Image) -> str:
    """For people: ``PNG, palette``."""
    kind = f"{raw_mode(picture).partition(';')[0].upper()}, 16 bits" if is_16_bit_colour(picture) else picture.mode
    return f"{picture.format}, {_MODES.get(picture.mode, kind)}"


def losses(picture: PIL.Image.Image, stream: BinaryIO) -> tuple[str, ...]:
    """Sentences about what the pixels do not carry over."""
    notes = []
    if picture.format in ("AVIF", "TIFF") and getattr(picture, "is_animated", False):  # others: survey.py
        notes.append(f"only the first of {getattr(picture, 'n_frames', 'several')} frames is coded")
    depth = _dropped_depth(picture, stream)
    if depth > 8:
        notes.append(f"{depth} bits per sample are read as 8")
    return tuple(notes)


def _dropped_depth(picture: PIL.Image.Image, stream: BinaryIO) -> int:
    """Bits per sample of a file whose further bits Pillow drops without a word; 8 where it drops none or the depth cannot be found."""
    if picture.format not in ("AVIF", "JPEG2000") or picture.mode.startswith("I"):
        return 8
    return avif_metadata(stream).bits if picture.format == "AVIF" else jp2_metadata(stream).bits
