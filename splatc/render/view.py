"""Where a picture is sampled: the supersampling grid of a region at a scale (spec/picture.md, "Scaled drawing").

Output pixel (i, j) of a region that begins at (x, y) stands for a square of 1/scale px a side around the point
(x + (i + 1/2) / scale, y + (j + 1/2) / scale). Where that is more than one pixel of the picture, the renderers draw ``samples`` x
``samples`` samples in it and average them; each stands for a smaller square, whose variance is added to that of every Gaussian, so that
nothing aliases. They lie on a supersampling grid that begins at the corner of the picture wherever scale x and scale y are whole numbers: a
region is then a crop of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from splatc.errors import UsageError
from splatc.gaussians import Q_MAX
from splatc.runtime import arguments
from splatc.runtime.arguments import Number

Region = tuple[int, int, int, int]
"""x, y, width and height, px of the full picture."""
Scale = Number | str
"""Output pixels per px: a number, or text such as "1/8"."""

MAX_SAMPLES, THUMBNAIL, THUMBNAIL_SAMPLES = 4, Fraction(1, 16), 8
"""The samples averaged for one output pixel, a side: the fewest that reach every pixel of the picture, up to MAX_SAMPLES, or up to
THUMBNAIL_SAMPLES for scales up to THUMBNAIL. Against the box filter of the whole picture, Kodak 1 and 3 at CR 50 and 200: 1, 2, 4, 8
of them give 30, 35, 43, 62 dB at 1/8 of the size and 30, 33, 38, 45 dB at 1/16, the worst of the four
(tools/scale_quality.py)."""
_RADIUS = math.sqrt(Q_MAX)
_FINEST_SCALE = 1 << 16
_MAX_SCALE = 1 << 10


@dataclass(frozen=True)
class View:
    """A region of a picture of ``width`` x ``height`` px at a scale; `view` makes and checks one.

    The *supersampling grid* has the points that are drawn, 1 / (scale samples) px apart, numbered from the corner of the picture.
    """

    width: int
    height: int
    region: Region
    scale: Fraction

    @property
    def columns(self) -> int:
        """Width of the output: that of the region times the scale, rounded up."""
        return math.ceil(self.region[2] * self.scale)

    @property
    def rows(self) -> int:
        """Height of the output, likewise."""
        return math.ceil(self.region[3] * self.scale)

    @property
    def samples(self) -> int:
        """Grid points drawn for an output pixel, a side."""
        most = MAX_SAMPLES if self.scale > THUMBNAIL else THUMBNAIL_SAMPLES
        return min(math.ceil(1 / self.scale), most)

    @property
    def grid_scale(self) -> Fraction:
        """Points of the supersampling grid per px."""
        return self.scale * self.samples

    @property
    def left(self) -> int:
        """The first output column, counted from the corner of the picture."""
        return math.floor(self.region[0] * self.scale)

    @property
    def top(self) -> int:
        """The first output row, likewise."""
        return math.floor(self.region[1] * self.scale)

    @property
    def shift(self) -> tuple[Fraction, Fraction]:
        """How far, in its points, the grid lies right of and below the corner of the picture."""
        x, y = (self.region[axis] * self.scale for axis in (0, 1))
        return (x - math.floor(x)) * self.samples, (y - math.floor(y)) * self.samples

    @property
    def ends(self) -> tuple[int, int]:
        """One past the last column and row of the grid that are drawn.

        Those whose points lie inside of the picture; the first column or row of an output pixel counts always.
        """
        ends = []
        for side, shift in zip((self.width, self.height), self.shift, strict=True):
            inside = math.ceil(side * self.grid_scale - shift - Fraction(1, 2))
            last_pixel = math.ceil((side * self.grid_scale - shift) / self.samples) - 1
            ends.append(max(inside, last_pixel * self.samples + 1))
        return ends[0], ends[1]

    @property
    def added_variance(self) -> float:
        """What every Gaussian's covariance gains on its diagonal, px^2: that of the pixel centres which a grid point stands for."""
        return max(0.0, float((1 / self.grid_scale) ** 2 - 1) / 12.0)

    @property
    def drawn(self) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) px: the region, and what its last column and row show beyond it."""
        x, y, _, _ = self.region
        return float(x), float(y), float(x + self.columns / self.scale), float(y + self.rows / self.scale)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) px: Gaussians whose ellipse, as the file has it, does not touch this weigh nothing in the view."""
        margin = _RADIUS * math.sqrt(self.added_variance) + self._slack
        x0, y0, x1, y1 = self.drawn
        return x0 - margin, y0 - margin, x1 + margin, y1 + margin

    @property
    def _slack(self) -> float:
        """Two points of the grid, px: more than all rounding."""
        return 2.0 / float(self.grid_scale)


def view(width: int, height: int, region: Iterable[Number] | None = None, scale: Scale = 1) -> View:
    """The view of a region (None: all) of a picture of width x height px.

    Raises UsageError for a region that is empty or not inside of the picture, and for a scale that is none.
    """
    x, y, w, h = region = (0, 0, width, height) if region is None else arguments.region("region", region)
    if w < 1 or h < 1:
        raise UsageError(f"the region {x},{y},{w},{h} is empty: its width and height must be at least 1")
    if x < 0 or y < 0 or x + w > width or y + h > height:
        raise UsageError(
            f"the region {x},{y},{w},{h} (x, y, width, height) does not lie inside of the picture, which has {width} x {height} px"
        )
    return View(width, height, region, parse_scale(scale))


def parse_scale(scale: Scale) -> Fraction:
    """The scale as a fraction with a denominator of at most 65536. Raises UsageError."""
    wanted = f"a scale is a positive number such as 1/8, 0.25 or 2, at most {_MAX_SCALE}"
    given = arguments.fraction(scale)
    if given is None:
        raise UsageError(f"{arguments.shown(scale)} is no scale: {wanted}")
    fraction = given.limit_denominator(_FINEST_SCALE)
    if not 0 < fraction <= _MAX_SCALE:
        raise UsageError(f"the scale {arguments.shown(scale)} is out of range: {wanted}")
    return fraction
