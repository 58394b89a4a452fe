"""New Gaussians where the picture is worst: small, round, of the colour that is missing there.

Seeds are placed before anything is known of the fit. After each cut some more are born, at pixels drawn with their squared error as the
probability, so that what pruning frees goes to where it is needed (densification, as in 3D Gaussian splatting and Image-GS).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from splatc.blend import Blend
from splatc.fit.kernels.forward import render_rows
from splatc.fit.lattice import Lattice
from splatc.fit.parameters import Parameters, from_gaussians
from splatc.fit.squared import bands, shifted
from splatc.fit.view import View
from splatc.gaussians import FloatArray, Gaussians

SIZE = 0.2
"""Of the radius of the disc that is each Gaussian's share of the picture."""


def born(lattice: Lattice, view: View, background: FloatArray, count: int, rng: np.random.Generator) -> Parameters:
    """At most ``count`` Gaussians at samples of a lattice that the Gaussians of a view draw badly; in px of the picture."""
    errors = [float(np.sum(miss * miss, dtype=np.float64)) for _, _, miss in _misses(lattice, view, background)]
    total = sum(errors)
    shares = rng.multinomial(count, np.array(errors) / total) if total > 0.0 else np.zeros(len(errors), np.int64)
    means, colours = [np.zeros((0, 2), np.float32)], [np.zeros((0, lattice.channels), np.float32)]
    for share, (top, sample, miss) in zip(shares, _misses(lattice, view, background), strict=True):
        if share == 0:
            continue
        y, x = _draw(np.sum(miss * miss, axis=1), int(share), rng)
        offset = np.array([lattice.x0, lattice.y0]) + 0.5
        means.append((np.stack([x, top + y], axis=1) * lattice.reduction + offset).astype(np.float32))
        # A sum lacks the difference; a mean of neighbours moves towards what is drawn into it.
        colours.append((miss if view.blend is Blend.SUM else sample)[y, :, x])
    mean, colour = np.concatenate(means), np.concatenate(colours)
    area = lattice.width * lattice.height * lattice.reduction**2 / max(1, len(view.angle))
    scale = np.full((len(mean), 2), SIZE * math.sqrt(area / math.pi), np.float32)
    # A round one has no angle, but it shall stretch somewhere.
    angle = rng.uniform(0.0, math.pi, len(mean)).astype(np.float32)
    return from_gaussians(Gaussians(mean, scale, angle, colour))


def _misses(lattice: Lattice, view: View, background: FloatArray) -> Iterator[tuple[int, FloatArray, FloatArray]]:
    """By bands: top row, (rows, C, width) samples in [0, 1], and what the Gaussians lack of them."""
    for top, bottom in bands(lattice, 3 * lattice.channels):
        image, _ = render_rows(shifted(view.footprint, top), view.feature, background, lattice.width, bottom - top)
        sample = lattice.samples[top:bottom, :, : lattice.width] * lattice.unit
        yield top, sample, sample - image[:, :, : lattice.width]


def _draw(weight: FloatArray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of at most ``count`` different places of (rows, width), drawn by their weight."""
    sums = np.cumsum(weight, dtype=np.float64)
    at = np.searchsorted(sums, rng.uniform(0.0, sums[-1], count), side="right")
    y, x = np.divmod(np.unique(np.minimum(at, sums.size - 1)), weight.shape[1])
    return y, x
