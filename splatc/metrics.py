"""How near two pictures are: PSNR and MS-SSIM, of pixels as they are in files.

MS-SSIM: Wang, Simoncelli and Bovik, "Multi-scale Structural Similarity for Image Quality Assessment", 2003: five scales, a Gaussian window
of 11 taps and sigma 1.5 that stays within the picture, K1 = 0.01, K2 = 0.03; per channel, then the mean over the channels, as the
literature on learned compression reports it. All work goes by bands of rows, so memory does not grow with the picture's size
but for its scaled-down versions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

Samples = NDArray[np.uint8 | np.uint16]
Plane = NDArray[np.uint8 | np.uint16 | np.float32]

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponent of each scale, finest first."""
TAPS = 11
SIGMA = 1.5
K1, K2 = 0.01, 0.03
BAND = 128
"""Rows worked on at a time."""


def psnr(a: Samples, b: Samples) -> float:
    """Peak signal-to-noise ratio in dB from the mean squared error over all samples; infinite for equal pictures.

    (H, W) or (H, W, C), both uint8 or both uint16.
    """
    _check(a, b)
    squares = sum(float(np.sum(np.square(a[rows].astype(np.float64) - b[rows]))) for rows in _bands(len(a)))
    return 10.0 * math.log10(_peak(a) ** 2 * a.size / squares) if squares else math.inf


def ms_ssim(a: Samples, b: Samples) -> float:
    """Multi-scale structural similarity of two pictures, 1 for equal ones; (H, W) or (H, W, C), both uint8 or both uint16.

    A picture whose shorter side is under 176 pixels has room for fewer than five windows of 11; its finest scales are then used
    alone, with weights scaled up to the same sum. Under 11 pixels the window is cut to the largest odd length that fits.
    """
    _check(a, b)
    if a.ndim == 2:
        a, b = a[..., np.newaxis], b[..., np.newaxis]
    channels = range(a.shape[2])
    return float(np.mean([_ms_ssim(a[..., channel], b[..., channel], _peak(a)) for channel in channels]))


def shown(pixels: Samples) -> Samples:
    """(H, W, C) colours times alpha, and alpha: what can be seen of a picture. Without an alpha channel the picture itself.

    Two pictures are to be compared like this: what lies under transparent pixels is not part of them, and the encoder changes it.
    """
    if pixels.ndim < 3 or pixels.shape[2] not in (2, 4):
        return pixels
    seen, peak = pixels.copy(), np.uint32(np.iinfo(pixels.dtype).max)
    for rows in _bands(len(pixels)):
        alpha = pixels[rows, :, -1:].astype(np.uint32)
        seen[rows, :, :-1] = (pixels[rows, :, :-1] * alpha + peak // 2) // peak
    return seen


def _check(a: Samples, b: Samples) -> None:
    if a.shape != b.shape or a.dtype != b.dtype:
        raise ValueError(f"pictures differ in kind: {a.shape} {a.dtype} and {b.shape} {b.dtype}")


def _peak(samples: Samples) -> float:
    return float(np.iinfo(samples.dtype).max)


def _bands(rows: int, overlap: int = 0) -> Iterator[slice]:
    """Slices of BAND rows, each with ``overlap`` rows of the next."""
    return (slice(first, min(first + BAND + overlap, rows)) for first in range(0, rows - overlap, BAND))


def _ms_ssim(a: Plane, b: Plane, peak: float) -> float:
    scales = 1
    while scales < len(WEIGHTS) and min(a.shape) >> scales >= TAPS:
        scales += 1
    weights = np.array(WEIGHTS[:scales]) * (sum(WEIGHTS) / sum(WEIGHTS[:scales]))
    similarity = 1.0
    for scale, weight in enumerate(weights):
        structure, full = _ssim(a, b, peak)
        # Luminance counts at the coarsest scale alone. A negative correlation has no real power.
        similarity *= max(0.0, full if scale == scales - 1 else structure) ** float(weight)
        if scale < scales - 1:
            a, b = _halved(a), _halved(b)
    return similarity


def _ssim(a: Plane, b: Plane, peak: float) -> tuple[float, float]:
    """Means over all positions of the window of the contrast-structure term, and of that times the luminance term."""
    windows = [_window(side) for side in a.shape]
    overlap = len(windows[0]) - 1
    c1, c2 = np.float32((K1 * peak) ** 2), np.float32((K2 * peak) ** 2)
    structures, fulls = 0.0, 0.0
    for rows in _bands(len(a), overlap):
        x, y = a[rows].astype(np.float32), b[rows].astype(np.float32)
        mean_x, mean_y = _blurred(x, windows), _blurred(y, windows)
        product, energy = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
        covariance, variances = _blurred(x * y, windows) - product, _blurred(x * x + y * y, windows) - energy
        structure = (2 * covariance + c2) / (variances + c2)
        structures += float(structure.sum(dtype=np.float64))
        fulls += float(((2 * product + c1) / (energy + c1) * structure).sum(dtype=np.float64))
    positions = (a.shape[0] - overlap) * (a.shape[1] - len(windows[1]) + 1)
    return structures / positions, fulls / positions


def _window(side: int) -> NDArray[np.float64]:
    """The Gaussian window, or as much of its middle as fits into ``side`` pixels."""
    radius = (min(TAPS, side) - 1) // 2
    window = np.exp(-0.5 * (np.arange(-radius, radius + 1) / SIGMA) ** 2)
    normalized: NDArray[np.float64] = window / window.sum()
    return normalized


def _blurred(plane: NDArray[np.float32], windows: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    """The weighted means of all windows that lie within the plane, by rows and columns."""
    for axis, window in enumerate(windows):
        radius = len(window) // 2
        plane = correlate1d(plane, window, axis)
        plane = plane[radius : len(plane) - radius] if axis == 0 else plane[:, radius : plane.shape[1] - radius]
    return plane


def _halved(plane: Plane) -> NDArray[np.float32]:
    """Half the size by the mean of 2 x 2 pixels; an odd last row or column is repeated."""
    height, width = plane.shape
    half = np.empty(((height + 1) // 2, (width + 1) // 2), np.float32)
    for first in range(0, height, BAND):  # BAND is even
        rows = plane[first : first + BAND].astype(np.float32)
        rows = np.pad(rows, ((0, len(rows) % 2), (0, width % 2)), mode="edge")
        columns = rows[:, 0::2] + rows[:, 1::2]
        half[first // 2 : first // 2 + len(rows) // 2] = 0.25 * (columns[0::2] + columns[1::2])
    return half
