"""What a run had planned and finished, in a hidden file of the output folder, so that a stopped run goes on where it was.

A line is written for every picture before any work starts: which picture (size and time of change), which request (a hash of the options),
and which file its output was then. Whatever whole file stands there later, and is another one, the run has made: outputs appear whole or
not at all. A second line follows when a picture is done, with its figures, and one when the run has come to its end.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from splatc import __version__
from splatc.batch.work import Job, Outcome, look_at, stamp
from splatc.errors import OutputError

NAME = ".splatc-batch.jsonl"


def request_hash(options: dict[str, Any]) -> str:
    """What two runs must have in common for the files of one to be those of the other."""
    decisive = {name: value for name, value in options.items() if name != "device"} | {"version": __version__}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()[:16]


class Journal:
    """The journal of an output folder. A line that was cut off by a crash is as good as not written."""

    def __init__(self, folder: str, *, force: bool) -> None:
        """Read what is there; with `force` only that of a run that was stopped."""
        self.path = Path(folder) / NAME
        self.folder = folder
        self._planned: dict[str, dict[str, Any]] = {}
        self._figures: dict[str, dict[str, Any]] = {}
        try:
            lines = self.path.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return
        for line in lines:
            try:
                self._take(json.loads(line), force)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue

    def _take(self, entry: dict[str, Any], force: bool) -> None:
        if "end" in entry:
            if force:
                self._planned.clear()
            return
        if "figures" in entry:
            self._figures[entry["output"]] = entry["figures"]
        else:
            self._planned[entry["output"]] = entry

    def finished(self, job: Job) -> Outcome | None:
        """The outcome of a job whose file an earlier run of the same request has made from the same picture."""
        entry = self._planned.get(self._key(job))
        now = stamp(job.output)
        if entry is None or now is None:
            return None
        if entry["request"] != request_hash(job.options) or entry["source"] != _listed(stamp(job.source)):
            return None
        if entry["before"] == list(now):
            return None
        outcome = look_at(job.source, job.output, "kept")
        figures = self._figures.get(self._key(job), {})
        if outcome is None or figures.get("bytes") != outcome.bytes:
            return outcome
        told = {name: figures.get(name) for name in ("psnr_db", "ms_ssim", "seconds")} | {
            "notes": figures.get("notes") or ""
        }
        return Outcome(**asdict(outcome) | told)

    def begin(self, jobs: Iterable[Job]) -> None:
        """Write down what is about to be done."""
        self._append(
            {
                "output": self._key(job),
                "request": request_hash(job.options),
                "source": _listed(stamp(job.source)),
                "before": _listed(job.before),
            }
            for job in jobs
        )

    def add(self, outcome: Outcome) -> None:
        """Write down what is done."""
        if outcome.status == "done":
            figures = {name: value for name, value in asdict(outcome).items() if name not in ("source", "output")}
            self._append([{"output": os.path.relpath(outcome.output, self.folder), "figures": figures}])

    def end(self) -> None:
        """Nothing of this run is left to do."""
        self._append([{"end": True}])

    def _key(self, job: Job) -> str:
        return os.path.relpath(job.output, self.folder)

    def _append(self, entries: Iterable[dict[str, Any]]) -> None:
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.writelines(json.dumps(entry) + "\n" for entry in entries)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror}") from error


def _listed(value: tuple[int, int] | None) -> list[int] | None:
    """As JSON gives it back."""
    return None if value is None else list(value)
