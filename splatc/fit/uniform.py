"""Uniform sampling with exclusion: Gaussians for the area that the variational samples leave open (SmartSplat, section 3)."""

from __future__ import annotations

import numpy as np

from splatc.core.seeds import keep_apart
from splatc.gaussians import FloatArray

FEW = 0.05
"""A round that accepts less than this share of its candidates has run out of space."""
RELAX = 0.8
"""What the radius is then multiplied with."""


def uniform_sample(
    width: int, height: int, count: int, taken: FloatArray, radius: float, rng: np.random.Generator
) -> FloatArray:
    """(count, 2) points in [0, width] x [0, height] px, no two nearer to each other than ``radius``, nor to one of ``taken`` (M, 2).

    Candidates are drawn evenly and dropped when they come too near to a point that was accepted. Where the picture has no
    room for so many, the radius shrinks until there is.
    """
    accepted = np.empty((0, 2), np.float32)
    while len(accepted) < count:
        missing = count - len(accepted)
        # More than a few candidates per disc would only exclude each other.
        candidates = min(2 * missing, 16 + int(4.0 * width * height / max(radius * radius, 1e-12)))
        fresh = (rng.random((candidates, 2)) * [width, height]).astype(np.float32)
        fresh = fresh[keep_apart(np.concatenate([taken, accepted]), fresh, width, height, radius)]
        accepted = np.concatenate([accepted, fresh[:missing]])
        if len(fresh) < FEW * candidates:
            radius *= RELAX
    return accepted
