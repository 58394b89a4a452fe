"""Samples as they stand in a TIFF file -> the picture that they show, row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms
from numpy.typing import NDArray

from splatc.image.image import Samples
from splatc.image.readers.colour import cmyk_to_rgb
from splatc.image.readers.tiff.directory import Directory
from splatc.image.readers.tiff.layout import CIELAB, CMYK, PALETTE, WHITE_IS_ZERO, Layout

Raw = NDArray[Any]
"""(R, W, S) unsigned integers"""
Convert = Callable[[Raw], Samples]
"""Of (R, W, S) raw samples the (R, W, C) of the picture."""
_COLOUR_MAP, _PROFILE = 320, 34675


def conversion(page: Directory, layout: Layout) -> tuple[Convert, tuple[str, ...]]:
    """How the raw samples of this page become a picture, and what to say of it."""
    if layout.photometric == PALETTE:
        return _by_colour_map(page, layout), ()
    if layout.photometric == CMYK:
        to_rgb, notes = cmyk_to_rgb(page.values(_PROFILE))
        return (lambda raw: np.asarray(to_rgb(_image("CMYK", eight_bits(raw[..., :4], layout.bits))))), notes
    if layout.photometric == CIELAB:
        return _lab_to_rgb(layout), ()
    return (lambda raw: _plain(raw, layout)), ()


def _plain(raw: Raw, layout: Layout) -> Samples:
    """Gray and RGB, with and without alpha, in the full range of 8 or 16 bits."""
    wanted = layout.colour if layout.alpha is None else (*layout.colour, layout.alpha)
    samples = raw if wanted == tuple(range(raw.shape[2])) else raw[..., list(wanted)]
    samples = spread(samples, layout.bits)
    return finished(samples, layout)


def finished(samples: Samples, layout: Layout) -> Samples:
    """WhiteIsZero turned over, and colours divided by associated alpha, of samples in the full range."""
    colours = samples.shape[2] - (layout.alpha is not None)
    if layout.photometric != WHITE_IS_ZERO and not layout.associated:
        return samples
    samples = samples.copy()
    if layout.photometric == WHITE_IS_ZERO:
        samples[..., :colours] = ~samples[..., :colours]
    if layout.associated:
        _divide(samples)
    return samples


def _divide(samples: Samples) -> None:
    """Colours by alpha; 8 bits as Pillow does it, 16 rounded as splatc.image.readers.sixteen_bit does it."""
    peak = np.uint64(np.iinfo(samples.dtype).max)
    alpha = samples[..., -1:].astype(np.uint64)
    divisor = np.maximum(alpha, np.uint64(1))
    half = divisor // np.uint64(2) if samples.itemsize == 2 else np.uint64(0)
    divided = np.minimum((samples[..., :-1] * peak + half) // divisor, peak)
    samples[..., :-1] = np.where(alpha == 0, samples[..., :-1], divided) if samples.itemsize == 1 else divided


def spread(raw: Raw, bits: int) -> Samples:
    """Samples of so many bits over the full range of 8 or 16, rounded."""
    if bits in (8, 16):
        return raw.astype(np.uint8 if bits == 8 else np.uint16, copy=False)
    full, peak = (255 if bits < 8 else 65535), (1 << bits) - 1
    levels = (np.arange(peak + 1, dtype=np.int64) * full + peak // 2) // peak
    spread: Samples = levels.astype(np.uint8 if bits < 8 else np.uint16)[raw & raw.dtype.type(peak)]
    return spread


def eight_bits(raw: Raw, bits: int) -> NDArray[np.uint8]:
    """The same in 8 bits, of more the high ones."""
    full = spread(raw, bits)
    return (full >> 8).astype(np.uint8) if full.itemsize == 2 else full.astype(np.uint8)


def _by_colour_map(page: Directory, layout: Layout) -> Convert:
    """Entries have 16 bits; some programs wrote 8, which shows in that no entry exceeds 255 (libtiff distinguishes them so)."""
    entries = 1 << layout.bits
    colours = np.array(page.numbers(_COLOUR_MAP)[: 3 * entries]).reshape(3, entries).T
    if colours.max() > 255:
        colours = colours >> 8
    table = colours.astype(np.uint8)
    peak = np.uint8(entries - 1)

    def convert(raw: Raw) -> Samples:
        picture: Samples = table[raw[..., 0] & peak]
        if layout.alpha is not None:
            picture = np.concatenate([picture, raw[..., layout.alpha, np.newaxis]], axis=-1)
        return picture

    return convert


def _lab_to_rgb(layout: Layout) -> Convert:
    source, target = PIL.ImageCms.createProfile("LAB"), PIL.ImageCms.createProfile("sRGB")
    transform = PIL.ImageCms.buildTransform(source, target, "LAB", "RGB")

    def convert(raw: Raw) -> Samples:
        picture = PIL.ImageCms.applyTransform(_image("LAB", eight_bits(raw[..., :3], layout.bits)), transform)
        return np.asarray(picture)

    return convert


def _image(mode: str, rows: NDArray[np.uint8]) -> PIL.Image.Image:
    return PIL.Image.frombytes(mode, (rows.shape[1], rows.shape[0]), rows.tobytes())
