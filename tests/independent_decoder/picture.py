"""picture.md: the picture that Gaussians make."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tests.independent_decoder.model import Decoded, Floats
from tests.independent_decoder.quantization import binary32, gaussians


def samples(decoded: Decoded) -> Floats:
    """The reference picture (height, width, channels) in binary64, before samples are clamped and rounded."""
    header = decoded.header
    px, py = np.meshgrid(np.arange(header.width) + 0.5, np.arange(header.height) + 0.5)
    sum_w = np.zeros((header.height, header.width, 1))
    sum_wc = np.zeros((header.height, header.width, header.channels))
    mean, scale, theta, colour = gaussians(decoded)
    for (x, y), (s1, s2), angle, c in zip(mean, scale, theta, colour, strict=True):
        # <One Gaussian>
        dx, dy = px - x, py - y
        a = (math.cos(angle) * dx + math.sin(angle) * dy) / s1
        b = (-math.sin(angle) * dx + math.cos(angle) * dy) / s2
        w = np.maximum(0, np.exp(-(a**2 + b**2) / 2) - math.exp(-12.25 / 2))[..., None]
        sum_w += w
        sum_wc += w * c
    # <Blend>
    if header.blend == 0:
        return sum_wc
    background = binary32(np.array(header.background) / 255)
    return (sum_wc + 0.0001 * background) / (sum_w + 0.0001)


def render(decoded: Decoded) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The picture (height, width, channels) of <Samples>: uint8 for depth 8, uint16 for depth 16."""
    clamped = np.clip(samples(decoded), 0, 1)
    if decoded.header.depth == 8:
        return np.floor(clamped * 255 + 0.5).astype(np.uint8)
    return np.floor(clamped * 65535 + 0.5).astype(np.uint16)
