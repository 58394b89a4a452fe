"""File -> bitstream -> integers -> Gaussians -> pixels. Imports neither torch nor the fitting code."""

from __future__ import annotations

import numpy as np

from splatc import bitstream
from splatc.bitstream import Header
from splatc.errors import LimitError
from splatc.gaussians import FloatArray, Scene
from splatc.image_io import MAX_PIXELS, Image, Samples
from splatc.quantize import QuantizedGaussians, dequantize
from splatc.render import render

_BAND = 256  # rows rounded at a time: bounds the memory that a large picture takes beside itself


def decode_bytes(data: bytes, *, bit_depth: int | None = None) -> Image:
    """The picture in a ``.splat2d`` file, with `bit_depth` 8 or 16, by default that of its source.

    Raises CorruptFileError, UnsupportedFileError and LimitError.
    """
    check_size(bitstream.read_header(data))
    header, quantized = bitstream.decode(data)
    return Image(to_samples(render(make_scene(header, quantized)), bit_depth or header.depth))


def check_size(header: Header) -> None:
    """Raises LimitError for a picture that the format allows, but whose pixels would not fit into a machine's memory."""
    if header.width * header.height > MAX_PIXELS:
        size = f"{header.width} x {header.height}"
        raise LimitError(f"a picture of {size} is more than the {MAX_PIXELS} pixels that splatc decodes at once")


def make_scene(header: Header, quantized: QuantizedGaussians) -> Scene:
    """What a file says, in the units of the renderers."""
    return Scene(
        width=header.width,
        height=header.height,
        blend=header.blend,
        background=np.array(header.background, np.float32) / np.float32(255),
        gaussians=dequantize(header.quantizer, quantized),
    )


def to_samples(picture: FloatArray, bit_depth: int) -> Samples:
    """(H, W, C) floats, nominally in [0, 1] -> samples of 8 or 16 bits: clamped, rounded half up (spec/, "Picture model")."""
    dtype = np.uint8 if bit_depth == 8 else np.uint16
    samples = np.empty(picture.shape, dtype)
    for top in range(0, len(picture), _BAND):
        band = np.clip(picture[top : top + _BAND], 0.0, 1.0)
        samples[top : top + _BAND] = np.floor(band * np.float32(np.iinfo(dtype).max) + np.float32(0.5))
    return samples
