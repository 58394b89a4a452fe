"""Colours that are stored multiplied by alpha."""

from __future__ import annotations

import numpy as np

from splatc.image.image import Samples


def divided(samples: Samples) -> Samples:
    """The colours, (H, W, C - 1), of (H, W, C) samples whose last channel is alpha: rounded, at most full scale."""
    full = np.uint64(np.iinfo(samples.dtype).max)
    alpha = np.maximum(samples[..., -1:].astype(np.uint64), 1)
    colours: Samples = np.minimum((samples[..., :-1] * full + alpha // 2) // alpha, full).astype(samples.dtype)
    return colours
