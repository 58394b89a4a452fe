"""Two pictures side by side: pictures of any kind that splatc reads, or ``.splat2d`` files."""

from __future__ import annotations

import io
import math
import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from splatc import metrics
from splatc.bitstream.container import SIGNATURE
from splatc.errors import UsageError
from splatc.files import STDIO, display, open_input, read_all
from splatc.image_io import Image, Samples, load
from splatc.picture import Note, Picture, warn
from splatc.pixels.source import MAX_PIPED, explained

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Side:
    """One of the two."""

    name: str
    bytes: int
    """Of its file."""
    channels: int
    bit_depth: int


@dataclass(frozen=True)
class Comparison:
    """How near two pictures of one size are."""

    width: int
    height: int
    a: Side
    b: Side
    psnr_db: float
    """Infinite for equal pictures."""
    ms_ssim: float
    largest_error: float
    """Of a sample, over full range."""
    equal_samples: float
    """Share of the samples that are the same."""
    equal_profiles: bool
    """Whether equal samples are equal colours."""

    def as_data(self) -> dict[str, Any]:
        """For JSON, which has no infinity; the names are a stable interface under SCHEMA_VERSION."""
        data = {"schema_version": SCHEMA_VERSION} | asdict(self)
        return data | {"psnr_db": self.psnr_db if math.isfinite(self.psnr_db) else None}


def compare(a: str, b: str, note: Note = warn) -> Comparison:
    """Compare the pictures in two files; gray counts as RGB of equal parts, a missing alpha channel as opaque, 8 bits as 16,
    colours as far as alpha lets them be seen. ``note`` is told what of a ``.splat2d`` file is damaged that is no pixel.

    Raises UsageError (the pictures differ in size, both are standard input) and what reading them raises.
    """
    if a == b == STDIO:
        raise UsageError("both pictures cannot come from standard input: give one of them a name")
    first, first_bytes = load_any(a, note)
    second, second_bytes = load_any(b, note)
    if (first.width, first.height) != (second.width, second.height):
        raise UsageError(
            f"{display(a)} is {first.width} x {first.height}, {display(b)} {second.width} x {second.height}: "
            "only pictures of one size can be compared"
        )
    x, y = map(metrics.shown, alike(first.pixels, second.pixels))
    difference = np.abs(x.astype(np.int32) - y)
    return Comparison(
        first.width,
        first.height,
        Side(display(a), first_bytes, first.channels, first.bit_depth),
        Side(display(b), second_bytes, second.channels, second.bit_depth),
        psnr_db=metrics.psnr(x, y),
        ms_ssim=metrics.ms_ssim(x, y),
        largest_error=float(difference.max()) / np.iinfo(x.dtype).max,
        equal_samples=float((difference == 0).mean()),
        equal_profiles=first.metadata.icc == second.metadata.icc,
    )


def load_any(path: str, note: Note = warn) -> tuple[Image, int]:
    """The picture in a file of either kind, and the size of the file, of a pipe that of what came. ``note`` hears what is left out."""
    with open_input(path) as file:
        with explained(path):
            stream = file if file.seekable() else io.BytesIO(read_all(file, path, limit=MAX_PIPED))
            start = stream.read(len(SIGNATURE))
            size = stream.seek(0, os.SEEK_END)
            stream.seek(0)
        if start != SIGNATURE:
            image = load(path, stream)
            for each in image.notes:
                note(f"{display(path)}: {each}")
            return image, size
        with Picture(stream, name=path, note=note) as picture:
            return picture.load(), size


def alike(a: Samples, b: Samples) -> tuple[Samples, Samples]:
    """Two pictures of one size with the same channels and bits per sample, changed as little as possible."""
    alpha = a.shape[2] in (2, 4) or b.shape[2] in (2, 4)
    colours = 3 if a.shape[2] >= 3 or b.shape[2] >= 3 else 1
    deep = np.uint16 in (a.dtype, b.dtype)
    return _as(a, colours, alpha, deep), _as(b, colours, alpha, deep)


def _as(pixels: Samples, colours: int, alpha: bool, deep: bool) -> Samples:
    if deep and pixels.dtype == np.uint8:
        pixels = pixels.astype(np.uint16) * np.uint16(257)
    own = pixels[..., -1:] if pixels.shape[2] in (2, 4) else np.full_like(pixels[..., :1], np.iinfo(pixels.dtype).max)
    colour = pixels[..., : 3 if pixels.shape[2] >= 3 else 1]
    if colour.shape[2] < colours:
        colour = np.repeat(colour, colours, axis=2)
    return np.concatenate([colour, own], axis=2) if alpha else colour
