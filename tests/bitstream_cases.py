"""Random quantized Gaussians for the bitstream tests: anything that the format can hold, likely or not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splatc.attributes import MAX_LEVELS
from splatc.bitstream import Header, Layout, layout
from splatc.bitstream.divide import divide
from splatc.blend import Blend
from splatc.quantize import QuantizedGaussians, angle_count_table, offset_count_table
from splatc.steps import Quantizer, grid_shape


def random_quantized(
    rng: np.random.Generator, header: Header, count: int, *, levels: int = 6, crowded: bool = False
) -> QuantizedGaussians:
    """Gaussians in the coding order of a single section; `crowded` ones share few cells, have extreme colours and like extreme angles."""
    quantizer = header.quantizer
    level = np.minimum(rng.geometric(0.45, count) - 1, min(levels, MAX_LEVELS) - 1).astype(np.int32)
    grids = [grid_shape(header.width, header.height, quantizer.position_step(each)) for each in range(MAX_LEVELS)]
    cells = np.array(grids)[level]  # (N, 2)
    where = rng.random((count, 2)) * (0.02 if crowded else 1.0)
    x, y = np.minimum((where * cells).astype(np.int32), cells - 1).astype(np.int32).T
    aspect = np.minimum(rng.geometric(0.08, count) - 1, 63).astype(np.int32)
    directions = angle_count_table(quantizer)[level, aspect]
    colour = rng.normal(0, 6, (count, header.channels))
    if crowded:
        colour = np.clip(colour * 10.0 ** rng.integers(0, 5, (count, 1)), -32768, 32767)
    gaussians = QuantizedGaussians(
        level=level,
        x=x,
        y=y,
        log_scale=rng.integers(0, quantizer.log_scales, count).astype(np.int32),
        aspect=aspect,
        angle=(rng.random(count) * directions).astype(np.int32),
        offset=(rng.random(count) * offset_count_table(quantizer)[aspect]).astype(np.int32),
        colour=np.rint(colour).astype(np.int32),
    )
    return in_coding_order(header, gaussians)


def in_coding_order(
    header: Header, gaussians: QuantizedGaussians, division: Layout | None = None
) -> QuantizedGaussians:
    """Gaussians as a file lists them, in a single section if nothing else is said."""
    header = replace(header, level_counts=tuple(np.bincount(gaussians.level)[::-1].tolist()) if len(gaussians) else ())
    return gaussians.take(divide(header, division or layout.whole(header), gaussians)[1])


def header_for(width: int, height: int, channels: int = 3, quantizer: Quantizer | None = None) -> Header:
    """A header with nothing special in it."""
    return Header(width, height, channels, (128,) * channels, Blend.NORMALIZED, quantizer=quantizer or Quantizer())


def assert_equal(a: QuantizedGaussians, b: QuantizedGaussians) -> None:
    """All arrays are the same, types included."""
    for name, values in vars(a).items():
        assert values.dtype == getattr(b, name).dtype, name
        np.testing.assert_array_equal(values, getattr(b, name), name)
