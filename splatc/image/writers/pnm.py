"""PGM, PPM and PAM by strips, 8 or 16 bits per sample (the Netpbm formats P5, P6 and P7). They hold no metadata."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from splatc.bitstream import Metadata
from splatc.image.image import Samples
from splatc.image.writers import Shape

_TUPLES = {1: "GRAYSCALE", 2: "GRAYSCALE_ALPHA", 3: "RGB", 4: "RGB_ALPHA"}


def write_pnm(stream: BinaryIO, shape: Shape, strips: Iterable[Samples], _metadata: Metadata) -> None:
    """See writers.Writer: P5 for gray, P6 for RGB."""
    magic = {1: "P5", 3: "P6"}[shape.channels]
    stream.write(f"{magic}\n{shape.width} {shape.height}\n{_peak(shape)}\n".encode("ascii"))
    _write(stream, strips)


def write_ppm(stream: BinaryIO, shape: Shape, strips: Iterable[Samples], metadata: Metadata) -> None:
    """See writers.Writer: always P6, gray as three equal channels."""
    wide = (np.broadcast_to(strip, (*strip.shape[:2], 3)) for strip in strips)
    write_pnm(stream, shape._replace(channels=3), wide, metadata)


def write_pam(stream: BinaryIO, shape: Shape, strips: Iterable[Samples], _metadata: Metadata) -> None:
    """See writers.Writer."""
    fields = f"WIDTH {shape.width}\nHEIGHT {shape.height}\nDEPTH {shape.channels}\nMAXVAL {_peak(shape)}\n"
    stream.write(f"P7\n{fields}TUPLTYPE {_TUPLES[shape.channels]}\nENDHDR\n".encode("ascii"))
    _write(stream, strips)


def _peak(shape: Shape) -> int:
    return (1 << shape.bit_depth) - 1


def _write(stream: BinaryIO, strips: Iterable[Samples]) -> None:
    for strip in strips:
        stream.write((strip if strip.itemsize == 1 else strip.astype(">u2")).tobytes())
