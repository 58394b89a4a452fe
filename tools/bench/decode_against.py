"""`decode_bench.py --against COMMIT`: what decoding costs at a commit and in the work tree, in turn, beside the targets."""

from __future__ import annotations

import gzip
import json
import os
import platform
import shlex
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.installs import Installation, clean_environ, of_commit, of_work_tree

WORKER = Path(__file__).with_name("decode_worker.py")
COLD_RUNS = 3
"""Runs at most that compile everything anew: Numba takes a quarter of a minute for each."""

Samples = dict[str, dict[str, list[float]]]
"""What was measured, by row and by name of the installation."""


@dataclass(frozen=True)
class Row:
    """A line of the table; seconds where no unit is given."""

    title: str
    must: str
    aim: str
    unit: str = " s"


ROWS = {
    "decode": Row("`splatc decode kodim03.splat2d x.png`, whole process, warm", "0.35 s", "0.25 s"),
    "first": Row("the same, the very first run after installing", "0.6 s", "0.3 s"),
    "info": Row("`splatc info` of 60 000 Gaussians, whole process", "0.25 s", "0.15 s"),
    "pixels": Row("7287 x 4220 of 47 000 Gaussians into memory, in process", "0.35 s", "0.25 s"),
    "integers": Row("integers of 60 000 Gaussians, in process", "0.15 s", "0.08 s"),
    "threads": Row("2 threads against 1, 7287 x 4220", "1.8", "1.95", ""),
    "wasm": Row("`core.wasm`, gzipped", "60 kB", "40 kB", " kB"),
}
IN_PROCESS = ("pixels", "integers", "threads")


@dataclass(frozen=True)
class Files:
    """What is decoded."""

    small: Path
    """kodim03 at CR 100, 768 x 512."""
    many: Path
    """60 000 Gaussians on 4096 x 4096."""
    large: Path
    """47 000 Gaussians on 7287 x 4220."""


def compare(root: Path, commit: str, folder: Path, runs: int, rows: Sequence[str], builds: Sequence[str]) -> str:
    """The table as Markdown; `folder` keeps installations and files, `builds` are commands that build the core, run in `root`."""
    say(f"installing {commit}")
    old = of_commit(root, commit, folder)
    say("installing the work tree")
    sides = [old, of_work_tree(root, folder)]
    files = make_files(old, folder / old.name / "files")
    origin = head()
    with tempfile.TemporaryDirectory(dir=folder) as workspace:
        found = measure(sides, files, Path(workspace), runs, rows)
    wasm = root / "splatc" / "web" / "core.wasm"
    if "wasm" in rows and wasm.exists():
        found["wasm"] = {sides[1].name: [len(gzip.compress(wasm.read_bytes(), 9, mtime=0)) / 1000]}
    for command in builds:
        found[f"build: `{command}`"] = {sides[1].name: [build_seconds(command, root)]}
    return f"{origin}\n\n{table(found, [side.name for side in sides])}"


def make_files(old: Installation, folder: Path) -> Files:
    """Those that are not there yet, made by the old installation: what the work tree does is measured at the same bytes for ever."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Files(folder / "kodim03.splat2d", folder / "many.splat2d", folder / "large.splat2d")
    photograph = old.source / "tests" / "images" / "kodim03.png"
    part = folder / "part.splat2d"
    encode: list[str | Path] = [old.splatc, "encode", "--force", "--cr", "100", "-e", "1", photograph, part]
    repeat: list[str | Path] = [old.python, "-P", WORKER, "repeat", old.source / "tools", files.small, part]
    commands = {
        files.small: encode,
        files.many: [*repeat, "4096", "4096", "60000"],
        files.large: [*repeat, "7287", "4220", "47000"],
    }
    for path, command in commands.items():
        if not path.exists():
            say(f"making {path.name}")
            run(command)
            part.replace(path)
    return files


def measure(sides: Sequence[Installation], files: Files, workspace: Path, runs: int, rows: Sequence[str]) -> Samples:
    """The rows that run something, each installation in turn."""
    whole: dict[str, tuple[int, Callable[[Installation], float]]] = {
        "first": (min(runs, COLD_RUNS), lambda side: first(side, files.small, workspace)),
        "decode": (runs, lambda side: decode(side, files.small, workspace)),
        "info": (runs, lambda side: run([side.splatc, "info", files.many]).seconds),
    }
    found: Samples = {}
    for key, (count, once) in whole.items():
        if key in rows:
            say(ROWS[key].title)
            if key != "first":
                for side in sides:  # what it compiles on its first run
                    once(side)
            found[key] = {side.name: [] for side in sides}
            for _ in range(count):
                for side in sides:
                    found[key][side.name].append(once(side))
    wanted = [key for key in IN_PROCESS if key in rows]
    if wanted:
        say("in process")
        for _ in range(runs):
            for side in sides:
                taken = run([side.python, "-P", WORKER, "measure", files.large, files.many]).output
                for key, values in json.loads(taken).items():
                    if key in wanted:
                        found.setdefault(key, {}).setdefault(side.name, []).extend(values)
    return found


def decode(side: Installation, file: Path, workspace: Path) -> float:
    """Seconds of the whole process."""
    return run([side.splatc, "decode", "--force", file, workspace / "x.png"]).seconds


def first(side: Installation, file: Path, workspace: Path) -> float:
    """Seconds of a process that finds nothing compiled at run time."""
    side.forget()
    return decode(side, file, workspace)


def build_seconds(command: str, root: Path) -> float:
    """Seconds of a command that builds the core; if it is ziglang that does, with nothing in its cache."""
    with tempfile.TemporaryDirectory() as cache:
        zig = {f"ZIG_{kind}_CACHE_DIR": str(Path(cache) / kind.lower()) for kind in ("GLOBAL", "LOCAL")}
        return run(shlex.split(command), zig, root).seconds


def run(
    command: Sequence[str | Path], more: Mapping[str, str] | None = None, folder: Path | None = None
) -> processes.Run:
    """A command that must succeed, with a clean environment."""
    ended = processes.run(command, environment=clean_environ() | dict(more or {}), folder=folder)
    if ended.failure:
        raise SystemExit(f"decode_bench: {' '.join(map(str, command))}: {ended.failure}")
    return ended


def table(found: Samples, names: Sequence[str]) -> str:
    """Medians with the least and the greatest, old against new, as Markdown; a row that was not measured is not there."""
    old, new = names
    lines = [f"| what | {old} | min to max | {new} | min to max | old / new | runs | must | aim |", "|---" * 9 + "|"]
    keys = [key for key in ROWS if key in found] + [key for key in found if key not in ROWS]
    for key in keys:
        samples, row = found[key], ROWS.get(key) or Row(key, "15 s, ziglang 90 s", "")
        cells = [row.title]
        for name in names:
            values = samples.get(name)
            cells.append(f"{number(statistics.median(values))}{row.unit}" if values else "-")
            cells.append(f"{number(min(values))} to {number(max(values))}" if values and len(values) > 1 else "")
        if samples.get(old) and samples.get(new) and row.unit:
            cells.append(f"{statistics.median(samples[old]) / statistics.median(samples[new]):.2f}")
        else:
            cells.append("")
        cells += [str(max(map(len, samples.values()))), row.must, row.aim]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def number(value: float) -> str:
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def head() -> str:
    """The processor, and the load of other processes."""
    load = f", load before {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{processor()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
