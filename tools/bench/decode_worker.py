"""What `decode_bench.py --against` does inside an installation: it is run by the Python of each, so it knows only what all commits have.

    python -P decode_worker.py measure LARGE MANY
    python -P decode_worker.py repeat TOOLS SMALL OUTPUT WIDTH HEIGHT COUNT

-P, because this folder must not hide modules of the installation. Prints JSON.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

REPEATS = 3
"""Times that a process measures each thing, after the first time, which loads what it needs."""


def main() -> None:
    task, *words = sys.argv[1:]
    if task == "measure":
        print(json.dumps(measure(Path(words[0]), Path(words[1]))))
    else:
        tools, small, output, *numbers = words
        sys.path.insert(0, tools)
        repeat = importlib.import_module("decode_bench").repeated
        data, stretch = repeat_to(repeat, Path(small).read_bytes(), *map(int, numbers))
        Path(output).write_bytes(data)
        print(json.dumps({"stretch": stretch}))


def measure(large: Path, many: Path) -> dict[str, list[float]]:
    """Seconds of the rows "pixels" and "integers", and the ratio "threads"; without what the installation or the machine cannot do."""
    import splatc
    from splatc import bitstream

    picture, data = large.read_bytes(), many.read_bytes()

    def pixels() -> object:
        return splatc.decode(picture)

    found = {"integers": times(lambda: bitstream.decode(data)), "pixels": times(pixels)}
    set_threads = thread_setter()
    if set_threads is not None and (os.cpu_count() or 1) > 1:
        found["threads"] = speedups(set_threads, pixels)
    return found


def times(action: Callable[[], object]) -> list[float]:
    """Seconds of each run but the first."""
    seconds = []
    for _ in range(1 + REPEATS):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def speedups(set_threads: Callable[[int], object], action: Callable[[], object]) -> list[float]:
    """Seconds of one thread over those of two that follow, so that both meet the same load."""
    ratios = []
    for _ in range(REPEATS):
        seconds = []
        for threads in (1, 2):
            set_threads(threads)
            start = time.perf_counter()
            action()
            seconds.append(time.perf_counter() - start)
        ratios.append(seconds[0] / seconds[1])
    return ratios


def thread_setter() -> Callable[[int], object] | None:
    """What sets the number of threads of this process: the core's function, else Numba's."""
    for module, name in (("splatc.core", "set_threads"), ("numba", "set_num_threads")):
        try:
            found: Callable[[int], object] | None = getattr(importlib.import_module(module), name, None)
        except ImportError:
            continue
        if found is not None:
            return found
    return None


def repeat_to(
    repeat: Callable[[bytes, int, int, float], bytes], small: bytes, width: int, height: int, count: int
) -> tuple[bytes, float]:
    """The file of a canvas with about so many of the Gaussians of a small file (1 % more or less), and how much they are enlarged.

    `repeat` is `decode_bench.repeated`. Raises ValueError if no enlargement is found.
    """
    from splatc import bitstream

    header, quantized = bitstream.decode(small)
    stretch = math.sqrt(len(quantized) * width * height / (header.width * header.height * count))
    for _ in range(20):
        data = repeat(small, width, height, stretch)
        found = len(bitstream.decode(data)[1])
        if abs(found - count) <= count / 100:
            return data, stretch
        stretch *= (found / count) ** 0.25  # half the way: the copies that are cut off make the whole way swing
    raise ValueError(f"no {count} Gaussians on {width} x {height}: {found} come nearest")


if __name__ == "__main__":
    main()
