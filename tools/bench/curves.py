"""What the measured points of several codecs come to: means, values at equal bytes, Bjøntegaard deltas."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from bench.bdrate import bd_quality, bd_rate, quality_at
from bench.metrics import METRICS, Metric
from bench.results import Point

Value = Callable[[Point], float | None]
"""What a point has, if it was measured."""


class Rate(NamedTuple):
    """A Bjøntegaard delta: per cent of the bytes at equal quality, negative where fewer are needed; the mean over some pictures."""

    per_cent: float
    pictures: int


@dataclass(frozen=True)
class Delta:
    """A codec against another one, means over the pictures where their curves overlap."""

    codec: str
    anchor: str
    bd_psnr: float | None
    """dB at equal bytes."""
    bd_rate: dict[str, Rate]
    """By the key of the metric."""


class Gap(NamedTuple):
    """How much better a codec is than another one at equal bytes, in the unit of the metric; over all pictures."""

    mean: float
    least: float
    picture: str
    """The one with the least."""


class Curves:
    """The points of one bench, complete or not."""

    def __init__(self, points: Sequence[Point], codecs: Sequence[str]) -> None:
        """``codecs`` in the order of the columns."""
        self.points = sorted(points, key=lambda point: (point.picture, point.ratio))
        self.codecs = codecs
        self.pictures = list(dict.fromkeys(point.picture for point in self.points))
        self.ratios = sorted({point.ratio for point in self.points}, reverse=True)
        self.metrics = [each for each in METRICS if any(value_of(each, point) is not None for point in self.points)]
        self._found = {(point.picture, point.codec, point.ratio, point.above): point for point in self.points}

    def reached(self, codec: str, ratio: float, value: Value) -> list[float]:
        """The values of a codec at a target, of those pictures where it gets there."""
        found = (self._found.get((picture, codec, ratio, False)) for picture in self.pictures)
        return [value_ for point in found if point and (value_ := value(point)) is not None]

    def mean(self, codec: str, ratio: float, value: Value) -> float | None:
        """Over all pictures; None if the codec has not reached the target on every one: such means do not compare."""
        values = self.reached(codec, ratio, value)
        return fmean(values) if values and len(values) == len(self.pictures) else None

    def is_interpolated(self, codec: str) -> bool:
        """Whether its levels are so coarse that values at equal bytes lie between those of files."""
        return any(point.above and point.codec == codec for point in self.points)

    def at_limit(self, metric: Metric) -> Value:
        """The value at the very bytes that the target allows, where the next level has a file: linear in their logarithm."""

        def value(point: Point) -> float | None:
            below = value_of(metric, point)
            above = self._found.get((point.picture, point.codec, point.ratio, True))
            if below is None or above is None or (beyond := value_of(metric, above)) is None:
                return below
            assert point.size is not None and above.size is not None
            share = math.log(point.limit / point.size) / math.log(above.size / point.size)
            return below + share * (beyond - below)

        return value

    def gap(self, codec: str, anchor: str, ratio: float, metric: Metric) -> Gap | None:
        """None unless both reach the target on every picture."""
        value = self.at_limit(metric)
        ours, theirs = self.reached(codec, ratio, value), self.reached(anchor, ratio, value)
        if not len(ours) == len(theirs) == len(self.pictures):
            return None
        sign = 1.0 if metric.quality(1.0) > metric.quality(0.0) else -1.0
        better = [sign * (a - b) for a, b in zip(ours, theirs, strict=True)]
        return Gap(fmean(better), min(better), self.pictures[better.index(min(better))])

    def deltas(self) -> list[Delta]:
        """Each splatc against each other codec."""
        pairs = ((codec, anchor) for codec in self.ours() for anchor in self.codecs if anchor != codec)
        return [delta for pair in pairs if (delta := self._delta(*pair)).bd_rate]

    def ours(self) -> list[str]:
        """The columns of splatc."""
        return [codec for codec in self.codecs if codec.startswith("splatc")]

    def _delta(self, codec: str, anchor: str) -> Delta:
        rates: dict[str, Rate] = {}
        gains: list[float] = []
        for metric in self.metrics:
            pairs = [(self._curve(each, anchor, metric), self._curve(each, codec, metric)) for each in self.pictures]
            found = [rate for pair in pairs if (rate := bd_rate(*pair)) is not None]
            if found:
                rates[metric.key] = Rate(fmean(found), len(found))
            if metric.key == "psnr":
                gains = [gain for pair in pairs if (gain := bd_quality(*pair)) is not None]
        return Delta(codec, anchor, fmean(gains) if gains else None, rates)

    def _curve(self, picture: str, codec: str, metric: Metric) -> list[tuple[float, float]]:
        points = (point for point in self.points if (point.picture, point.codec) == (picture, codec))
        values = ((point, value_of(metric, point)) for point in points)
        return [(point.bpp, metric.quality(value)) for point, value in values if value is not None]

    def psnr_at(self, codec: str, bpp: float) -> float | None:
        """On the curve of the means; None beyond its ends."""
        means = [(self.mean(codec, r, bits), self.mean(codec, r, lambda point: point.psnr)) for r in self.ratios]
        return quality_at([(x, y) for x, y in means if x is not None and y is not None], bpp)


def bits(point: Point) -> float | None:
    """Bits of the whole file per pixel."""
    return None if point.size is None else point.bpp


def value_of(metric: Metric, point: Point) -> float | None:
    """None where there is no file, or the metric was not there."""
    value: float | None = getattr(point, metric.key)
    return None if point.size is None else value
