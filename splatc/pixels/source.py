"""A picture file as a source of strips, and a whole picture from one.

Pillow reads everything; large pictures go through a reader that streams, where one is installed. What comes out is the same: samples as
they stand in the file, turned as they are shown. Gray stays gray, palettes, bilevel and CMYK pictures become what they show.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import PIL.Image

from splatc.bitstream import Metadata
from splatc.errors import InputImageError, LimitError, SplatError
from splatc.files import STDIO, named, open_input
from splatc.pixels import deep, kinds, large_source, netpbm, pillow_source, tiff
from splatc.pixels.colour import kept_profile
from splatc.pixels.image import MAX_PIXELS, Image, Samples
from splatc.pixels.metadata import exif_of, orientation_of, upright, xmp_of

IN_MEMORY = 1 << 30
"""Bytes of samples; more of them go to a temporary file, which the system pages in and out."""
STREAM_ABOVE = 1 << 26
"""Pixels; larger pictures are read by a reader that streams, where one is installed. Smaller ones take less than 1 GB in Pillow."""
_PLAIN = {f"{kind}{bits}" for kind in ("L", "LA", "I", "RGB", "RGBA") for bits in ("", ";16B", ";16L", ";16N", ";16")}
_NOTHING: tuple[str, ...] = ()
MAX_PIPED = 1 << 31
"""Bytes read from a pipe, which must be held in memory."""


@dataclass(frozen=True)
class PixelSource:
    """A picture that can be read from top to bottom."""

    width: int
    height: int
    channels: int
    """1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha (not premultiplied)."""
    bit_depth: int
    """8 or 16 bits per sample."""
    metadata: Metadata
    notes: tuple[str, ...]
    """What is left out of the file, a sentence each."""
    description: str
    """What the file is, for people: ``PNG, palette``."""
    read: Callable[[], Iterator[Samples]]
    name: str = ""
    """Begins the messages of errors."""

    def strips(self) -> Iterator[Samples]:
        """All rows from top to bottom, (H_i, W, C) of uint8 or uint16 at a time; once, while the source is open.

        Raises InputImageError for a damaged or truncated file.
        """
        rows = 0
        with explained(self.name):
            for strip in self.read():
                rows += len(strip)
                yield strip
            if rows != self.height:
                raise InputImageError(f"damaged or truncated picture: {rows} of {self.height} rows")


@contextlib.contextmanager
def open_source(path: str) -> Iterator[PixelSource]:
    """The picture in a file, or on standard input for ``-``, to be read while the block lasts.

    Raises InputError (missing, unreadable), InputImageError (not a picture, damaged, of an unsupported kind) and LimitError (more than
    MAX_PIXELS), here or from ``strips``.
    """
    with open_input(path) as stream:
        with explained(path), pillow_limit_replaced():
            source = _open(path, stream if stream.seekable() else _held(stream))
        yield source


def load(path: str) -> Image:
    """The picture in a file, or on standard input for ``-``; an alpha channel that is opaque everywhere is left out.

    Raises what open_source raises.
    """
    with open_source(path) as source:
        return collect(source)


def collect(source: PixelSource) -> Image:
    """All strips of a source as one picture: in memory, or in a temporary file from IN_MEMORY bytes on."""
    shape = (source.height, source.width, source.channels)
    dtype: type[np.uint8 | np.uint16] = np.uint8 if source.bit_depth == 8 else np.uint16
    pixels = _allocate(shape, dtype)
    top, opaque = 0, source.channels in (2, 4)
    for strip in source.strips():
        pixels[top : top + len(strip)] = strip
        opaque = opaque and bool((strip[..., -1] == np.iinfo(dtype).max).all())
        top += len(strip)
    if opaque:
        pixels = pixels[..., :-1] if isinstance(pixels, np.memmap) else np.ascontiguousarray(pixels[..., :-1])
    return Image(pixels, source.description, source.notes, source.metadata)


def _allocate(shape: tuple[int, int, int], dtype: type[np.uint8 | np.uint16]) -> Samples:
    """Room for samples. A temporary file has no name any more (or is deleted with its last handle) and goes with the array."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size <= IN_MEMORY:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(prefix="splatc-") as file:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)  # else a full disk would end the process later, with no word
            else:
                file.truncate(size)
            return np.memmap(file, dtype, "r+", shape=shape)
        except OSError as error:
            raise LimitError(f"no room for {size} bytes of pixels in the folder of temporary files: {error}") from error


@contextlib.contextmanager
def explained(name: str) -> Iterator[None]:
    """What the readers raise as errors of ours, which begin with the name of the file."""
    with named(name) if name else contextlib.nullcontext():
        try:
            yield
        except (SplatError, MemoryError):
            raise
        except PIL.UnidentifiedImageError as error:
            known = "PNG, JPEG, WebP, AVIF, JPEG 2000, TIFF, PNM, PAM, BMP, GIF, TGA, QOI"
            raise InputImageError(f"not a picture that splatc reads ({known})") from error
        except (
            Exception
        ) as error:  # readers raise almost anything on damaged files: SyntaxError, struct.error, IndexError
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputImageError(f"damaged or truncated picture: {reason}") from error


@contextlib.contextmanager
def pillow_limit_replaced() -> Iterator[None]:
    """Pillow's own limit only warns up to twice its value, and stands far below the pictures that splatc is for."""
    limit = PIL.Image.MAX_IMAGE_PIXELS
    PIL.Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        PIL.Image.MAX_IMAGE_PIXELS = limit


def _held(stream: BinaryIO) -> BinaryIO:
    """The bytes of a pipe, which readers want to go back in."""
    data = stream.read(MAX_PIPED + 1)
    if len(data) > MAX_PIPED:
        raise LimitError(f"standard input is longer than {MAX_PIPED} bytes: give the name of a file")
    return io.BytesIO(data)


def _open(path: str, stream: BinaryIO) -> PixelSource:
    head = stream.read(32)
    kinds.refuse_by_first_bytes(head)
    stream.seek(0)
    if tiff.is_tiff(head):
        return _open_tiff(path, stream)
    if netpbm.is_pam(head):
        return _open_pam(path, stream)
    picture = pillow_source.open_header(stream)
    if picture.width * picture.height > MAX_PIXELS:
        raise LimitError(f"{picture.width} x {picture.height} is more than the {MAX_PIXELS} pixels that splatc accepts")
    kinds.refuse_by_header(picture, stream)
    description, notes = kinds.describe(picture), kinds.losses(picture, stream)
    exif, xmp = exif_of(picture), xmp_of(picture)
    profile = picture.info.get("icc_profile") or b""
    icc, more, profile_notes = b"", _NOTHING, _NOTHING

    stored = _streamed(path, picture, orientation_of(exif, xmp))
    if stored is not None:
        size, channels, depth = (stored.width, stored.height), stored.channels, stored.bit_depth
        read = stored.strips
    else:
        channels, depth, rows, more = pillow_source.decode(picture, stream)
        exif, xmp = exif or exif_of(picture), xmp or xmp_of(picture)  # PNG may have them after the pixels
        size = picture.size

        def read() -> Iterator[Samples]:
            return pillow_source.strips(size[1], rows)

    if picture.mode != "CMYK":
        icc, profile_notes = kept_profile(profile, channels)
    exif, xmp = upright(exif, xmp)
    if kinds.has_gain_map(xmp):
        xmp = b""  # it describes what is left out
    metadata = Metadata(icc, exif, xmp)
    notes = (*notes, *more, *profile_notes)
    return PixelSource(*size, channels, depth, metadata, notes, description, read, path)


def _open_tiff(path: str, stream: BinaryIO) -> PixelSource:
    named_file = None if path == STDIO or isinstance(stream, io.BytesIO) else path
    found = tiff.open_tiff(stream, named_file, STREAM_ABOVE)
    icc, notes = kept_profile(found.profile, found.channels)
    metadata = Metadata(icc, *upright(found.exif, found.xmp))
    notes = (*found.notes, *notes)
    shape = found.width, found.height, found.channels, found.bit_depth
    return PixelSource(*shape, metadata, notes, found.description, found.strips, path)


def _open_pam(path: str, stream: BinaryIO) -> PixelSource:
    pam = netpbm.read_header(stream)
    shape, rows = (pam.width, pam.height, pam.channels, pam.bit_depth), netpbm.rows_of(pam, stream)
    return PixelSource(*shape, Metadata(), pam.notes, "PAM", lambda: pillow_source.strips(pam.height, rows), path)


def _streamed(path: str, picture: PIL.Image.Image, orientation: int) -> large_source.Stored | None:
    """A large picture of a plain kind by a reader that streams, None where there is no need or no such reader.

    Only what needs no conversion: such a reader must yield what Pillow would.
    """
    plain = deep.raw_mode(picture) in _PLAIN and picture.info.get("transparency") is None
    if path == STDIO or not plain or picture.width * picture.height <= STREAM_ABOVE:
        return None
    if picture.format in ("PNG", "JPEG", "MPO") and large_source.installed("pyvips"):
        return large_source.open_vips(path, orientation)
    return None
