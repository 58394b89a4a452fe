"""The size of a picture that is opened but not decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import PIL.Image

from splatc.image.readers import pillow_source, sixteen_bit

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


class Sized(Protocol):
    """What a reader of a header of its own says of a picture."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def bit_depth(self) -> int: ...


def stated_extent(header: Sized) -> Extent:
    """The size by such a header."""
    return Extent(header.width, header.height, header.channels, header.bit_depth)


def extent(picture: PIL.Image.Image) -> Extent:
    """The size of an opened picture."""
    channels = _CHANNELS.get(picture.mode, 4)
    if picture.info.get("transparency") is not None and channels in (1, 3):
        channels += 1
    sixteen = picture.mode.startswith("I") or sixteen_bit.is_16_bit_colour(picture)
    if picture.format == "PPM" and picture.mode == "RGB":
        sixteen = pillow_source.largest_sample(picture) > 255
    return Extent(*picture.size, channels, 16 if sixteen else 8)
