"""The outcomes of a run as CSV, JSON and a sentence."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import PurePath
from typing import Any

from splatc.batch.job import Outcome
from splatc.errors import UsageError
from splatc.runtime.files import atomic_output

SCHEMA_VERSION = 1


def check_report(path: str) -> None:
    """Raises UsageError unless the name says which kind of report it will be."""
    if PurePath(path).suffix.lower() not in (".csv", ".json"):
        raise UsageError(f"{path}: reports are written as .csv or .json")


def write_report(path: str, outcomes: Sequence[Outcome]) -> None:
    """Write all outcomes; an older report is replaced, for a run that goes on writes a whole one."""
    as_json = PurePath(path).suffix.lower() == ".json"
    text = json.dumps(as_data(outcomes), indent=1) + "\n" if as_json else _as_csv(outcomes)
    with atomic_output(path, force=True) as stream:
        stream.write(text.encode("utf-8", "surrogateescape"))


def as_data(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What JSON output holds; the names are a stable interface under SCHEMA_VERSION."""
    counts = {status: sum(each.status == status for each in outcomes) for status in ("done", "kept", "failed")}
    return {"schema_version": SCHEMA_VERSION} | counts | {"files": [asdict(each) for each in outcomes]}


def sentence(outcomes: Sequence[Outcome], seconds: float) -> str:
    """The run in one line."""
    data = as_data(outcomes)
    files = [each for each in outcomes if each.bytes]
    size = sum(each.bytes or 0 for each in files)
    raw = sum((each.bytes or 0) * (each.compression_ratio or 0) for each in files)
    parts = [f"{data['done']} done"]
    parts += [f"{data[status]} {words}" for status, words in (("kept", "kept"), ("failed", "failed")) if data[status]]
    if files:
        parts.append(f"{size} bytes, CR {raw / size:.1f}")
    quality = [each.psnr_db for each in files if each.psnr_db is not None]
    if quality:
        parts.append(f"PSNR {sum(quality) / len(quality):.2f} dB on average")
    return ", ".join([*parts, f"{seconds:.1f} s"])


def _as_csv(outcomes: Sequence[Outcome]) -> str:
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow([each.name for each in fields(Outcome)])
    writer.writerows(["" if value is None else value for value in asdict(each).values()] for each in outcomes)
    return table.getvalue()
