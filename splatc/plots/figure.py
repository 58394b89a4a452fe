"""What a plot shows, in the pixels of the screen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from splatc.decoder import picture as opened
from splatc.decoder.comparison import alike
from splatc.decoder.describe import report_with_bits
from splatc.errors import UsageError
from splatc.gaussians import Gaussians
from splatc.image import metrics
from splatc.image.image import Samples
from splatc.image.readers import load
from splatc.quantize import dequantize

MAX_SIDE = 1280
"""px: larger pictures are shown smaller."""
FULL_ERROR = 0.25
"""Root mean square error of a pixel, over full range, that is shown white."""

Bitmap = NDArray[np.uint8]
"""(H, W, 3)"""


@dataclass(frozen=True)
class Figure:
    """The parts of a plot."""

    name: str
    facts: dict[str, Any]
    """What ``splatc info`` says."""
    picture: Bitmap
    gaussians: Gaussians
    """With means and scales in px of the screen."""
    original: Bitmap | None = None
    error: Bitmap | None = None
    """As a heat map: black where there is none, white from FULL_ERROR on."""
    psnr_db: float | None = None
    profile: bytes = b""
    """The colour profile of picture, original and ellipses; empty for sRGB."""

    @property
    def bits(self) -> dict[str, float]:
        """By part of the file."""
        bits: dict[str, float] = self.facts["bits"]
        return bits


def make_figure(file: opened.Picture, name: str) -> Figure:
    """Read a ``.splat2d`` file. Raises CorruptFileError, UnsupportedFileError and LimitError."""
    scale = min(Fraction(1), Fraction(MAX_SIDE, max(file.size)))
    pixels = file.read(scale=scale, bit_depth=8)  # drawn in the size that is shown
    picture = _rgb_on_white(pixels if pixels.ndim == 3 else pixels[..., np.newaxis])
    gaussians = dequantize(file.reader.header.quantizer, file.reader.read())
    factor = np.float32(picture.shape[1] / file.width)
    shown = replace(gaussians, mean=gaussians.mean * factor, scale=gaussians.scale * factor)
    # A profile of gray is not one of the RGB that is drawn here.
    profile = file.metadata().icc if file.channels >= 3 else b""
    return Figure(name, report_with_bits(file.reader, file.budget), picture, shown, profile=profile)


def with_original(figure: Figure, file: opened.Picture, path: str) -> Figure:
    """The figure of a file with what was encoded beside it. Raises UsageError if that is of another size, and as image_io.load does."""
    original = load(path)
    decoded = file.load()
    if (original.width, original.height) != (decoded.width, decoded.height):
        raise UsageError(
            f"{path} is {original.width} x {original.height}, the file shows {decoded.width} x {decoded.height}: "
            "give the picture that was encoded"
        )
    a, b = map(metrics.shown, alike(original.pixels, decoded.pixels))
    return replace(figure, original=_on_screen(original.pixels), error=_heat_map(a, b), psnr_db=metrics.psnr(a, b))


def _on_screen(pixels: Samples) -> Bitmap:
    """8-bit RGB on white, at most MAX_SIDE px wide and high."""
    return np.asarray(_reduced(PIL.Image.fromarray(_rgb_on_white(pixels))))


def _rgb_on_white(pixels: Samples) -> Bitmap:
    """(H, W, C) to (H, W, 3)."""
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    colour = pixels[..., :3] if pixels.shape[2] >= 3 else np.repeat(pixels[..., :1], 3, axis=2)
    if pixels.shape[2] in (2, 4):
        alpha = pixels[..., -1:].astype(np.float32) / 255
        colour = (colour * alpha + 255 * (1 - alpha) + 0.5).astype(np.uint8)
    return np.ascontiguousarray(colour, np.uint8)


def _heat_map(a: Samples, b: Samples) -> Bitmap:
    """Root mean square error over the channels: black, red, yellow, white."""
    squares = np.square((a.astype(np.float32) - b) / np.iinfo(a.dtype).max).mean(axis=2)
    smaller = _reduced(PIL.Image.fromarray(squares))
    heat = 3.0 * np.minimum(np.sqrt(np.maximum(np.asarray(smaller), 0.0)) / FULL_ERROR, 1.0)
    return np.asarray(255 * np.clip(heat[..., np.newaxis] - [0.0, 1.0, 2.0], 0.0, 1.0) + 0.5, np.uint8)


def _reduced(picture: PIL.Image.Image) -> PIL.Image.Image:
    ratio = Fraction(MAX_SIDE, max(picture.size))
    if ratio >= 1:
        return picture
    size = (math.ceil(picture.width * ratio), math.ceil(picture.height * ratio))
    return picture.resize(size, PIL.Image.Resampling.BOX)


def chosen(gaussians: Gaussians, limit: int) -> Gaussians:
    """At most `limit` of them, chosen evenly in the order of the file, so that all sizes are among them."""
    if len(gaussians) <= limit:
        return gaussians
    index = np.linspace(0, len(gaussians) - 1, limit).astype(np.int64)
    return Gaussians(**{name: array[index] for name, array in vars(gaussians).items()})


def rgb(gaussians: Gaussians) -> Bitmap:
    """(N, 3) the colours of Gaussians, for the screen."""
    colour = (
        gaussians.colour[:, :3] if gaussians.colour.shape[1] >= 3 else np.repeat(gaussians.colour[:, :1], 3, axis=1)
    )
    return (np.clip(colour, 0.0, 1.0) * 255 + 0.5).astype(np.uint8)
