"""Densification: new Gaussians where the error is largest, small, round, of the colour that is missing there.

Seeds are placed before the fit has shown where they are too few. After each pruning some more are added, at pixels drawn with a probability
in proportion to their squared error, as in 3D Gaussian splatting and Image-GS; with `--tune ssim` times the curvature of its loss.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from splatc.fit.subset import Subset
from splatc.fit.table import SHAPE_ROWS, Table, spatial_order
from splatc.gaussians import FloatArray
from splatc.quantize import to_coded_colour

SCALE = 0.2
"""Of the radius of the disc that is each Gaussian's share of the picture."""
_CELLS = 1 << 24
"""Squared errors that are looked at at once; of more than these the sums are made twice."""

Places = tuple[NDArray[np.int64], NDArray[np.int64]]


def sample_places(error: FloatArray, count: int, rng: np.random.Generator) -> Places:
    """Rows and columns of at most ``count`` different samples of squared errors (h, w), drawn by them. None of a perfect picture."""
    height, width = error.shape
    rows = max(1, _CELLS // width)
    bands = [error[top : top + rows] for top in range(0, height, rows)]

    @functools.lru_cache(maxsize=1)  # most pictures are one band
    def sums(band: int) -> NDArray[np.float64]:
        return np.cumsum(bands[band], dtype=np.float64)  # one after the other, wherever it runs

    ends = np.cumsum([0.0, *(float(sums(k)[-1]) for k in range(len(bands)))])
    if not ends[-1] > 0.0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    at = np.sort(rng.random(count) * ends[-1])
    cells = [np.zeros(0, np.int64)]
    for k, band in enumerate(bands):
        here = at[(at >= ends[k]) & (at < ends[k + 1])] - ends[k]
        if len(here):
            found = np.searchsorted(sums(k), here, side="right")
            cells.append(k * rows * width + np.minimum(found, band.size - 1))
    y, x = np.divmod(np.unique(np.concatenate(cells)), width)
    return y, x


def densified(table: Table, where: Subset, places: Places, colour: FloatArray, rng: np.random.Generator) -> Table:
    """The table with a new Gaussian at each place of a polyphase subset, in spatial order; ``colour`` (K, C) is as pixels have it.

    A sum lacks the difference between picture and drawing; a mean of neighbours moves towards the pixel's own colour.
    """
    y, x = places
    values = np.zeros((SHAPE_ROWS + colour.shape[1], len(x)), np.float64)
    values[0] = where.x0 + 0.5 + x * where.reduction
    values[1] = where.y0 + 0.5 + y * where.reduction
    area = where.width * where.height * where.reduction**2 / max(1, len(table))
    values[2] = max(math.log(0.5), math.log(SCALE * math.sqrt(area / math.pi)))
    # A round Gaussian has no angle, but the direction in which it may stretch.
    values[4] = rng.random(len(x)) * math.pi
    values[SHAPE_ROWS:] = to_coded_colour(colour).T
    joined = table.joined(values.astype(np.float32), rng)
    return joined.keep(spatial_order(joined.values))
