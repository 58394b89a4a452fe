"""What encoding costs at a commit and in the work tree: whole processes, in turn, medians, and the quality of the files.

    python tools/speed_bench.py kodak e1 --pictures pictures --repeats 3
    python tools/speed_bench.py kodak --pictures pictures --kodak kodim03 kodim13 --dry-run    # what it would run
    python tools/speed_bench.py --report                                                      # the table of what is there

Rows: kodak e1 uhr mosaic ssim psnr threads busy batch install first; all where none is named. PICTURES has the folders kodak and uhr.
Both are installed as a user installs them, below --out. Each run is kept there at once: the same command goes on where it was stopped,
and begins anew with what has changed in the work tree. What follows -- goes to `splatc encode`. The machine should have nothing else to do.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.decode_against import say
from bench.installs import Installation, of_commit, of_work_tree
from bench.large_measure import Failed, task
from bench.speed_measure import batch_words, encode_words, run_once, warm_up
from bench.speed_report import report
from bench.speed_rows import KODAK, MOSAIC_NAME, ROWS, Job, Pictures, jobs
from bench.speed_samples import append, current, load

ROOT = Path(__file__).resolve().parent.parent
IDLE = 0.3
"""Load of a machine that has nothing else to do, at most."""


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(list(sys.argv[1:] if arguments is None else arguments))
    folder: Path = options.out.resolve()
    pictures = Pictures(
        options.pictures.resolve(), options.kodak, options.one, options.large, folder / f"{options.side}_{MOSAIC_NAME}"
    )
    wanted = jobs(options.rows, pictures, options.encode)
    if options.report:
        print(_table(folder))
    elif options.dry_run:
        for job in wanted:
            for side in _names(job, options.against):
                print(f"{options.repeats} x {side}: {_said(job)}")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        _missing(wanted, pictures)
        if any(job.picture == pictures.mosaic for job in wanted) and not pictures.mosaic.exists():
            say("making the mosaic")
            task("mosaic", folder=str(pictures.folder / "uhr"), side=options.side, output=str(pictures.mosaic))
        say(f"installing {options.against} and the work tree")
        sides = [of_commit(ROOT, options.against, folder), of_work_tree(ROOT, folder)]
        measure(wanted, sides, folder, options.repeats)
        print(
            report(current(load(folder), {side.name: side.content for side in sides}), *(side.name for side in sides))
        )


def parse(words: list[str]) -> argparse.Namespace:
    more = words[words.index("--") + 1 :] if "--" in words else []
    words = words[: words.index("--")] if "--" in words else words
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--pictures", type=Path, default=Path("pictures"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--kodak", nargs="+", default=KODAK, metavar="NAME", help="of the folder kodak; default: six")
    parser.add_argument(
        "--one", default="kodim03", metavar="NAME", help="of rows with one picture; default: %(default)s"
    )
    parser.add_argument(
        "--large", default=Pictures.large, metavar="NAME", help="of the folder uhr; default: %(default)s"
    )
    parser.add_argument("--side", type=int, default=16384, help="of the mosaic, px; default: %(default)s")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each; default: %(default)s")
    parser.add_argument("--against", default="18186d1", metavar="COMMIT", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "speed", metavar="DIR", help="default: out/speed")
    parser.add_argument("--report", action="store_true", help="print the table of what was measured last, run nothing")
    parser.add_argument("--dry-run", action="store_true", help="print what would be run, and run nothing")
    options = parser.parse_args(words)
    options.encode = more
    options.rows = options.rows or list(ROWS)
    unknown = [row for row in options.rows if row not in ROWS]
    if unknown:
        parser.error(f"{unknown[0]!r} is no row: {', '.join(ROWS)}")
    if options.repeats < 1:
        parser.error("--repeats must be above 0")
    return options


def measure(wanted: Sequence[Job], sides: Sequence[Installation], folder: Path, repeats: int) -> None:
    """Run what is not there yet, the cases of a row and the installations in turn, and keep each run at once."""
    samples = load(folder)
    warm: set[tuple[str, str, str]] = set()
    groups = [
        list(group) for _, group in itertools.groupby(wanted, key=lambda job: (job.row, job.picture, job.variant))
    ]
    with tempfile.TemporaryDirectory(dir=folder, prefix="work-") as workspace:
        for group in groups:
            for number, job, side in itertools.product(range(repeats), group, sides):
                key = (job.row, job.variant, side.name)
                here = [each for each in samples if (each.side, each.content) == (side.name, side.content)]
                known = [each for each in here if each.key == job.key]
                once = ROWS[job.row].how == "install"
                if side.name not in _names(job, sides[0].name) or len(known) > (0 if once else number):
                    continue
                if key not in warm:
                    warm_up(job, side, Path(workspace))
                    warm.add(key)
                say(f"{side.name}: {_said(job)}{_warning()}")
                sample = run_once(job, side, Path(workspace), known)
                append(folder, sample)
                samples.append(sample)


def _names(job: Job, old: str) -> list[str]:
    """The installations that a job is run with."""
    return [old, "work tree"] if ROWS[job.row].old else ["work tree"]


def _said(job: Job) -> str:
    case = f" ({job.case})" if job.case else ""
    how = ROWS[job.row].how
    if job.picture is None or how == "threads":
        return f"{job.row} {job.picture.name if job.picture else ''} {job.variant}{case}"
    words = batch_words(job, Path("out")) if how == "batch" else encode_words(job, Path("out.splat2d"))
    return f"{job.row}: splatc {' '.join(map(str, words))}{case}"


def _warning() -> str:
    now = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return f" (load {now:.1f})" if now > IDLE + 1 else ""


def _missing(wanted: Sequence[Job], pictures: Pictures) -> None:
    for job in wanted:
        for each in (job.picture, *job.more):
            if each is not None and each != pictures.mosaic and not each.is_file():
                raise SystemExit(f"speed_bench: {each}: no such file: --pictures is the folder of kodak and uhr")


def _table(folder: Path) -> str:
    """The report of the installations that were measured last."""
    samples = load(folder)
    if not samples:
        raise SystemExit(f"speed_bench: nothing was measured in {folder}")
    contents = {sample.side: sample.content for sample in samples}
    new = "work tree"
    old = next((side for side in reversed(contents) if side != new), "old")
    return report(current(samples, contents), old, new)


if __name__ == "__main__":
    try:
        main()
    except (Failed, subprocess.CalledProcessError) as error:
        sys.exit(f"speed_bench: {error}")
