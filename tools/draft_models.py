"""What the models of the draft save, and what they cost: files are coded again with the same integers.

    python tools/draft_models.py files/*.splat2d

For each file a line of Markdown: its bytes as a draft without models (eleven more than of 1.0), by how much each model and all of them
change these, and the time to read the integers of the file without models and with all, the least of several.
"""

from __future__ import annotations

import argparse
import functools
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from splatc import bitstream
from splatc.bitstream.header import DRAFT_VERSION, MODELS
from splatc.core.pool import set_threads

AREAS, DIRECTIONS, CHROMA = 1, 2, 4
COLUMNS = "| file | Gaussians | bytes | offsets by area | orientation | chroma | all | read, ms | with all, ms |\n"


def least_times(actions: list[Callable[[], object]], times: int) -> list[float]:
    """The least of so many runs of each, in turns, ms."""
    found = [math.inf] * len(actions)
    for _ in range(times):
        for place, action in enumerate(actions):
            start = time.perf_counter()
            action()
            found[place] = min(found[place], 1e3 * (time.perf_counter() - start))
    return found


def row(path: Path, times: int) -> tuple[str, float]:
    """The line of a file, and by what share all models change its bytes."""
    header, gaussians = bitstream.decode(path.read_bytes())
    files = {
        models: bitstream.encode(replace(header, version=DRAFT_VERSION, models=models), gaussians)
        for models in (0, AREAS, DIRECTIONS, CHROMA, MODELS)
    }
    change = {models: len(data) / len(files[0]) - 1 for models, data in files.items()}
    read = least_times([functools.partial(bitstream.decode, files[models]) for models in (0, MODELS)], times)
    shares = " | ".join(f"{each:+.2%}" for each in (change[AREAS], change[DIRECTIONS], change[CHROMA], change[MODELS]))
    line = f"| {path.stem} | {len(gaussians)} | {len(files[0])} | {shares} | {read[0]:.1f} | {read[1]:.1f} |"
    return line, change[MODELS]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--times", type=int, default=9, help="runs of each reading [default: 9]")
    options = parser.parse_args()
    set_threads(1)
    print(COLUMNS + "|" + "---|" * 9)
    changes = []
    for path in options.files:
        line, change = row(path, options.times)
        changes.append(change)
        print(line, flush=True)
    print(f"\nAll models, mean of the files: {sum(changes) / len(changes):+.2%}")


if __name__ == "__main__":
    main()
