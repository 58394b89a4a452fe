"""How long a GPU takes: fits and frames, each beside the least that it could take (cuda_floors.py)."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench import cuda_floors
from bench.cuda_floors import PeakRates
from bench.cuda_watch import Watched
from splatc import bitstream
from splatc.blend import Blend
from splatc.decoder.scene import make_scene
from splatc.encoder.pipeline import FIT_SHARE, EncodeOptions, encode_with
from splatc.encoder.rate_control import Target
from splatc.fit.cuda.engine import CudaEngine
from splatc.fit.engine import Step
from splatc.fit.engines.choice import on_gpu
from splatc.fit.schedule import Schedule, schedule
from splatc.fit.subset import mean_colour
from splatc.fit.table import NAMES, Table
from splatc.fit.task import Task
from splatc.gaussians import Gaussians, Scene
from splatc.image.image import Image, Samples
from splatc.image.metrics import psnr
from splatc.render.cuda import Canvas
from splatc.render.view import view
from splatc.steps import Quantizer


@dataclass(frozen=True)
class Fit:
    """A file, and what it took."""

    data: bytes
    row: dict[str, Any]


def fit(device: Watched, image: Image, ratio: float, seconds: float | None = None, plan: Schedule | None = None) -> Fit:
    """Encode a picture on the GPU, with the default effort; ``seconds`` is for all but the last packing, None gives it its time."""
    device.begin()
    started = time.perf_counter()
    marks: list[tuple[float, int]] = []
    options = EncodeOptions(
        Target("bytes", int(image.pixels.nbytes / ratio)),
        engine=on_gpu(device),
        max_time=None if seconds is None else seconds / FIT_SHARE,
    )

    def progress(step: int, steps: int, phase: str) -> None:
        marks.append((time.perf_counter(), step))

    data = encode_with(image, options, plan, Quantizer(), progress)
    ended = time.perf_counter()
    steps = device.launches["update"]
    first, last = marks[0][0], marks[-1][0]
    row = {
        "steps": steps,
        "seconds before the first step": first - started,
        "seconds of the fit": last - first,
        "seconds of the last packing": ended - last,
        "seconds in all": ended - started,
        "ms a step, events and packing included": 1000 * (last - first) / max(1, steps),
        "peak GB on the GPU": device.peak / 1e9,
        "bytes": len(data),
        "PSNR": psnr(image.pixels, drawn(device, data)),
    }
    return Fit(data, row)


def drawn(device: Watched, data: bytes) -> Samples:
    """The picture in a file, drawn by the GPU."""
    scene = make_scene(*bitstream.decode(data))
    canvas = Canvas(device, scene)
    canvas.place(view(scene.width, scene.height))
    samples: Samples = canvas.draw(np.uint8)
    return samples


def steps(device: Watched, pixels: Samples, found: Gaussians, peaks: PeakRates, count: int = 30) -> dict[str, Any]:
    """Milliseconds of the steps of a fit with these Gaussians, as they follow one another, and of each kernel alone."""
    task = Task(pixels, Blend.NORMALIZED, mean_colour(pixels), Quantizer())
    engine = CudaEngine(device, task)
    reduction = task.reduction(len(found), schedule(5))
    engine.send(Table.from_gaussians(found, np.random.default_rng(0)))
    still = dict.fromkeys(NAMES, 0.0)

    def once(first: int, number: int) -> float:
        device.synchronize()
        start = time.perf_counter()
        for k in range(first, first + number):
            engine.step(Step(k, reduction, Quantizer(), 0, still, 1 + k, (0.8, 0.98)))
        device.synchronize()
        return 1000 * (time.perf_counter() - start) / number

    once(0, reduction**2)
    best = min(once(k * count, count) for k in range(3))
    device.begin(timing=True)
    once(0, count)
    device.timing = False
    height, width, channels = pixels.shape
    floor = cuda_floors.step(found, width, height, channels, reduction)
    return {
        "Gaussians": len(found),
        "reduction": reduction,
        "ms a step": best,
        "floor, ms": 1000 * floor.seconds(peaks),
        "pairs of Gaussian and sample": floor.pairs,
        "ms by kernel, each waited for": {name: 1000 * total / count for name, total in device.seconds.items()},
    }


def frames(device: Watched, scene: Scene, peaks: PeakRates, count: int = 50) -> dict[str, Any]:
    """Frames a second of a whole picture as 8-bit samples in the GPU's memory; its Gaussians lie there, everything else is made anew."""
    device.begin()
    canvas, seen = Canvas(device, scene), view(scene.width, scene.height)
    canvas.place(seen)
    out = canvas.raster(np.uint8)
    times = []
    for _ in range(5):
        device.synchronize()
        start = time.perf_counter()
        for _ in range(count):
            canvas.place(seen)
            canvas.raster(np.uint8, out=out)
        device.synchronize()
        times.append((time.perf_counter() - start) / count)
    device.timing = True
    canvas.place(seen)
    canvas.raster(np.uint8, out=out)
    device.timing = False
    floor = cuda_floors.decoding(scene)
    return {
        "picture": f"{scene.width} x {scene.height}",
        "Gaussians": len(scene.gaussians),
        "frames a second": 1 / min(times),
        "ms a frame": 1000 * min(times),
        "floor, ms": 1000 * floor.seconds(peaks),
        "floor of the memory, ms": 1000 * peaks.memory(floor.bytes),
        "peak GB on the GPU": device.peak / 1e9,
        "ms by kernel, each waited for": {name: 1000 * total for name, total in device.seconds.items()},
    }


def corner(scene: Scene, width: int, height: int) -> Scene:
    """The picture of the Gaussians whose means lie in its upper left part."""
    g = scene.gaussians
    inside = (g.mean < [width, height]).all(axis=1)
    return replace(scene, width=width, height=height, gaussians=Gaussians(*(part[inside] for part in vars(g).values())))
