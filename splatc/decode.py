"""File -> bitstream -> integers -> Gaussians -> pixels. Imports neither torch nor the fitting code."""

from __future__ import annotations

import io

import numpy as np

from splatc.bitstream import Header, Reader
from splatc.errors import LimitError
from splatc.gaussians import Scene
from splatc.image_io import MAX_PIXELS, Image
from splatc.quantize import QuantizedGaussians, dequantize
from splatc.render import draw_samples
from splatc.render.view import view


def decode_bytes(data: bytes, *, bit_depth: int | None = None) -> Image:
    """The whole picture in a ``.splat2d`` file, with `bit_depth` 8 or 16, by default that of its source. Parts of it: picture.py.

    Raises CorruptFileError, UnsupportedFileError and LimitError.
    """
    reader = Reader(io.BytesIO(data))
    header = reader.header
    check_size(header.width, header.height)
    reader.check()
    whole = view(header.width, header.height)
    pixels = draw_samples(make_scene(header, reader.read()), whole, bit_depth or header.depth)
    return Image(pixels, metadata=reader.metadata())


def check_size(width: int, height: int) -> None:
    """Raises LimitError for a picture that the format allows, but whose pixels would not fit into a machine's memory."""
    if width * height > MAX_PIXELS:
        raise LimitError(
            f"a picture of {width} x {height} is more than the {MAX_PIXELS} pixels that splatc decodes at once: "
            "take a smaller scale or a region, or decode it to .tif or .png"
        )


def make_scene(header: Header, quantized: QuantizedGaussians) -> Scene:
    """What a file says, in the units of the renderers."""
    return Scene(
        width=header.width,
        height=header.height,
        blend=header.blend,
        background=np.array(header.background, np.float32) / np.float32(255),
        gaussians=dequantize(header.quantizer, quantized),
    )
