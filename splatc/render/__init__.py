"""Gaussians -> pixels: ``reference`` is the oracle in float64, ``cpu`` does the work; both draw the same picture."""

from __future__ import annotations

from splatc.gaussians import FloatArray, Scene


def render(scene: Scene) -> FloatArray:
    """(H, W, C) float32 picture of the scene, nominally in [0, 1], not clamped."""
    from splatc.render import cpu  # Numba takes a while to import; `splatc info` never needs it

    return cpu.render(scene)
