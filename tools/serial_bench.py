"""What of an encode is serial, and what its seconds are spent on.

    python tools/serial_bench.py pictures/kodak/kodim03.png --cr 100
    python tools/serial_bench.py large.jpg --cr 500 --effort 1

Prints two tables of Markdown. The first has a line for each picture: tiles of a step (each is an item that one thread works on), seconds
with one thread, the part of them outside of the jobs that the pool's threads share, what that alone allows on 2, 4 and 16 processors
(Amdahl), and what the processors here reach. The second has the shares of the seconds with one thread by stage: jobs by their kind, the
rate term and packing with all that Python does for them, and the rest. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import splatc
from splatc.core import fit
from splatc.core.fit_structs import Fit
from splatc.core.loading import load as load_core
from splatc.core.pool import Work, available, working_on
from splatc.encoder.rate_control import RateControl
from splatc.image.readers import load

SMALL = 96
"""Side of the corner that is encoded first, which loads everything, px."""
PROCESSORS = 2, 4, 16
STAGES = {fit.STEP: "steps", fit.COSTS: "pruning", fit.ERRORS: "densification"}
"""Of the jobs of the fit; the others of an encode, outside of the rate control, are those of the seeds."""
ASKED = {"budget": "packing", "trim": "packing", "pack": "packing", "predict": "rate term"}
"""By method of RateControl: what asks for the bytes that Gaussians take in a file, and for the colours that it predicts."""
COLUMNS = "seeds", *STAGES.values(), "rate term", "packing"


@dataclass
class Times:
    """Seconds of one encode."""

    stages: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0.0))
    jobs: float = 0.0
    """Within jobs of the pool, of all stages."""
    tiles: int = 0
    """Of the last step."""
    asked: bool = False
    """Whether the rate control is at work; jobs are its own then."""


def main() -> None:
    options = parse()
    bounds = " | ".join(f"at most, {n}" for n in PROCESSORS)
    print(f"| picture | tiles of a step | one thread | serial | {bounds} | here, {available()} |")
    print("|---" * (5 + len(PROCESSORS)) + "|", flush=True)
    table = [f"| picture | {' | '.join(COLUMNS)} | other |", "|---" * (2 + len(COLUMNS)) + "|"]
    for picture in options.pictures:
        pixels = load(str(picture)).pixels
        splatc.encode(pixels[:SMALL, :SMALL], cr=20, effort=1)
        (one, times), (most, _) = (timed_encode(pixels, options, threads) for threads in (1, available()))
        serial = 1.0 - times.jobs / one
        allowed = " | ".join(f"{1.0 / (serial + (1.0 - serial) / n):.2f}" for n in PROCESSORS)
        print(
            f"| {picture.name} | {times.tiles} | {one:.2f} s | {serial:.1%} | {allowed} | {one / most:.2f} |",
            flush=True,
        )
        other = one - math.fsum(times.stages.values())
        table.append(
            f"| {picture.name} | {' | '.join(f'{each / one:.1%}' for each in (*times.stages.values(), other))} |"
        )
    print("", *table, sep="\n")


def timed_encode(pixels: Any, options: argparse.Namespace, threads: int) -> tuple[float, Times]:
    """Seconds of an encode on so many threads, and what they were spent on."""
    with working_on(threads), timing() as times:
        start = time.perf_counter()
        splatc.encode(pixels, cr=options.cr, effort=options.effort)
        return time.perf_counter() - start, times


@contextmanager
def timing() -> Iterator[Times]:
    """Within the block, the jobs of the pool and the calls of the rate control are timed."""
    times = Times()
    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(Work, "run", timed_job(Work.run, times)))
        for name, stage in ASKED.items():
            whole = timed_call(getattr(RateControl, name), stage, times)
            patches.enter_context(mock.patch.object(RateControl, name, whole))
        yield times


def timed_job(run: Callable[..., int], times: Times) -> Callable[..., int]:
    def timed(self: Work, task: Any, *arguments: Any, **options: Any) -> int:
        start = time.perf_counter()
        try:
            return run(self, task, *arguments, **options)
        finally:
            seconds = time.perf_counter() - start
            times.jobs += seconds
            if isinstance(task, Fit) and task.what == fit.STEP:
                times.tiles = int(load_core().core_fit_tiles(task.width, task.height))
            if not times.asked:
                times.stages[STAGES[task.what] if isinstance(task, Fit) else "seeds"] += seconds

    return timed


def timed_call(method: Callable[..., Any], stage: str, times: Times) -> Callable[..., Any]:
    def timed(self: RateControl, *arguments: Any, **options: Any) -> Any:
        if times.asked:  # one of these calls another
            return method(self, *arguments, **options)
        times.asked, start = True, time.perf_counter()
        try:
            return method(self, *arguments, **options)
        finally:
            times.asked = False
            times.stages[stage] += time.perf_counter() - start

    return timed


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--cr", type=float, default=100.0)
    parser.add_argument("--effort", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
