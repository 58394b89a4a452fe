"""Tiled TIFF by strips, 8 or 16 bits per sample, deflated after horizontal differences; BigTIFF where 4 GB may not suffice.

Sources: TIFF revision 6.0, its technical notes on deflate, and the BigTIFF design. Pillow lays out the directory: it knows every type
of tag. Tiles come as the strips do, so the directory stands at the end.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np
import PIL.Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from splatc.bitstream import Metadata
from splatc.pixels import Samples
from splatc.writers import Shape
from splatc.writers.threads import in_threads

TILE = 256
"""px a side, but for pictures that are smaller."""
CLASSIC_BYTES = (1 << 32) - (1 << 26)
"""Raw bytes that certainly fit: what deflate may add to them, and the directory, stay within the rest."""

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANAR, _PREDICTOR = (
    256,
    257,
    258,
    259,
    262,
    277,
    284,
    317,
)
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_BYTES, _EXTRA, _XMP, _ICC = 322, 323, 324, 325, 338, 700, 34675
_SHORT, _LONG, _BYTE, _UNDEFINED, _LONG8 = 3, 4, 1, 7, 16
# What EXIF says of the picture; its other tags of the first directory speak of a thumbnail or of its own file.
_DESCRIPTIVE = (270, 271, 272, 305, 306, 315, 33432, 34665, 34853)


def write_tiff(stream: BinaryIO, shape: Shape, strips: Iterable[Samples], metadata: Metadata) -> None:
    """See writers.Writer."""
    raw = shape.width * shape.height * shape.channels * shape.bit_depth // 8
    big = raw + len(metadata.icc) + len(metadata.exif) + len(metadata.xmp) > CLASSIC_BYTES
    start = stream.tell()
    stream.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0) if big else struct.pack("<2sHI", b"II", 42, 0))
    tile = _tile_size(shape.width), _tile_size(shape.height)
    offsets, sizes = [], []
    for data in in_threads(_deflated, _tiles(strips, *tile)):
        offsets.append(stream.tell() - start)
        sizes.append(len(data))
        stream.write(data)
    at = stream.tell() - start
    stream.write(bytes(-at % 8))
    at += -at % 8
    directory = _directory(shape, tile, offsets, sizes, metadata, big)
    stream.write(directory.tobytes(at))
    end = stream.tell()
    stream.seek(start + (8 if big else 4))
    stream.write(struct.pack("<Q" if big else "<I", at))
    stream.seek(end)


def _tile_size(side: int) -> int:
    """Sides of tiles are multiples of 16."""
    return min(TILE, -(-side // 16) * 16)


def _tiles(strips: Iterable[Samples], width: int, height: int) -> Iterator[Samples]:
    """(height, width, C) tiles, row by row; those at the right and at the bottom repeat the border."""
    for band in _bands(strips, height):
        rows, columns, _ = band.shape
        full = np.pad(band, ((0, height - rows), (0, -columns % width), (0, 0)), mode="edge")
        for left in range(0, columns, width):
            yield full[:, left : left + width]


def _bands(strips: Iterable[Samples], height: int) -> Iterator[Samples]:
    """The same rows, ``height`` at a time."""
    waiting: list[Samples] = []
    count = 0
    for strip in strips:
        top = 0
        while top < len(strip):
            part = strip[top : top + height - count]
            waiting.append(part)
            top, count = top + len(part), count + len(part)
            if count == height:
                yield np.concatenate(waiting)
                waiting, count = [], 0
    if waiting:
        yield np.concatenate(waiting)


def _deflated(tile: Samples) -> bytes:
    difference = tile.copy()
    difference[:, 1:] -= tile[:, :-1]
    little_endian = difference.astype(difference.dtype.newbyteorder("<"), copy=False)
    return zlib.compress(little_endian.tobytes(), 3)


def _directory(
    shape: Shape, tile: tuple[int, int], offsets: list[int], sizes: list[int], metadata: Metadata, big: bool
) -> ImageFileDirectory_v2:
    directory = ImageFileDirectory_v2(
        struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0) if big else struct.pack("<2sHI", b"II", 42, 0)
    )
    if metadata.exif:
        exif = PIL.Image.Exif()
        exif.load(metadata.exif)
        for tag in _DESCRIPTIVE:
            if tag in exif:
                directory[tag] = exif.get_ifd(tag) if tag in (34665, 34853) else exif[tag]
    fields: list[tuple[int, int, int | bytes | tuple[int, ...]]] = [
        (_WIDTH, _LONG, shape.width),
        (_LENGTH, _LONG, shape.height),
        (_BITS, _SHORT, (shape.bit_depth,) * shape.channels),
        (_COMPRESSION, _SHORT, 8),  # deflate
        (_PHOTOMETRIC, _SHORT, 2 if shape.channels > 2 else 1),
        (_SAMPLES, _SHORT, shape.channels),
        (_PLANAR, _SHORT, 1),
        (_PREDICTOR, _SHORT, 2),
        (_TILE_WIDTH, _SHORT, tile[0]),
        (_TILE_LENGTH, _SHORT, tile[1]),
        (_TILE_OFFSETS, _LONG8 if big else _LONG, tuple(offsets)),
        (_TILE_BYTES, _LONG, tuple(sizes)),
    ]
    if shape.channels in (2, 4):
        fields.append((_EXTRA, _SHORT, 2))  # alpha, not premultiplied
    if metadata.xmp:
        fields.append((_XMP, _BYTE, metadata.xmp))
    if metadata.icc:
        fields.append((_ICC, _UNDEFINED, metadata.icc))
    for tag, kind, value in fields:
        directory.tagtype[tag] = kind
        directory[tag] = value
    return directory
