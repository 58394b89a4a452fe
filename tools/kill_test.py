"""Kill -9 at random moments of encode, decode and batch, and look at what is left.

    python tools/kill_test.py --encode 70 --decode 80 --batch 50 --shared 200

After each kill every output is the old file, or absent, or complete (the very bytes of an undisturbed run, and `splatc verify` agrees), and
after the next run no temporary file is left. Half of the kills come at a moment of the run that is as likely as any other, half of them
a few milliseconds after a temporary file has appeared, where it matters most. Linux and macOS; the pictures are tiny: it is the writing
that is tried, not the fit.

`--shared` kills in the midst of two batches that work on one folder: one of them with its workers, its main process alone, one worker
alone, or both batches. Whatever is left must come to its end with exit code 0 and every file complete; no file is ever replaced by
another, no picture is encoded more often than workers were killed; a worker does not outlive its batch; and the same command once more
does nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image

from splatc.batch.database import NAME
from splatc.decoder.verifier import find_problems
from splatc.runtime.files import check_output

OLD = b"the file that was there before"
QUICK = ["-e", "1", "--threads", "1"]
PICTURES = 3
"""In a batch."""
Trial = Callable[[int, int, bytes, dict[str, bytes], float], Counter[str]]
"""Takes the number of the trial, the seed, a file to decode, the right outputs, and how long an undisturbed run takes."""


@dataclass(frozen=True)
class Case:
    """A command in a folder that `prepare` has filled."""

    name: str
    arguments: list[str]
    outputs: list[str]
    temporary_files: int
    """How many appear before the one that matters."""


CASES = {
    "encode": Case("encode", ["encode", "in.png", "out.splat2d", "--size", "200", "-f", *QUICK], ["out.splat2d"], 1),
    "decode": Case("decode", ["decode", "in.splat2d", "out.png", "-f"], ["out.png"], 1),
    "batch": Case(
        "batch",
        ["batch", "in", "-o", "out", "--size", "200", "-j", "2", "-e", "1"],
        [f"out/{number}.splat2d" for number in range(PICTURES)],
        1,
    ),
}


def prepare(folder: Path, splat: bytes, old: list[str]) -> None:
    """The inputs of every case; the outputs named in `old` exist already."""
    rng = np.random.default_rng(1)
    (folder / "in").mkdir()
    (folder / "out").mkdir()
    for number in range(PICTURES):
        PIL.Image.fromarray(rng.integers(0, 256, (10, 12, 3), np.uint8)).save(folder / "in" / f"{number}.png")
    (folder / "in.png").write_bytes((folder / "in" / "0.png").read_bytes())
    (folder / "in.splat2d").write_bytes(splat)
    for name in old:
        (folder / name).write_bytes(OLD)


def start(case: Case, folder: Path) -> subprocess.Popen[bytes]:
    """The command in a process group of its own."""
    command = [sys.executable, "-m", "splatc", *case.arguments]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def temporaries(folder: Path) -> list[Path]:
    """Temporary files anywhere in the folder."""
    return list(folder.rglob(".splatc-*.tmp"))


def wait_at_random(process: subprocess.Popen[bytes], chance: random.Random, seconds: float) -> None:
    """Until some moment of a run of so many seconds."""
    end = time.monotonic() + chance.uniform(0, seconds)
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.001)


def wait_for_writing(process: subprocess.Popen[bytes], chance: random.Random, folder: Path, earlier: int) -> None:
    """Until some milliseconds after a temporary file has appeared; `earlier` ones, which only try whether one can write, pass."""
    seen: set[str] = set()
    while process.poll() is None and len(seen) <= earlier:
        seen.update(path.name for path in temporaries(folder))
    time.sleep(chance.choice((0.0, chance.uniform(0, 0.003), chance.uniform(0, 0.02))))


def wait_for_group(group: int, seconds: float = 30.0) -> None:
    """Until the workers of a batch have ended too: killed by the same signal, each keeps its locks until the system has ended it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
        processes = [line.split() for line in listed.splitlines()]
        if not any(int(each) == group and not state.startswith("Z") for each, state in processes):
            return
        time.sleep(0.01)
    raise TimeoutError(f"processes of group {group} are still there {seconds} seconds after SIGKILL")


def states(case: Case, folder: Path, whole: dict[str, bytes], old: list[str]) -> list[str]:
    """What each output is now: old, absent, complete, or what is wrong."""
    found = []
    for name in case.outputs:
        path = folder / name
        data = path.read_bytes() if path.exists() else None
        if data is None:
            found.append("absent" if name not in old else "LOST")
        elif data == OLD and name in old:
            found.append("old")
        elif data == whole[name] and (path.suffix != ".splat2d" or not find_problems(data)):
            found.append("complete")
        else:
            found.append("BROKEN")
    return found


def trial(case: Case, number: int, seed: int, splat: bytes, whole: dict[str, bytes], seconds: float) -> Counter[str]:
    """One kill, and the next run after it."""
    chance = random.Random(f"{seed} {case.name} {number}")
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        old = case.outputs if case.name != "batch" and chance.random() < 0.5 else []
        prepare(folder, splat, old)
        process = start(case, folder)
        if number % 2:
            wait_at_random(process, chance, seconds)
        else:
            wait_for_writing(process, chance, folder, case.temporary_files)
        with_kill = process.poll() is None
        if with_kill:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        wait_for_group(process.pid)
        tally["killed" if with_kill else "ended before"] += 1
        tally.update(states(case, folder, whole, old))
        left = len(temporaries(folder))
        tally["temporary files left by the kill"] += left
        # The next run. What it does first costs nothing, the rest is tried now and then.
        if number % 5 == 0 or case.name == "decode":
            assert start(case, folder).wait() == 0, "the next run fails"
            if states(case, folder, whole, []) != ["complete"] * len(case.outputs):
                tally["NOT FINISHED BY THE NEXT RUN"] += 1
            tally["next runs"] += 1
        else:
            check_output(str(folder / case.outputs[0]), force=True, source="-")
        tally["TEMPORARY FILES AFTER THE NEXT RUN"] += len(temporaries(folder))
    return tally


def trial_shared(number: int, seed: int, whole: dict[str, bytes], seconds: float) -> Counter[str]:
    """One kill while two batches share a folder."""
    chance = random.Random(f"{seed} shared {number}")
    case, tally = CASES["batch"], Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, b"", [])
        batches = [start(case, folder)]
        time.sleep(chance.choice((0.0, chance.uniform(0, seconds))))
        batches.append(start(case, folder))
        first = batches[number % 2]
        seen: dict[str, int] = {}
        if chance.random() < 0.5:
            wait_at_random(first, chance, seconds)
        else:
            wait_for_writing(first, chance, folder, chance.randrange(PICTURES))
        note_files(case, folder, seen, tally)
        how = chance.choice(("batch", "batch", "main process", "worker", "both"))
        workers = {each for batch in batches for each in children(batch.pid)}
        hit = kill(how, first, batches, chance)
        tally[f"killed {how}" if hit else "ended before"] += 1
        for batch in batches:
            if batch.wait() == 0:
                tally["batches that came to their end"] += 1
            elif batch.returncode != -signal.SIGKILL:
                tally[f"EXIT CODE {batch.returncode}"] += 1
            wait_for_group(batch.pid, 5.0)  # no worker without its batch
        note_files(case, folder, seen, tally)
        found = states(case, folder, whole, [])
        if any(batch.returncode == 0 for batch in batches) and found != ["complete"] * PICTURES:
            tally["NOT FINISHED BY THE OTHER BATCH"] += 1
        tally.update(found)
        for _ in range(2 if number % 4 == 0 else 1):  # the second one has nothing to do
            if start(case, folder).wait() != 0:
                tally["THE NEXT RUN FAILS"] += 1
            note_files(case, folder, seen, tally)
        if states(case, folder, whole, []) != ["complete"] * PICTURES:
            tally["NOT FINISHED BY THE NEXT RUN"] += 1
        again = recorded(folder) - PICTURES
        tally["encoded again after the kill"] += again
        if again > (max(len(workers), 1) if hit else 0):  # one may have come between the look and the kill
            tally["DONE TWICE"] += 1
        tally["TEMPORARY FILES AFTER THE NEXT RUN"] += len(temporaries(folder))
    return tally


def kill(
    how: str, first: subprocess.Popen[bytes], batches: list[subprocess.Popen[bytes]], chance: random.Random
) -> bool:
    """Kill -9 what is asked for; False if it has ended before."""
    if how == "both":
        hits = [kill("batch", batch, batches, chance) for batch in batches]
        return any(hits)
    if first.poll() is not None:
        return False
    workers = children(first.pid) if how == "worker" else []
    if how == "main process":
        first.kill()
    elif workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(workers), signal.SIGKILL)
    else:  # also one that has no worker yet
        os.killpg(first.pid, signal.SIGKILL)
    return True


def children(group: int) -> list[int]:
    """The workers of a batch that has a process group of its own, and not what multiprocessing starts beside them."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,pgid=,args="], capture_output=True, text=True, check=True).stdout
    processes = [line.split(None, 2) for line in listed.splitlines()]
    return [int(pid) for pid, pgid, line in processes if int(pgid) == group and "spawn_main" in line]


def note_files(case: Case, folder: Path, seen: dict[str, int], tally: Counter[str]) -> None:
    """Remember which file each output is: it must stay that one."""
    for name in case.outputs:
        if (folder / name).exists() and seen.setdefault(name, (folder / name).stat().st_ino) != (
            folder / name
        ).stat().st_ino:
            tally["REPLACED"] += 1


def recorded(folder: Path) -> int:
    """How many files the batches of a folder have recorded as encoded, in all."""
    with contextlib.closing(sqlite3.connect(folder / "out" / NAME)) as database:
        row = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'files'").fetchone()
    return int(row[0]) if row else 0


def undisturbed(case: Case, splat: bytes) -> tuple[dict[str, bytes], float]:
    """The bytes of all outputs, and how long they take."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, splat, [])
        begin = time.monotonic()
        assert start(case, folder).wait() == 0, "the command fails without being disturbed"
        return {each: (folder / each).read_bytes() for each in case.outputs}, time.monotonic() - begin


def main(argv: list[str] | None = None, say: Callable[[str], None] = print) -> int:
    """Run the trials and print what has been found so far after every ten; 1 if something was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in CASES:
        parser.add_argument(f"--{name}", type=int, default=0, metavar="N", help=f"kills of {name}")
    parser.add_argument("--shared", type=int, default=0, metavar="N", help="kills of two batches on one folder")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    splat = undisturbed(CASES["encode"], b"")[0]["out.splat2d"]
    trials: list[tuple[str, Case, Trial]] = [(name, case, partial(trial, case)) for name, case in CASES.items()]
    trials.append(
        ("shared", CASES["batch"], lambda number, seed, _, whole, seconds: trial_shared(number, seed, whole, seconds))
    )
    failed = False
    for name, case, one in trials:
        count = getattr(options, name)
        if not count:
            continue
        whole, seconds = undisturbed(case, splat)
        tally: Counter[str] = Counter()
        for number in range(count):
            tally += one(number, options.seed, splat, whole, seconds)
            if (number + 1) % 10 == 0 or number + 1 == count:
                say(json.dumps({"command": name, "trials": number + 1, **dict(sorted(tally.items()))}))
        failed = failed or any(key.isupper() for key in tally)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
