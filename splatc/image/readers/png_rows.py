"""Whether the compressed pixels of a PNG file are as many as its header says: Pillow takes black for what lacks, without a word."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

from splatc.errors import InputImageError

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""By the type of colour."""
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Adam7: first column and row, and the steps to the next."""
_READ = 1 << 20


def check_rows(stream: BinaryIO, header: bytes, parts: list[tuple[int, int]]) -> None:
    """Unpack the pixels once, keeping nothing.

    Args:
        stream: The file.
        header: The content of IHDR.
        parts: (start, end) of the content of each IDAT chunk.

    Raises:
        InputImageError: The pixels end too early. Other damage is left to the reader.
    """
    expected = _bytes(header)
    unpacked, unpacker = 0, zlib.decompressobj()
    try:
        for start, end in parts:
            stream.seek(start)
            while start < end and unpacked < expected:
                data = stream.read(min(_READ, end - start))
                start += len(data)
                while data and unpacked < expected:
                    unpacked += len(unpacker.decompress(data, _READ))
                    data = unpacker.unconsumed_tail
    except zlib.error:
        return
    if unpacked < expected and unpacker.eof:
        raise InputImageError(
            f"damaged or truncated picture: the pixels of the PNG file end after {unpacked} of {expected} bytes"
        )


def _bytes(header: bytes) -> int:
    """Bytes of all rows, each with the one that names its filter; 0 for a header that makes no sense."""
    width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", header)
    bits = depth * _CHANNELS.get(colour, 0)
    if not bits:
        return 0
    sizes = [(width, height)]
    if interlaced:
        sizes = [(-(-(width - left) // right), -(-(height - top) // down)) for left, top, right, down in _PASSES]
    return sum(rows * (1 + (columns * bits + 7) // 8) for columns, rows in sizes if columns > 0 and rows > 0)
