"""One picture of a run: what a worker is told, what it does, and what it answers. Both are plain data, for processes and clusters."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from splatc.errors import OutputError, SplatError
from splatc.files import read_input

Stamp = tuple[int, int]
"""Size and time of change (ns) of a file: which version of it is meant."""

_MAX_FILE_BYTES = 1 << 30
_ONE_AT_A_TIME = (
    threading.Lock()
)  # a cluster's worker may have threads; the fit has its own, and standard output is one for all


@dataclass(frozen=True)
class Job:
    """A picture to encode."""

    source: str
    output: str
    options: dict[str, Any] = field(default_factory=dict)
    """What ``splatc encode`` takes, by the names of its parameters."""
    threads: int | None = None
    force: bool = False
    before: Stamp | None = None
    """The file that `output` was when the run began; None if there was none."""


@dataclass(frozen=True)
class Outcome:
    """What became of a picture: a row of the report."""

    source: str
    output: str
    status: Literal["done", "kept", "failed"]
    """kept: the file was there already."""
    gaussians: int | None = None
    bytes: int | None = None
    bits_per_pixel: float | None = None
    compression_ratio: float | None = None
    psnr_db: float | None = None
    ms_ssim: float | None = None
    seconds: float | None = None
    error: str = ""
    notes: str = ""
    """What of the picture is left out, and the like."""


def run_job(job: Job) -> Outcome:
    """Encode one picture as ``splatc encode`` would. Whatever goes wrong with it becomes its outcome.

    A job that is given out a second time, because nobody knows what became of its first worker, keeps what that one finished.
    """
    with _ONE_AT_A_TIME:
        try:
            if stamp(job.output) != job.before:
                finished = look_at(job.source, job.output, "done")
                if finished is not None:
                    return finished
            return _encode(job)
        except SplatError as error:
            return failed(job, str(error))
        except MemoryError:
            return failed(job, f"{job.source}: not enough memory: fewer processes (-j) leave more for each")
        except Exception as error:  # a bug: the other pictures need not suffer from it
            return failed(job, f"{job.source}: unexpected {type(error).__name__}: {error}")


def look_at(source: str, output: str, status: Literal["done", "kept"]) -> Outcome | None:
    """What is known of a finished file, or None if it is missing or not whole."""
    import io

    from splatc.bitstream.structure import Structure

    try:
        structure = Structure(io.BytesIO(read_input(output, limit=_MAX_FILE_BYTES)))
        structure.check()
    except SplatError:
        return None
    header, size = structure.header, structure.file_bytes
    return Outcome(
        source,
        output,
        status,
        gaussians=header.count,
        bytes=size,
        bits_per_pixel=8 * size / (header.width * header.height),
        compression_ratio=header.cr_denominator / size,
    )


def failed(job: Job, error: str) -> Outcome:
    """The outcome of a job that gave no file."""
    return Outcome(job.source, job.output, "failed", error=error)


def stamp(path: str) -> Stamp | None:
    """Which version of a file is there now; None if there is none."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _encode(job: Job) -> Outcome:
    # The command itself, so that a batch makes the files that it makes, and takes every option that it will ever have.
    from splatc.cli.encode import encode

    assert encode.callback is not None
    started = time.perf_counter()
    try:
        Path(job.output).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{job.output}: its folder cannot be made: {error.strerror}") from error
    summary = io.StringIO()
    with contextlib.redirect_stdout(summary):
        encode.callback(
            source=job.source,
            output=job.output,
            threads=job.threads,
            force=job.force,
            quiet=True,
            verbose=False,
            as_json=True,
            **job.options,
        )
    facts = json.loads(summary.getvalue())
    names = ("gaussians", "bytes", "bits_per_pixel", "compression_ratio", "psnr_db", "ms_ssim")
    return Outcome(
        job.source,
        job.output,
        "done",
        **{name: facts.get(name) for name in names},
        seconds=time.perf_counter() - started,
        notes="; ".join(facts["notes"]),
    )
