"""Random scenes for tests."""

from __future__ import annotations

import math

import numpy as np

from splatc.blend import Blend
from splatc.gaussians import FloatArray, Gaussians, Scene
from splatc.steps import MAX_LOG_ASPECT


def floats(values: object) -> FloatArray:
    """A contiguous float32 array."""
    return np.ascontiguousarray(values, np.float32)


def random_gaussians(
    rng: np.random.Generator,
    count: int,
    width: int,
    height: int,
    *,
    channels: int = 3,
    scales: tuple[float, float] = (0.5, 20.0),
    thinnest: float = 30.0,
) -> Gaussians:
    """Gaussians of all shapes and directions; s1 / s2 is at most ``thinnest``; some means lie outside of the picture."""
    scale = np.exp(rng.uniform(math.log(scales[0]), math.log(scales[1]), (count, 2)))
    scale = np.sort(scale, axis=1)[:, ::-1]
    scale[:, 1] = np.maximum(scale[:, 1], scale[:, 0] / thinnest)
    return Gaussians(
        mean=floats(rng.uniform(-0.1, 1.1, (count, 2)) * [width, height]),
        scale=floats(scale),
        angle=floats(rng.uniform(0.0, math.pi, count)),
        colour=floats(rng.uniform(-0.2, 1.2, (count, channels))),
    )


def random_scene(
    rng: np.random.Generator, count: int, width: int, height: int, blend: Blend, channels: int = 3
) -> Scene:
    """A scene of random_gaussians on a gray background."""
    gaussians = random_gaussians(rng, count, width, height, channels=channels)
    return Scene(width, height, blend, np.full(channels, 0.5, np.float32), gaussians)


def needles(blend: Blend) -> Scene:
    """The thinnest Gaussians that a file may hold, at every angle."""
    rng = np.random.default_rng(5)
    n = 180
    gaussians = Gaussians(
        mean=floats(rng.uniform(20, 180, (n, 2))),
        scale=floats(rng.uniform(4, 60, (n, 1)) * [1.0, np.exp(-MAX_LOG_ASPECT)]),
        angle=floats(np.arange(n) * np.pi / n),
        colour=floats(rng.uniform(0, 1, (n, 3))),
    )
    return Scene(200, 200, blend, floats([0.2, 0.4, 0.6]), gaussians)
