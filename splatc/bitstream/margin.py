"""The bounding margin of a section: how far its ellipses leave its tile, by which a reader finds the sections of a region
(spec/sections.md, "Bounding margin").
"""

from __future__ import annotations

import numpy as np

from splatc.bitstream import limits
from splatc.bitstream.layout import Section
from splatc.gaussians import Q_MAX
from splatc.quantize import QuantizedGaussians, dequantize
from splatc.steps import Quantizer


def exact(quantizer: Quantizer, section: Section, gaussians: QuantizedGaussians) -> float:
    """The farthest that the box of an ellipse q <= Q_MAX leaves the tile, px; at least 0."""
    floats = dequantize(quantizer, gaussians)
    cos, sin = np.cos(floats.angle), np.sin(floats.angle)
    half = np.sqrt(Q_MAX) * np.stack(
        [
            np.hypot(floats.scale[:, 0] * cos, floats.scale[:, 1] * sin),
            np.hypot(floats.scale[:, 0] * sin, floats.scale[:, 1] * cos),
        ],
        axis=1,
    )  # (N, 2)
    x0, y0, x1, y1 = section.rectangle
    beyond = np.maximum(np.array([x0, y0]) - (floats.mean - half), floats.mean + half - np.array([x1, y1]))
    return float(max(0.0, beyond.max(initial=0.0)))


def rounded(quantizer: Quantizer, section: Section, gaussians: QuantizedGaussians) -> int:
    """The bounding margin as the index states it, px."""
    return min(int(np.ceil(exact(quantizer, section, gaussians))), limits.MAX_SIDE)
