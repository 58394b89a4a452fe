"""What of an encode is serial: seconds of one thread inside and outside of the jobs that the pool's threads share.

    python tools/serial_bench.py pictures/kodak/kodim03.png --cr 100
    python tools/serial_bench.py large.jpg --cr 500 --effort 1

Prints a line of Markdown for each picture: seconds with one thread, the part of them outside of jobs, what that alone allows on 2, 4 and
16 processors (Amdahl), and what the processors here reach. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import splatc
from splatc.core.pool import Work, available, working_on
from splatc.image.readers import load

SMALL = 96
"""Side of the corner that is encoded first, which loads everything, px."""
PROCESSORS = 2, 4, 16


def main() -> None:
    options = parse()
    print(
        f"| picture | one thread | serial | {' | '.join(f'at most, {n}' for n in PROCESSORS)} | here, {available()} |"
    )
    print("|---" * (4 + len(PROCESSORS)) + "|")
    for picture in options.pictures:
        pixels = load(str(picture)).pixels
        splatc.encode(pixels[:SMALL, :SMALL], cr=20, effort=1)
        seconds = []
        for threads in (1, available()):
            with working_on(threads), jobs_timed() as shared:
                start = time.perf_counter()
                splatc.encode(pixels, cr=options.cr, effort=options.effort)
                seconds.append(time.perf_counter() - start)
            if threads == 1:
                serial = 1.0 - sum(shared) / seconds[0]
        bounds = [f"{1.0 / (serial + (1.0 - serial) / n):.2f}" for n in PROCESSORS]
        print(
            f"| {picture.name} | {seconds[0]:.2f} s | {serial:.1%} | {' | '.join(bounds)} | {seconds[0] / seconds[1]:.2f} |",
            flush=True,
        )


@contextmanager
def jobs_timed() -> Iterator[list[float]]:
    """Within the block, the seconds of each job of the pool are appended to the list."""
    found: list[float] = []
    run = Work.run

    def timed(self: Work, *arguments: object, **options: object) -> int:
        start = time.perf_counter()
        try:
            return run(self, *arguments, **options)  # type: ignore[arg-type]
        finally:
            found.append(time.perf_counter() - start)

    with mock.patch.object(Work, "run", timed):
        yield found


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--cr", type=float, default=100.0)
    parser.add_argument("--effort", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
