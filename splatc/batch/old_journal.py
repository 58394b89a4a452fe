"""The journal of earlier versions, lines of JSON in a hidden file, taken over once.

A line held what was planned (request, version of the picture, and the file that was there before), another one the figures of what was
done. Whatever stood there later was taken for finished. It could have been made by another program, so it counts only where the figures
fit, or where all lines for the file have the same request and picture.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from splatc.batch.job import Outcome, look_at, stamp

NAME = ".splatc-batch.jsonl"


@dataclass(frozen=True)
class Known:
    """A finished file, as the old journal knew it."""

    name: str
    """Relative to the folder."""
    request: str
    source: tuple[int, int]
    outcome: Outcome
    settled: bool
    """Whether the run that made it came to its end."""


def read(folder: Path) -> Iterator[Known]:
    """The finished files of a folder; none if it has no old journal."""
    planned: dict[str, list[dict[str, Any]]] = {}
    figures: dict[str, dict[str, Any]] = {}
    settled: set[str] = set()
    for entry in _entries(folder / NAME):
        with contextlib.suppress(KeyError, TypeError):
            if "end" in entry:
                settled.update(planned)
            elif "figures" in entry:
                figures[entry["output"]] = dict(entry["figures"])
            elif "output" in entry:
                planned.setdefault(entry["output"], []).append(entry)
                settled.discard(entry["output"])
    for name, entries in planned.items():
        with contextlib.suppress(KeyError, TypeError, ValueError):
            known = _known(folder, name, entries, figures.get(name, {}), name in settled)
            if known is not None:
                yield known


def remove(folder: Path) -> None:
    """What has been taken over need not be there any more."""
    with contextlib.suppress(OSError):
        (folder / NAME).unlink(missing_ok=True)


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        # A line that was cut off by a crash has the next one behind it.
        for part in re.split(r'(?=\{"(?:output|end)":)', line):
            with contextlib.suppress(ValueError):
                entry = json.loads(part)
                if isinstance(entry, dict):
                    yield entry


def _known(
    folder: Path, name: str, entries: list[dict[str, Any]], figures: dict[str, Any], settled: bool
) -> Known | None:
    last = entries[-1]
    output = str(folder / name)
    now, outcome = stamp(output), look_at("", output, "kept")
    if outcome is None or now is None or last["before"] == list(now):
        return None
    agrees = figures.get("bytes") == outcome.bytes
    alone = all((each["request"], each["source"]) == (last["request"], last["source"]) for each in entries)
    if not agrees and not alone:
        return None
    size, time = last["source"]
    more = {key: figures.get(key) for key in ("psnr_db", "ms_ssim", "seconds")} | {"notes": figures.get("notes") or ""}
    whole = Outcome(**asdict(outcome) | (more if agrees else {}))
    return Known(name, str(last["request"]), (int(size), int(time)), whole, settled)
