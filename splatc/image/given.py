"""The picture that a program gives to be encoded: an array, or an image of Pillow's."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import PIL.Image

from splatc.bitstream import Metadata, limits
from splatc.errors import InputImageError
from splatc.image.image import Image, Samples
from splatc.image.readers import exif as exif_block
from splatc.image.readers.orientation import orientation_of, turned, upright
from splatc.image.readers.xmp import in_utf8
from splatc.runtime.arguments import shown

_EXPECTED = "expected uint8 or uint16 over the full range"
_PROFILES = {1: b"GRAY", 2: b"GRAY", 3: b"RGB ", 4: b"RGB "}
"""What the colour space of a profile must be, by the number of channels."""


def image_of(array: object, icc: bytes | None = None, exif: bytes = b"", xmp: bytes = b"") -> Image:
    """The picture, with its metadata; the profile None is that of an image of Pillow's, else none.

    EXIF and XMP that state another orientation than 1 state 1 afterwards, without their thumbnails: what is stored is upright. An image
    of Pillow's is turned accordingly, since they describe it as it lies in its file; an array is taken as it is shown.

    Args:
        array: (H, W) or (H, W, C) of uint8 or uint16 in any byte order and layout, or what becomes such an array; or an image of Pillow's.

    Raises:
        InputImageError: there is no picture in it, by a sentence that says how to make one of it.
        LimitError: it has more pixels than the format allows.
    """
    xmp = in_utf8(xmp)
    orientation = orientation_of(exif if exif_block.is_exif(exif) else b"", xmp)
    if isinstance(array, PIL.Image.Image):
        pixels, own = samples_of(array)
        pixels = turned(pixels, orientation)
        icc = own if icc is None else icc
    else:
        pixels = _samples(array)
    shape = pixels.shape
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 2, 3, 4) or 0 in pixels.shape:
        channels_first = pixels.ndim == 3 and pixels.shape[0] in (1, 2, 3, 4)
        advice = ": array.transpose(1, 2, 0) moves the channels behind" if channels_first else ""
        raise InputImageError(f"an array of shape {shape} is no picture: expected (H, W) or (H, W, 1 to 4){advice}")
    limits.check_picture(pixels.shape[1], pixels.shape[0])
    upright_exif, xmp = upright(exif if exif_block.is_exif(exif) else b"", xmp, orientation)
    native = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))
    return Image(native, metadata=Metadata(icc or b"", upright_exif or exif, xmp))


def _samples(array: object) -> Samples:
    """An array of uint8 or uint16, of any shape. Raises InputImageError."""
    if isinstance(array, str | os.PathLike):
        raise InputImageError(
            f"array={shown(array)} is a path, and encode takes pixels: splatc.encode_file(path, target) encodes picture files"
        )
    if array is None or isinstance(array, bytes | bytearray | memoryview):
        raise InputImageError(
            f"array={shown(array)} is no picture: expected an array of uint8 or uint16, or an image of Pillow's"
        )
    try:
        pixels = np.asarray(array)
    except MemoryError:
        raise
    except Exception as error:  # of whatever library it is: a list of rows of unequal length, a tensor on a GPU
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputImageError(f"array={shown(array)} is no picture: {reason}") from error
    if isinstance(array, np.ma.MaskedArray) and array.mask.any():
        raise InputImageError("a masked array is no picture: array.filled(0) gives the masked samples a value")
    if pixels.dtype.kind != "u" or pixels.dtype.itemsize > 2:
        raise InputImageError(f"an array of {pixels.dtype} is no picture: {_EXPECTED}{_advice(pixels.dtype)}")
    return pixels


def _advice(dtype: np.dtype[Any]) -> str:
    """How samples of another type become such as are coded."""
    return {
        "b": "; numpy.uint8(255) * array makes black and white of it",
        "f": "; (255 * array).round().astype(numpy.uint8) makes them of values from 0 to 1",
        "i": "; array.astype(numpy.uint8) makes them of values from 0 to 255, numpy.uint16 of values to 65535",
        "u": "; array.astype(numpy.uint8) makes them of values from 0 to 255, numpy.uint16 of values to 65535",
        "O": "; array.astype(numpy.uint8) makes them of numbers from 0 to 255",
    }.get(dtype.kind, "")


def samples_of(picture: PIL.Image.Image) -> tuple[Samples, bytes]:
    """What an image of Pillow's shows, (H, W) or (H, W, C), and its colour profile, empty if it has none for such samples.

    Palettes, inks and the like become gray or RGB, what is transparent an alpha channel; pixels are not turned. Raises InputImageError.
    """
    profile = picture.info.get("icc_profile")
    profile = profile if isinstance(profile, bytes) else b""
    try:
        picture.load()
        pixels = _gray_16_bit(picture) if picture.mode.startswith("I;16") else np.asarray(_converted(picture, profile))
    except (InputImageError, MemoryError):
        raise
    except Exception as error:  # Pillow raises almost anything for a damaged file, and ValueError for a closed one
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputImageError(f"damaged or truncated picture: {reason}") from error
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    return pixels, profile if profile[16:20] == _PROFILES.get(channels) else b""


def _converted(picture: PIL.Image.Image, profile: bytes) -> PIL.Image.Image:
    """In a mode of 8-bit samples that can be coded."""
    mode, transparent = picture.mode, picture.has_transparency_data
    if mode in ("1", "L", "LA", "La"):
        target = "LA" if transparent else "L"
    elif mode in ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr", "HSV"):
        target = "RGBA" if transparent else "RGB"
    elif mode == "CMYK":
        from splatc.image.readers.colour import cmyk_to_rgb

        convert, _ = cmyk_to_rgb(profile)
        return convert(picture)
    else:
        raise InputImageError(
            _REFUSED.get(mode, f"pictures of Pillow's mode {mode} are not supported: image.convert('RGB') may help")
        )
    if mode == "1" and transparent:
        picture = picture.convert("RGBA")  # which knows of its transparency; by way of L it is lost
    converted = picture if mode == target else picture.convert(target)
    if mode == "P" and transparent and converted.getextrema()[-1] == (255, 255):
        return converted.convert("RGB")  # a palette may have room for an alpha that no colour needs
    return converted


_REFUSED = {
    "F": "an image of Pillow's mode F (floating point) is no picture: scale it to 0..255 and take image.convert('L')",
    "I": "an image of Pillow's mode I (32-bit integers) is no picture: numpy.asarray(image).astype(numpy.uint16) makes one of values "
    "from 0 to 65535, image.convert('L') of values from 0 to 255",
    "LAB": "an image of Pillow's mode LAB is no picture that splatc codes: PIL.ImageCms converts it to RGB",
}


def _gray_16_bit(picture: PIL.Image.Image) -> Samples:
    """16-bit gray in either byte order; one value may be transparent."""
    gray = np.asarray(picture).astype(np.uint16)
    transparent = picture.info.get("transparency")
    if not isinstance(transparent, int):
        return gray
    return np.stack([gray, np.where(gray == transparent, 0, 65535).astype(np.uint16)], axis=-1)
