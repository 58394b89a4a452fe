"""What decoding latents costs: CPU seconds and seconds of each stage, beside a file of Gaussians with as many bytes (spec/latent.md).

python tools/latent_decode_bench.py latents.splat2d gaussians.splat2d    # Markdown; the least of 3 runs

The files are of one picture: `splatc encode --cr 500 --model latent in.png latents.splat2d` and
`splatc encode --cr 500 -e 0 in.png gaussians.splat2d`.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import splatc
from splatc.bitstream import Reader, latents
from splatc.decoder.scene import make_scene
from splatc.render import draw, grids
from splatc.render.view import view


def least(run: Callable[[], object], runs: int) -> tuple[float, float]:
    """CPU seconds of all threads, and seconds, of the run that took the fewest."""
    found = []
    for _ in range(runs):
        processor, clock = time.process_time(), time.perf_counter()
        run()
        found.append((time.process_time() - processor, time.perf_counter() - clock))
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("latents", type=Path)
    parser.add_argument("gaussians", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    data, other = given.latents.read_bytes(), given.gaussians.read_bytes()
    reader = Reader(io.BytesIO(data))
    header, table = reader.header, reader.latents
    if table is None:
        parser.error(f"{given.latents} has no latents")
    seen = view(header.width, header.height)
    streams = {number: reader._stream_of_tile(tile) for number, tile in enumerate(table.tiles)}
    decoded = reader.read_latents()
    made, gaussians = decoded.grids(), decoded.gaussians()
    plan = grids.make_grid_plan(header, made, seen)
    stages: dict[str, Callable[[], object]] = {
        "entropy decoding": lambda: latents.decode_tiles(table, streams, header.channels),
        "synthesis": decoded.grids,
        "drawing": lambda: draw.draw(plan, np.uint8),
        "**all**": lambda: splatc.decode(data),
        "all, as a file of Gaussians": lambda: splatc.decode(other),
        "all as a list of Gaussians: synthesis": decoded.gaussians,
        "... and the rest": lambda: draw.draw(draw.make_plan(make_scene(header, gaussians), seen), np.uint8),
    }
    print(f"{header.width} x {header.height}, {len(data)} and {len(other)} bytes, {len(gaussians)} Gaussians\n")
    print("| | CPU s | s |\n|---|---|---|")
    for name, run in stages.items():
        processor, clock = least(run, given.runs)
        print(f"| {name} | {processor:.3f} | {clock:.3f} |", flush=True)


if __name__ == "__main__":
    main()
