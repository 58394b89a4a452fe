"""Colours of fully transparent pixels (alpha 0), which are not shown.

Programs leave anything there, from black to what an eraser went over. Coded as they are, such colours cost as many bytes as visible ones;
so the encoder replaces them by what flows in from the visible pixels around: means over squares of 2, 4, 8, ... px, weighted by alpha;
a transparent pixel takes the finest of them that holds a visible pixel ("pull-push": Gortler et al., "The Lumigraph", 1996).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatc.image.image import Samples

Floats = NDArray[np.float32]

BAND = 256
"""Rows worked on at a time; even."""


def fill_transparent(pixels: Samples) -> Samples:
    """(H, W, C) samples with other colours where alpha is zero; the same array where there is no such pixel, or no alpha channel."""
    if pixels.shape[2] not in (2, 4):
        return pixels
    bands = [slice(top, top + BAND) for top in range(0, len(pixels), BAND)]
    if all(pixels[rows, :, -1].all() for rows in bands):
        return pixels
    result = pixels.copy()
    halves = [_halved(_weighed(pixels[rows])) for rows in bands]
    half = _filled(np.concatenate(halves))
    for rows in bands:
        clear = pixels[rows, :, -1] == 0
        if clear.any():
            flowed = _doubled(half, rows.start, *clear.shape)
            result[rows][clear, :-1] = np.rint(flowed[clear]).astype(pixels.dtype)
    return result


def _weighed(pixels: Samples) -> Floats:
    """(H, W, C): colours times alpha, and alpha of 0..1."""
    samples = pixels.astype(np.float32)
    samples[..., -1] /= np.iinfo(pixels.dtype).max
    samples[..., :-1] *= samples[..., -1:]
    return samples


def _halved(weighed: Floats) -> Floats:
    """Sums over squares of 2 x 2, of what there is of them at the border."""
    padded: Floats = np.pad(weighed, ((0, len(weighed) % 2), (0, weighed.shape[1] % 2), (0, 0)))
    rows = padded[0::2] + padded[1::2]
    sums: Floats = rows[:, 0::2] + rows[:, 1::2]
    return sums


def _filled(weighed: Floats) -> Floats:
    """(H, W, C - 1) colours of sums; those of coarser sums where nothing was seen."""
    weight = weighed[..., -1]
    empty = weight <= 0
    colours: Floats = weighed[..., :-1] / (weight + empty.astype(np.float32))[..., np.newaxis]
    if empty.any() and max(empty.shape) > 1:
        colours[empty] = _doubled(_filled(_halved(weighed)), 0, *empty.shape)[empty]
    return colours


def _doubled(half: Floats, top: int, height: int, width: int) -> Floats:
    """(height, width, C) from row `top` on of the picture twice as large, interpolated: steps would cost bits again."""
    for axis, (first, length) in enumerate(((top, height), (0, width))):
        place = (np.arange(first, first + length) - 0.5) / 2  # of a fine centre among the coarse ones
        low = np.floor(place).astype(np.int64)
        share = (place - low).astype(np.float32).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        last = half.shape[axis] - 1
        a, b = (np.take(half, np.clip(index, 0, last), axis) for index in (low, low + 1))
        half = a + (b - a) * share
    return half
