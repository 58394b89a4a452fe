"""Pictures through Pillow: every type that splatc reads, decoded whole, converted strip by strip."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
import PIL.Image

from splatc.errors import InputImageError
from splatc.image.image import Samples
from splatc.image.readers import sixteen_bit
from splatc.image.readers.colour import cmyk_to_rgb
from splatc.image.readers.netpbm import reader
from splatc.image.readers.orientation import load_turned

# Only formats that Pillow decodes by itself: others start programs (EPS) or are no pictures (HDF5).
READABLE = ("PNG", "JPEG", "WEBP", "AVIF", "JPEG2000", "TIFF", "PPM", "BMP", "GIF", "TGA", "QOI")
ROWS = 512
"""Rows of a strip."""

Reader = Callable[[int, int], Samples]
"""(top, bottom) -> these rows, (bottom - top, W, C)."""


def open_header(stream: BinaryIO) -> PIL.Image.Image:
    """A picture whose pixels are not decoded yet, of any size: Pillow's limit is one for all threads, ours is opening.py's.

    Raises PIL.UnidentifiedImageError, InputImageError for a damaged header, and whatever else Pillow raises.
    """
    PIL.Image.init()  # else a format whose plugin is not loaded yet, or not built, is missing
    stream.seek(0)
    head = stream.read(16)
    reason = ""
    for name in formats():
        make, accepts = PIL.Image.OPEN[name]
        if accepts is not None and accepts(head) in (False, None):
            continue
        stream.seek(0)
        try:
            return make(stream, "")
        except (
            SyntaxError,
            IndexError,
            TypeError,
            struct.error,
        ) as error:  # what readers raise of files that are not theirs
            reason = reason or (f"{name}, {error}" if accepts is not None else "")
    if reason:
        raise InputImageError(f"damaged picture, or of a kind that is not supported: {' '.join(reason.split())}")
    raise PIL.UnidentifiedImageError


def formats() -> list[str]:
    """Those of READABLE that this Pillow was built with."""
    return [name for name in READABLE if name in PIL.Image.OPEN]


def decode(
    picture: PIL.Image.Image,
    stream: BinaryIO,
    orientation: int = 1,
    profile: bytes = b"",
    *,
    opaque: bool = False,
    arranged: Callable[[PIL.Image.Image], PIL.Image.Image] | None = None,
) -> tuple[tuple[int, int], int, int, Reader, tuple[str, ...]]:
    """Size, channels, bits per sample and the reader of an opened picture, turned as it is shown; and what to say of it.

    `orientation`: how it is turned, 1..8 as EXIF counts; `profile`: of CMYK; `opaque`: what looks like its alpha channel is none;
    `arranged` makes the channels that are meant of those that are decoded.
    """
    if _binary_pnm(picture):
        maximum, channels = largest_sample(picture), 3 if picture.mode == "RGB" else 1
        offset = picture.tile[0].offset  # type: ignore[attr-defined] # a file is always an ImageFile
        rows = reader(stream, offset, picture.width, channels, maximum)
        return picture.size, channels, 8 if maximum < 256 else 16, rows, ()
    if picture.format == "PPM" and largest_sample(picture) > 255 and picture.mode == "RGB":
        raise InputImageError("16-bit PPM as text is not supported: convert it to binary PPM (P6)")
    if sixteen_bit.is_16_bit_colour(picture):
        samples = sixteen_bit.open_16_bit(stream, open_header, orientation)
        return samples.high.size, samples.channels, 16, samples.rows, ()
    low_bits = _gray_bits(picture)
    picture = load_turned(picture, orientation)
    if arranged is not None:
        picture = arranged(picture)
    mode, transparency = picture.mode, picture.info.get("transparency")
    if mode.startswith("I"):
        return picture.size, (1 if transparency is None else 2), 16, _gray_16_bit(picture), ()
    if mode == "CMYK":
        convert, notes = cmyk_to_rgb(profile)
        return picture.size, 3, 8, _converted(picture, convert), notes
    if mode in ("1", "L", "LA", "La"):
        target = "LA" if not opaque and (mode.upper() == "LA" or transparency is not None) else "L"
        if isinstance(transparency, int) and low_bits < 8 and mode == "L":
            # Pillow spreads gray of 2 or 4 bits over 0..255, but not the value that is transparent.
            picture.info["transparency"] = transparency * 255 // ((1 << low_bits) - 1)
    elif mode in ("RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "YCbCr"):
        target = "RGBA" if not opaque and picture.has_transparency_data else "RGB"
    elif mode == "F":
        raise InputImageError(
            "floating-point samples (HDR) are not supported: tone-map the picture to 8 or 16 bits first"
        )
    else:
        raise InputImageError(f"pictures of Pillow's mode {mode} are not supported: convert it to 8-bit gray or RGB")
    return picture.size, len(target), 8, _converted(picture, lambda band: _to_mode(band, target)), ()


def strips(height: int, read: Reader) -> Iterator[Samples]:
    for top in range(0, height, ROWS):
        yield read(top, min(top + ROWS, height))


def _converted(picture: PIL.Image.Image, convert: Callable[[PIL.Image.Image], PIL.Image.Image]) -> Reader:
    def read(top: int, bottom: int) -> Samples:
        band = np.asarray(convert(sixteen_bit.rows_of(picture, top, bottom)))
        return band.reshape(bottom - top, picture.width, -1)

    return read


def _to_mode(picture: PIL.Image.Image, mode: str) -> PIL.Image.Image:
    """Pillow converts premultiplied gray and palettes with transparency only by way of RGBA."""
    if mode == "LA" and picture.mode not in ("L", "LA"):
        picture = picture.convert("RGBA")
    return picture if picture.mode == mode else picture.convert(mode)


def _gray_16_bit(picture: PIL.Image.Image) -> Reader:
    """Gray of more than 8 bits; PNG may declare one value transparent."""
    values = np.asarray(picture)  # of the bytes' own order; Pillow can hardly do anything with I;16B
    transparency = picture.info.get("transparency")
    if picture.mode == "I" and (values.min() < 0 or values.max() > 65535):
        raise InputImageError("32-bit gray is not supported: convert the picture to 16-bit gray")

    def read(top: int, bottom: int) -> Samples:
        gray = values[top:bottom].astype(np.uint16)
        if transparency is None:
            return gray[..., np.newaxis]
        return np.stack([gray, np.where(gray == transparency, 0, 65535).astype(np.uint16)], axis=-1)

    return read


def _gray_bits(picture: PIL.Image.Image) -> int:
    """Bits per sample of gray that Pillow spreads: ``L;2`` and ``L;4``."""
    kind, _, bits = sixteen_bit.raw_mode(picture).partition(";")
    return int(bits) if kind == "L" and bits.isdigit() else 8


def largest_sample(picture: PIL.Image.Image) -> int:
    """The largest sample that an opened PNM file declares."""
    tiles = getattr(picture, "tile", [])
    arguments = tiles[0].args if tiles else ()
    return arguments[-1] if isinstance(arguments, tuple) and isinstance(arguments[-1], int) else 255


def _binary_pnm(picture: PIL.Image.Image) -> bool:
    """Whether an opened picture is binary PGM or PPM of samples that Pillow cuts to 8 bits, or takes one by one."""
    tiles = getattr(picture, "tile", [])
    return picture.format == "PPM" and bool(tiles) and tiles[0].codec_name == "ppm"
