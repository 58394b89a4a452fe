"""Pixels in and out of picture files; nothing else in the package knows a file type.

What is coded are the samples as they stand in the file, with the EXIF orientation applied: gray stays gray, palettes, bilevel
and CMYK pictures become what they show, and an alpha channel that is opaque everywhere is left out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np
import PIL.Image
import PIL.ImageFile
import PIL.ImageOps
from numpy.typing import NDArray

from splatc.deep_formats import write_png16, write_pnm16
from splatc.errors import InputImageError, LimitError, OutputError, SplatError, UsageError
from splatc.files import STDIO, named, open_input

Samples = NDArray[np.uint8 | np.uint16]

MAX_PIXELS = 1 << 29
"""Larger pictures are refused before their pixels are decompressed: 32768 x 16384."""

# Only formats that Pillow decodes by itself: others start programs (EPS) or are no pictures (HDF5).
_READABLE = ("PNG", "JPEG", "WEBP", "AVIF", "JPEG2000", "TIFF", "PPM", "BMP", "GIF", "TGA", "QOI")
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_NO_ALPHA = {1: "L", 3: "RGB"}


@dataclass(frozen=True)
class Image:
    """A picture as integers."""

    pixels: Samples
    """(H, W, C) uint8 or uint16 over the full range; C = 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha (not premultiplied)."""
    description: str = ""
    """What the source was, for people: ``PNG, palette``."""
    notes: tuple[str, ...] = ()
    """What was left out of the source, a sentence each."""

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def channels(self) -> int:
        return int(self.pixels.shape[2])

    @property
    def bit_depth(self) -> int:
        """8 or 16 bits per sample."""
        return 8 * self.pixels.itemsize


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


def load(path: str) -> Image:
    """The picture in a file, or on standard input for ``-``.

    Raises InputError (missing, unreadable), InputImageError (not a picture, damaged, of an unsupported kind) and LimitError
    (more than MAX_PIXELS).
    """
    with open_input(path) as stream, named(path), _pillow_limit_replaced():
        try:
            return _load(stream)
        except (SplatError, MemoryError):
            raise
        except PIL.UnidentifiedImageError as error:
            known = "PNG, JPEG, WebP, AVIF, JPEG 2000, TIFF, PNM, BMP, GIF, TGA, QOI"
            raise InputImageError(f"not a picture that splatc reads ({known})") from error
        except (
            Exception
        ) as error:  # Pillow raises almost anything on damaged files: SyntaxError, struct.error, IndexError
            raise InputImageError(f"damaged or truncated picture: {error}") from error


def _load(stream: BinaryIO) -> Image:
    PIL.Image.init()  # else a format whose plugin is not loaded yet, or not built, is a KeyError
    source = PIL.Image.open(stream, formats=[name for name in _READABLE if name in PIL.Image.OPEN])
    if source.width * source.height > MAX_PIXELS:
        raise LimitError(f"{source.width} x {source.height} is more than the {MAX_PIXELS} pixels that splatc accepts")
    description, notes = _describe(source), _losses(source)
    _refuse_deep_colour(source)
    PIL.ImageOps.exif_transpose(source, in_place=True)
    return Image(_without_opaque_alpha(_samples(source)), description, notes)


def save(image: Image, stream: BinaryIO, kind: Format) -> None:
    """Write a picture to a seekable stream. Raises UsageError (see Format.check) and OutputError (too large for the format)."""
    kind.check(image.channels, image.bit_depth)
    if image.bit_depth == 16 and kind.name in _DEEP_WRITERS:
        _DEEP_WRITERS[kind.name](image.pixels.astype(np.uint16, copy=False), stream)
        return
    pixels = image.pixels[..., 0] if image.channels == 1 else image.pixels
    picture = PIL.Image.fromarray(np.ascontiguousarray(pixels))
    if image.bit_depth == 8:
        picture = picture.convert(kind.modes[image.channels])
    try:
        picture.save(stream, kind.name, **kind.options)
    except (OSError, ValueError) as error:
        raise OutputError(f"the picture cannot be written as {kind.name}: {error}") from error


_DEEP_WRITERS = {"PNG": write_png16, "PPM": write_pnm16}


@contextlib.contextmanager
def _pillow_limit_replaced() -> Iterator[None]:
    """Pillow's own limit only warns up to twice its value, and stands far below the pictures that splatc is for."""
    limit = PIL.Image.MAX_IMAGE_PIXELS
    PIL.Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        PIL.Image.MAX_IMAGE_PIXELS = limit


def _describe(source: PIL.Image.Image) -> str:
    kinds = {
        "1": "bilevel",
        "L": "gray",
        "LA": "gray and alpha",
        "P": "palette",
        "PA": "palette",
        "I;16": "16-bit gray",
    }
    return f"{source.format}, {kinds.get(source.mode, source.mode)}"


def _losses(source: PIL.Image.Image) -> tuple[str, ...]:
    """Sentences about what the pixels do not carry over."""
    notes = []
    if getattr(source, "is_animated", False) and source.format != "MPO":  # MPO: views of one scene in one JPEG file
        notes.append(f"only the first of {getattr(source, 'n_frames', 'several')} frames is coded")
    profile = source.info.get("icc_profile") or b""
    if profile and not (b"sRGB" in profile or "sRGB".encode("utf-16-be") in profile):
        notes.append("the colour profile is not stored: colours will be shown as sRGB")
    return tuple(notes)


def _refuse_deep_colour(source: PIL.Image.Image) -> None:
    """Pillow reduces 16-bit colour to 8 bits silently; only how it means to unpack the (not yet loaded) samples tells."""
    tiles = source.tile if isinstance(source, PIL.ImageFile.ImageFile) else []
    for tile in tiles:
        unpacking = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        deep_pnm = source.format == "PPM" and isinstance(unpacking[-1], int) and unpacking[-1] > 255
        if not source.mode.startswith("I") and (deep_pnm or any(";16" in str(part) for part in unpacking)):
            advice = "convert the picture to 8 bits per sample, or to 16-bit gray"
            raise InputImageError(f"16-bit colour is not supported: {advice}")


def _samples(picture: PIL.Image.Image) -> Samples:
    """(H, W, C) samples of a Pillow picture in whatever mode. Raises InputImageError for modes that have none of 8 or 16 bits."""
    mode, transparency = picture.mode, picture.info.get("transparency")
    if mode.startswith("I"):
        return _deep_gray(picture, transparency)
    if mode in ("1", "L", "LA", "La"):
        target = "LA" if mode.upper() == "LA" or transparency is not None else "L"
    elif mode in ("RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "CMYK", "YCbCr"):
        target = "RGBA" if mode in ("RGBA", "RGBa", "PA") or transparency is not None else "RGB"
    else:
        raise InputImageError(f"pictures of Pillow's mode {mode} are not supported: convert it to 8-bit gray or RGB")
    pixels: NDArray[np.uint8] = np.asarray(_converted(picture, target))
    return pixels.reshape(picture.height, picture.width, -1)


def _converted(picture: PIL.Image.Image, mode: str) -> PIL.Image.Image:
    """Pillow converts premultiplied gray and palettes with transparency only by way of RGBA."""
    if mode == "LA" and picture.mode not in ("L", "LA"):
        picture = picture.convert("RGBA")
    return picture if picture.mode == mode else picture.convert(mode)


def _deep_gray(picture: PIL.Image.Image, transparency: object) -> Samples:
    """Gray of more than 8 bits; PNG may declare one value transparent."""
    values = np.asarray(picture)
    if values.min() < 0 or values.max() > 65535:
        raise InputImageError("32-bit gray is not supported: convert the picture to 16-bit gray")
    gray = values.astype(np.uint16)
    if transparency is None:
        return gray[..., np.newaxis]
    alpha = np.where(gray == transparency, 0, 65535).astype(np.uint16)
    return np.stack([gray, alpha], axis=-1)


def _without_opaque_alpha(pixels: Samples) -> Samples:
    if pixels.shape[2] in (2, 4) and bool((pixels[..., -1] == np.iinfo(pixels.dtype).max).all()):
        return np.ascontiguousarray(pixels[..., :-1])
    return pixels
