"""One run of one job of `speed_bench.py`, by an installation: whole processes, and the quality of what its own `decode` writes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench import processes
from bench.installs import Installation, clean_environ
from bench.large_measure import task
from bench.speed_rows import BUSY, ROWS, Job
from bench.speed_samples import Sample

good = partial(processes.good, program="speed_bench")
WORKER = Path(__file__).with_name("speed_worker.py")
PNM = {1: ".pgm", 3: ".ppm"}


def encode_words(job: Job, output: Path) -> list[str | Path]:
    """The command of a job, without the program; what is written in its row, and the summary that the command makes by default."""
    assert job.picture is not None
    more = ["-v"] if ROWS[job.row].how == "psnr" else []  # it reports each fit
    return ["encode", "--force", *job.variant.split(), *more, job.picture, output]


def batch_words(job: Job, folder: Path) -> list[str | Path]:
    """The command of a batch: a picture at a time by all threads, or as many as there are processors by one thread each."""
    assert job.picture is not None
    cores = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    processes, threads = ("1", cores) if job.case == ROWS["batch"].cases[0] else (cores, "1")
    words = [*job.variant.split(), "-j", processes, "--threads", threads]
    return ["batch", "--force", *words, job.picture, *job.more, "-o", folder]


def run_once(job: Job, side: Installation, folder: Path, known: Sequence[Sample]) -> Sample:
    """Run a job; `known` are samples of it, whose quality holds for an equal file."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    how = ROWS[job.row].how
    if how == "install":
        sample = Sample(job.key, side.name, side.content, 0.0, megabytes=side.megabytes)
    elif how == "threads":
        sample = _fit(job, side)
    elif how == "batch":
        sample = _batch(job, side, folder)
    else:
        sample = _encode(job, side, folder, known)
    return replace(sample, load=round(load, 2))


def warm_up(job: Job, side: Installation, folder: Path) -> None:
    """Let an installation compile what it compiles at run time: the job, on a small copy of its picture."""
    if job.picture is None or ROWS[job.row].how in ("first", "threads"):
        return
    small = folder / f"small-{job.picture.stem}.png"
    task("shrink", picture=str(job.picture), pixels=60_000, output=str(small))
    words = re.sub(r"--psnr \S+", "--cr 50", job.variant).split()
    output = folder / "warm.splat2d"
    good(
        processes.run([side.splatc, "encode", "--force", *words, "-e", "1", small, output], environment=clean_environ())
    )
    good(processes.run([side.splatc, "decode", "--force", output, folder / "warm.ppm"], environment=clean_environ()))


def _encode(job: Job, side: Installation, folder: Path, known: Sequence[Sample]) -> Sample:
    output = folder / "out.splat2d"
    if job.case == "first":
        side.forget()
    command = [side.splatc, *encode_words(job, output)]
    with _busy_processes(BUSY if job.case == "beside" else 0):
        run = good(processes.run(command, environment=clean_environ()))
    data = output.read_bytes()
    sample = Sample(
        job.key,
        side.name,
        side.content,
        round(run.seconds, 4),
        round(run.peak, 1),
        len(data),
        hashlib.sha256(data).hexdigest()[:16],
    )
    for same in known:
        if same.digest == sample.digest and same.psnr:
            sample = replace(sample, psnr=same.psnr, ms_ssim=same.ms_ssim)
            break
    else:
        quality = _quality(job, side, output, folder)
        sample = replace(sample, psnr=quality["psnr"], ms_ssim=quality["ms_ssim"])
    if ROWS[job.row].how == "psnr":
        tries = sum(line.startswith("try ") for line in run.errors.splitlines())
        sample = replace(sample, tries=tries, in_fits=round(run.seconds / _one_fit(job, side, folder, len(data)), 3))
    return sample


def _batch(job: Job, side: Installation, folder: Path) -> Sample:
    """Seconds for each picture of a batch; its processes start once for all of them."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="batch-") as files:
        run = good(processes.run([side.splatc, *batch_words(job, Path(files))], environment=clean_environ()))
        data = b"".join(path.read_bytes() for path in sorted(Path(files).glob("*.splat2d")))
    seconds = round(run.seconds / (1 + len(job.more)), 4)
    digest = hashlib.sha256(data).hexdigest()[:16]
    return Sample(job.key, side.name, side.content, seconds, round(run.peak, 1), len(data), digest)


def _quality(job: Job, side: Installation, coded: Path, folder: Path) -> dict[str, float]:
    """PSNR and MS-SSIM of the pixels that the installation decodes, computed here."""
    picture = str(job.picture)
    channels = task("inspect", picture=picture)["channels"]
    decoded = folder / f"decoded{PNM[channels]}"
    good(processes.run([side.splatc, "decode", "--force", coded, decoded], environment=clean_environ()))
    found: dict[str, float] = task("compare", picture=picture, decoded=str(decoded))
    decoded.unlink()
    return found


def _one_fit(job: Job, side: Installation, folder: Path, size: int) -> float:
    """Seconds of a process that makes one fit of that size, with the other options of a search for a PSNR."""
    words = re.sub(r"--psnr \S+", f"--size {size}", job.variant).split()
    assert job.picture is not None
    command: list[str | Path] = [side.splatc, "encode", "--force", *words, job.picture, folder / "one.splat2d"]
    return good(processes.run(command, environment=clean_environ())).seconds


def _fit(job: Job, side: Installation) -> Sample:
    """In process: the fit alone counts, not the start of Python, nor what is serial in reading and writing files."""
    words = job.variant.split()
    value = dict(zip(words[::2], words[1::2], strict=True))
    picture, ratio, effort = job.picture or "", value["--cr"], value.get("-e", "5")
    threads = {"OMP_NUM_THREADS": job.case, "NUMBA_NUM_THREADS": job.case}
    command: list[str | Path] = [side.python, "-P", WORKER, picture, ratio, effort, job.case]
    run = good(processes.run(command, environment=clean_environ() | threads))
    return Sample(job.key, side.name, side.content, peak=round(run.peak, 1), **json.loads(run.output))


@contextlib.contextmanager
def _busy_processes(number: int) -> Iterator[None]:
    """So many processes that do nothing but compute, while the block lasts."""
    command = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(command) for _ in range(number)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()
