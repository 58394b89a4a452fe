"""Gaussians -> pixels: ``reference`` is the oracle in float64, ``draw`` works with the core, ``cuda`` on a GPU; all draw the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from splatc.gaussians import FloatArray, Scene

if TYPE_CHECKING:
    from splatc.render.draw import Samples
    from splatc.render.view import Region, Scale, View


def render(scene: Scene, region: Region | None = None, scale: Scale = 1) -> FloatArray:
    """(H, W, C) float32 picture of the scene, or of a region (x, y, width, height; px) of it, nominally in [0, 1].

    ``scale`` is in output pixels per px; the output has ceil(width scale) x ceil(height scale) pixels, of which (i, j) shows the point
    (x + (i + 1/2) / scale, y + (j + 1/2) / scale). Values are not clamped, except where several samples are averaged for a pixel
    (scale < 1; spec/picture.md, "Scaled drawing"). Raises UsageError for a region or scale that is none.
    """
    from splatc.render import draw
    from splatc.render.view import view

    picture: FloatArray = draw.draw(draw.make_plan(scene, view(scene.width, scene.height, region, scale)), np.float32)
    return picture


def draw_samples(scene: Scene, view: View, bit_depth: int) -> Samples:
    """(H, W, C) samples of 8 or 16 bits of a view: clamped and rounded (spec/picture.md, "Samples")."""
    from splatc.render import draw

    samples: Samples = draw.draw(draw.make_plan(scene, view), _dtype(bit_depth))
    return samples


def _dtype(bit_depth: int) -> type[np.uint8 | np.uint16]:
    return np.uint8 if bit_depth == 8 else np.uint16
