"""Rate and distortion of splatc beside JPEG, WebP, JPEG 2000, AVIF, JPEG XL, HEVC and VVC, at equal bytes on disk.

    python tools/rd_bench.py pictures/kodak --out out/kodak
    python tools/rd_bench.py a.png b.png --codecs splatc avif-iq vvc --cr 100 240 --effort 1 5 --tune psnr ssim --jobs 2
    python tools/rd_bench.py pictures/kodak --out out/kodak --codecs splatc avif --cr 100 --page out/page

Writes report.md, report.json, report.svg and report.png into the output folder, and every measured point into its points.jsonl as
soon as it is there: the same command goes on where it was stopped. Needs the extra "bench": pip install splatc[bench].
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np

import splatc
from bench import kept, metrics, results
from bench.codec import Codec, Measurement, size_limit
from bench.picture_page import write_page
from bench.pillow_codecs import AVIF, pillow_codecs
from bench.plot import plot
from bench.progress import Progress, say
from bench.report import Report
from bench.results import Point
from bench.splatc_codec import Splatc, source_digest
from bench.video_codecs import VIDEO, video_codecs
from splatc.image.image import Samples
from splatc.image.readers import load

RATIOS = (20.0, 50.0, 100.0, 240.0, 500.0, 1000.0)
DEFAULT = ("splatc", "jpeg", "webp", "jpeg2000", "avif", "jpegxl")
CODECS = (*DEFAULT, *AVIF, *VIDEO)
MISSING = "this Pillow or ffmpeg lacks it; pip install splatc[bench]"
STORE = "points.jsonl"
"""In the output folder."""
PICTURES = {".png", ".ppm", ".tif", ".tiff", ".bmp"}
"""What is taken from a folder: pictures that are likely not to have been coded with loss before."""


@dataclass(frozen=True)
class Job:
    """What one codec still has to do for one picture."""

    picture: Path
    digest: str
    codec: Codec
    ratios: tuple[float, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 if a point could not be measured."""
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    store = options.out / STORE
    if options.fresh:
        store.unlink(missing_ok=True)
        shutil.rmtree(options.out / kept.FOLDER, ignore_errors=True)
    pictures = {path: sha256(path.read_bytes()).hexdigest()[:16] for path in find_pictures(options.pictures)}
    codecs = choose_codecs(options)
    for line in metrics.left_out():
        say(line)
    points = results.load(store)
    ratios = sorted(
        set(options.cr), reverse=True
    )  # small files first: where they lie helps to find larger, slower ones
    jobs = [
        Job(path, digest, codec, missing)
        for path, digest in pictures.items()
        for codec in codecs
        if (missing := tuple(ratio for ratio in ratios if (digest, codec.settings, ratio, False) not in points))
    ]
    say(f"{sum(len(job.ratios) for job in jobs)} points to measure, {len(points)} in {store}")
    failures = measure_all(jobs, options.jobs, options.out)
    complete(pictures, codecs, results.load(store).values(), options.out)

    points = results.load(store)
    wanted = [
        (digest, codec.settings, ratio, above)
        for digest in pictures.values()
        for codec in codecs
        for ratio in options.cr
        for above in (False, True)
    ]
    found = [points[key] for key in wanted if key in points]
    write_report(Report(found, [codec.name for codec in codecs], made_by(arguments)), options.out)
    if options.page:
        originals = {path.name: load_8bit(path) for path in pictures if any(p.picture == path.name for p in found)}
        write_page(options.page, options.out, found, {codec.settings: codec for codec in codecs}, originals)
        say(f"wrote {options.page / 'index.html'}")
    return 1 if failures else 0


def write_report(report: Report, out: Path) -> None:
    (out / "report.json").write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    (out / "report.md").write_text(report.as_markdown(), encoding="utf-8")
    title = f"Means over {len(report.curves.pictures)} pictures, {report.made_by['date']}"
    try:
        plot(report.curves, report.published, title, [out / "report.svg", out / "report.png"])
    except ImportError:
        say("no plot: matplotlib is missing; pip install splatc[bench]")
    say(f"wrote {out / 'report.md'}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "pictures", nargs="+", type=Path, metavar="PICTURE", help="a file, or a folder of lossless ones"
    )
    parser.add_argument("--out", type=Path, default=Path("out/rd"), metavar="DIR")
    parser.add_argument("--cr", nargs="+", type=float, default=RATIOS, help="compression ratios to aim for")
    parser.add_argument("--codecs", nargs="+", choices=CODECS, default=DEFAULT, help="default: %(default)s")
    parser.add_argument("--effort", nargs="+", type=int, default=[5], help="of splatc; each makes a column")
    parser.add_argument("--tune", nargs="+", default=["psnr"], help="of splatc; likewise")
    parser.add_argument("--blend", choices=["normalized", "sum"], help="of splatc")
    parser.add_argument(
        "--downscale",
        action="store_true",
        help="AVIF and JPEG 2000: the best of full, half and quarter size at each point, not only where full size does not fit",
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="pictures and codecs worked on at once; they share the cores"
    )
    parser.add_argument(
        "--page", type=Path, metavar="DIR", help="make a page of the pictures there, with a line between any two files"
    )
    parser.add_argument("--fresh", action="store_true", help="throw away what the output folder has")
    return parser.parse_args(arguments)


def find_pictures(paths: Sequence[Path]) -> list[Path]:
    """The files, and those in the folders."""
    found = [
        file
        for path in paths
        for file in (sorted(f for f in path.iterdir() if f.suffix.lower() in PICTURES) if path.is_dir() else [path])
    ]
    if not found:
        raise SystemExit(f"rd_bench: no pictures in {', '.join(map(str, paths))}")
    if len({file.name for file in found}) < len(found):
        raise SystemExit("rd_bench: two pictures have the same name: the report could not distinguish them")
    return found


def choose_codecs(options: argparse.Namespace) -> list[Codec]:
    """In the order of the command line; without those that this machine lacks."""
    threads = max(1, (os.cpu_count() or 1) // options.jobs)
    others: dict[str, Codec] = {**pillow_codecs(options.downscale), **video_codecs()}
    codecs: list[Codec] = []
    for name in dict.fromkeys(options.codecs):
        if name == "splatc":
            codecs += [
                Splatc(effort, tune, options.blend, threads, source_digest())
                for effort in options.effort
                for tune in options.tune
            ]
        elif name in others:
            codecs.append(others[name])
        else:
            say(f"no {name}: {MISSING}")
    if not codecs:
        raise SystemExit("rd_bench: none of the codecs is here")
    return codecs


def measure_all(jobs: Sequence[Job], parallel: int, out: Path) -> int:
    """Do the jobs, each point into the store of the folder when it is measured; returns the number of jobs that failed."""
    progress = Progress(sum(len(job.ratios) for job in jobs))
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for codec in {job.codec.name: job.codec for job in jobs}.values():
            if isinstance(codec, Splatc):
                codec.warm_up(Path(folder))

    def work(job: Job) -> None:
        for points in measure(job, out):
            with lock:
                for point in points:
                    results.append(out / STORE, point)
                progress.step(f"{job.picture.name} {job.codec.name}")

    lock = threading.Lock()
    with ThreadPoolExecutor(parallel) as pool:
        running = {pool.submit(work, job): job for job in jobs}
        try:
            for future in as_completed(running):
                job = running[future]
                if (error := future.exception()) is not None:
                    failures += 1
                    say(f"\n{job.picture} with {job.codec.name} failed: {error}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    progress.finish()
    return failures


def measure(job: Job, out: Path) -> Iterator[list[Point]]:
    """The points of one picture and codec, by the job's ratios: each with that of the next level, where there is one."""
    pixels = load_8bit(job.picture)
    height, width, _ = pixels.shape
    with tempfile.TemporaryDirectory() as folder:
        measurements = job.codec.measure(job.picture, pixels, job.ratios, Path(folder))
        for ratio, measurement in zip(job.ratios, measurements, strict=True):
            settings, limit = job.codec.settings, size_limit(pixels, ratio)
            point = Point(job.picture.name, job.digest, width * height, job.codec.name, settings, ratio, limit=limit)
            files = [(point, measurement), (replace(point, above=True), measurement and measurement.above)]
            found = [
                measured(kept.keep(out, each, file.data, job.codec.suffix), pixels, file)
                for each, file in files
                if file
            ]
            yield found or [point]


def load_8bit(picture: Path) -> Samples:
    """(H, W, 1 or 3) uint8; other pictures do not compare."""
    pixels = load(str(picture)).pixels
    if pixels.dtype != np.uint8 or pixels.shape[2] not in (1, 3):
        raise ValueError("only gray and RGB pictures of 8 bits compare between all codecs")
    return pixels


def measured(point: Point, pixels: Samples, measurement: Measurement) -> Point:
    return replace(
        point,
        size=measurement.size,
        encode_seconds=round(measurement.encode_seconds, 4),
        decode_seconds=round(measurement.decode_seconds, 4),
        note=measurement.note,
        **metrics.values(pixels, measurement.pixels, metrics.available()),
    )


def complete(pictures: Mapping[Path, str], codecs: Sequence[Codec], points: Collection[Point], out: Path) -> None:
    """Add what points of an earlier run lack of metrics, by the files that it kept."""
    by_settings, paths = (
        {codec.settings: codec for codec in codecs},
        {digest: path for path, digest in pictures.items()},
    )
    wanted = metrics.available()
    left = [
        point
        for point in points
        if point.digest in paths and point.settings in by_settings and kept.lacking(point, wanted)
    ]
    progress = Progress(len(left))
    for point in left:
        found = kept.complete(out, point, by_settings, load_8bit(paths[point.digest]), wanted)
        if found is not None:
            results.append(out / STORE, found)
        progress.step(f"{point.picture} {point.codec}, metrics")
    progress.finish()


def made_by(arguments: Sequence[str] | None) -> dict[str, str]:
    """What the head of a report says about its origin."""
    words = [Path(sys.argv[0]).name, *(sys.argv[1:] if arguments is None else arguments)]
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=10"]
    commit = subprocess.run(git, check=False, capture_output=True, text=True).stdout.strip() or "unknown"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": " ".join(["python", *words]),
        "splatc": f"{splatc.__version__}, commit {commit}, source {source_digest()}",
        "cores": str(os.cpu_count()),
    }


if __name__ == "__main__":
    sys.exit(main())
