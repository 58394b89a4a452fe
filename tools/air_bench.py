"""What effort 0 is worth: its targets, its parts taken away one by one, and the fit cut down to the same seconds.

    python tools/air_bench.py --pictures pictures ablation
    python tools/air_bench.py --pictures pictures seconds quality process large mosaic batch

PICTURES has the folders kodak, 2k and uhr. Rows: ablation curves seconds quality process large mosaic batch; all where none is named.
Seconds are the least of --repeats, in turn: the machine should have nothing else to do. Each row prints its table when it is done.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import PIL.Image

from bench import processes
from bench.brief_file import brief_file
from bench.large_measure import task
from splatc import core
from splatc.decoder.scene import decode_bytes
from splatc.fit.schedule import BRIEF, HASTY, Schedule, brief
from splatc.image import metrics
from splatc.image.image import Image
from splatc.neural import safetensors
from splatc.neural import step as network
from splatc.neural.engine import STEPS, NetworkEngine

good = partial(processes.good, program="air_bench")
RATIOS = (100.0, 500.0)
NAMES = ("kodim03", "kodim05", "kodim13", "kodim23")
"""Of the curves."""
CUT_DOWN = (10, 15, 20, 30, 45, 60)
"""Steps of the fit that effort 0 is compared with."""
EFFORT_0 = f"effort 0: stages 1 to 4 of 4 ({STEPS} steps of the network)"
MEGAPIXELS, LARGE_RATIO = 8e6, 200.0
MOSAIC_RATIO = 3000.0
SIDES = (384, 256)
"""Of the pictures of a batch, px: 0.1 megapixels."""


@dataclass(frozen=True)
class Plan:
    """A fit of few steps."""

    changes: Mapping[str, object] = field(default_factory=dict)
    """Fields of the schedule of effort 0 that differ."""
    network: int = STEPS
    """Steps of the network, the first."""
    zero: bool = False
    """Whether its weights are zero."""
    weights: Path | None = None
    """A file of other weights, as train_air.py writes it."""
    cut_down: int | None = None
    """Steps of the fit that is cut down, which has another schedule."""

    def schedule(self, width: int, height: int, count: int) -> Schedule:
        if self.cut_down is not None:
            return cut_down(self.cut_down)
        return replace(brief(width, height, count), **self.changes)  # type: ignore[arg-type]


def cut_down(steps: int) -> Schedule:
    """Adam's fit of so few steps: what the short presets have, and prunings that leave four steps between them."""
    hasty = replace(Schedule(steps), **HASTY)
    span = steps * (hasty.prune_until - hasty.prune_from)
    return replace(hasty, prunings=max(3, int(span / 4)), asks=3, fills=(0.6,), stages=5)


def parts(weights: Path | None = None) -> dict[str, Plan]:
    """Effort 0, and what it is without each of its parts; with other weights, if there are any.

    AIR's ablation has four stages; here the steps of the network are shared out among as many.
    """
    bare = {
        "prunings": 1,
        "prune_from": BRIEF["prune_until"],
        "densified": 0.0,
        "densified_last": 0.0,
        "fills": (),
        "tops_up": False,
    }
    stages = {f"stages 1 to {k} of 4 ({n} steps of the network)": Plan(network=n) for k, n in ((1, 3), (2, 6), (3, 9))}
    others = {} if weights is None else {f"the weights {weights.name}": Plan(weights=weights)}
    return {
        EFFORT_0: Plan(),
        "no stage: the same plan by Adam": Plan(network=0),
        **{name.replace("stages 1 to 1", "stage 1"): plan for name, plan in stages.items()},
        "20 steps of the network": Plan(network=20),
        "all steps of the network": Plan(network=1000),
        "weights of zero": Plan(zero=True),
        "without stage control (one pruning, nothing densified)": Plan(bare),
        "without stage control (as many seeds as stay, nothing pruned)": Plan(
            {**bare, "prunings": 0, "oversampling": 1.0}
        ),
        "without the adaptive quantizer": Plan({"adapt": 0.0}),
        **others,
    }


def encode(image: Image, ratio: float, plan: Plan) -> bytes:
    """A file of a picture."""
    weights = None if plan.weights is None else network.packed(safetensors.read(plan.weights.read_bytes()))
    if plan.zero:
        weights = np.zeros_like(network.trained_weights())
    steps = 0 if plan.cut_down is not None else plan.network
    return brief_file(image, ratio, lambda each: NetworkEngine(each, weights, steps), plan.schedule)


def psnr_of(image: Image, data: bytes) -> float:
    return metrics.psnr(image.pixels, decode_bytes(data).pixels)


def opened(path: Path) -> Image:
    with PIL.Image.open(path) as file:
        return Image(np.asarray(file.convert("RGB")))


def quality(path: Path, ratio: float, plan: Plan) -> float:
    """PSNR in dB of a picture, by one thread."""
    core.set_threads(1)
    image = opened(path)
    return psnr_of(image, encode(image, ratio, plan))


# ---- Quality ----


def ablation(options: argparse.Namespace) -> None:
    """Mean PSNR of all Kodak photographs."""
    files = _kodak(options)
    print("| | " + " | ".join(f"CR {ratio:g}" for ratio in RATIOS) + " |\n" + "|---" * (1 + len(RATIOS)) + "|")
    with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
        for name, plan in parts(options.weights).items():
            means = [
                statistics.fmean(pool.map(quality, files, [ratio] * len(files), [plan] * len(files)))
                for ratio in RATIOS
            ]
            print(f"| {name} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |", flush=True)


def quality_2k(options: argparse.Namespace) -> None:
    """What AIR's 30.2 dB take."""
    images = [opened(path) for path in sorted((options.pictures / "2k").iterdir()) if "gray" not in path.name]
    for bpp in (0.4, 0.8):
        found = [psnr_of(each, encode(each, 24.0 / bpp, Plan())) for each in images]
        print(f"2k, {len(images)} pictures, {bpp:g} bpp: {statistics.fmean(found):.2f} dB", flush=True)


# ---- Seconds ----


@dataclass(frozen=True)
class Measured:
    """Means over pictures."""

    seconds: float
    psnr: float


def timed(images: Sequence[Image], ratio: float, plans: Mapping[str, Plan], repeats: int) -> dict[str, Measured]:
    """Of each picture the least seconds of each plan, all plans in turn, and the PSNR of its file."""
    seconds: dict[str, list[float]] = {name: [] for name in plans}
    psnr: dict[str, list[float]] = {name: [] for name in plans}
    for image in images:
        runs = {name: [_run(image, ratio, plan)] for name, plan in plans.items()}
        for name, ((_, data),) in runs.items():
            psnr[name].append(psnr_of(image, data))
        for _ in range(repeats - 1):
            for name, plan in plans.items():
                runs[name].append(_run(image, ratio, plan))
        for name in plans:
            seconds[name].append(min(each for each, _ in runs[name]))
    return {name: Measured(statistics.fmean(seconds[name]), statistics.fmean(psnr[name])) for name in plans}


def _run(image: Image, ratio: float, plan: Plan) -> tuple[float, bytes]:
    started = time.perf_counter()
    data = encode(image, ratio, plan)
    return time.perf_counter() - started, data


def at_seconds(curve: Sequence[Measured], seconds: float) -> float:
    """PSNR in dB of a curve of rising seconds, between its points by their logarithm; beyond its ends that of the end."""
    return float(
        np.interp(math.log(seconds), [math.log(each.seconds) for each in curve], [each.psnr for each in curve])
    )


def seconds(options: argparse.Namespace) -> None:
    """Effort 0 in process, warm, and the fit cut down to as long."""
    images = [opened(path) for path in _kodak(options)]
    plans = {"effort 0": Plan(), **{f"{steps} steps of the fit": Plan(cut_down=steps) for steps in CUT_DOWN}}
    encode(images[0], RATIOS[-1], plans["effort 0"])
    for ratio in RATIOS:
        found = timed(images, ratio, plans, options.repeats)
        print(f"CR {ratio:g}, {len(images)} pictures, {core.threads()} threads:")
        print("\n".join(f"  {name}: {each.seconds:.3f} s {each.psnr:.2f} dB" for name, each in found.items()))
        usual, *others = found.values()
        others.sort(key=lambda each: each.seconds)
        gain = usual.psnr - at_seconds(others, usual.seconds)
        print(f"  effort 0 over the fit cut down to the same seconds: {gain:+.2f} dB", flush=True)


def curves(options: argparse.Namespace) -> None:
    """Seconds against dB: the plan of effort 0 with the network and with Adam alone, and the fit cut down."""
    images = [opened(options.pictures / "kodak" / f"{name}.png") for name in NAMES]
    plans = {f"the fit cut down, {steps}": Plan(cut_down=steps) for steps in CUT_DOWN}
    for steps in (8, 12, 20, 30, 40, 60, 90):
        half = min(STEPS, steps // 2)
        plans |= {
            f"network {half}, Adam {steps - half}": Plan({"steps": steps}, half),
            f"network {steps}": Plan({"steps": steps}, steps),
            f"the same plan, Adam {steps}": Plan({"steps": steps}, 0),
        }
    for ratio in RATIOS:
        print(f"CR {ratio:g}: {', '.join(NAMES)}")
        for name, each in timed(images, ratio, plans, options.repeats).items():
            print(f"  {name}: {each.seconds:.3f} s {each.psnr:.2f} dB", flush=True)


def large(options: argparse.Namespace) -> None:
    """Eight megapixels, in process."""
    with PIL.Image.open(options.pictures / "uhr" / "photo_grand_canyon_4896x2968.jpg") as file:
        scale = math.sqrt(MEGAPIXELS / (file.width * file.height))
        size = (round(file.width * scale), round(file.height * scale))
        image = Image(np.asarray(file.convert("RGB").resize(size, PIL.Image.Resampling.LANCZOS)))
    found = timed([image], LARGE_RATIO, {"effort 0": Plan()}, options.repeats)["effort 0"]
    print(f"{size[0]} x {size[1]}, CR {LARGE_RATIO:g}: {found.seconds:.2f} s {found.psnr:.2f} dB", flush=True)


def process(options: argparse.Namespace) -> None:
    """The whole command, of each Kodak photograph."""
    output = options.out / "a.splat2d"
    found = [
        min(_splatc("encode", "-f", "-e0", "--cr", "100", path, output).seconds for _ in range(options.repeats))
        for path in _kodak(options)
    ]
    print(f"whole process, CR 100: mean {statistics.fmean(found):.2f} s, worst {max(found):.2f} s", flush=True)


def mosaic(options: argparse.Namespace) -> None:
    """A picture of 16384 x 16384 px by the whole command."""
    picture = options.out / f"mosaic_{options.side}.tif"
    if not picture.exists():
        task("mosaic", folder=str(options.pictures / "uhr"), side=options.side, output=str(picture))
    run = _splatc("encode", "-f", "-e0", "--cr", f"{MOSAIC_RATIO:g}", picture, options.out / "mosaic.splat2d")
    print(f"mosaic {options.side} x {options.side}: {run.seconds:.1f} s, {run.peak / 1000:.2f} GB", flush=True)


def batch(options: argparse.Namespace) -> None:
    """Many pictures of 0.1 megapixels, cut out of Kodak's."""
    folder = options.out / "small"
    folder.mkdir(exist_ok=True)
    rng, files = np.random.default_rng(0), _kodak(options)
    for number in range(options.count):
        pixels = opened(files[number % len(files)]).pixels
        y, x = (
            int(rng.integers(max(1, side - least + 1))) for side, least in zip(pixels.shape, SIDES[::-1], strict=False)
        )
        PIL.Image.fromarray(pixels[y : y + SIDES[1], x : x + SIDES[0]]).save(
            folder / f"{number:04d}.png", compress_level=1
        )
    pictures = sorted(folder.iterdir())[: options.count]
    run = _splatc("batch", "-f", "-e0", "--cr", "100", *pictures, "-o", options.out / "coded")
    print(f"batch of {options.count} pictures: {options.count / run.seconds:.1f} a second", flush=True)


def _splatc(*words: str | Path) -> processes.Run:
    return good(processes.run([sys.executable, "-m", "splatc", *words]))


def _kodak(options: argparse.Namespace) -> list[Path]:
    found = sorted((options.pictures / "kodak").glob("*.png"))
    if not found:
        raise SystemExit(f"air_bench: no pictures in {options.pictures / 'kodak'}")
    return found


ROWS: dict[str, Callable[[argparse.Namespace], None]] = {
    "ablation": ablation,
    "curves": curves,
    "seconds": seconds,
    "quality": quality_2k,
    "process": process,
    "large": large,
    "mosaic": mosaic,
    "batch": batch,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--pictures", type=Path, default=Path("pictures"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path("out") / "air", metavar="DIR", help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=3, help="of what is timed; default: %(default)s")
    parser.add_argument("--jobs", type=int, default=2, help="processes of the ablation; default: %(default)s")
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="of train_air.py, for one more row of the ablation"
    )
    parser.add_argument("--side", type=int, default=16384, help="of the mosaic, px; default: %(default)s")
    parser.add_argument("--count", type=int, default=1000, help="pictures of the batch; default: %(default)s")
    options = parser.parse_args()
    unknown = set(options.rows) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.rows or ROWS:
        print(f"## {name}", flush=True)
        ROWS[name](options)


if __name__ == "__main__":
    main()
