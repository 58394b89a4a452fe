"""A picture file as a source of strips, and a whole picture from one.

Pillow reads everything; large pictures go through a reader that streams, where one is installed. What comes out is the same: samples as
they stand in the file, turned as they are shown. Gray stays gray, palettes, bilevel and CMYK pictures become what they show.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.Image

from splatc.bitstream import Metadata
from splatc.bitstream.limits import MAX_METADATA
from splatc.errors import InputError, InputImageError, LimitError, SplatError
from splatc.image.image import Image, Samples
from splatc.image.readers import large_source, netpbm, pillow_source, sixteen_bit, sniffing, tiff
from splatc.image.readers.colour import kept_profile
from splatc.image.readers.extent import Extent, extent, stated_extent
from splatc.image.readers.file_metadata import file_metadata
from splatc.image.readers.opening import open_surveyed
from splatc.image.readers.orientation import upright
from splatc.image.readers.xmp_keys import without_absent_parts
from splatc.runtime.files import STDIO, named, open_input, read_all

IN_MEMORY = 1 << 30
"""Bytes of samples; more of them go to a temporary file, which the system pages in and out."""
STREAM_ABOVE = 1 << 26
"""Pixels; larger pictures are read by a reader that streams, where one is installed. Smaller ones take less than 1 GB in Pillow."""
_PLAIN = {f"{kind}{bits}" for kind in ("L", "LA", "I", "RGB", "RGBA") for bits in ("", ";16B", ";16L", ";16N", ";16")}
_NOTHING: tuple[str, ...] = ()
_CLEAR = "all pixels are transparent: their colours are left out"
_UNFILLED = "the alpha channel is zero everywhere and is left out: the picture is taken as opaque"
MAX_PIPED = 1 << 31
"""Bytes read from a pipe, which must be held in memory: readers want to go back in them."""


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
    doubtful: bool = False
    """Whether an alpha channel of nothing but zeros is taken for one that was never filled."""

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
def open_source(
    path: str,
    opened: BinaryIO | None = None,
    *,
    trusted: bool = False,
    check: Callable[[Extent], None] | None = None,
) -> Iterator[PixelSource]:
    """The picture in a file, or on standard input for ``-``, to be read while the block lasts.

    Args:
        path: The file.
        opened: It, if it is open already; then it stays open.
        check: called with the size before a pixel is decoded; what it raises reaches the caller.
        trusted: Whether a large picture is read though its file is too short for what it shows (opening.PIXELS_PER_BYTE).

    Raises:
        InputError: It is missing or cannot be read.
        InputImageError: It is no picture, is damaged, or of a kind that is not supported; also from ``strips``.
        LimitError: It has more than MAX_PIXELS, or is not `trusted`.
    """
    with open_input(path) if opened is None else contextlib.nullcontext(opened) as stream:
        with explained(path):
            file = stream if stream.seekable() else io.BytesIO(read_all(stream, path, limit=MAX_PIPED))
            source = _open(path, file, trusted, check)
        yield source


def load(path: str, opened: BinaryIO | None = None) -> Image:
    """The picture in a file, or on standard input for ``-``; an alpha channel that is opaque everywhere is left out.

    Takes and raises what open_source does.
    """
    with open_source(path, opened) as source:
        return collect(source)


def collect(source: PixelSource) -> Image:
    """All strips of a source as one picture: in memory, or in a temporary file from IN_MEMORY bytes on."""
    shape = (source.height, source.width, source.channels)
    dtype: type[np.uint8 | np.uint16] = np.uint8 if source.bit_depth == 8 else np.uint16
    pixels = _allocate(shape, dtype)
    top, opaque, clear = 0, source.channels in (2, 4), source.channels in (2, 4)
    for strip in source.strips():
        pixels[top : top + len(strip)] = strip
        opaque = opaque and bool((strip[..., -1] == np.iinfo(dtype).max).all())
        clear = clear and not strip[..., -1].any()
        top += len(strip)
    notes = source.notes
    if clear:
        notes = (*notes, _UNFILLED if source.doubtful else _CLEAR)
    if opaque or (clear and source.doubtful):
        pixels = pixels[..., :-1] if isinstance(pixels, np.memmap) else np.ascontiguousarray(pixels[..., :-1])
    return Image(pixels, source.description, notes, source.metadata)


def _allocate(shape: tuple[int, int, int], dtype: type[np.uint8 | np.uint16]) -> Samples:
    """Room for samples. A temporary file has no name any more (or is deleted with its last handle) and goes with the array.

    Where no folder takes temporary files, memory must do.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size <= IN_MEMORY:
        return np.empty(shape, dtype)
    try:
        temporary = tempfile.TemporaryFile(prefix="splatc-")  # noqa: SIM115 - closed below; only making it belongs in this try
    except OSError:
        return np.empty(shape, dtype)
    with temporary as file:
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
        except PIL.Image.DecompressionBombError as error:  # some readers ask Pillow's own limit
            raise LimitError(
                "the picture is larger than Pillow reads of its type: convert it to PNG or TIFF"
            ) from error
        except OSError as error:
            if error.errno in (None, errno.EINVAL):  # of a reader, not of the system; a damaged offset
                raise InputImageError(f"damaged or truncated picture: {_sentence(error)}") from error
            raise InputError(f"cannot be read: {error.strerror}") from error
        except (
            Exception
        ) as error:  # readers raise almost anything on damaged files: SyntaxError, struct.error, IndexError
            raise InputImageError(f"damaged or truncated picture: {_sentence(error)}") from error


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _open(path: str, file: BinaryIO, trusted: bool, check: Callable[[Extent], None] | None) -> PixelSource:
    head = file.read(32)
    file.seek(0)
    if tiff.is_tiff(head):
        sniffing.refuse_by_first_bytes(head)
        return _open_tiff(path, file, check)
    if netpbm.is_pam(head):
        return _open_pam(path, file, check)
    found, picture = open_surveyed(file, trusted=trusted)
    stream = found.stream
    if check is not None:
        check(extent(picture))
    sniffing.refuse_by_header(picture, stream)
    description, notes = found.description or sniffing.describe(picture), sniffing.losses(picture, stream)
    # What is read of the file may be a part of it, or made anew; of AVIF only EXIF lacks that no reader knows.
    stated = file_metadata(picture, stream if picture.format == "AVIF" else file)
    icc, more, profile_notes = b"", _NOTHING, _NOTHING

    stored = _streamed(path, picture, stated.orientation) if found.sound else None
    if stored is not None:
        size, channels, depth = (stored.width, stored.height), stored.channels, stored.bit_depth
        read = stored.strips
    else:
        size, channels, depth, rows, more = pillow_source.decode(
            picture, stream, stated.orientation, stated.icc, opaque=found.opaque, arranged=found.arranged
        )

        def read() -> Iterator[Samples]:
            return pillow_source.strips(size[1], rows)

    if picture.mode != "CMYK":
        icc, profile_notes = kept_profile(stated.colours, channels)
    metadata, kept_notes = _kept(icc, stated.exif, stated.xmp, stated.orientation)
    more = (*more, *stated.notes, *profile_notes, *found.notes, *kept_notes)
    notes = tuple(dict.fromkeys((*notes, *more)))  # each once
    return PixelSource(*size, channels, depth, metadata, notes, description, read, path, found.doubtful)


def _kept(icc: bytes, exif: bytes, xmp: bytes, orientation: int) -> tuple[Metadata, tuple[str, ...]]:
    """What a ``.splat2d`` file holds of this, for pixels that are turned upright, and sentences about what it does not."""
    exif, xmp = upright(exif, xmp, orientation)
    xmp, xmp_notes = without_absent_parts(xmp)
    metadata = Metadata(icc, exif, xmp)
    names = {"icc": "the colour profile", "exif": "EXIF", "xmp": "XMP"}
    long = [field for field in names if len(getattr(metadata, field)) > MAX_METADATA]
    notes = [f"{names[field]} of {len(getattr(metadata, field))} bytes is too long and is left out" for field in long]
    return replace(metadata, **dict.fromkeys(long, b"")), (*xmp_notes, *notes)


def _open_tiff(path: str, stream: BinaryIO, check: Callable[[Extent], None] | None) -> PixelSource:
    if check is not None:
        check(stated_extent(tiff.header_of(stream)))
    named_file = None if path == STDIO or isinstance(stream, io.BytesIO) else path
    found = tiff.open_tiff(stream, named_file, STREAM_ABOVE)
    icc, notes = kept_profile(found.colours, found.channels)
    metadata, kept_notes = _kept(icc, found.exif, found.xmp, found.orientation)
    notes = tuple(dict.fromkeys((*found.notes, *notes, *kept_notes)))
    shape = found.width, found.height, found.channels, found.bit_depth
    return PixelSource(*shape, metadata, notes, found.description, found.strips, path)


def _open_pam(path: str, stream: BinaryIO, check: Callable[[Extent], None] | None) -> PixelSource:
    pam = netpbm.read_header(stream)
    if check is not None:
        check(stated_extent(pam))
    shape, rows = (pam.width, pam.height, pam.channels, pam.bit_depth), netpbm.rows_of(pam, stream)
    return PixelSource(*shape, Metadata(), pam.notes, "PAM", lambda: pillow_source.strips(pam.height, rows), path)


def _streamed(path: str, picture: PIL.Image.Image, orientation: int) -> large_source.Stored | None:
    """A large picture of a plain kind by a reader that streams, None where there is no need or no such reader.

    Only what needs no conversion: such a reader must yield what Pillow would.
    """
    plain = sixteen_bit.raw_mode(picture) in _PLAIN and picture.info.get("transparency") is None
    if path == STDIO or not plain or picture.width * picture.height <= STREAM_ABOVE or not Path(path).is_file():
        return None  # what is read of a pipe is gone
    if picture.format in ("PNG", "JPEG", "MPO") and large_source.installed("pyvips"):
        return large_source.open_vips(path, orientation)
    return None
