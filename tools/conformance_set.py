"""What the files of spec/conformance/ hold: recipes of Gaussians, as integers, that together meet every rule of the format."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from splatc import bitstream
from splatc.bitstream import Header, Layer, Layout, Metadata, container
from splatc.blend import Blend
from splatc.quantize import QuantizedGaussians, angle_count_table, offset_count_table
from splatc.steps import Quantizer, grid_shape


@dataclass(frozen=True)
class Recipe:
    """One file."""

    name: str
    says: str
    """What it is there for."""
    make: Callable[[], bytes]


def header(
    channels: int, width: int = 64, height: int = 48, depth: int = 8, blend: Blend = Blend.NORMALIZED, **steps: int
) -> Header:
    """A header with a background of its own in each channel."""
    background = (120, 60, 200, 255)[:channels]
    return Header(width, height, channels, background, blend, depth, Quantizer(**steps))


def scattered(
    head: Header, count: int, *, levels: int = 4, thin: bool = False, loud: int = 1, crowded: bool = False
) -> QuantizedGaussians:
    """Random Gaussians: `thin` ones are needles, `loud` multiplies the colours, `crowded` ones share few cells."""
    chance = random.Random(f"{head.channels} {count} {levels}")
    rows = []
    directions, offsets = angle_count_table(head.quantizer), offset_count_table(head.quantizer)
    for _ in range(count):
        level = min(int(chance.expovariate(0.8)), levels - 1)
        columns, lines = grid_shape(head.width, head.height, head.quantizer.position_step(level))
        spread = 0.05 if crowded else 1.0
        aspect = chance.randrange(8, 20) if thin else min(int(chance.expovariate(0.3)), 63)
        colour = [
            max(-32768, min(32767, round(chance.gauss(4 if c == 0 or c == 3 else 0, 4) * loud)))
            for c in range(head.channels)
        ]
        x, y = int(chance.random() * spread * columns), int(chance.random() * spread * lines)
        angle = chance.randrange(int(directions[level, aspect]))
        offset = chance.randrange(int(offsets[aspect]))
        rows.append([level, x, y, chance.randrange(head.quantizer.log_scales), aspect, angle, offset, *colour])
    table = np.array(rows, np.int32).reshape(-1, 7 + head.channels)
    level_, x_, y_, log_scale, aspect_, angle_, offset_ = (np.ascontiguousarray(table[:, i]) for i in range(7))
    return QuantizedGaussians(level_, x_, y_, log_scale, aspect_, angle_, offset_, np.ascontiguousarray(table[:, 7:]))


def plain(head: Header, count: int, layout: Layout | None = None, **options: Any) -> Callable[[], bytes]:
    """A file of scattered Gaussians."""
    return lambda: bitstream.encode(head, scattered(head, count, **options), layout=layout)


def with_everything() -> bytes:
    """An index, all metadata, and unknown chunks, in every place where they may stand."""
    head = header(3)
    content = Metadata(
        icc=b"not a real profile", exif=b"II*\0\x08" + bytes(9), xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    )
    data = bitstream.encode(head, scattered(head, 90), content, layout=(Layer(2, 6), Layer(1, 5), Layer(1, 4)))
    chunks = [
        (each.type.encode(), data[each.offset : each.offset + each.length]) for each in bitstream.inspect(data).chunks
    ]
    note = (b"noTE", b"skip me")
    return container.write([part for each in chunks for part in (each, note)])


def recipes() -> Iterator[Recipe]:
    """All but the photograph, which the encoder makes."""
    rgb = header(3)
    yield Recipe("rgb", "the usual: RGB, 8 bits, normalized blend", plain(rgb, 150))
    yield Recipe("gray", "one channel", plain(header(1), 120))
    yield Recipe("gray-alpha-16", "two channels of 16 bits", plain(header(2, depth=16), 120))
    yield Recipe("rgba-16", "four channels of 16 bits", plain(header(4, depth=16), 120))
    yield Recipe("sum", "the sum blend, which does not use the background", plain(header(3, blend=Blend.SUM), 150))
    yield Recipe("empty", "no Gaussian: background alone, GAUS is empty", plain(rgb, 0))
    yield Recipe("empty-sum", "no Gaussian in the sum blend: black", plain(header(3, blend=Blend.SUM), 0))
    yield Recipe("one-pixel", "1 x 1 px, one Gaussian", plain(header(3, 1, 1), 1, levels=1))
    yield Recipe("one-row", "200 x 1 px", plain(header(1, 200, 1), 40))
    yield Recipe("needles", "the thinnest ellipses, in all directions", plain(rgb, 100, thin=True))
    yield Recipe(
        "loud", "colours far outside of 0..1, escapes, clamping", plain(header(3, colour_slope=0), 80, loud=400)
    )
    yield Recipe(
        "crowd", "many Gaussians in few cells: large nodes, splits above 255", plain(rgb, 900, levels=2, crowded=True)
    )
    yield Recipe(
        "same", "Gaussians so cheap that zero bytes are appended to the stream", lambda: same(header(1, 16, 16), 300)
    )
    yield Recipe("levels", "all sixteen levels", plain(header(3), 200, levels=16))
    yield Recipe(
        "steps",
        "other steps and slopes, 32 sizes",
        plain(header(3, position=96, angle=90, log_scales=32, luma=80, chroma=120), 80),
    )
    yield Recipe("sections", "an index: three passes, blocks, parents that are not in the pass before", plain(
        rgb, 300, (Layer(1, 6), Layer(2, 5), Layer(1, 4))
    ))  # fmt: skip
    yield Recipe("everything", "index, metadata, unknown ancillary chunks", with_everything)


def same(head: Header, count: int) -> bytes:
    """Equal Gaussians."""
    one = scattered(head, 1)
    return bitstream.encode(replace(head), one.take(np.zeros(count, np.int64)))
