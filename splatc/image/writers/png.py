"""PNG by strips, 8 or 16 bits per sample (PNG specification, third edition).

Rows take the filter "average", which suits pictures of Gaussians: with zlib's default they compress 10 % smaller than with "up" or
"sub" and 2 to 7 % smaller than with "Paeth". Deflate searches for runs only: six times as fast as the default, for files 10 to 30 %
larger, and who wants small ones keeps the ``.splat2d``. (Measured on kodim03 at CR 50, at its own and at 80 times its area.) Strips are
compressed independently; one after the other they make one zlib stream.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from splatc.bitstream import Metadata
from splatc.image.image import Samples
from splatc.image.readers.png_chunks import chunk_bytes
from splatc.image.writers import Shape
from splatc.image.writers.threads import in_threads

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_AVERAGE = 3
_ZLIB_HEADER = b"\x78\x01"
_LAST_BLOCK = b"\x03\x00"  # an empty deflate block that ends the stream
_XMP_HEAD = b"XML:com.adobe.xmp\0\0\0\0\0"  # keyword, neither compressed nor translated
_STRIP_BYTES = 1 << 22  # filtered and compressed at a time


def write_png(stream: BinaryIO, shape: Shape, strips: Iterable[Samples], metadata: Metadata) -> None:
    """See writers.Writer."""
    stream.write(b"\x89PNG\r\n\x1a\n")
    kind = _COLOUR_TYPES[shape.channels]
    _chunk(stream, b"IHDR", struct.pack(">IIBBBBB", shape.width, shape.height, shape.bit_depth, kind, 0, 0, 0))
    for name, data in _metadata(metadata):
        _chunk(stream, name, data)
    adler, before = 1, _ZLIB_HEADER
    for compressed, filtered in in_threads(_compressed, _with_row_above(shape, strips)):
        adler = zlib.adler32(filtered, adler)
        _chunk(stream, b"IDAT", before + compressed)
        before = b""
    _chunk(stream, b"IDAT", before + _LAST_BLOCK + struct.pack(">I", adler))
    _chunk(stream, b"IEND", b"")


Rows = NDArray[np.uint8]
"""(R, row bytes)"""


def _with_row_above(shape: Shape, strips: Iterable[Samples]) -> Iterator[tuple[Rows, int]]:
    """Rows of big-endian samples, the first of which is that above the strip, and the bytes per pixel."""
    step = shape.channels * shape.bit_depth // 8
    most = max(1, _STRIP_BYTES // (shape.width * step))
    above = np.zeros((1, shape.width * step), np.uint8)
    for strip in strips:
        for top in range(0, len(strip), most):
            part = strip[top : top + most]
            big_endian = part if shape.bit_depth == 8 else part.astype(">u2")
            rows = np.ascontiguousarray(big_endian).reshape(len(part), -1).view(np.uint8)
            yield np.concatenate([above, rows]), step
            above = rows[-1:]


def _compressed(strip: tuple[Rows, int]) -> tuple[bytes, bytes]:
    """Deflate blocks of the filtered rows, and the filtered rows."""
    rows, step = strip
    up, here = rows[:-1], rows[1:]
    left = np.zeros_like(here)
    left[:, step:] = here[:, :-step]
    filtered = np.full((len(here), here.shape[1] + 1), _AVERAGE, np.uint8)
    # (left & up) + (left ^ up) / 2 is the average, rounded down, without a carry.
    np.subtract(here, (left & up) + ((left ^ up) >> 1), out=filtered[:, 1:])
    data = filtered.tobytes()
    compressor = zlib.compressobj(1, zlib.DEFLATED, -15, 9, zlib.Z_RLE)
    return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH), data


def _metadata(metadata: Metadata) -> list[tuple[bytes, bytes]]:
    """Metadata as PNG chunks (type, data), to stand between IHDR and the first IDAT."""
    chunks = []
    if metadata.icc:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.exif:
        chunks.append((b"eXIf", metadata.exif))
    if metadata.xmp:
        chunks.append((b"iTXt", _XMP_HEAD + metadata.xmp))
    return chunks


def _chunk(stream: BinaryIO, kind: bytes, data: bytes) -> None:
    stream.write(chunk_bytes(kind, data))
