"""File -> bitstream -> integers -> Gaussians -> pixels. Imports neither torch nor the fitting code."""

from __future__ import annotations

import io

import numpy as np

from splatc.bitstream import Header
from splatc.decoder.budget import Budget
from splatc.decoder.picture import Picture
from splatc.gaussians import Scene
from splatc.image.image import Image
from splatc.quantize import QuantizedGaussians, dequantize


def decode_bytes(data: bytes, *, bit_depth: int | None = None, budget: Budget = Budget()) -> Image:  # noqa: B008 - frozen
    """The whole picture in the bytes of a file and its metadata, as Picture reads them. Raises as `Picture.read` does."""
    with Picture(io.BytesIO(data), budget=budget) as picture:
        return picture.load(bit_depth)


def make_scene(header: Header, quantized: QuantizedGaussians) -> Scene:
    """What a file says, in the units of the renderers."""
    return Scene(
        width=header.width,
        height=header.height,
        blend=header.blend,
        background=np.array(header.background, np.float32) / np.float32(255),
        gaussians=dequantize(header.quantizer, quantized),
    )
