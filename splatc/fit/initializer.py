"""What seeds a fit. SmartSplat's stages (seeding.py) do today; a network that predicts Gaussians from pixels would be another one.

An initializer is a plug point: whatever passes tests/test_initializer_protocol.py may be given to the encoder, in its options
(encoder/pipeline.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from splatc.core.seeds import reduce
from splatc.fit import memory
from splatc.fit.subset import reduction_for
from splatc.gaussians import FloatArray, Gaussians
from splatc.image.image import Samples


class Initializer(Protocol):
    """A function that places the Gaussians from which a fit starts."""

    def __call__(self, image: FloatArray, count: int, rng: np.random.Generator, /) -> Gaussians:
        """The Gaussians from which the fit of a picture starts.

        The encoder passes a picture that is reduced as far as leaves 16 pixels for each Gaussian, and enlarges the result.

        Args:
            image: (H, W, C) float32 in [0, 1], C from 1 to 4 (gray, gray and alpha, RGB, RGB and alpha).
            count: how many; 0 and more than H W are possible.
            rng: the only source of chance: equal generators give equal Gaussians, whatever the number of threads.

        Returns:
            ``count`` Gaussians: finite float32, means in px within [0, W] x [0, H], scales in px with s1 >= s2 > 0, angles in rad in
            [0, pi), C colours each. Means that are near in the picture should be near in the arrays: steps are then faster.
        """


def on_reduced(initializer: Initializer, pixels: Samples, count: int, rng: np.random.Generator) -> Gaussians:
    """What an initializer makes of a picture (H, W, C) as small as ``count`` Gaussians allow, on the picture itself."""
    height, width = pixels.shape[:2]
    factor = reduction_for(width, height, memory.SEEDING_SAMPLES * count)
    placed = initializer(reduce(pixels, factor), count, rng)
    return replace(placed, mean=placed.mean * np.float32(factor), scale=placed.scale * np.float32(factor))
