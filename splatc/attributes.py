"""The one table of what a Gaussian has: how each attribute is coded in a file, and how a fit moves it.

Header fields, quantizer, order of the stream, contexts, checks, the bits in `info`, the columns that the core is given, rows, masks
and rates of the fit all follow from `ATTRIBUTES`; the core has its own row for each (core/attributes.c, and a test compares them).
CONTRIBUTING says what else a new attribute takes. Needs no NumPy, so that a header is read at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    IntArray = NDArray[np.int32]

FieldKind = Literal["step", "slope", "bins"]


def _field(kind: FieldKind, default: int, meaning: str) -> int:
    """A field of the header that says how finely an attribute is quantized; ``meaning`` as spec/header.md has it."""
    result: int = field(default=default, metadata={"kind": kind, "meaning": meaning})
    return result


@dataclass(frozen=True)
class QuantizerFields:
    """The fields of the header that give the steps of a file, in its order."""

    position: int = _field("step", 121, "step index of the mean at level 0")
    """px: 2^(121/8 - 16) = 0.55 px; a part of that across long Gaussians."""
    position_slope: int = _field("slope", 5, "added to it per level")
    log_scales: int = _field("bins", 5, "bins of the log scale per octave")
    """1..32, of the scale g."""
    aspect: int = _field("step", 114, "step index of the log aspect ratio")
    """Of ln(s1 / s2): 0.30."""
    angle: int = _field("step", 104, "step index of the angle at level 0")
    """rad, for sinh(ln(s1 / s2)) = 1: 0.125."""
    angle_slope: int = _field("slope", 1, "added to it per level")
    luma: int = _field("step", 98, "step index of luma, gray and alpha at level 0")
    """In units of full range: 0.074; 0.026 at level 2."""
    chroma: int = _field("step", 100, "step index of chroma at level 0; without a use in gray pictures")
    colour_slope: int = _field("slope", -6, "added to luma and chroma per level")


@dataclass(frozen=True)
class Columns:
    """N Gaussians as integers (spec/quantization.md), in the order in which the core has the arrays."""

    level: IntArray
    """(N,) 0 <= level < MAX_LEVELS."""
    x: IntArray
    """(N,) cell of the level's position grid; its centre is ((x + 1/2), (y + 1/2)) position_step(level)."""
    y: IntArray
    log_scale: IntArray
    """(N,) 0 <= log_scale < log_scales: log2 g = level - 1 + (log_scale + 1/2) / log_scales."""
    aspect: IntArray
    """(N,) 0 <= a < ASPECTS: ln(s1 / s2) = a step(aspect), at most MAX_LOG_ASPECT."""
    angle: IntArray
    """(N,) 0 <= t < M, the number of directions by level and aspect: theta = t pi / M."""
    offset: IntArray
    """(N,) 0 <= i < F, the number of sub-cell offsets by aspect: lines along the Gaussian cut the cell into F slices, and the mean lies in
    the middle of slice i."""
    colour: IntArray
    """(N, C) multiples of colour_steps(level, C), in the space Y | Y A | Y U V | Y U V A."""

    def __len__(self) -> int:
        return len(self.level)


Coding = Literal["cells", "symbols", "choices", "residuals"]
"""How integers become symbols: a set of cells (spec/positions.md), each a symbol of one alphabet, each a choice of as many as its Gaussian
has, or a residual to what neighbours predict, with an escape (spec/attributes.md)."""
Phase = Literal["shape", "mean", "colour"]
"""When a fit rounds a coordinate for good (splatc/fit/schedule.py): shapes first, for the steps of all others depend on them."""


@dataclass(frozen=True)
class Coordinate:
    """What a fit moves of a Gaussian."""

    name: str
    frozen: int
    """Its bit in the frozen mask (CORE_FROZEN_ of core/fit/fit.h)."""
    phase: Phase
    rows: int | None = 1
    """Of the table of a fit; None: one for each channel."""
    rate: float = 0.02
    """Adam's rate, where splatc/fit/schedule.py has none."""
    by_level: bool = True
    """Whether its quantization step follows from the level of the Gaussian alone, by the step and the slope of its attribute."""


@dataclass(frozen=True)
class Attribute:
    """What is coded of a Gaussian in one go."""

    name: str
    """Of its integers (`Columns`), its key in reports of bits, its part of a stream."""
    coding: Coding
    steps: tuple[str, ...]
    """Fields of the header that its steps follow from."""
    contexts: tuple[tuple[str, str], ...] = ()
    """(part of the stream, entropy context: splatc/bitstream/contexts.py); of what has channels, one for each kind of them."""
    alphabet: int | str = 0
    """Of ``symbols``: how many, or the field of the header that says it."""
    channels: bool = False
    """Whether it has a value for each channel."""
    predicted: bool = False
    """Whether its residual to what neighbours predict is coded (spec/prediction.md)."""
    columns: tuple[str, ...] = ()
    """The arrays, where they are not called as it is."""
    coordinate: Coordinate | None = None

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of its arrays in `Columns`."""
        return self.columns or (self.name,)

    @property
    def parts(self) -> tuple[str, ...]:
        """Of a stream, in the order of the tally of its bits."""
        return tuple(part for part, _ in self.contexts)


FLOATS: dict[str, int | None] = {"mean": 2, "scale": 2, "angle": 1, "colour": None}
"""The arrays of `splatc.gaussians.Gaussians`, in its order and the core's: numbers of each Gaussian; None: one for each channel."""

ASPECTS = 64
"""Values of the aspect index."""
MAX_LEVELS = 16

ATTRIBUTES = (
    Attribute(
        "position", "cells", ("position", "position_slope"), (("positions", "partition"),), columns=("x", "y"),
        coordinate=Coordinate("mean", 1, "mean", 2),
    ),
    Attribute(
        "log_scale", "symbols", ("log_scales",), (("log_scale", "log_scale"),), "log_scales",
        coordinate=Coordinate("log_scale", 2, "shape", by_level=False),
    ),
    Attribute(
        "aspect", "symbols", ("aspect",), (("aspect", "aspect"),), ASPECTS,
        coordinate=Coordinate("log_aspect", 4, "shape", by_level=False),
    ),
    Attribute(
        "angle", "choices", ("angle", "angle_slope"), (("angle", "angle_residual"),), predicted=True,
        coordinate=Coordinate("angle", 8, "shape", by_level=False),
    ),
    Attribute("offset", "choices", (), (("offset", "uniform"),)),
    Attribute(
        "colour", "residuals", ("luma", "chroma", "colour_slope"),
        (("luma", "residual"), ("chroma", "parametric"), ("alpha", "residual")), channels=True, predicted=True,
        coordinate=Coordinate("colour", 16, "colour", None, by_level=False),
    ),
)  # fmt: skip
"""In the order of the stream."""

COLUMNS = tuple(each.name for each in fields(Columns))
QUANTIZER_FIELDS = tuple(each.name for each in fields(QuantizerFields))
PARTS = tuple(part for each in ATTRIBUTES for part in each.parts)
"""Of a stream, in the order of the tally of its bits."""
PREDICTED = tuple(each.name for each in ATTRIBUTES if each.predicted)
CODED = tuple(each for each in ATTRIBUTES if each.coding != "cells")
"""What follows the positions in a stream, in its order."""
COORDINATES = tuple(each.coordinate for each in ATTRIBUTES if each.coordinate is not None)
"""In the order of the rows of a fit."""

CHANNELS = {
    1: ("luma",),
    2: ("luma", "alpha"),
    3: ("luma", "chroma", "chroma"),
    4: ("luma", "chroma", "chroma", "alpha"),
}
"""The kind of each coded channel, by the number of channels."""


def float_shapes(count: int, channels: int) -> dict[str, tuple[int, ...]]:
    """By name, the shapes of the arrays of N Gaussians as floats."""
    widths = {name: channels if width is None else width for name, width in FLOATS.items()}
    return {name: (count,) if FLOATS[name] == 1 else (count, width) for name, width in widths.items()}


def column_shapes(count: int, channels: int) -> dict[str, tuple[int, ...]]:
    """By name, the shapes of `Columns`."""
    wide = {name for each in ATTRIBUTES if each.channels for name in each.arrays}
    return {name: (count, channels) if name in wide else (count,) for name in COLUMNS}


def alphabet_of(attribute: Attribute, quantizer: QuantizerFields) -> int:
    """The number of symbols of one that is coded as such."""
    size = attribute.alphabet
    return int(getattr(quantizer, size)) if isinstance(size, str) else size
