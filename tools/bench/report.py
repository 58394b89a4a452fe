"""What the measured points come to: means, Bjøntegaard deltas, and these as Markdown, JSON and a plot."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from bench.bdrate import bd_quality, bd_rate
from bench.published import Reference, references
from bench.results import Point

Value = Callable[[Point], float]


def _psnr(point: Point) -> float:
    return point.psnr


def ms_ssim_db(point: Point) -> float:
    """MS-SSIM on the scale -10 log10(1 - x), where curves are straighter; at most 100 dB."""
    return -10.0 * math.log10(max(1.0 - point.ms_ssim, 1e-10))


class Column(NamedTuple):
    """One of the tables of means."""

    key: str
    """In JSON."""
    title: str
    value: Value
    form: str


COLUMNS = (
    Column("psnr", "PSNR, dB", _psnr, ".2f"),
    Column("ms_ssim", "MS-SSIM", lambda point: point.ms_ssim, ".4f"),
    Column("bpp", "bpp", lambda point: point.bpp, ".4f"),
    Column("encode_seconds", "encode, s", lambda point: point.encode_seconds, ".2f"),
    Column("decode_seconds", "decode, s", lambda point: point.decode_seconds, ".3f"),
)


@dataclass(frozen=True)
class Delta:
    """splatc against another codec, means over the pictures where their curves overlap."""

    codec: str
    anchor: str
    bd_rate: float
    """Per cent of the bytes at equal PSNR; negative: splatc needs fewer."""
    bd_psnr: float
    """dB at equal bytes."""
    bd_rate_ms_ssim: float
    """Per cent of the bytes at equal MS-SSIM."""
    pictures: int


class Report:
    """The points of one bench, complete or not."""

    def __init__(self, points: Sequence[Point], codecs: Sequence[str], made_by: dict[str, str]) -> None:
        """``codecs`` in the order of the columns; ``made_by``: what the heading says about where the points come from."""
        self.points = sorted(points, key=lambda point: (point.picture, point.ratio))
        self.codecs = codecs
        self.made_by = made_by
        self.pictures = list(dict.fromkeys(point.picture for point in self.points))
        self.ratios = sorted({point.ratio for point in self.points}, reverse=True)
        self.published: tuple[Reference, ...] = references(self.pictures)

    def reached(self, codec: str, ratio: float) -> list[Point]:
        """The points of a codec at a target, of those pictures where it gets there."""
        chosen = (point for point in self.points if (point.codec, point.ratio) == (codec, ratio))
        return [point for point in chosen if point.size is not None]

    def mean(self, codec: str, ratio: float, value: Value) -> float | None:
        """Over all pictures; None if the codec has not reached the target on every one: such means do not compare."""
        points = self.reached(codec, ratio)
        return fmean(map(value, points)) if len(points) == len(self.pictures) else None

    def deltas(self) -> list[Delta]:
        """Each splatc against each other codec."""
        ours = [codec for codec in self.codecs if codec.startswith("splatc")]
        pairs = ((codec, anchor) for codec in ours for anchor in self.codecs if anchor != codec)
        return [delta for codec, anchor in pairs if (delta := self._delta(codec, anchor)) is not None]

    def _delta(self, codec: str, anchor: str) -> Delta | None:
        measured = []
        for picture in self.pictures:
            rows = (
                bd_rate(self._curve(picture, anchor, _psnr), self._curve(picture, codec, _psnr)),
                bd_quality(self._curve(picture, anchor, _psnr), self._curve(picture, codec, _psnr)),
                bd_rate(self._curve(picture, anchor, ms_ssim_db), self._curve(picture, codec, ms_ssim_db)),
            )
            values = [row for row in rows if row is not None]
            if len(values) == len(rows):
                measured.append(values)
        if not measured:
            return None
        rate, psnr, rate_ms_ssim = (fmean(column) for column in zip(*measured, strict=True))
        return Delta(codec, anchor, rate, psnr, rate_ms_ssim, len(measured))

    def _curve(self, picture: str, codec: str, quality: Value) -> list[tuple[float, float]]:
        points = (point for point in self.points if (point.picture, point.codec) == (picture, codec))
        return [(point.bpp, quality(point)) for point in points if point.size is not None]

    def as_json(self) -> dict[str, Any]:
        means = {column.key: self._grid(column.value) for column in COLUMNS}
        return {
            "schema_version": 1,
            **self.made_by,
            "pictures": self.pictures,
            "means": means,
            "deltas": [asdict(delta) for delta in self.deltas()],
            "published_not_measured_here": [reference._asdict() for reference in self.published],
            "points": [asdict(point) for point in self.points],
        }

    def _grid(self, value: Value) -> dict[str, dict[str, float | None]]:
        return {codec: {f"{ratio:g}": self.mean(codec, ratio, value) for ratio in self.ratios} for codec in self.codecs}

    def as_markdown(self) -> str:
        heading = "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in self.made_by.items())
        parts = ["# Rate and distortion", heading, f"Means over {len(self.pictures)} pictures; bpp counts whole files."]
        parts += [f"## {column.title}\n\n{self._table(column)}" for column in COLUMNS]
        parts.append(
            "A cell `(n)` is no mean: there are files so small of n pictures only. Encode seconds are of whole processes for "
            "splatc, of the one chosen encoding, without the search for it, for the others."
        )
        if deltas := self.deltas():
            rows = [
                [
                    delta.codec,
                    delta.anchor,
                    f"{delta.bd_rate:+.1f} %",
                    f"{delta.bd_psnr:+.2f} dB",
                    f"{delta.bd_rate_ms_ssim:+.1f} %",
                    str(delta.pictures),
                ]
                for delta in deltas
            ]
            names = ["codec", "against", "BD-rate (PSNR)", "BD-PSNR", "BD-rate (MS-SSIM)", "pictures"]
            parts.append(f"## Bjøntegaard deltas, means over pictures\n\n{markdown(names, rows)}")
        if self.published:
            rows = [[r.codec, f"{r.bpp:.3f}", f"{r.psnr:.1f}", r.source] for r in self.published]
            parts.append(
                f"## Published, *not measured here*\n\n{markdown(['codec', 'bpp', 'PSNR, dB', 'source'], rows)}"
            )
        parts.append(f"## PSNR by picture, dB\n\n{self._by_picture()}")
        return "\n\n".join(parts) + "\n"

    def _table(self, column: Column) -> str:
        return markdown(
            ["CR", *self.codecs],
            [[f"{ratio:g}", *(self._cell(codec, ratio, column) for codec in self.codecs)] for ratio in self.ratios],
        )

    def _cell(self, codec: str, ratio: float, column: Column) -> str:
        mean = self.mean(codec, ratio, column.value)
        return format(mean, column.form) if mean is not None else f"({len(self.reached(codec, ratio))})"

    def _by_picture(self) -> str:
        cells = {
            (point.picture, point.ratio, point.codec): f"{point.psnr:.2f}" + (" ↓" if "1/" in point.note else "")
            for point in self.points
            if point.size is not None
        }
        rows = [
            [picture, f"{ratio:g}", *(cells.get((picture, ratio, codec), "") for codec in self.codecs)]
            for picture in self.pictures
            for ratio in self.ratios
        ]
        table = markdown(["picture", "CR", *self.codecs], rows)
        return table + "\n\n↓: a down-scaled picture was coded; an empty cell: no file so small."

    def plot(self, paths: Sequence[Path]) -> None:
        """PSNR and MS-SSIM over bpp, means over the pictures, to files of the types that their extensions name."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        matplotlib.rcParams["svg.hashsalt"] = "splatc"  # the same points, the same file
        figure, axes = pyplot.subplots(1, 2, figsize=(13, 6), layout="constrained")
        for axis, quality, title in zip(axes, (_psnr, ms_ssim_db), ("PSNR, dB", "MS-SSIM, dB"), strict=True):
            for codec in self.codecs:
                means = [
                    (self.mean(codec, r, lambda point: point.bpp), self.mean(codec, r, quality)) for r in self.ratios
                ]
                curve = [(bpp, mean) for bpp, mean in means if bpp is not None and mean is not None]
                ours = codec.startswith("splatc")
                axis.plot(*zip(*curve, strict=True) if curve else ([], []), "o-", label=codec, lw=2.5 if ours else 1.2)
            axis.set(xscale="log", xlabel="bits per pixel, whole file", ylabel=title)
            axis.grid(visible=True, which="both", alpha=0.25)
        for name in dict.fromkeys(reference.codec for reference in self.published):
            curve = [(reference.bpp, reference.psnr) for reference in self.published if reference.codec == name]
            axes[0].plot(*zip(*curve, strict=True), "x:", color="gray", label=f"{name} (published)")
        axes[0].legend()
        figure.suptitle(f"Means over {len(self.pictures)} pictures, {self.made_by.get('date', '')}")
        for path in paths:
            figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
        pyplot.close(figure)


def markdown(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
