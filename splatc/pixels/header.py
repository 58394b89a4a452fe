"""What the header of a picture file says of its size, with no pixel decoded: for estimates of what a picture will take."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

import PIL.Image

from splatc.files import open_input
from splatc.pixels import deep, netpbm, pillow_source, tiff
from splatc.pixels.opening import open_surveyed
from splatc.pixels.source import explained

_CHANNELS = {
    "1": 1,
    "L": 1,
    "I": 1,
    "I;16": 1,
    "I;16B": 1,
    "I;16L": 1,
    "LA": 2,
    "La": 2,
    "RGB": 3,
    "YCbCr": 3,
    "CMYK": 3,
    "P": 3,
}


@dataclass(frozen=True)
class Extent:
    """A picture's size, no less than what it will have once it is decoded, but for a turn by EXIF."""

    width: int
    height: int
    """px, as they stand in the file"""
    channels: int
    bit_depth: int
    """8 or 16"""


def extent_of(path: str) -> Extent:
    """The size of the picture in a file. Raises InputError, InputImageError (not a picture) and LimitError."""
    with open_input(path) as stream, explained(path):
        seekable = stream if stream.seekable() else io.BytesIO(stream.read())
        head = seekable.read(4)
        seekable.seek(0)
        if tiff.is_tiff(head):
            layout = tiff.header_of(seekable)
            return Extent(layout.width, layout.height, layout.channels, layout.bit_depth)
        if netpbm.is_pam(head):
            pam = netpbm.read_header(seekable)
            return Extent(pam.width, pam.height, pam.channels, pam.bit_depth)
        picture = _opened(seekable)
        channels = _CHANNELS.get(picture.mode, 4)
        if picture.info.get("transparency") is not None and channels in (1, 3):
            channels += 1
        sixteen = picture.mode.startswith("I") or deep.is_deep_colour(picture)
        if picture.format == "PPM" and picture.mode == "RGB":
            sixteen = pillow_source.largest_sample(picture) > 255
        return Extent(*picture.size, channels, 16 if sixteen else 8)


def _opened(stream: BinaryIO) -> PIL.Image.Image:
    """The opened picture; a survey, which reads all of a file, only where its reader stumbles over something."""
    seekable = stream if stream.seekable() else io.BytesIO(stream.read())
    try:
        return pillow_source.open_header(seekable)
    except Exception:  # readers raise almost anything
        return open_surveyed(seekable)[1]
