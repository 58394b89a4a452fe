"""Colour profiles: which are worth keeping, and CMYK to RGB through its profile."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
import PIL.Image
import PIL.ImageCms

from splatc.image.readers.icc import ColourSpace, gray_of

_INTENT = PIL.ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = PIL.ImageCms.Flags.BLACKPOINTCOMPENSATION
_SAME = 2
"""8-bit levels within which a profile shows every colour as sRGB does: what rounding in profiles and in their reader amounts to."""
_SPACES = {1: ("GRAY", "L"), 2: ("GRAY", "L"), 3: ("RGB ", "RGB"), 4: ("RGB ", "RGB")}
"""By the number of channels: what a profile must be for, and Pillow's mode."""


def kept_profile(descriptions: Sequence[bytes | ColourSpace], channels: int) -> tuple[bytes, tuple[str, ...]]:
    """What to store as the profile of a gray (1, 2) or RGB (3, 4) picture, and sentences about what is not stored.

    The first valid description in its file: a profile, or numbers that one is made of. Nothing where that shows what sRGB
    shows, which is what a picture without a profile means.
    """
    notes: list[str] = []
    for each in descriptions:
        try:
            profile = each if isinstance(each, bytes) else each.profile(channels)
            space, mode = _SPACES[channels]
            if channels < 3 and profile[16:20] == b"RGB ":
                profile = gray_of(profile) or profile
            if profile[16:20] != space.encode():
                notes.append("the colour profile is for other than the picture's channels and is left out")
            else:
                return b"" if _shows_srgb(profile, mode) else profile, tuple(notes)
        except ValueError:
            notes.append("the chromaticities in the file make no sense and are left out")
        except (PIL.ImageCms.PyCMSError, OSError):
            notes.append("the colour profile is damaged and is left out")
    return b"", tuple(notes)


def _shows_srgb(profile: bytes, mode: str) -> bool:
    """Tried on a grid of colours: names say little ("linear sRGB"), and there are a dozen sRGB profiles of different bytes."""
    levels = np.linspace(0, 255, 256 if mode == "L" else 9).astype(np.uint8)
    colours = levels[np.newaxis]  # (1, 256)
    if mode == "RGB":
        colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    transform = _transform(profile, mode, "RGB")
    shown = np.asarray(_applied(PIL.Image.fromarray(colours), transform), np.int16)
    expected = colours[..., np.newaxis] if mode == "L" else colours
    return bool(np.abs(shown - expected).max() <= _SAME)


def _transform(profile: bytes, mode: str, target: str) -> PIL.ImageCms.ImageCmsTransform:
    source = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return PIL.ImageCms.buildTransform(source, PIL.ImageCms.createProfile("sRGB"), mode, target, _INTENT, _FLAGS)


def _applied(picture: PIL.Image.Image, transform: PIL.ImageCms.ImageCmsTransform) -> PIL.Image.Image:
    result = PIL.ImageCms.applyTransform(picture, transform)
    assert result is not None  # only in place is there none
    return result


def cmyk_to_rgb(profile: bytes) -> tuple[Callable[[PIL.Image.Image], PIL.Image.Image], tuple[str, ...]]:
    """How to turn CMYK into sRGB, and sentences about it: through its profile if it has one that works, else by the plain formula."""
    if profile[16:20] == b"CMYK":
        try:
            transform = _transform(profile, "CMYK", "RGB")
            return (lambda picture: _applied(picture, transform)), ()
        except (PIL.ImageCms.PyCMSError, OSError):
            pass
    note = "CMYK without a usable colour profile: the colours are approximate"
    return (lambda picture: picture.convert("RGB")), (note,)
