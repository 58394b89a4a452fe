"""File -> bitstream -> integers -> Gaussians -> pixels. Imports neither torch nor the fitting code."""

from __future__ import annotations

import io

import numpy as np

from splatc.bitstream import Header, Reader
from splatc.budget import Budget
from splatc.gaussians import Scene
from splatc.pixels import Image
from splatc.quantize import QuantizedGaussians, dequantize
from splatc.render.draw import draw, make_plan
from splatc.render.view import view


def decode_bytes(data: bytes, *, bit_depth: int | None = None, budget: Budget = Budget()) -> Image:  # noqa: B008 - frozen
    """The whole picture in a ``.splat2d`` file, with `bit_depth` 8 or 16, by default that of its source. Parts of it: picture.py.

    Raises CorruptFileError, UnsupportedFileError and LimitError.
    """
    reader = Reader(io.BytesIO(data))
    header = reader.header
    depth = bit_depth or header.depth
    budget.check_pixels(header.width, header.height)
    cost, seen = reader.needed(), view(header.width, header.height)
    budget.check_reading(*cost)
    reader.check()
    quantized = reader.read()
    budget.check_points(header.quantizer, quantized, seen, cost.work)
    plan = make_plan(make_scene(header, quantized), seen)
    budget.check_drawing(plan, header.width * header.height * header.channels * depth // 8)
    return Image(draw(plan, np.uint8 if depth == 8 else np.uint16), metadata=reader.metadata())


def make_scene(header: Header, quantized: QuantizedGaussians) -> Scene:
    """What a file says, in the units of the renderers."""
    return Scene(
        width=header.width,
        height=header.height,
        blend=header.blend,
        background=np.array(header.background, np.float32) / np.float32(255),
        gaussians=dequantize(header.quantizer, quantized),
    )
