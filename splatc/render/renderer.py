"""A renderer is a plug point: any implementation of `Renderer` can replace the core.

The float64 reference (reference.py), the core (`splatc.render.render`) and a GPU (`cuda.renderer`) are ours;
`tests/test_renderer_protocol.py` holds all of them to the same rules.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from splatc.gaussians import Scene
from splatc.render.view import Region, Scale


class Renderer(Protocol):
    """Draws a scene (spec/picture.md)."""

    def __call__(self, scene: Scene, region: Region | None = None, scale: Scale = 1) -> NDArray[np.floating[Any]]:
        """The samples of a scene.

        Args:
            region: (x, y, width, height), px, inside of the picture; None: all of it.
            scale: output pixels per px.

        Returns:
            (ceil(height scale), ceil(width scale), C) floats, nominally in [0, 1]; not clamped, but where several samples are averaged for
            a pixel. They differ from the exact ones by less than m / 1024, m the largest of 1 and of the colours' magnitudes.

        Raises:
            UsageError: for a region or scale that is none.
        """
