"""What an evaluation of a Gaussian costs (spec/limits.md, "Work"), and what the costliest files of 100 kB take that are not refused.

    python tools/work_bench.py shapes        # ns an evaluation, by size and shape of the Gaussians: one thread
    python tools/work_bench.py worst         # seconds of tests/worst.py through each door, as the default limits have it
    python tools/work_bench.py files A B ... # evaluations a pixel of real files

Seconds are of the processor, of all threads: other work beside it does not count. Half of them is what two free processors need.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import splatc
from splatc import core
from splatc.bitstream import Reader
from splatc.blend import Blend
from splatc.cli import main as command
from splatc.decoder.budget import MAX_WORK
from splatc.gaussians import Gaussians, Scene
from splatc.plots import figure, sheet
from splatc.quantize import dequantize, quantize
from splatc.render import work
from splatc.render.draw import draw, make_plan
from splatc.render.view import view
from splatc.steps import Quantizer
from tests import worst

SIDE = 2048
QUANTIZER = Quantizer(position=100, position_slope=0, log_scales=8, aspect=100, angle=40, angle_slope=0)


def shapes() -> None:
    """A table: g and s1 / s2 of the Gaussians, their angle, and what an evaluation costs with four channels and their weight."""
    core.set_threads(1)
    nothing = _seconds_and_work(1.0, 1.0, 0.0, 0)
    print("| g, px | s1 / s2 | angle | us each | ns an evaluation |\n|---|---|---|---|---|")
    for size in (0.5, 2.0, 4.0, 16.0, 64.0, 256.0, 1024.0):
        for ratio, angle in ((1, 0.0), (54, 0.0), (54, math.pi / 2), (54, 0.3), (8, 0.8)):
            count = max(20, min(50_000, int(3e9 / (7 * size + 40) ** 2)))
            seconds, evaluations = np.subtract(_seconds_and_work(size, ratio, angle, count), nothing)
            print(
                f"| {size:g} | {ratio} | {angle:.2f} | {1e6 * seconds / count:.2f} | {1e9 * seconds / evaluations:.2f} |",
                flush=True,
            )


def _seconds_and_work(size: float, ratio: float, angle: float, count: int) -> tuple[float, float]:
    axes = [size * math.sqrt(ratio), size / math.sqrt(ratio)]
    gaussians = Gaussians(
        mean=np.random.default_rng(0).uniform(0, SIDE, (count, 2)).astype(np.float32),
        scale=np.tile(np.array(axes, np.float32), (count, 1)),
        angle=np.full(count, angle, np.float32),
        colour=np.full((count, 4), 0.5, np.float32),
    )
    quantized = quantize(QUANTIZER, gaussians, SIDE, SIDE)
    scene = Scene(SIDE, SIDE, Blend.NORMALIZED, np.zeros(4, np.float32), dequantize(QUANTIZER, quantized))
    seen = view(SIDE, SIDE)
    draw(make_plan(scene, seen), np.uint8)
    start = time.process_time()
    draw(make_plan(scene, seen), np.uint8)
    return time.process_time() - start, work.drawing(QUANTIZER, quantized, seen)


def worst_files() -> None:
    """A table: stage, door, bytes, share of the limit, seconds."""
    covering = (MAX_WORK - work.GRID * worst.SIDE**2) // (worst.SIDE + work.ROOM) ** 2
    enlarged = (MAX_WORK - work.GRID * 20480**2) // (20480 + work.ROOM) ** 2
    area, empty = worst.alike(covering), worst.empty(23170, 23170, 4, 16)
    scattered, crowd = worst.hard_to_search(60_000), worst.crowd_of_sections(60_000)
    with tempfile.TemporaryDirectory() as folder:
        paths = {"area": area, "empty": empty, "attack": worst.attack(), "three": worst.empty(23170, 23170)}
        for name, data in paths.items():
            Path(folder, name).write_bytes(data)
        there = {name: str(Path(folder, name)) for name in paths}
        print("| stage | door | bytes | seconds |\n|---|---|---|---|")
        _measure("area, refused", "decode", worst.attack(), lambda: _command("decode", there["attack"], "-"))
        _measure("area", "strips", area, lambda: _drain(area))
        _measure("scale", "decode", b"", lambda: _drain(worst.alike(enlarged, side=20), scale=1024))
        _measure("region", "read", scattered, lambda: splatc.decode(scattered, region=(8000, 8000, 1, 1)))
        _measure("a hundred regions", "open", crowd, lambda: _regions(crowd))
        _measure("neighbours", "verify", scattered, lambda: splatc.verify(scattered))
        _measure("sections, ancestors", "info --bits", crowd, lambda: splatc.info(crowd, bits=True))
        _measure("sections, one damaged", "verify", crowd, lambda: splatc.verify(crowd[:-5] + b"\0" + crowd[-4:]))
        _measure(
            "Gaussians",
            "plot",
            scattered,
            lambda: sheet.draw(figure.make_figure(splatc.open(io.BytesIO(scattered)), "x")),
        )
        _measure("metadata", "decode", b"", lambda: splatc.decode(worst.large_metadata()))
        _measure(
            "output",
            "decode to PNG",
            empty,
            lambda: _command("decode", there["empty"], str(Path(folder, "out.png"))),
        )
        _measure(
            "points of the supersampling grid", "strips", b"", lambda: _drain(worst.empty(65536, 65536), scale="1/4")
        )
        memory = f"{1 << 36}"
        _measure(
            "metrics",
            "compare",
            b"",
            lambda: _command("compare", there["three"], there["three"], "--max-memory", memory),
        )


def _measure(stage: str, door: str, data: bytes, run: Callable[[], object]) -> None:
    start = time.process_time()
    try:
        run()
    except splatc.SplatError as error:
        stage += f": {error}"
    print(f"| {stage} | {door} | {len(data) or ''} | {time.process_time() - start:.1f} |", flush=True)


def _command(*arguments: str) -> None:
    with contextlib.suppress(SystemExit):
        command(list(arguments))


def _drain(data: bytes, **options: object) -> None:
    with splatc.open(io.BytesIO(data)) as picture:
        for _ in picture.strips(**options)[1]:  # type: ignore[arg-type]
            pass


def _regions(data: bytes) -> None:
    with splatc.open(io.BytesIO(data)) as picture:
        for place in range(100):
            picture.read(region=(150 * place, 150 * place, 64, 64))


def files(paths: list[str]) -> None:
    """A table: evaluations of drawing and of reading for each pixel of files, and their share of the limit."""
    print(
        "| file | size | Gaussians | drawing, evaluations a pixel | reading | of the limit |\n|---|---|---|---|---|---|"
    )
    for path in paths:
        with Path(path).open("rb") as stream:
            reader = Reader(stream)
            header, gaussians = reader.header, reader.read()
            drawn, read = (
                work.drawing(header.quantizer, gaussians, view(header.width, header.height)),
                reader.needed().work,
            )
        pixels = header.width * header.height
        print(
            f"| {Path(path).name} | {header.width} x {header.height} | {len(gaussians)} | {drawn / pixels:.0f} | {read / pixels:.0f} | "
            f"{(drawn + read) / MAX_WORK:.2%} |",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=["shapes", "worst", "files"])
    parser.add_argument("paths", nargs="*")
    arguments = parser.parse_args()
    if arguments.table == "files":
        files(arguments.paths)
    else:
        (shapes if arguments.table == "shapes" else worst_files)()
