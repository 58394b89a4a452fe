"""What a bench found, as Markdown and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.curves import Curves, Delta, Gap, Value, bits, value_of
from bench.metrics import Metric
from bench.published import Reference, references
from bench.results import Point

SCHEMA_VERSION = 2
"""1 had one list of means for each metric, and of the deltas only those of PSNR and MS-SSIM."""


@dataclass(frozen=True)
class Table:
    """Means by codec and ratio."""

    key: str
    """In JSON."""
    title: str
    value: Value
    form: str


class Report:
    """The points of one bench, complete or not."""

    def __init__(self, points: Sequence[Point], codecs: Sequence[str], made_by: dict[str, str]) -> None:
        """``codecs`` in the order of the columns; ``made_by``: what the heading says about where the points come from."""
        self.curves = Curves(points, codecs)
        self.made_by = made_by
        self.published: tuple[Reference, ...] = references(self.curves.pictures)

    def tables(self) -> list[Table]:
        """Of the files that were made."""
        metrics = [Table(each.key, each.title, _value(each), each.form) for each in self.curves.metrics]
        return [
            *metrics,
            Table("bpp", "bpp", bits, ".4f"),
            Table("encode_seconds", "encode, s", lambda p: None if p.size is None else p.encode_seconds, ".2f"),
            Table("decode_seconds", "decode, s", lambda p: None if p.size is None else p.decode_seconds, ".3f"),
        ]

    def tables_at_limit(self) -> list[Table]:
        """Of what lies between files; none where no codec needs that."""
        if not any(map(self.curves.is_interpolated, self.curves.codecs)):
            return []
        limit = self.curves.at_limit
        return [
            Table(each.key, f"{each.title}, at equal bytes", limit(each), each.form) for each in self.curves.metrics
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            **self.made_by,
            "pictures": self.curves.pictures,
            "means": {table.key: self._grid(table.value) for table in self.tables()},
            "means_at_equal_bytes": {table.key: self._grid(table.value) for table in self.tables_at_limit()},
            "deltas": [
                asdict(delta) | {"bd_rate": {key: rate._asdict() for key, rate in delta.bd_rate.items()}}
                for delta in self.curves.deltas()
            ],
            "published_not_measured_here": [reference._asdict() for reference in self.published],
            "points": [asdict(point) for point in self.curves.points],
        }

    def _grid(self, value: Value) -> dict[str, dict[str, float | None]]:
        curves = self.curves
        return {
            codec: {f"{ratio:g}": curves.mean(codec, ratio, value) for ratio in curves.ratios}
            for codec in curves.codecs
        }

    def as_markdown(self) -> str:
        heading = "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in self.made_by.items())
        count = len(self.curves.pictures)
        parts = ["# Rate and distortion", heading, f"Means over {count} pictures; bpp counts whole files."]
        parts += [f"## {table.title}\n\n{self._table(table)}" for table in self.tables()]
        parts.append(
            "A cell `(n)` is no mean: there are files so small of n pictures only. Encode seconds are of whole processes for "
            "splatc, of the one chosen encoding, without the search for it, for the others."
        )
        if tables := self.tables_at_limit():
            parts += [f"## {table.title}\n\n{self._table(table, mark=' ~')}" for table in tables]
            parts.append(
                "~: the levels of this codec are coarse. Its values are those at the bytes that the ratio allows, interpolated between "
                "the largest file below and that of the next level above, linearly in the logarithm of the bytes. Without ~: as they "
                "are, of files that use up to 3 % less."
            )
        parts += self._comparisons()
        if self.published:
            parts.append(f"## Published, *not measured here*\n\n{self._published()}")
        parts += [f"## {metric.title}, by picture\n\n{self._by_picture(metric)}" for metric in self.curves.metrics[:1]]
        return "\n\n".join(parts) + "\n"

    def _table(self, table: Table, mark: str = "") -> str:
        curves = self.curves
        names = [codec + (mark if curves.is_interpolated(codec) else "") for codec in curves.codecs]
        return markdown(
            ["CR", *names],
            [[f"{ratio:g}", *(self._cell(codec, ratio, table) for codec in curves.codecs)] for ratio in curves.ratios],
        )

    def _cell(self, codec: str, ratio: float, table: Table) -> str:
        mean = self.curves.mean(codec, ratio, table.value)
        return format(mean, table.form) if mean is not None else f"({self._count(codec, ratio, table)})"

    def _count(self, codec: str, ratio: float, table: Table) -> int:
        return len(self.curves.reached(codec, ratio, table.value))

    def _comparisons(self) -> list[str]:
        """splatc against the others: deltas, and at each ratio the mean and the worst picture."""
        metrics, deltas = self.curves.metrics, self.curves.deltas()
        if not deltas:
            return []
        names = ["codec", "against", *(f"BD-rate ({each.name})" for each in metrics), "BD-PSNR"]
        parts = [
            f"## Bjøntegaard deltas, means over pictures\n\n{markdown(names, [self._delta(each) for each in deltas])}",
            "A `(n)` behind a delta: the curves overlap on n pictures only.",
        ]
        rows = [
            [delta.codec, delta.anchor, f"{ratio:g}", *map(_gap, metrics, gaps)]
            for delta in deltas
            if delta.anchor not in self.curves.ours()
            for ratio in self.curves.ratios
            if any(gaps := [self.curves.gap(delta.codec, delta.anchor, ratio, metric) for metric in metrics])
        ]
        if rows:
            table = markdown(["codec", "against", "CR", *(each.name for each in metrics)], rows)
            parts.append(f"## How much better at equal bytes: mean (least, on which picture)\n\n{table}")
        return parts

    def _delta(self, delta: Delta) -> list[str]:
        cells = [delta.codec, delta.anchor]
        for metric in self.curves.metrics:
            rate = delta.bd_rate.get(metric.key)
            few = f" ({rate.pictures})" if rate and rate.pictures < len(self.curves.pictures) else ""
            cells.append(f"{rate.per_cent:+.1f} %{few}" if rate else "")
        return [*cells, "" if delta.bd_psnr is None else f"{delta.bd_psnr:+.2f} dB"]

    def _published(self) -> str:
        ours = self.curves.ours()
        rows = []
        for each in self.published:
            psnr = [self.curves.psnr_at(codec, each.bpp) for codec in ours]
            cells = ["" if value is None else f"{value:.2f}" for value in psnr]
            rows.append([each.codec, f"{each.bpp:.3f}", f"{each.psnr:.2f}", *cells, each.source])
        return markdown(["codec", "bpp", "PSNR, dB", *(f"{codec}, interpolated" for codec in ours), "source"], rows)

    def _by_picture(self, metric: Metric) -> str:
        cells = {
            (point.picture, point.ratio, point.codec): format(value, metric.form) + (" ↓" if "1/" in point.note else "")
            for point in self.curves.points
            if not point.above and (value := value_of(metric, point)) is not None
        }
        rows = [
            [picture, f"{ratio:g}", *(cells.get((picture, ratio, codec), "") for codec in self.curves.codecs)]
            for picture in self.curves.pictures
            for ratio in self.curves.ratios
        ]
        table = markdown(["picture", "CR", *self.curves.codecs], rows)
        return table + "\n\n↓: a down-scaled picture was coded; an empty cell: no file so small."


def _value(metric: Metric) -> Value:
    return lambda point: value_of(metric, point)


def _gap(metric: Metric, gap: Gap | None) -> str:
    if gap is None:
        return ""
    form = f"+{metric.form}"
    return f"{gap.mean:{form}} ({gap.least:{form}}, {gap.picture.partition('.')[0]})"


def markdown(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
