"""What `speed_bench.py` has measured: one JSON object a run, in a file that is only ever added to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "samples.jsonl"


@dataclass(frozen=True)
class Sample:
    """One run."""

    key: str
    """Of its job."""
    side: str
    """Name of the installation."""
    content: str
    """Identifies what was installed."""
    seconds: float
    """Of the whole process; of the row "threads", of the fit; of the row "batch", for each picture."""
    peak: float = 0.0
    """MB of the process."""
    size: int = 0
    """Bytes of the file."""
    digest: str = ""
    """Of the file."""
    psnr: float = 0.0
    """dB, of the pixels that the installation's own ``splatc decode`` wrote; of the row "install" nothing."""
    ms_ssim: float = 0.0
    """0 where it was not computed."""
    tries: int = 0
    """Fits that ``encode --psnr`` reported."""
    in_fits: float = 0.0
    """Its time, in fits of the same size."""
    megabytes: float = 0.0
    """Of the row "install"."""
    load: float = 0.0
    """Of the machine before the run, mean of a minute."""


def load(folder: Path) -> list[Sample]:
    """All samples; a line that a killed run left unfinished is passed over."""
    path = folder / FILE
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            found.append(Sample(**json.loads(line)))
        except (json.JSONDecodeError, TypeError):
            continue
    return found


def append(folder: Path, sample: Sample) -> None:
    """Add a line with one write; it begins with a line break as well, against what a killed run may have left before it."""
    with (folder / FILE).open("ab", buffering=0) as stream:
        stream.write(f"\n{json.dumps(asdict(sample))}\n".encode())


def current(samples: Iterable[Sample], contents: dict[str, str]) -> list[Sample]:
    """Those of the installations as they are now: by name of the installation, what identifies its content."""
    return [sample for sample in samples if contents.get(sample.side) == sample.content]
