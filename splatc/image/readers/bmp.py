"""BMP files of rare kinds, written anew in a common one that every reader knows: run lengths, colours in any bits, headers of OS/2.

Sources: Microsoft, "Bitmap Storage" and "Bitmap Compression"; IBM, "OS/2 Presentation Manager" for the header of 16 to 64 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from splatc.errors import InputImageError
from splatc.image.image import MAX_PIXELS
from splatc.image.readers.found import Found, resolution
from splatc.image.readers.splice import spliced

_RAW, _RLE8, _RLE4, _FIELDS, _JPEG, _PNG, _ALPHA_FIELDS = 0, 1, 2, 3, 4, 5, 6
_CORE, _OS2, _INFO = 12, 64, 40  # bytes of headers
_MASKS = {16: (0x7C00, 0x3E0, 0x1F, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}
_SCREEN = {2834, 2835, 3779, 3780}  # px/m of 72 and 96 dpi: what programs write that know of no resolution
_ADVICE = "convert the picture to PNG"


@dataclass(frozen=True)
class _Header:
    bytes: int
    width: int
    height: int
    top_down: bool
    bits: int
    compression: int
    colours: int
    """Of the palette."""
    masks: tuple[int, int, int, int]
    """Where red, green, blue and alpha lie in a pixel of 16 or 32 bits."""
    per_metre: tuple[int, int]
    palette: int
    """Where it starts; 4 bytes a colour, 3 in the shortest header."""
    offset: int
    """Of the pixels."""


def survey(stream: BinaryIO) -> Found:
    """See survey.survey. Raises InputImageError for a compression that is not known."""
    stream.seek(0)
    data = stream.read(14 + 256)
    header = _parsed(data)
    if header is None or not 0 < header.width * header.height <= MAX_PIXELS:
        return Found(stream)  # its reader refuses it, with a reason
    if header.compression in (_JPEG, _PNG) or (header.bytes in (16, _OS2) and header.compression > _RLE4):
        raise InputImageError(f"BMP of compression {header.compression} is not supported: {_ADVICE}")
    if header.bits == 64:
        raise InputImageError(f"BMP of 64 bits per pixel is not supported: {_ADVICE}")
    across, down = header.per_metre
    sentence = "" if {across, down} <= _SCREEN else resolution(0.0254 * across, 0.0254 * down, "dpi")
    notes = (sentence,) if sentence else ()
    rewritten = _rewritten(stream, header)
    size = header.width, header.height
    doubtful = header.compression != _RAW
    return Found(stream, notes, rewritten is None, rewritten, size=size, doubtful=doubtful)


def _rewritten(stream: BinaryIO, header: _Header) -> Callable[[], BinaryIO] | None:
    """What makes a common file of a rare one; None for a common one."""
    if header.compression in (_RLE8, _RLE4):
        return lambda: _indexed(stream, header, _Runs(stream, header).indices())
    if header.bits in (16, 32) and not _usual(header):
        return lambda: _coloured(stream, header)
    known = header.bytes in (_CORE, _INFO, 52, 56, _OS2, 108, 124)
    if header.bits == 2 or (header.bits <= 8 and not known):
        return lambda: _indexed(stream, header, _unpacked(stream, header))
    if not known:
        head = _file_header(header, header.bits, 54)
        return lambda: spliced(stream, [head, (header.offset, stream.seek(0, 2))])
    return None


def _parsed(data: bytes) -> _Header | None:
    """The header of a file, None for what is none."""
    try:
        offset, size = struct.unpack_from("<II", data, 10)
        if size == _CORE:
            width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
            return _Header(size, width, height, False, bits, _RAW, 1 << min(bits, 8), _MASKS[32], (0, 0), 26, offset)
        if size < 16 or size > 124:
            return None
        fields = data[14 : 14 + size].ljust(124, b"\0")  # the header of OS/2 may end anywhere
        width, height, _, bits, compression, _, x, y, colours = struct.unpack_from("<iiHHIIiiI", fields, 4)
        masks = _MASKS.get(bits, _MASKS[32])
        palette = 14 + size
        if compression in (_FIELDS, _ALPHA_FIELDS):
            count = 4 if compression == _ALPHA_FIELDS or size >= 56 else 3
            masks = (*struct.unpack_from(f"<{count}I", data, 54), 0)[:4]
            palette = max(palette, 54 + 4 * count) if size == _INFO else palette
        colours = colours or (1 << bits if bits <= 8 else 0)
        offset = offset or palette + 4 * colours
        return _Header(size, width, abs(height), height < 0, bits, compression, colours, masks, (x, y), palette, offset)
    except struct.error:
        return None


def _usual(header: _Header) -> bool:
    """Whether Pillow knows these masks."""
    *colour, alpha = header.masks
    if header.bits == 16:
        return tuple(colour) in (_MASKS[16][:3], (0xF800, 0x7E0, 0x1F)) and alpha == 0
    return header.compression == _RAW or (tuple(colour) == _MASKS[32][:3] and alpha in (0, 0xFF000000))


def _rows(stream: BinaryIO, header: _Header) -> NDArray[np.uint8]:
    """(H, row bytes) as they lie in the file. Raises InputImageError if there are fewer."""
    row = (header.width * header.bits + 31) // 32 * 4
    stream.seek(header.offset)
    data = stream.read(row * header.height)
    if len(data) < row * header.height:
        raise InputImageError(f"damaged or truncated picture: {len(data)} of {row * header.height} bytes of pixels")
    return np.frombuffer(data, np.uint8).reshape(header.height, row)


def _coloured(stream: BinaryIO, header: _Header) -> BinaryIO:
    """A picture of 16 or 32 bits per pixel with 8 bits for each channel: BGR, or BGRA where there is alpha."""
    values = _rows(stream, header).view("<u2" if header.bits == 16 else "<u4")[:, : header.width]
    red, green, blue, alpha = header.masks
    masks = [blue, green, red, alpha] if alpha else [blue, green, red]
    row = (header.width * len(masks) + 3) // 4 * 4
    out = np.zeros((header.height, row), np.uint8)
    for index, mask in enumerate(masks):
        if mask:
            shift = (mask & -mask).bit_length() - 1
            most = mask >> shift
            channel = (values & mask).astype(np.uint32) >> shift
            scaled = (channel.astype(np.uint64) * 255 + most // 2) // most
            out[:, index : header.width * len(masks) : len(masks)] = scaled
    if not alpha:
        return spliced(stream, [_file_header(header, 24, 54), out.tobytes()])
    fields = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"sRGB"[::-1] + bytes(48)
    return spliced(stream, [_file_header(header, 32, 14 + 108, _FIELDS) + fields, out.tobytes()])


def _indexed(stream: BinaryIO, header: _Header, indices: NDArray[np.uint8]) -> BinaryIO:
    """A picture of 8-bit indices (H, W), in the order of the file."""
    step = 3 if header.bytes == _CORE else 4
    stream.seek(header.palette)
    raw = stream.read(step * min(header.colours, 256))
    colours = [raw[at : at + 3].ljust(3, b"\0") + b"\0" for at in range(0, len(raw), step)]
    palette = b"".join(colours).ljust(1024, b"\0")
    padded = np.pad(indices, ((0, 0), (0, -header.width % 4)))
    return spliced(stream, [_file_header(header, 8, 54 + 1024) + palette, padded.tobytes()])


def _unpacked(stream: BinaryIO, header: _Header) -> NDArray[np.uint8]:
    """(H, W) indices of 1, 2, 4 or 8 bits each."""
    bits = np.unpackbits(_rows(stream, header), axis=1)[:, : header.width * header.bits]
    groups = bits.reshape(header.height, header.width, header.bits)
    values: NDArray[np.uint8] = np.packbits(groups, axis=2)[..., 0] >> np.uint8(8 - header.bits)
    return values


def _file_header(header: _Header, bits: int, offset: int, compression: int = _RAW) -> bytes:
    """What stands before the palette or the masks of a common file."""
    size = 108 if compression == _FIELDS else 40
    height = -header.height if header.top_down else header.height
    info = struct.pack("<IiiHHIIiiII", size, header.width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, offset) + info


class _Runs:
    """The run lengths of a picture, which may leave pixels out: those are of the first colour of the palette."""

    def __init__(self, stream: BinaryIO, header: _Header) -> None:
        stream.seek(header.offset)
        self.data = stream.read()
        self.header = header
        self.four = header.compression == _RLE4

    def indices(self) -> NDArray[np.uint8]:
        """(H, W) in the order of the file. Raises InputImageError where the data end before the code that ends the runs."""
        data, width, height = self.data, self.header.width, self.header.height
        out = np.zeros((height, width), np.uint8)
        at = x = y = 0
        while y < height:
            if at + 2 > len(data):
                if y >= height - 1 and x >= width:
                    break
                raise InputImageError(f"damaged or truncated picture: its runs end in row {y + 1} of {height}")
            count, value = data[at], data[at + 1]
            at += 2
            if count:  # a run of one value, or of two in turn
                run = self._nibbles(bytes([value]) * ((count + 1) // 2), count) if self.four else bytes([value]) * count
            elif value == 0:  # end of a row
                x, y = 0, y + 1
                continue
            elif value == 1:  # end of the picture
                break
            elif value == 2:  # further right and up
                if at + 2 > len(data):
                    raise InputImageError("damaged or truncated picture: its runs end within a step")
                x, y, at = x + data[at], y + data[at + 1], at + 2
                continue
            else:  # values as they are, of an even number of bytes
                size = (value + 1) // 2 if self.four else value
                run = self._nibbles(data[at : at + size], value) if self.four else data[at : at + size]
                if len(run) < value:
                    raise InputImageError(f"damaged or truncated picture: its runs end in row {y + 1} of {height}")
                at += size + size % 2
            shown = run[: max(width - x, 0)]
            out[y, x : x + len(shown)] = np.frombuffer(shown, np.uint8)
            x += len(run)
        return out

    @staticmethod
    def _nibbles(data: bytes, count: int) -> bytes:
        return bytes(each for byte in data for each in (byte >> 4, byte & 15))[:count]
