"""Colour of 16 bits per sample through Pillow, which keeps 8 of them.

Pillow unpacks such samples by a "raw mode" that takes either the first or the second byte of each (``RGB;16B``, ``RGB;16L``). So a file is
decoded twice, once for the high and once for the low bytes, with every compression, interlace and byte order that Pillow knows; a reader
of our own would know fewer. The raw mode stands in the tile list of a picture that is opened but not loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import PIL.Image
import PIL.ImageFile
from numpy.typing import NDArray

from splatc.errors import InputImageError
from splatc.image.readers.orientation import load_turned
from splatc.image.readers.premultiplied import divided

_FIRST_IS_HIGH = {"B": True, "L": False, "N": sys.byteorder == "big"}
ADVICE = "convert the picture to an interleaved 16-bit TIFF or to PNG, or install splatc[uhr]"


def raw_mode(picture: PIL.Image.Image) -> str:
    """How Pillow means to unpack the samples of an opened picture; empty where it does not say."""
    tiles = picture.tile if isinstance(picture, PIL.ImageFile.ImageFile) else []
    if not tiles:
        return ""
    arguments = tiles[0].args
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def is_16_bit_colour(picture: PIL.Image.Image) -> bool:
    """Whether Pillow would cut the samples of this opened picture from 16 to 8 bits."""
    raw = raw_mode(picture)  # BGR;16 is a whole pixel of 16 bits
    return ";16" in raw and raw != "BGR;16" and not picture.mode.startswith("I") and picture.mode != "CMYK"


def rows_of(picture: PIL.Image.Image, top: int, bottom: int) -> PIL.Image.Image:
    """These rows. Pillow's own `crop` asks its limit, which is one for all threads, and takes no more than that."""
    return picture._new(picture.im.crop((0, top, picture.width, bottom)))


@dataclass(frozen=True)
class SixteenBitPicture:
    """High and low bytes of the samples, as two Pillow pictures of one kind."""

    high: PIL.Image.Image
    low: PIL.Image.Image
    kind: str
    """What the samples are: RGB, RGBX, RGBA, RGBa (premultiplied) or LA."""
    clear: tuple[int, ...] | None
    """PNG: the one colour that is transparent."""

    @property
    def channels(self) -> int:
        if self.kind == "LA":
            return 2
        return 4 if self.kind in ("RGBA", "RGBa") or self.clear else 3

    def rows(self, top: int, bottom: int) -> NDArray[np.uint16]:
        """(bottom - top, W, C) samples."""
        high, low = (np.asarray(rows_of(each, top, bottom)) for each in (self.high, self.low))
        if self.kind == "LA":  # both pictures hold gray high, gray low, alpha high, alpha low
            high, low = high[..., ::2], high[..., 1::2]
        samples: NDArray[np.uint16] = high.astype(np.uint16) << 8 | low
        if self.kind == "RGBa":
            samples[..., :3] = divided(samples)
        if self.clear:
            opaque = (samples != np.array(self.clear, np.uint16)).any(axis=-1, keepdims=True)
            samples = np.concatenate([samples, opaque * np.uint16(65535)], axis=-1)
        return samples


def open_16_bit(
    stream: BinaryIO, open_header: Callable[[BinaryIO], PIL.Image.Image], orientation: int
) -> SixteenBitPicture:
    """Decode a picture for which is_16_bit_colour holds, and turn it.

    Raises InputImageError for an arrangement that Pillow cannot unpack twice.
    """
    pictures = []
    for byte in ("B", "L"):
        picture = open_header(stream)
        kind, _, order = raw_mode(picture).partition(";16")
        _unpack(picture, kind, byte)
        pictures.append(load_turned(picture, orientation))
    high, low = pictures if _FIRST_IS_HIGH[order] else pictures[::-1]
    return SixteenBitPicture(high, low, kind, high.info.get("transparency"))


def _unpack(picture: PIL.Image.Image, kind: str, byte: str) -> None:
    """Let Pillow take the first (B) or the second (L) byte of each sample, whatever the order of bytes in the file."""
    assert isinstance(picture, PIL.ImageFile.ImageFile)
    target = {"RGB": "RGB", "RGBX": "RGBX", "RGBA": "RGBA", "RGBa": "RGBA"}.get(kind)
    raw = "RGBA" if kind == "LA" else f"{target};16{byte}"
    boxes = {tile.extents for tile in picture.tile}
    if (target is None and kind != "LA") or len(boxes) < len(picture.tile):  # one plane for each channel
        raise InputImageError(f"16-bit colour stored in this way is not supported: {ADVICE}")
    picture.tile = [
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw) for tile in picture.tile
    ]
