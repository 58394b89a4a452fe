"""A renderer is a plug point: any implementation of `Renderer` can replace the core.

The float64 reference (reference.py), the core (render/__init__.py) and a GPU (cuda.py) are ours;
`tests/test_renderer_protocol.py` holds all of them to the same rules.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from splatc.gaussians import Scene
from splatc.render.view import Region, Scale


class Renderer(Protocol):
    """Draws a scene: a plug point.

    Source:
        spec/picture.md.
    """

    def __call__(self, scene: Scene, region: Region | None = None, scale: Scale = 1) -> NDArray[np.floating[Any]]:
        """Draw a scene, or a region of it.

        Args:
            scene: N Gaussians on a canvas, with blend and background.
            region: (x, y, width, height), px, inside of the picture; None is all of it.
            scale: output pixels per px, a number above 0 and up to 1024, or text such as "1/8".

        Returns:
            (ceil(height scale), ceil(width scale), C) floats, nominally in [0, 1]; not clamped, but where several
            samples are averaged for a pixel. They differ from the exact ones by less than m / 1024, m the largest
            of 1 and of the colours' magnitudes.

        Raises:
            UsageError: the region or the scale is none.
        """
