"""Tiled TIFF by strips, 8 or 16 bits per sample, deflated after horizontal differences; BigTIFF where 4 GB may not suffice.

Sources: TIFF revision 6.0, its technical notes on deflate, and the BigTIFF design. EXIF is copied tag by tag as bytes, so that no odd type
of another program's can hinder. Tiles come as the strips do, so the directory stands at the end.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np

from splatc.bitstream import Metadata
from splatc.errors import InputImageError
from splatc.image.image import Samples
from splatc.image.readers.tiff.directory import TiffBytes, directory_at
from splatc.image.readers.tiff.fields import Fields, TiffField, exif_fields, names, swapped, with_directories
from splatc.image.writers import Shape
from splatc.image.writers.threads import in_threads
from splatc.runtime.arguments import EXIF_PREFIX

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
    own, sub, _ = _exif(metadata.exif)
    directory, first = with_directories(
        own | _fields(shape, tile, offsets, sizes, metadata, big), sub, at, "<", big=big
    )
    stream.write(directory)
    end = stream.tell()
    stream.seek(start + (8 if big else 4))
    stream.write(struct.pack("<Q" if big else "<I", first))
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


def _fields(
    shape: Shape, tile: tuple[int, int], offsets: list[int], sizes: list[int], metadata: Metadata, big: bool
) -> Fields:
    """The tags of the file itself."""
    place = (_LONG8, "u8") if big else (_LONG, "u4")
    fields = {
        _WIDTH: _numbers(_LONG, shape.width),
        _LENGTH: _numbers(_LONG, shape.height),
        _BITS: _numbers(_SHORT, *(shape.bit_depth,) * shape.channels),
        _COMPRESSION: _numbers(_SHORT, 8),  # deflate
        _PHOTOMETRIC: _numbers(_SHORT, 2 if shape.channels > 2 else 1),
        _SAMPLES: _numbers(_SHORT, shape.channels),
        _PLANAR: _numbers(_SHORT, 1),
        _PREDICTOR: _numbers(_SHORT, 2),
        _TILE_WIDTH: _numbers(_SHORT, tile[0]),
        _TILE_LENGTH: _numbers(_SHORT, tile[1]),
        _TILE_OFFSETS: TiffField(place[0], len(offsets), np.array(offsets, f"<{place[1]}").tobytes()),
        _TILE_BYTES: _numbers(_LONG, *sizes),
    }
    if shape.channels in (2, 4):
        fields[_EXTRA] = _numbers(_SHORT, 2)  # alpha, not premultiplied
    if metadata.xmp:
        fields[_XMP] = TiffField(_BYTE, len(metadata.xmp), metadata.xmp)
    if metadata.icc:
        fields[_ICC] = TiffField(_UNDEFINED, len(metadata.icc), metadata.icc)
    return fields


def _numbers(kind: int, *values: int) -> TiffField:
    return TiffField(kind, len(values), np.array(values, "<u2" if kind == _SHORT else "<u4").tobytes())


def unwritable(exif: bytes) -> tuple[str, ...]:
    """Sentences about what of this EXIF a TIFF file does not hold: what is damaged in it."""
    return _exif(exif)[2]


def _exif(exif: bytes) -> tuple[Fields, dict[int, Fields], tuple[str, ...]]:
    """What of EXIF a TIFF file holds, and a sentence about the rest: damage in it is no reason to write no picture."""
    if not exif:
        return {}, {}, ()
    odd: list[int] = []
    try:
        file = TiffBytes(io.BytesIO(exif.removeprefix(EXIF_PREFIX)))  # as JPEG has it
        own, sub = exif_fields(directory_at(file, file.first), odd)
    except InputImageError:
        return {}, {}, ("EXIF is damaged and is left out",)
    notes = (f"EXIF that cannot be kept is left out: {names(odd)}",) if odd else ()
    own = swapped(own, file.order, "<")
    return own, {tag: swapped(fields, file.order, "<") for tag, fields in sub.items()}, notes
