"""The two blends, which a header names; needs no NumPy."""

from __future__ import annotations

import enum


class Blend(enum.IntEnum):
    """How the weighted colours of all Gaussians make a pixel."""

    SUM = 0
    """out = sum w c (SmartSplat, GaussianImage)."""
    NORMALIZED = 1
    """out = (sum w c + EPSILON b) / (sum w + EPSILON), b the background colour."""
