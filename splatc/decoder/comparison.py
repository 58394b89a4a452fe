"""Two pictures side by side: pictures of any kind that splatc reads, or ``.splat2d`` files."""

from __future__ import annotations

import io
import math
import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from splatc.bitstream.container import SIGNATURE
from splatc.decoder.budget import Budget
from splatc.decoder.picture import Note, Picture, warn
from splatc.errors import UsageError
from splatc.image import metrics
from splatc.image.image import Image, Samples
from splatc.image.readers import load
from splatc.image.readers.source import MAX_PIPED, explained
from splatc.runtime.files import STDIO, display_input, open_input, read_all

SCHEMA_VERSION = 1
PLANES = 4
"""Bytes for each pixel of what MS-SSIM holds of one channel at a time: both pictures at half their size in float32, a quarter, ..."""


@dataclass(frozen=True)
class Side:
    """One of the two."""

    name: str
    """Its path."""
    bytes: int
    """Of its file."""
    channels: int
    """1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha."""
    bit_depth: int
    """8 or 16."""


@dataclass(frozen=True)
class Comparison:
    """How near two pictures of one size are."""

    width: int
    """px."""
    height: int
    """px."""
    a: Side
    """The first: name, bytes, channels, bit_depth."""
    b: Side
    """The other one."""
    psnr_db: float
    """Infinite for equal pictures."""
    ms_ssim: float
    """0 to 1."""
    largest_error: float
    """Of a sample, over full range."""
    equal_samples: float
    """Share of the samples that are the same."""
    equal_profiles: bool
    """Whether equal samples are equal colours."""

    def as_data(self) -> dict[str, Any]:
        """Give the numbers by name, for JSON.

        Returns:
            What ``splatc compare --json`` prints: names are stable under "schema_version", and an infinite PSNR is
            None.
        """
        data = {"schema_version": SCHEMA_VERSION} | asdict(self)
        return data | {"psnr_db": self.psnr_db if math.isfinite(self.psnr_db) else None}


def compare_files(a: str, b: str, note: Note = warn, budget: Budget = Budget()) -> Comparison:  # noqa: B008 - frozen
    """Compare the pictures in two files; gray counts as RGB of equal parts, a missing alpha channel as opaque, 8 bits as 16,
    colours as far as alpha lets them be seen. ``note`` is called for what of a ``.splat2d`` file is damaged beside the pixels. ``budget``
    is for each ``.splat2d`` file, its memory for both pictures together.

    Raises LimitError, UsageError (the pictures differ in size, both are standard input) and what reading them raises.
    """
    if a == b == STDIO:
        raise UsageError("both pictures cannot come from standard input: give one of them a name")
    first, first_bytes = load_any(a, note, budget)
    second, second_bytes = load_any(b, note, budget, beside=first.pixels.nbytes)
    if (first.width, first.height) != (second.width, second.height):
        raise UsageError(
            f"{display_input(a)} is {first.width} x {first.height}, {display_input(b)} {second.width} x {second.height}: "
            "only pictures of one size can be compared"
        )
    budget.check_memory(_needed(first, second), f"comparing pictures of {first.width} x {first.height}")
    x, y = map(metrics.shown, alike(first.pixels, second.pixels))
    largest, equal = _differences(x, y)
    return Comparison(
        first.width,
        first.height,
        Side(display_input(a), first_bytes, first.channels, first.bit_depth),
        Side(display_input(b), second_bytes, second.channels, second.bit_depth),
        psnr_db=metrics.psnr(x, y),
        ms_ssim=metrics.ms_ssim(x, y),
        largest_error=largest / np.iinfo(x.dtype).max,
        equal_samples=equal / x.size,
        equal_profiles=first.metadata.icc == second.metadata.icc,
    )


def load_any(path: str, note: Note, budget: Budget, beside: int = 0) -> tuple[Image, int]:
    """The picture in a file of either kind, and the size of the file, of a pipe that of what came. ``note`` is called for what is left out.

    ``beside`` so many bytes of samples that stay in memory.
    """
    with open_input(path) as file:
        with explained(path):
            stream = file if file.seekable() else io.BytesIO(read_all(file, path, limit=MAX_PIPED))
            start = stream.read(len(SIGNATURE))
            size = stream.seek(0, os.SEEK_END)
            stream.seek(0)
        if start != SIGNATURE:
            image = load(path, stream)
            for each in image.notes:
                note(f"{display_input(path)}: {each}")
            return image, size
        with Picture(stream, name=path, note=note, budget=budget) as picture:
            samples = picture.width * picture.height * picture.channels * picture.bit_depth // 8
            budget.check_memory(beside + samples, f"comparing with {picture.width} x {picture.height} pixels")
            return picture.load(), size


def _needed(first: Image, second: Image) -> int:
    """Bytes that two pictures take while they are compared: they themselves, copies of one kind where they are none, scaled-down ones."""
    own = first.pixels.nbytes + second.pixels.nbytes
    channels = max(first.channels, second.channels)
    alpha = first.channels in (2, 4) or second.channels in (2, 4)
    pixels = first.width * first.height
    copy = pixels * (channels + (alpha and channels == 3)) * max(first.bit_depth, second.bit_depth) // 8
    same = first.channels == second.channels and first.bit_depth == second.bit_depth
    return own + (0 if same and not alpha else 4 * copy) + PLANES * pixels


def _differences(x: Samples, y: Samples) -> tuple[int, int]:
    """The largest difference of two samples of pictures of one kind, and how many are equal."""
    largest = equal = 0
    for top in range(0, len(x), metrics.BAND):
        apart = np.abs(x[top : top + metrics.BAND].astype(np.int32) - y[top : top + metrics.BAND])
        largest, equal = max(largest, int(apart.max())), equal + int((apart == 0).sum())
    return largest, equal


def alike(a: Samples, b: Samples) -> tuple[Samples, Samples]:
    """Two pictures of one size with the same channels and bits per sample, changed as little as possible."""
    alpha = a.shape[2] in (2, 4) or b.shape[2] in (2, 4)
    colours = 3 if a.shape[2] >= 3 or b.shape[2] >= 3 else 1
    sixteen_bit = np.uint16 in (a.dtype, b.dtype)
    return _as(a, colours, alpha, sixteen_bit), _as(b, colours, alpha, sixteen_bit)


def _as(pixels: Samples, colours: int, alpha: bool, sixteen_bit: bool) -> Samples:
    if sixteen_bit and pixels.dtype == np.uint8:
        pixels = pixels.astype(np.uint16) * np.uint16(257)
    own = pixels[..., -1:] if pixels.shape[2] in (2, 4) else np.full_like(pixels[..., :1], np.iinfo(pixels.dtype).max)
    colour = pixels[..., : 3 if pixels.shape[2] >= 3 else 1]
    if colour.shape[2] < colours:
        colour = np.repeat(colour, colours, axis=2)
    return np.concatenate([colour, own], axis=2) if alpha else colour
