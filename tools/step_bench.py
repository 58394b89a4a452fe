"""What a step of the fit costs: milliseconds at r = 2 and at all pixels, by threads, and how much of it is Python.

    python tools/step_bench.py tests/images/kodim03.png --cr 100

The picture is encoded first; then its Gaussians stay where they are (rates of 0) while steps with noise are made. Python, the call and
the waking of threads are what a step of ten Gaussians on 16 x 16 px takes. Least of --repeats medians of --steps. Prints Markdown. Nothing
else should run meanwhile.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

import splatc
from splatc import bitstream
from splatc.blend import Blend
from splatc.core.pool import available, working_on
from splatc.decoder.scene import make_scene
from splatc.fit.engine import Step
from splatc.fit.engines.core import CoreEngine
from splatc.fit.subset import Samples, mean_colour
from splatc.fit.table import NAMES, Table
from splatc.fit.task import Task
from splatc.gaussians import Gaussians
from splatc.image.readers import load
from splatc.steps import Quantizer

TINY, FEW = 16, 10
"""Side of a picture, px, and Gaussians, that the core is done with in a few microseconds."""


def main() -> None:
    options = parse()
    pixels = load(str(options.picture)).pixels
    data = splatc.encode(pixels, cr=options.cr, effort=options.effort)
    found = make_scene(*bitstream.decode(data)).gaussians
    few = Gaussians(*(part[:FEW] for part in vars(found).values()))
    threads = sorted({1, *options.threads})
    rows = {"r = 2": (pixels, found, 2), "all pixels": (pixels, found, 1), "Python": (pixels[:TINY, :TINY], few, 1)}
    print(f"{options.picture.name}, CR {options.cr:g}, {len(found)} Gaussians; ms of a step:\n")
    print(f"| | {' | '.join(f'{each} thread' + 's' * (each > 1) for each in threads)} |")
    print("|---" * (1 + len(threads)) + "|", flush=True)
    measured = {}
    for name, (part, gaussians, reduction) in rows.items():
        for each in threads:
            with working_on(each):
                measured[name, each] = min(
                    milliseconds(part, gaussians, reduction, options.steps) for _ in range(options.repeats)
                )
        print(f"| {name} | {' | '.join(f'{measured[name, each]:.2f}' for each in threads)} |", flush=True)
    shares = (measured["Python", each] / measured["r = 2", each] for each in threads)
    print(f"| Python, of r = 2 | {' | '.join(f'{share:.1%}' for share in shares)} |")


def milliseconds(pixels: Samples, gaussians: Gaussians, reduction: int, steps: int) -> float:
    """The median of so many steps, after all of the picture's subsets were seen once."""
    engine = CoreEngine(Task(pixels, Blend.NORMALIZED, mean_colour(pixels), Quantizer()))
    engine.send(Table.from_gaussians(gaussians, np.random.default_rng(0)))
    still, taken = dict.fromkeys(NAMES, 0.0), []
    for k in range(reduction**2 + steps):
        start = time.perf_counter()
        engine.step(Step(k, reduction, Quantizer(), 0, still, 1 + k, (0.8, 0.98)))
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken[reduction**2 :])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--cr", type=float, default=100.0)
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[available()], metavar="N", help="beside 1")
    parser.add_argument("--steps", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=3, help="default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main()
