"""TIFF files of every arrangement, byte by byte: what no writer at hand makes (odd depths, byte orders, sub-files, wrong tags)."""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import PIL.Image
import zstandard
from numpy.typing import NDArray

SHORT, LONG, LONG8 = 3, 4, 16
FORMATS = {
    1: "B",
    2: "s",
    3: "H",
    4: "I",
    5: "II",
    6: "b",
    7: "s",
    8: "h",
    9: "i",
    10: "ii",
    11: "f",
    12: "d",
    13: "I",
    16: "Q",
    17: "q",
}

Tag = tuple[int, Sequence[Any] | bytes]
"""Type and values."""


def lzw(data: bytes) -> bytes:
    """Codes of 9 to 12 bits, most significant bit first (TIFF 6.0, section 13)."""
    digits, table, width, current = [format(256, "09b")], {bytes([n]): n for n in range(256)}, 9, b""
    following = 258
    for value in data:
        longer = current + bytes([value])
        if longer in table:
            current = longer
            continue
        digits.append(format(table[current], f"0{width}b"))
        table[longer] = following
        following += 1
        if following == 4094:
            digits.append(format(256, f"0{width}b"))
            table, width, following = {bytes([n]): n for n in range(256)}, 9, 258
        elif following > (1 << width) - 1:
            width += 1
        current = bytes([value])
    if current:
        digits.append(format(table[current], f"0{width}b"))
        width += following + 1 > (1 << width) - 1
    digits.append(format(257, f"0{width}b"))
    text = "".join(digits)
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


def packbits(data: bytes) -> bytes:
    """Literals of up to 128 bytes, and runs where there are any."""
    out, at = bytearray(), 0
    while at < len(data):
        run = 1
        while run < 128 and at + run < len(data) and data[at + run] == data[at]:
            run += 1
        if run > 2:
            out += bytes([257 - run, data[at]])
        else:
            run = min(128, len(data) - at)
            out += bytes([run - 1]) + data[at : at + run]
        at += run
    return bytes(out)


COMPRESS: Mapping[int, Callable[[bytes], bytes]] = {
    1: bytes,
    5: lzw,
    8: zlib.compress,
    32946: zlib.compress,
    32773: packbits,
    34925: lambda data: lzma.compress(data, lzma.FORMAT_XZ),
    50000: lambda data: zstandard.ZstdCompressor().compress(data),
}


@dataclass
class Page:
    """One directory and its pixels."""

    samples: NDArray[Any]
    """(H, W, S) values; written with `bits` each."""
    photometric: int | None = 1
    bits: int | tuple[int, ...] = 8
    extra: tuple[int, ...] = ()
    sample_format: int | None = None
    planar: int = 1
    predictor: int = 1
    compression: int = 1
    fill_order: int = 1
    tile: tuple[int, int] | None = None
    """Width and height."""
    rows: int | None = None
    """Rows of a strip."""
    tags: Mapping[int, Tag] = field(default_factory=dict)
    without: tuple[int, ...] = ()
    sub_files: Sequence[Page] = ()
    directories: Mapping[int, Mapping[int, Tag]] = field(default_factory=dict)
    """EXIF (34665) and GPS (34853), and what hangs from EXIF (40965, interoperability)."""
    segments: Sequence[bytes] | None = None
    """Instead of what would come of the samples."""


@dataclass
class _File:
    order: str
    big: bool
    data: bytearray

    def put(self, content: bytes) -> int:
        """Append at a multiple of 8; where it came to lie."""
        self.data += bytes(-len(self.data) % 8)
        at = len(self.data)
        self.data += content
        return at

    def directory(self, tags: Mapping[int, Tag]) -> tuple[int, int]:
        """Where the directory lies, and where the offset of the next one stands in it."""
        entries = []
        room = 8 if self.big else 4
        for code, (kind, values) in sorted(tags.items()):
            form = FORMATS[kind]
            if isinstance(values, bytes):
                raw, count = values, len(values)
            else:
                raw, count = (
                    struct.pack(self.order + form * (len(values) // len(form)), *values),
                    len(values) // len(form),
                )
            if len(raw) > room:
                raw = struct.pack(self.order + ("Q" if self.big else "I"), self.put(raw))
            entries.append(
                struct.pack(self.order + ("HHQ" if self.big else "HHI"), code, kind, count) + raw.ljust(room, b"\0")
            )
        head = struct.pack(self.order + ("Q" if self.big else "H"), len(entries))
        at = self.put(head + b"".join(entries) + bytes(room))
        return at, len(self.data) - room

    def patch(self, at: int, value: int) -> None:
        struct.pack_into(self.order + ("Q" if self.big else "I"), self.data, at, value)


def tiff(*pages: Page, order: str = "<", big: bool = False) -> bytes:
    """A file of these pages, in a chain."""
    mark = b"II" if order == "<" else b"MM"
    head = struct.pack(order + "HHHQ", 43, 8, 0, 0) if big else struct.pack(order + "HI", 42, 0)
    file = _File(order, big, bytearray(mark + head))
    link = 8 if big else 4
    for page in pages:
        at, after = _page(file, page)
        file.patch(link, at)
        link = after
    return bytes(file.data)


def _page(file: _File, page: Page) -> tuple[int, int]:
    height, width, count = page.samples.shape
    offset_kind = LONG8 if file.big else LONG
    segments = page.segments if page.segments is not None else _segments(page, file.order)
    places = [file.put(segment) for segment in segments]
    bits = page.bits if isinstance(page.bits, tuple) else (page.bits,) * count
    tags: dict[int, Tag] = {
        256: (LONG, (width,)),
        257: (LONG, (height,)),
        258: (SHORT, bits),
        259: (SHORT, (page.compression,)),
        277: (SHORT, (count,)),
        284: (SHORT, (page.planar,)),
    }
    lengths = tuple(len(segment) for segment in segments)
    if page.tile:
        tags |= {
            322: (SHORT, page.tile[:1]),
            323: (SHORT, page.tile[1:]),
            324: (offset_kind, places),
            325: (LONG, lengths),
        }
    else:
        tags |= {273: (offset_kind, places), 278: (LONG, (page.rows or height,)), 279: (LONG, lengths)}
    if page.photometric is not None:
        tags[262] = (SHORT, (page.photometric,))
    if page.extra:
        tags[338] = (SHORT, page.extra)
    if page.sample_format is not None:
        tags[339] = (SHORT, (page.sample_format,) * count)
    if page.predictor != 1:
        tags[317] = (SHORT, (page.predictor,))
    if page.fill_order != 1:
        tags[266] = (SHORT, (page.fill_order,))
    directories = {code: dict(directory) for code, directory in page.directories.items()}
    if 40965 in directories:
        directories[34665][40965] = (offset_kind, (file.directory(directories.pop(40965))[0],))
    for code, directory in directories.items():
        tags[code] = (offset_kind, (file.directory(directory)[0],))
    if page.sub_files:
        tags[330] = (offset_kind, [_page(file, sub)[0] for sub in page.sub_files])
    return file.directory({code: tag for code, tag in (tags | dict(page.tags)).items() if code not in page.without})


def _segments(page: Page, order: str) -> list[bytes]:
    """Strips or tiles of all planes."""
    height, width, count = page.samples.shape
    planes = [page.samples[..., c : c + 1] for c in range(count)] if page.planar == 2 else [page.samples]
    across, down = page.tile or (width, page.rows or height)
    found = []
    for plane in planes:
        for top in range(0, height, down):
            for left in range(0, width, across):
                part = plane[top : top + down, left : left + across]
                if page.tile:
                    part = np.pad(part, ((0, down - part.shape[0]), (0, across - part.shape[1]), (0, 0)))
                found.append(_segment(part, page, order))
    return found


def _segment(part: NDArray[Any], page: Page, order: str) -> bytes:
    if page.compression == 7:
        return jpeg(part.astype(np.uint8), page.photometric == 6)
    if page.compression == 50001:
        stream = io.BytesIO()
        PIL.Image.fromarray(part.astype(np.uint8)).save(stream, "WEBP", lossless=True, exact=True)
        return stream.getvalue()
    bits = page.bits if isinstance(page.bits, int) else page.bits[0]
    if page.predictor == 2:
        part = np.concatenate([part[:, :1], np.diff(part.astype(np.int64), axis=1)], axis=1) % (1 << bits)
    data = COMPRESS[page.compression](pack(part, bits, order))
    if page.fill_order == 2:
        data = np.packbits(np.unpackbits(np.frombuffer(data, np.uint8)).reshape(-1, 8)[:, ::-1]).tobytes()
    return data


def pack(part: NDArray[Any], bits: int, order: str) -> bytes:
    """Rows of samples of any number of bits, each row padded to whole bytes."""
    if part.dtype.kind == "f" or bits in (8, 16, 32, 64):
        kind = part.dtype.kind if part.dtype.kind in "if" else "u"
        return part.astype(f"{order}{kind}{bits // 8}").tobytes()
    rows = part.reshape(len(part), -1).astype(np.int64)
    digits = (rows[..., np.newaxis] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(digits.reshape(len(part), -1).astype(np.uint8), axis=1).tobytes()


def jpeg(part: NDArray[np.uint8], as_ycbcr: bool) -> bytes:
    """A whole JPEG stream, as gray, YCbCr or (RGB) untransformed."""
    stream = io.BytesIO()
    picture = PIL.Image.fromarray(part[..., 0] if part.shape[2] == 1 else part)
    options: dict[str, Any] = {} if as_ycbcr or part.shape[2] != 3 else {"keep_rgb": True}
    picture.save(stream, "JPEG", quality=98, subsampling=0, **options)
    return stream.getvalue()
