"""Large pictures, 7K to 16K: what splatc costs and how good it is, JPEG 2000 and AVIF at equal bytes beside it.

    python tools/uhr_bench.py 7k gray 16k --pictures pictures/uhr --out out/uhr
    python tools/uhr_bench.py 7k:500 large.jpg:1000 --pictures pictures/uhr --codecs splatc --effort 3 -- --tune ssim
    python tools/uhr_bench.py --cost large.jpg --out out/cost

An item is a preset, with or without a ratio (7k: 7287x4220 at CR 500, 200, 1000; gray: 13920x10200 at CR 1000; 16k: a mosaic of
the folder's pictures at CR 3000), or FILE:CR. What follows -- goes to `splatc encode`. One thing at a time, each in a process of its
own. Writes report.md and report.json, with --cost cost.md, cost.json, cost.svg and cost.png, into the output folder, and every
point into its points.jsonl as soon as it is there: the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import large_report, results
from bench.cost import Cost
from bench.large_items import MOSAIC, parse_items
from bench.large_measure import Failed, Picture, SplatcLarge, measure_codec, task, temporary
from bench.large_point import LargePoint
from bench.large_search import settings as search_settings
from bench.progress import say
from bench.splatc_codec import source_digest
from rd_bench import made_by

TITLES = {"jpeg2000": "JPEG 2000", "avif": "AVIF"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 if a point could not be measured."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = parse(words)
    options.out.mkdir(parents=True, exist_ok=True)
    with temporary(options.out) as folder:
        bench = Bench(options, Path(folder))
        origin = made_by(words)
        if options.cost:
            cost(bench, origin)
        else:
            table(bench, origin)
    return 1 if bench.failures else 0


def parse(words: Sequence[str]) -> argparse.Namespace:
    words, more = _split_at(words, "--")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", nargs="*", metavar="ITEM", help="7k, gray, 16k, with or without :CR, or FILE:CR")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="where the presets' pictures lie")
    parser.add_argument("--out", type=Path, default=Path("out/uhr"), metavar="DIR")
    parser.add_argument(
        "--codecs", nargs="+", default=["splatc", "jpeg2000", "avif"], choices=["splatc", "jpeg2000", "avif"]
    )
    parser.add_argument("--effort", nargs="+", type=int, default=[5], help="of splatc; each makes a row")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of splatc; default: %(default)s")
    parser.add_argument(
        "--side", type=int, default=16384, help="of the mosaic, px, a multiple of 8; default: %(default)s"
    )
    parser.add_argument("--minutes", type=float, default=20, help="of search for each codec; default: %(default)s")
    parser.add_argument("--gigabytes", type=float, default=18, help="of memory for each codec; default: %(default)s")
    parser.add_argument("--fresh", action="store_true", help="throw away what the output folder has")
    parser.add_argument(
        "--cost", type=Path, metavar="PICTURE", help="cost against pixels and against Gaussians, splatc alone"
    )
    parser.add_argument(
        "--megapixels", nargs="+", type=float, default=[2, 4, 8, 16, 30], help="of --cost; default: %(default)s"
    )
    parser.add_argument("--at-cr", type=float, default=500, help="of --cost against pixels; default: %(default)s")
    parser.add_argument(
        "--cr", nargs="+", type=float, default=[2000, 1000, 500, 300, 200], help="of --cost; default: %(default)s"
    )
    parser.add_argument(
        "--at", type=float, default=8, metavar="MEGAPIXELS", help="of --cost against Gaussians; default: %(default)s"
    )
    options = parser.parse_args(words)
    options.encode = tuple(more)
    if bool(options.items) == (options.cost is not None):
        parser.error("give items, or --cost PICTURE")
    if options.cost and len(options.effort) > 1:
        parser.error("--cost takes one --effort: its points belong to one line")
    if options.side < 8 or options.side % 8:
        parser.error(f"--side {options.side}: must be a multiple of 8")
    if any(number <= 0 for number in [*options.megapixels, options.at, options.at_cr, *options.cr, options.minutes]):
        parser.error("sizes, ratios and minutes must be above 0")
    return options


class Bench:
    """Measures what its store does not have yet."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        """``folder`` is for pictures that are made."""
        self.options = options
        self.folder = folder
        self.failures = 0
        self.splatcs = [
            SplatcLarge(effort, options.threads, options.encode, source_digest()) for effort in options.effort
        ]
        self._store = options.out / "points.jsonl"
        if options.fresh:
            self._store.unlink(missing_ok=True)
        self._points = results.load_as(self._store, LargePoint)
        self._warm: set[int] = set()
        self._bounds = options.minutes, options.gigabytes

    def points(self, picture: Picture, codec: str, ratio: float) -> list[LargePoint]:
        """Those of a codec by its option name; of splatc one for each effort. Without those that failed."""
        if codec == "splatc":
            found = [self._splatc(splatc, picture, ratio) for splatc in self.splatcs]
        else:
            settings, title = search_settings(codec, *self._bounds), TITLES[codec]

            def measure(folder: Path) -> LargePoint:
                return measure_codec(codec, title, settings, picture, ratio, self._bounds, folder)

            found = [self._point(picture, title, settings, ratio, measure)]
        return [point for point in found if point is not None]

    def _splatc(self, splatc: SplatcLarge, picture: Picture, ratio: float) -> LargePoint | None:
        def measure(folder: Path) -> LargePoint:
            if picture.channels not in self._warm:  # kernels of gray and of colour are not the same
                splatc.warm_up(picture, folder)
                self._warm.add(picture.channels)
            return splatc.measure(picture, ratio, folder, compare=self.options.cost is None)

        return self._point(picture, splatc.name, splatc.settings, ratio, measure)

    def _point(
        self, picture: Picture, title: str, settings: str, ratio: float, measure: Callable[[Path], LargePoint]
    ) -> LargePoint | None:
        key = (picture.digest, settings, ratio, False)
        if key in self._points:
            return self._points[key]
        say(f"{picture.name}, CR {ratio:g}, {title}")
        try:
            with temporary(self.options.out) as folder:
                point = measure(Path(folder))
        except Failed as error:
            self.fail(f"{picture.name}, CR {ratio:g}, {title}: {error}")
            return None
        results.append(self._store, point)
        self._points[key] = point
        return point

    def fail(self, what: str) -> None:
        self.failures += 1
        say(f"failed: {what}")

    def picture(self, path: Path | None) -> Picture | None:
        """A file, or the mosaic, which is made first; None if it cannot be read."""
        try:
            if path is None:
                side = self.options.side
                path = self.folder / f"mosaic_{side}x{side}.tif"
                say(f"{path.name} is being made")
                task("mosaic", folder=str(self.options.pictures), side=side, output=str(path))
            return picture_of(path)
        except Failed as error:
            self.fail(f"{path or MOSAIC}: {error}")
            return None

    def shrunk(self, path: Path, megapixels: float) -> Picture | None:
        """A copy of about so many pixels; None if the picture cannot be read."""
        small = self.folder / f"{path.stem}-{megapixels:g}M.png"
        try:
            if not small.exists():
                task("shrink", picture=str(path), pixels=1e6 * megapixels, output=str(small))
            return picture_of(small)
        except Failed as error:
            self.fail(f"{path}: {error}")
            return None


def picture_of(path: Path) -> Picture:
    """Raises Failed for what the codecs cannot all hold."""
    with path.open("rb") as stream:  # not all at once: see bench.processes
        digest = hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    return Picture(path, path.name, digest, **task("inspect", picture=str(path)))


def table(bench: Bench, origin: dict[str, str]) -> None:
    """Each item with each codec, and the report."""
    options = bench.options
    try:
        items = parse_items(options.items, options.pictures)
    except ValueError as error:
        raise SystemExit(f"uhr_bench: {error}") from error
    pictures = {path: bench.picture(path) for path in dict.fromkeys(item.picture for item in items)}
    rows: list[LargePoint] = []
    for item in items:
        picture = pictures[item.picture]
        for codec in options.codecs if picture is not None else []:
            assert picture is not None
            rows += bench.points(picture, codec, item.ratio)
            write(options.out, "report", large_report.as_json(rows, origin), large_report.as_markdown(rows, origin))
    say(f"wrote {options.out / 'report.md'}")


def cost(bench: Bench, origin: dict[str, str]) -> None:
    """One picture in several sizes, one size at several ratios; tables and a plot."""
    options = bench.options
    by_pixels = [(size, options.at_cr) for size in options.megapixels]
    by_gaussians = [(options.at, ratio) for ratio in options.cr]
    series: list[list[LargePoint]] = []
    for wanted in (by_pixels, by_gaussians):
        series.append([])
        for size, ratio in wanted:
            picture = bench.shrunk(options.cost, size)
            series[-1] += bench.points(picture, "splatc", ratio) if picture is not None else []
    found = Cost(series[0], series[1], origin)
    write(options.out, "cost", found.as_json(), found.as_markdown())
    say(f"wrote {options.out / 'cost.md'}")
    try:
        found.plot([options.out / "cost.svg", options.out / "cost.png"])
    except ImportError:
        say("no plot: matplotlib is missing; pip install splatc[bench]")


def write(folder: Path, name: str, report: object, text: str) -> None:
    (folder / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(text, encoding="utf-8")


def _split_at(words: Sequence[str], mark: str) -> tuple[Sequence[str], Sequence[str]]:
    """What stands before a word, and what after it."""
    words = list(words)
    place = words.index(mark) if mark in words else len(words)
    return words[:place], words[place + 1 :]


if __name__ == "__main__":
    sys.exit(main())
