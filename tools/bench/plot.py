"""The curves of all codecs as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.curves import Curves, bits, value_of
from bench.metrics import Metric
from bench.published import Reference
from bench.results import Point

COLUMNS = 3


def plot(curves: Curves, published: Sequence[Reference], title: str, paths: Sequence[Path]) -> None:
    """Every metric over bpp, means over the pictures, to files of the types that their extensions name."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "splatc"  # the same points, the same file
    count = max(1, len(curves.metrics))  # none where nothing could be measured
    rows, columns = -(-count // COLUMNS), min(COLUMNS, count)
    size = (6.5 * columns, 5.5 * rows)
    figure, grid = pyplot.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for axis, metric in zip(grid.flat, curves.metrics, strict=False):
        for codec in curves.codecs:
            curve = _means(curves, codec, metric)
            ours = codec.startswith("splatc")
            axis.plot(*zip(*curve, strict=True) if curve else ([], []), "o-", label=codec, lw=2.5 if ours else 1.2)
        is_less_better = metric.quality(1.0) < metric.quality(0.0)
        unit = metric.title if metric.key != "ms_ssim" else "MS-SSIM, dB"
        axis.set(xscale="log", xlabel="bits per pixel, whole file", ylabel=unit)
        axis.yaxis.set_inverted(is_less_better)
        axis.grid(visible=True, which="both", alpha=0.25)
    for name in dict.fromkeys(reference.codec for reference in published):
        curve = [(reference.bpp, reference.psnr) for reference in published if reference.codec == name]
        grid.flat[0].plot(*zip(*curve, strict=True), "x:", label=f"{name} (published)")
    grid.flat[0].legend(fontsize="small")
    for axis in list(grid.flat)[len(curves.metrics) :]:
        axis.set_axis_off()
    figure.suptitle(title)
    for path in paths:
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def _means(curves: Curves, codec: str, metric: Metric) -> list[tuple[float, float]]:
    """bpp and value at each target that the codec reaches on all pictures; MS-SSIM in dB, where curves are straighter."""
    scale = metric.quality if metric.key == "ms_ssim" else float

    def value(point: Point) -> float | None:
        found = value_of(metric, point)
        return None if found is None else scale(found)

    means = [(curves.mean(codec, ratio, bits), curves.mean(codec, ratio, value)) for ratio in curves.ratios]
    return [(bpp, mean) for bpp, mean in means if bpp is not None and mean is not None]
