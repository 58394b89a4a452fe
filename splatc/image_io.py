"""Pixels into picture files; splatc.pixels brings them in, and nothing else in the package knows a file type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np
import PIL.Image

from splatc.deep_formats import write_png16, write_pnm16
from splatc.errors import OutputError, UsageError
from splatc.files import STDIO
from splatc.pixels import MAX_PIXELS, Image, Metadata, Samples, load, open_source
from splatc.pixels.metadata import pillow_options, png_chunks

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "Format",
    "Image",
    "Metadata",
    "Samples",
    "load",
    "open_source",
    "output_format",
    "save",
]

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_NO_ALPHA = {1: "L", 3: "RGB"}


@dataclass(frozen=True)
class Format:
    """A type of picture file that splatc writes."""

    name: str
    """Pillow's name of it."""
    modes: Mapping[int, str]
    """Number of channels -> Pillow mode in which 8-bit pictures are stored."""
    deep_channels: tuple[int, ...] = ()
    """The numbers of channels that it holds with 16 bits per sample."""
    options: Mapping[str, Any] = field(default_factory=dict)

    def check(self, channels: int, bit_depth: int) -> None:
        """Raises UsageError if a picture of this kind does not fit."""
        if channels not in self.modes:
            kind = "colour" if channels == 3 else "transparency"
            raise UsageError(f"{self.name} output cannot hold {kind}: choose another extension, such as .png")
        if bit_depth == 16 and channels not in self.deep_channels:
            raise UsageError(f"{self.name} output cannot hold 16 bits per sample: choose .png, or --bit-depth 8")


_JPEG = Format("JPEG", _NO_ALPHA, options={"quality": 95, "subsampling": 0})
_PNG = Format("PNG", _MODES, deep_channels=(1, 2, 3, 4))
_TIFF = Format("TIFF", _MODES, deep_channels=(1,))
FORMATS = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": Format("WEBP", {1: "RGB", 2: "RGBA", 3: "RGB", 4: "RGBA"}, options={"lossless": True, "exact": True}),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".ppm": Format("PPM", {1: "RGB", 3: "RGB"}, deep_channels=(3,)),
    ".pgm": Format("PPM", {1: "L"}, deep_channels=(1,)),
    ".pnm": Format("PPM", _NO_ALPHA, deep_channels=(1, 3)),
    ".bmp": Format("BMP", _NO_ALPHA),
}
"""By extension."""


def output_format(path: str) -> Format:
    """The format that the extension of `path` asks for, PNG for standard output. Raises UsageError for an unknown one."""
    if path == STDIO:
        return _PNG
    extension = PurePath(path).suffix.lower()
    if extension not in FORMATS:
        found = f"the extension {extension} is unknown" if extension else "the name has no extension"
        raise UsageError(f"{path}: {found}: pictures are written as {' '.join(FORMATS)}")
    return FORMATS[extension]


def save(image: Image, stream: BinaryIO, kind: Format) -> None:
    """Write a picture to a seekable stream. Raises UsageError (see Format.check) and OutputError (too large for the format)."""
    kind.check(image.channels, image.bit_depth)
    if image.bit_depth == 16 and kind.name in ("PNG", "PPM"):
        deep = image.pixels.astype(np.uint16, copy=False)
        if kind.name == "PNG":
            write_png16(deep, stream, png_chunks(image.metadata))
        else:
            write_pnm16(deep, stream)
        return
    pixels = image.pixels[..., 0] if image.channels == 1 else image.pixels
    picture = PIL.Image.fromarray(np.ascontiguousarray(pixels))
    if image.bit_depth == 8:
        picture = picture.convert(kind.modes[image.channels])
    try:
        picture.save(stream, kind.name, **kind.options, **pillow_options(image.metadata, kind.name))
    except (OSError, ValueError) as error:
        raise OutputError(f"the picture cannot be written as {kind.name}: {error}") from error
