"""Pixels into picture files; splatc.image.readers brings them in, and nothing else in the package knows a file type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np
import PIL.Image

from splatc.bitstream import Metadata
from splatc.errors import OutputError, UsageError
from splatc.image.image import MAX_PIXELS, MODES, Image, Samples
from splatc.image.writers import Shape, Writer, tiff
from splatc.image.writers.metadata import JPEG_EXIF, JPEG_XMP, pillow_options
from splatc.image.writers.png import write_png
from splatc.image.writers.pnm import write_pam, write_pnm, write_ppm
from splatc.runtime.files import STDIO, is_special

_NO_ALPHA = {1: "L", 3: "RGB"}
_ALL = (1, 2, 3, 4)


@dataclass(frozen=True)
class Format:
    """A type of picture file that splatc writes."""

    name: str
    """Pillow's name of it, where it has one."""
    modes: Mapping[int, str]
    """Number of channels -> Pillow mode in which 8-bit pictures are stored."""
    channels_of_16_bits: tuple[int, ...] = ()
    """The numbers of channels that it holds with 16 bits per sample."""
    write: Writer | None = None
    """Writes it by strips; without one the whole picture goes through Pillow."""
    max_side: int = 1 << 31
    """Longest width and height, px."""
    options: Mapping[str, Any] = field(default_factory=dict)
    profiled: tuple[int, ...] = (1, 2, 3, 4)
    """The numbers of channels with which it holds a colour profile."""
    work: int = 0
    """Of writing a pixel, points (spec/limits.md), where that is more than of drawing it: 0.5 us for lossless WebP."""
    most_exif: int = 1 << 31
    """Bytes of EXIF that it holds; 0 if none at all."""
    most_xmp: int = 1 << 31
    """Bytes of XMP that it holds."""

    def losses(self, metadata: Metadata, channels: int) -> list[str]:
        """Sentences about what of the metadata it does not hold."""
        notes = []
        if metadata.icc and channels not in self.profiled:
            notes.append(
                f"{self.name} holds no such colour profile, without which the colours look wrong: .png keeps it"
            )
        for name, content, most in (("EXIF", metadata.exif, self.most_exif), ("XMP", metadata.xmp, self.most_xmp)):
            if content and not most:
                notes.append(f"{self.name} holds no {name}, which is left out: .png keeps it")
            elif len(content) > most:
                notes.append(
                    f"{self.name} holds at most {most} bytes of {name}; the {len(content)} bytes are left out: .png keeps them"
                )
        return notes

    def check(self, channels: int, bit_depth: int, width: int = 1, height: int = 1) -> None:
        """Raises UsageError if a picture of this kind does not fit."""
        if channels not in self.modes:
            kind = "colour" if channels == 3 else "transparency"
            raise UsageError(f"{self.name} output cannot hold {kind}: choose another extension, such as .png")
        if bit_depth == 16 and channels not in self.channels_of_16_bits:
            raise UsageError(f"{self.name} output cannot hold 16 bits per sample: choose .png, or --bit-depth 8")
        limit = f"{self.max_side} px a side" if max(width, height) > self.max_side else ""
        if not limit and self.write is None and width * height > MAX_PIXELS:
            limit = f"{MAX_PIXELS} pixels, as it is not written by strips"
        if limit:
            raise UsageError(
                f"{self.name} output can hold at most {limit}; the picture has {width} x {height}: "
                "choose .tif or .png, a smaller --scale or a --region"
            )


_JPEG = Format(
    "JPEG",
    _NO_ALPHA,
    max_side=65500,
    options={"quality": 95, "subsampling": 0},
    most_exif=JPEG_EXIF,
    most_xmp=JPEG_XMP,
)
_PNG = Format("PNG", MODES, _ALL, write_png)
_TIFF = Format("TIFF", MODES, _ALL, tiff.write_tiff)
_PIXELS_ALONE: dict[str, Any] = {"profiled": (), "most_exif": 0, "most_xmp": 0}
_WEBP_MODES = {1: "RGB", 2: "RGBA", 3: "RGB", 4: "RGBA"}
FORMATS = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": Format(
        "WEBP", _WEBP_MODES, max_side=16383, options={"lossless": True, "exact": True}, profiled=(3, 4), work=2048
    ),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".ppm": Format("PPM", {1: "RGB", 3: "RGB"}, (1, 3), write_ppm, **_PIXELS_ALONE),
    ".pgm": Format("PGM", {1: "L"}, (1,), write_pnm, **_PIXELS_ALONE),
    ".pnm": Format("PNM", _NO_ALPHA, (1, 3), write_pnm, **_PIXELS_ALONE),
    ".pam": Format("PAM", MODES, _ALL, write_pam, **_PIXELS_ALONE),
    ".bmp": Format("BMP", _NO_ALPHA, **_PIXELS_ALONE),
}
"""By extension."""


def output_format(path: str) -> Format:
    """The format that the extension of `path` asks for, PNG for standard output. Raises UsageError for an unknown one.

    A pipe or a device without an extension is given PNG, too.
    """
    extension = PurePath(path).suffix.lower()
    if path == STDIO or (not extension and is_special(path)):
        return _PNG
    if extension not in FORMATS:
        found = f"the extension {extension} is unknown" if extension else "the name has no extension"
        raise UsageError(f"{path}: {found}: pictures are written as {' '.join(FORMATS)}")
    return FORMATS[extension]


def unwritable(metadata: Metadata, kind: Format) -> tuple[str, ...]:
    """Sentences about what of the metadata is damaged so that this type of file does not hold it."""
    return tiff.unwritable(metadata.exif) if kind.write is tiff.write_tiff else ()


def save(image: Image, stream: BinaryIO, kind: Format) -> None:
    """Write a picture to a seekable stream. Raises UsageError (see Format.check) and OutputError (too large for the format)."""
    shape = Shape(image.width, image.height, image.channels, image.bit_depth)
    save_strips([image.pixels], shape, stream, kind, image.metadata)


def save_strips(
    strips: Iterable[Samples], shape: Shape, stream: BinaryIO, kind: Format, metadata: Metadata | None = None
) -> None:
    """Write a picture that comes as strips (R, W, C) from top to bottom. Raises as save does."""
    kind.check(shape.channels, shape.bit_depth, shape.width, shape.height)
    metadata = metadata or Metadata()
    if kind.write is not None:
        kind.write(stream, shape, strips, metadata)
        return
    pixels = np.concatenate(list(strips))
    picture = PIL.Image.fromarray(pixels[..., 0] if shape.channels == 1 else pixels)
    picture = picture.convert(kind.modes[shape.channels])
    try:
        picture.save(stream, kind.name, **kind.options, **pillow_options(metadata, kind.name))
    except (OSError, ValueError) as error:
        raise OutputError(f"the picture cannot be written as {kind.name}: {error}") from error
