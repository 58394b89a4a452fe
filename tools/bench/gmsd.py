"""Gradient magnitude similarity deviation.

Xue, Zhang, Mou and Bovik, "Gradient Magnitude Similarity Deviation: A Highly Efficient Perceptual Image Quality Index", IEEE
Transactions on Image Processing 23, 2014, sections II and III, as the authors' program computes it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatc.image.image import Samples

C = 170.0
"""Keeps the similarity of two weak gradients near 1, for luminance of 0 to 255."""
LUMA = np.array([0.299, 0.587, 0.114])
Plane = NDArray[np.float64]


def gmsd(a: Samples, b: Samples) -> float:
    """How unevenly gradients differ, 0 for equal pictures: (H, W, 1 or 3) uint8, colours by their luminance."""
    first, second = _gradient(_halved(_luminance(a))), _gradient(_halved(_luminance(b)))
    similarity = (2 * first * second + C) / (first**2 + second**2 + C)
    return float(similarity.std())


def _luminance(pixels: Samples) -> Plane:
    """(H, W)."""
    return pixels[..., 0].astype(np.float64) if pixels.shape[2] == 1 else pixels @ LUMA


def _halved(plane: Plane) -> Plane:
    """Means of 2 x 2 samples, the first of which is every second of every second row; zeros lie around the picture."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, height % 2), (0, width % 2)))
    return np.asarray(padded.reshape(len(padded) // 2, 2, -1, 2).mean(axis=(1, 3)))


def _gradient(plane: Plane) -> Plane:
    """Its magnitude, by Prewitt's filters over three; zeros lie around the picture."""
    padded = np.pad(plane, 1)
    sums = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    down = (sums[2:] - sums[:-2]) / 3
    sums = padded[:-2] + padded[1:-1] + padded[2:]
    across = (sums[:, 2:] - sums[:, :-2]) / 3
    return np.hypot(down, across)
