"""The files of 100 kB that cost most, a function for each stage of reading and drawing: all valid.

test_budget_work.py holds what is estimated of them to the limit; ``tools/work_bench.py`` measures what those take that are not refused.
"""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np

from splatc import bitstream
from splatc.bitstream import Header, Layer, Layout, Reader, limits
from splatc.bitstream.container import write
from splatc.bitstream.metadata import Metadata
from splatc.blend import Blend
from splatc.quantize import IntArray, QuantizedGaussians, angle_count_table, empty_gaussians
from splatc.render import work
from splatc.render.view import Region, view
from splatc.steps import Quantizer, grid_shape
from tests.surgery import chunks_of

SIDE = 1 << 14


def alike(
    count: int,
    *,
    side: int = SIDE,
    level: int = 15,
    aspect: int = 0,
    quarter_turns: float = 0.0,
    channels: int = 4,
    depth: int = 8,
) -> bytes:
    """A square picture of Gaussians of one kind, all in its middle, so that they take half a byte each; ``quarter_turns``: their angle."""
    quantizer = Quantizer(position=191, position_slope=127, log_scales=1, aspect=124, angle=60, angle_slope=0)
    header = Header(side, side, channels, (0,) * channels, Blend.NORMALIZED, depth, quantizer)
    columns, rows = grid_shape(side, side, quantizer.position_step(level))
    directions = angle_count_table(quantizer)[level, aspect]
    angle = round(quarter_turns * directions / 2) % directions
    one = np.ones(count, np.int32)
    x, y = one * ((columns - 1) // 2), one * ((rows - 1) // 2)
    colour = np.zeros((count, channels), np.int32)
    gaussians = QuantizedGaussians(level * one, x, y, 0 * one, aspect * one, angle * one, 0 * one, colour)
    return bitstream.encode(header, gaussians)


def estimate(data: bytes, region: Region | None = None, scale: Any = 1, **options: Any) -> int:
    """What ``splatc.decode`` compares with the limit."""
    reader = Reader(io.BytesIO(data))
    header = reader.header
    seen = view(header.width, header.height, region, scale)
    wanted = None if region is None else seen.box
    cost = reader.needed(wanted, **options)
    return cost.work + work.drawing(header.quantizer, reader.read(wanted, **options), seen)


def attack() -> bytes:
    """The case that set the limit: some 5.5 kB for 25 minutes of two cores."""
    return alike(11_000, level=13)


def empty(width: int, height: int, channels: int = 3, depth: int = 8) -> bytes:
    """A picture of its background alone: some 45 bytes."""
    header = Header(width, height, channels, (9,) * channels, Blend.NORMALIZED, depth)
    return bitstream.encode(header, empty_gaussians(channels))


def hard_to_search(count: int) -> bytes:
    """Gaussians on a circle, and then as many finer ones around its middle: all of the first are equally far from these."""
    quantizer = Quantizer(position=100, position_slope=0, log_scales=1)
    header = Header(SIDE, SIDE, 1, (0,), Blend.NORMALIZED, 8, quantizer)
    columns, _ = grid_shape(SIDE, SIDE, quantizer.position_step(0))
    turn = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    level = (np.arange(count) < count // 2).astype(np.int32)
    radius = np.where(level == 1, 0.49 * columns, 0.001 * columns)
    x, y = ((0.5 * columns + radius * f(turn * 2)).astype(np.int32) for f in (np.cos, np.sin))
    return _encode(header, level, x, y, (Layer(2, 14),))


def crowd_of_sections(count: int) -> bytes:
    """As many sections as a file may have, which share as many ancestors as they may."""
    quantizer = Quantizer(position=120, position_slope=0, log_scales=1)
    header = Header(SIDE, SIDE, 1, (0,), Blend.NORMALIZED, 8, quantizer)
    columns, rows = grid_shape(SIDE, SIDE, quantizer.position_step(0))
    sections = min(limits.FREE_SECTIONS + count // limits.GAUSSIANS_PER_SECTION - 1, 1 << 12)
    # Each leaf looks at all of the root: (sections + 1) root + count - root <= 64 count.
    root = min((limits.WORK - 1) * count // sections, count - sections)
    leaves = np.arange(count - root) % sections
    level = np.concatenate([np.ones(root, np.int32), np.zeros(count - root, np.int32)])
    across = np.concatenate([np.full(root, columns // 2), (leaves % 64 * 2 + 1) * columns // 128])
    down = np.concatenate([np.full(root, rows // 2), (leaves // 64 * 2 + 1) * rows // 128])
    layout: Layout = (Layer(1, 20), Layer(1, 8))
    return _encode(header, level, across.astype(np.int32), down.astype(np.int32), layout)


def many_chunks() -> bytes:
    """As many chunks as a file may have, all but two of them unknown."""
    chunks = chunks_of(empty(64, 48))
    return write([*chunks, *((b"junk", bytes(80)) for _ in range(limits.MAX_CHUNKS - len(chunks)))])


def large_metadata() -> bytes:
    """Profile, EXIF and XMP that unpack to as much as they may."""
    quantizer = Quantizer()
    header = Header(64, 64, 3, (0, 0, 0), Blend.NORMALIZED, 8, quantizer)
    most = limits.MAX_METADATA - 64
    metadata = Metadata(icc=_profile(most), exif=b"II*\0\x08\0\0\0\0\0" + bytes(most), xmp=b" " * most)
    return bitstream.encode(header, _gaussians(header, *[np.zeros(1, np.int32)] * 3), metadata)


def _profile(size: int) -> bytes:
    """A colour profile that says its length, and nothing else."""
    return struct.pack(">I", size) + bytes(32) + b"acsp" + bytes(size - 40)


def _encode(header: Header, level: IntArray, x: IntArray, y: IntArray, layout: Layout) -> bytes:
    return bitstream.encode(header, _gaussians(header, level, x, y), layout=layout)


def _gaussians(header: Header, level: IntArray, x: IntArray, y: IntArray) -> QuantizedGaussians:
    """Round ones without a colour."""
    zeros = np.zeros(len(level), np.int32)
    colour = np.zeros((len(level), header.channels), np.int32)
    return QuantizedGaussians(level, x, y, zeros, zeros, zeros, zeros, colour)
