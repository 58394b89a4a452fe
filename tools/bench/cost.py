"""How encoding and decoding grow with pixels and with Gaussians: straight lines, how well they fit, and a plot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.large_point import LargePoint
from bench.report import markdown

Value = Callable[[LargePoint], float]

AXES: dict[str, Value] = {
    "megapixels": lambda point: point.pixels / 1e6,
    "1000 Gaussians": lambda point: point.gaussians / 1e3,
}
VALUES: dict[str, Value] = {
    "encode, s": lambda point: point.encode_seconds,
    "encode, peak MB": lambda point: point.encode_peak,
    "decode warm, s": lambda point: point.warm_seconds,
    "decode cold, peak MB": lambda point: point.decode_peak,
}


@dataclass(frozen=True)
class Line:
    """The straight line of least squares."""

    slope: float
    start: float
    r_squared: float
    """1 for points on a line; 0 if the line explains nothing."""

    def at(self, x: float) -> float:
        return self.start + self.slope * x

    @property
    def text(self) -> str:
        return f"{self.start:.3g} {'-' if self.slope < 0 else '+'} {abs(self.slope):.3g} x"


def fit_line(x: Sequence[float], y: Sequence[float]) -> Line | None:
    """None of fewer than three different x: through two points there is always a line."""
    if len(set(x)) < 3:
        return None
    mean_x, mean_y = fmean(x), fmean(y)
    spread = sum((a - mean_x) ** 2 for a in x)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    line = Line(slope, mean_y - slope * mean_x, 0.0)
    total = sum((b - mean_y) ** 2 for b in y)
    rest = sum((b - line.at(a)) ** 2 for a, b in zip(x, y, strict=True))
    return Line(line.slope, line.start, 1.0 - rest / total if total else 1.0)


class Cost:
    """Points of one picture in several sizes at one ratio, and of one size at several ratios."""

    def __init__(
        self, by_pixels: Sequence[LargePoint], by_gaussians: Sequence[LargePoint], made_by: dict[str, str]
    ) -> None:
        self.series = {
            "megapixels": sorted(by_pixels, key=lambda point: point.pixels),
            "1000 Gaussians": sorted(by_gaussians, key=lambda point: point.gaussians),
        }
        self.made_by = made_by

    def line(self, axis: str, value: str) -> Line | None:
        points = self.series[axis]
        return fit_line([AXES[axis](point) for point in points], [VALUES[value](point) for point in points])

    def as_json(self) -> dict[str, Any]:
        lines = {
            axis: {value: asdict(line) if (line := self.line(axis, value)) else None for value in VALUES}
            for axis in self.series
        }
        points = {axis: [asdict(point) for point in points] for axis, points in self.series.items()}
        return {"schema_version": 1, **self.made_by, "lines": lines, "points": points}

    def as_markdown(self) -> str:
        heading = "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in self.made_by.items())
        parts = ["# What splatc costs", heading]
        for axis, points in self.series.items():
            rows = [
                [
                    f"{point.width} x {point.height}",
                    f"{point.ratio:g}",
                    str(point.gaussians),
                    *(f"{value(point):.4g}" for value in VALUES.values()),
                ]
                for point in points
            ]
            lines = [self.line(axis, value) for value in VALUES]
            rows.append([f"line, x in {axis}", "", "", *(line.text if line else "" for line in lines)])
            rows.append(["R^2", "", "", *(f"{line.r_squared:.4f}" if line else "" for line in lines)])
            parts += [f"## Against {axis}", markdown(["size", "CR", "Gaussians", *VALUES], rows)]
        return "\n\n".join(parts) + "\n"

    def plot(self, paths: Sequence[Path]) -> None:
        """Each value against each axis, with its line, to files of the types that their extensions name."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        matplotlib.rcParams["svg.hashsalt"] = "splatc"  # the same points, the same file
        figure, rows = pyplot.subplots(
            2, len(VALUES), figsize=(4 * len(VALUES), 8), layout="constrained", squeeze=False
        )
        for (axis, points), cells in zip(self.series.items(), rows, strict=True):
            x = [AXES[axis](point) for point in points]
            for (name, value), cell in zip(VALUES.items(), cells, strict=True):
                cell.plot(x, [value(point) for point in points], "o")
                if (line := self.line(axis, name)) is not None:
                    ends = [0.0, max(x)]
                    cell.plot(
                        ends, [line.at(end) for end in ends], "-", lw=1, label=f"{line.text}\nR² = {line.r_squared:.4f}"
                    )
                    cell.legend(loc="upper left")
                right, top = max(x, default=0.0) or 1.0, max(map(value, points), default=0.0) or 1.0
                # The legend needs room above the points.
                cell.set(xlabel=axis, ylabel=name, xlim=(0, 1.05 * right), ylim=(0, 1.3 * top))
                cell.grid(visible=True, alpha=0.25)
        title = "Against pixels at one ratio (above), against Gaussians at one size (below)"
        figure.suptitle(f"{title}, {self.made_by.get('date', '')}")
        for path in paths:
            figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
        pyplot.close(figure)
