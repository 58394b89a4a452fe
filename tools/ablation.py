"""SmartSplat's ablation on real pictures: what each stage of the initialization is worth after equally many steps.

    python tools/ablation.py tests/images/kodim01.png tests/images/kodim03.png --cr 50 --steps 300

As in the paper: N = 3HW / (7 CR) Gaussians, sum blend, loss 0.9 L1 + 0.1 (1 - SSIM), the rates of its code, float parameters, no
pruning. From all random to all
three stages: positions (variational and exclusive uniform sampling), scales (by weight and by neighbours), colours (Gaussian-weighted
median). Prints Markdown, PSNR in dB; ``--blend normalized`` shows the same for the other blend.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from splatc.blend import Blend
from splatc.core.seeds import reduce
from splatc.fit.engines.core import CoreEngine
from splatc.fit.schedule import Rates, Schedule
from splatc.fit.seeding import seed
from splatc.fit.subset import Samples, mean_colour
from splatc.fit.task import Task, Tune
from splatc.fit.trainer import fit
from splatc.gaussians import Scene
from splatc.image.readers import load
from splatc.render import render
from splatc.steps import Quantizer

STAGES = (
    ("random", {"positions": False, "scales": False, "colours": False}),
    ("+ positions", {"positions": True, "scales": False, "colours": False}),
    ("+ scales", {"positions": True, "scales": True, "colours": False}),
    ("+ colours", {"positions": True, "scales": True, "colours": True}),
)


# Of SmartSplat's code: mean 1e-4 of half the side of the picture, scale 0.05 px, rotation 1e-3, colour 5e-3, no decay; ours are
# relative to the size of a Gaussian, here some 3 px.
RATES = Rates(mean=0.013, log_scale=0.017, log_aspect=0.033, angle=0.001, colour=0.005, final=1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--cr", type=float, default=50.0, help="ratio by the paper's 7 bytes per Gaussian")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--blend", choices=["sum", "normalized"], default="sum")
    parser.add_argument("--tune", choices=["psnr", "ssim", "smartsplat"], default="smartsplat")
    options = parser.parse_args()
    print("| picture | N | " + " | ".join(name for name, _ in STAGES) + " |\n" + "|---" * (2 + len(STAGES)) + "|")
    for picture in options.pictures:
        image = load(str(picture)).pixels
        height, width, _ = image.shape
        count = round(3 * height * width / (7 * options.cr))
        results = [
            quality(image, count, stage, Blend[options.blend.upper()], options.tune, options.steps)
            for _, stage in STAGES
        ]
        print(f"| {picture.stem} | {count} | " + " | ".join(f"{psnr:.2f}" for psnr in results) + " |", flush=True)


def quality(image: Samples, count: int, stages: dict[str, bool], blend: Blend, tune: Tune, steps: int) -> float:
    """PSNR in dB of a fit of ``count`` Gaussians from that initialization."""
    pixels, background = reduce(image, 1), mean_colour(image)
    seeds = seed(pixels, count, np.random.default_rng(0), **stages)
    plan = Schedule(steps, oversampling=1.0, densified=0.0, quantized=False, rates=RATES)
    task = Task(image, blend, background, Quantizer(), tune)
    gaussians, _ = fit(CoreEngine(task), task, seeds, lambda *_: count, plan)
    height, width, _ = image.shape
    picture = np.clip(render(Scene(width, height, blend, background, gaussians)), 0.0, 1.0)
    return float(-10.0 * np.log10(np.mean((picture - pixels) ** 2, dtype=np.float64)))


if __name__ == "__main__":
    main()
