"""Jobs for workers and their outcomes: plain data, which goes to other processes and to clusters."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from splatc.decoder.opened import open_file
from splatc.errors import SplatError

if TYPE_CHECKING:
    from splatc.batch.journal import Journal

Stamp = tuple[int, int]
"""Size and time of change (ns) of a file: which version of it is meant, in this run and in later ones."""
Version = tuple[int, int, int]
"""The same with the time at which its entry in the folder changed: that also shows a file replaced by one of equal size and date."""


@dataclass(frozen=True)
class Job:
    """A picture to encode."""

    source: str
    output: str
    options: dict[str, Any] = field(default_factory=dict)
    """Of splatc.encoder.picture_file.encode_file, by name."""
    threads: int | None = None
    force: bool = False
    keep: bool = False
    """Whether any whole file that stands at `output` will do."""
    journal: Journal | None = None
    """Where the output is claimed; None where no other batch works on the folder."""


@dataclass(frozen=True)
class Outcome:
    """What became of a picture: a row of the report."""

    source: str
    output: str
    status: Literal["done", "kept", "failed"]
    """kept: the file was there already, or another batch has made it."""
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


@dataclass(frozen=True)
class Busy:
    """Another batch works on the picture: no outcome yet."""

    job: Job


Result = Outcome | Busy


def failed(job: Job, error: str) -> Outcome:
    """The outcome of a job that gave no file; the message names the picture."""
    named = error if job.source in error else f"{job.source}: {error}"
    return Outcome(job.source, job.output, "failed", error=named)


def look_at(source: str, output: str, status: Literal["done", "kept"]) -> Outcome | None:
    """What is known of a finished file, or None if it is missing or not whole."""
    from splatc.bitstream.structure import Structure

    if not os.path.isfile(output):  # noqa: PTH113 - raises nothing; a pipe would be waited for
        return None
    try:
        with open_file(output) as file:
            structure = Structure(file)
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


def version(path: str) -> Version | None:
    """Which version of a file is there now; None if there is none."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def stamp(path: str) -> Stamp | None:
    """What of a file's version later runs can compare; None if there is no such file."""
    found = version(path)
    return None if found is None else found[:2]
