"""Small valid files of every kind: where mutation starts from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splatc import bitstream
from splatc.bitstream import Layer, Layout, Metadata
from splatc.blend import Blend
from splatc.steps import Quantizer
from tests.bitstream_cases import header_for, random_quantized

_DIVIDED: Layout = (Layer(1, 6), Layer(1, 5))


def seeds() -> list[bytes]:
    """Some dozen files of 40 to 1000 bytes: all numbers of channels, blends, depths; empty, crowded, with sections, with metadata."""
    files = []
    rng = np.random.default_rng(2024)
    for channels in (1, 2, 3, 4):
        header = replace(header_for(24, 17, channels), depth=8 if channels % 2 else 16, blend=Blend(channels % 2))
        for count in (0, 1, 9):
            files.append(bitstream.encode(header, random_quantized(rng, header, count, levels=4)))
    header = header_for(200, 100)
    files.append(bitstream.encode(header, random_quantized(rng, header, 80, crowded=True)))
    files.append(bitstream.encode(header_for(1, 1), random_quantized(rng, header_for(1, 1), 5)))
    header = header_for(9000, 7, quantizer=Quantizer(position=150, log_scales=32, aspect=1, colour_slope=20))
    files.append(bitstream.encode(header, random_quantized(rng, header, 12)))
    header = header_for(64, 40)
    gaussians = random_quantized(rng, header, 60, levels=2)
    files.append(bitstream.encode(header, gaussians, layout=_DIVIDED))
    files.append(bitstream.encode(header, gaussians, Metadata(b"profile " * 5, b"II*\0", b"<x/>"), layout=_DIVIDED))
    return files
