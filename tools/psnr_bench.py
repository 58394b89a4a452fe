"""What a search for a PSNR costs, in fits, and how its files compare with those of fits of a given size that reach as much.

    python tools/rd_bench.py pictures/kodak/kodim{03,19}.png --out out/psnr --codecs splatc --cr 500 240 100 50 20 10 5
    python tools/psnr_bench.py pictures/kodak/kodim{03,19}.png --points out/psnr/points.jsonl --psnr 32 35 38

The size that a PSNR takes is interpolated between the points of rd_bench.py of the same picture, of this version and of the default
effort: what a search by many fits would find, within half a per cent. A search is timed in fits: processor time of the whole command over
that of one fit of the size that it found, both with so many --threads, so that what else runs matters little. Prints Markdown: a line
for each search as soon as it has ended, then a table of all.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path

from bench import processes, results
from bench.bdrate import Curve, rate_at
from bench.splatc_codec import Splatc, source_digest

good = partial(processes.good, program="psnr_bench")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE")
    parser.add_argument("--points", type=Path, required=True, metavar="FILE", help="points.jsonl of rd_bench.py")
    parser.add_argument("--psnr", type=float, nargs="+", default=[32.0, 35.0, 38.0], metavar="DB")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of splatc; default: %(default)s")
    options = parser.parse_args()
    curves = curves_of(options.points)
    print(
        "| picture | dB | tries | in fits | bytes | of a given size | more |\n|---|---|---|---|---|---|---|", flush=True
    )
    in_fits, growths = [], []
    table = [f"| | {' | '.join(f'{psnr:g} dB' for psnr in options.psnr)} |", "|---" * (1 + len(options.psnr)) + "|"]
    for picture in options.pictures:
        cells = [picture.stem]
        for psnr in options.psnr:
            size, tries, fits = search(picture, psnr, options.threads)
            expected = rate_at(curves.get(picture.name, ()), psnr)
            in_fits.append(fits)
            growths += [100 * (size / expected - 1)] if expected else []
            compared = f"{expected:.0f} | {growths[-1]:+.1f} %" if expected else "- | -"
            cells.append(f"{fits:.1f} fits" + (f", {growths[-1]:+.1f} %" if expected else ""))
            print(f"| {picture.name} | {psnr:g} | {tries} | {fits:.2f} | {size} | {compared} |", flush=True)
        table.append(f"| {' | '.join(cells)} |")
    print("", *table, "", sep="\n")
    print(f"in fits: median {statistics.median(in_fits):.2f}, worst {max(in_fits):.2f}")
    if growths:
        print(f"bytes more: mean {statistics.fmean(growths):+.1f} %, worst {max(growths):+.1f} %, of {len(growths)}")


def curves_of(path: Path) -> dict[str, Curve]:
    """Bytes and PSNR of the points of this version, by picture."""
    settings = Splatc(5, "psnr", None, 1, source_digest()).settings
    found: dict[str, list[tuple[float, float]]] = {}
    for point in results.load(path).values():
        if point.settings == settings and point.size is not None:
            found.setdefault(point.picture, []).append((float(point.size), point.psnr))
    return dict(found)


def search(picture: Path, psnr: float, threads: int) -> tuple[int, int, float]:
    """Bytes of the file, tries, and the time in fits of that size."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "a.splat2d"
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "splatc",
            "encode",
            "--force",
            "--threads",
            str(threads),
            picture,
            output,
        ]
        run = good(processes.run([*command, "--psnr", f"{psnr:g}", "-v"]))
        size = output.stat().st_size
        one = good(processes.run([*command, "--size", str(size)]))
    return size, sum(line.startswith("try ") for line in run.errors.splitlines()), run.processor / one.processor


if __name__ == "__main__":
    main()
