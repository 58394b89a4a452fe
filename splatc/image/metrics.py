"""How near two pictures are: PSNR and MS-SSIM, of pixels as they are in files.

MS-SSIM: Wang, Simoncelli and Bovik, "Multi-scale Structural Similarity for Image Quality Assessment", 2003: five scales, a Gaussian window
of 11 taps and sigma 1.5 that stays within the picture, K1 = 0.01, K2 = 0.03; per channel, then the mean over the channels, as the
literature on learned compression reports it. All work goes by bands of rows, so memory does not grow with the picture's size
but for its scaled-down versions.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from splatc.core.similarity import similarities, sum_of_squares

Samples = NDArray[np.uint8 | np.uint16]

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponent of each scale, finest first."""
BAND = 128
"""Rows whose transparency is worked on at a time."""


def psnr(a: Samples, b: Samples) -> float:
    """Peak signal-to-noise ratio in dB from the mean squared error over all samples; infinite for equal pictures.

    (H, W) or (H, W, C), both uint8 or both uint16.
    """
    _check(a, b)
    squares, peak = sum_of_squares(a, b), int(np.iinfo(a.dtype).max)
    return 10.0 * math.log10(peak * peak * a.size / squares) if squares else math.inf


def ms_ssim(a: Samples, b: Samples) -> float:
    """Multi-scale structural similarity of two pictures, 1 for equal ones; (H, W) or (H, W, C), both uint8 or both uint16.

    A picture whose shorter side is under 176 pixels has room for fewer than five windows of 11; its finest scales are then used
    alone, with weights scaled up to the same sum. Under 11 pixels the window is cut to the largest odd length that fits.
    """
    _check(a, b)
    if a.ndim == 2:
        a, b = a[..., np.newaxis], b[..., np.newaxis]
    channels = int(a.shape[2])
    return math.fsum(_ms_ssim(*similarities(a, b, channel)) for channel in range(channels)) / channels


def shown(pixels: Samples) -> Samples:
    """(H, W, C) colours times alpha, and alpha: what can be seen of a picture. Without an alpha channel the picture itself.

    Two pictures are to be compared like this: what lies under transparent pixels is not part of them, and the encoder changes it.
    """
    if pixels.ndim < 3 or pixels.shape[2] not in (2, 4):
        return pixels
    seen, peak = pixels.copy(), np.uint32(np.iinfo(pixels.dtype).max)
    for first in range(0, len(pixels), BAND):
        rows = slice(first, first + BAND)
        alpha = pixels[rows, :, -1:].astype(np.uint32)
        seen[rows, :, :-1] = (pixels[rows, :, :-1] * alpha + peak // 2) // peak
    return seen


def _check(a: Samples, b: Samples) -> None:
    if a.shape != b.shape or a.dtype != b.dtype:
        raise ValueError(f"pictures differ in kind: {a.shape} {a.dtype} and {b.shape} {b.dtype}")


def _ms_ssim(structures: list[float], fulls: list[float]) -> float:
    """Of one channel, from the means of its scales, finest first."""
    scales = len(structures)
    # Luminance counts at the coarsest scale alone. A negative correlation has no real power.
    terms = [*structures[:-1], fulls[-1]]
    share = sum(WEIGHTS) / sum(WEIGHTS[:scales])
    return math.prod(math.pow(max(0.0, term), weight * share) for term, weight in zip(terms, WEIGHTS, strict=False))
