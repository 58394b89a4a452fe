"""Binary Netpbm pictures: PAM, which Pillow does not read, and the PGM and PPM whose samples Pillow cuts or takes one by one.

Source: the man page of PAM (Netpbm). Rows are read as they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from splatc.errors import InputImageError, LimitError
from splatc.image.image import MAX_PIXELS, Samples

_MOST_HEADER = 1 << 16
_CHANNELS = {
    "BLACKANDWHITE": 1,
    "GRAYSCALE": 1,
    "RGB": 3,
    "BLACKANDWHITE_ALPHA": 2,
    "GRAYSCALE_ALPHA": 2,
    "RGB_ALPHA": 4,
}
"""By tuple type; a file may have more, which mean nothing. Black is 0, unlike in PBM."""


@dataclass(frozen=True)
class Pam:
    """What the header of a PAM file says."""

    width: int
    height: int
    depth: int
    """Samples of a pixel in the file."""
    channels: int
    """Those of them that are the picture."""
    maximum: int
    """The largest sample."""
    offset: int
    """Where the samples begin."""
    notes: tuple[str, ...]

    @property
    def bit_depth(self) -> int:
        """Of the picture: 8 or 16."""
        return 8 if self.maximum < 256 else 16


def is_pam(head: bytes) -> bool:
    """Whether a file begins as PAM does. `head`: its first three bytes."""
    return head[:3] in (b"P7\n", b"P7\r")


def read_header(stream: BinaryIO) -> Pam:
    """The header of a PAM file. Raises InputImageError (malformed, of no kind that splatc codes, truncated) and LimitError (too large)."""
    stream.seek(0)
    head = stream.read(_MOST_HEADER)
    numbers: dict[str, int] = {}
    tuple_types: list[str] = []
    notes: list[str] = []
    at, ended = 3, False
    while not ended:
        end = head.find(b"\n", at)
        if end < 0:
            raise InputImageError("damaged picture: the PAM header has no ENDHDR")
        name, _, value = head[at:end].decode("latin-1").strip().partition(" ")
        at = end + 1
        if name == "ENDHDR":
            ended = True
        elif name == "TUPLTYPE":
            tuple_types.append(value.strip())
        elif name.startswith("#"):
            notes = ["comments are left out"]
        elif name in ("WIDTH", "HEIGHT", "DEPTH", "MAXVAL"):
            if not value.strip().isdecimal() or len(value) > 20:
                raise InputImageError(f"damaged picture: the PAM header says {name} {value[:20]!r}, expected a number")
            numbers[name] = int(value)
        elif name:
            raise InputImageError(f"damaged picture: the PAM header has a line {name[:20]!r}")
    return _checked(stream, numbers, " ".join(tuple_types), at, notes)


def _checked(stream: BinaryIO, numbers: dict[str, int], kind: str, offset: int, notes: list[str]) -> Pam:
    missing = [name for name in ("WIDTH", "HEIGHT", "DEPTH", "MAXVAL") if numbers.get(name, 0) < 1]
    if missing:
        raise InputImageError(f"damaged picture: the PAM header has no {missing[0]} above zero")
    width, height, depth, maximum = (numbers[name] for name in ("WIDTH", "HEIGHT", "DEPTH", "MAXVAL"))
    if width * height > MAX_PIXELS:
        raise LimitError(f"{width} x {height} is more than the {MAX_PIXELS} pixels that splatc accepts")
    if maximum > 65535:
        raise InputImageError(f"damaged picture: the PAM header says MAXVAL {maximum}, at most 65535 is allowed")
    channels = _CHANNELS.get(kind, 0 if kind else min(depth, 4))
    if not channels or channels > depth:
        found = f"of the tuple type {kind[:40]!r} with {depth} channels"
        raise InputImageError(f"PAM {found} is not supported: expected gray or RGB, with or without alpha")
    if depth > channels:
        notes.append(f"{depth - channels} further channels are left out")
    need = width * height * depth * (1 if maximum < 256 else 2)
    held = stream.seek(0, 2) - offset
    if held < need:
        raise InputImageError(f"damaged or truncated picture: {held} of {need} bytes of samples")
    if held > need:
        stream.seek(offset + need)
        another = is_pam(stream.read(3))
        left = "only the first of several pictures is coded"
        notes.append(left if another else f"{held - need} bytes behind the picture are left out")
    return Pam(width, height, depth, channels, maximum, offset, tuple(notes))


def rows_of(pam: Pam, stream: BinaryIO) -> Callable[[int, int], Samples]:
    """(top, bottom) -> these rows, (bottom - top, W, C)."""
    read = reader(stream, pam.offset, pam.width, pam.depth, pam.maximum)
    return lambda top, bottom: read(top, bottom)[..., : pam.channels]


def reader(stream: BinaryIO, offset: int, width: int, channels: int, maximum: int) -> Callable[[int, int], Samples]:
    """(top, bottom) -> these rows of big-endian samples of 0..maximum, spread over the full range of 8 or 16 bits."""
    kind, full = ("u1", 255) if maximum < 256 else (">u2", 65535)
    row = width * channels * np.dtype(kind).itemsize
    levels = (np.arange(maximum + 1, dtype=np.int64) * full + maximum // 2) // maximum
    table: Samples = levels.astype(np.uint8 if full == 255 else np.uint16)

    def read(top: int, bottom: int) -> Samples:
        stream.seek(offset + top * row)
        data = stream.read((bottom - top) * row)
        if len(data) < (bottom - top) * row:
            raise InputImageError(f"damaged or truncated picture: it ends before row {bottom}")
        values = np.frombuffer(data, kind).reshape(bottom - top, width, channels)
        if maximum == full:
            return values.astype(table.dtype)
        spread: Samples = table[np.minimum(values, maximum)]
        return spread

    return read
