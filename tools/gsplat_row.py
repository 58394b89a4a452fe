"""The row "3DGS" of the papers' tables: as many Gaussians as splatc fits, alpha-composited by gsplat, on the same pictures.

    python tools/gsplat_row.py kodim03.png:1000 kodim03.png:3000 --steps 3000    # PICTURE:COUNT; needs an NVIDIA GPU and splatc[gsplat]

Gaussians are seeded as splatc's, as many as stay, and have an opacity each; Adam fits squared error, floats to the end, nothing is coded.
Each pixel is what the Gaussians leave of it one after the other, in the order of their numbers: out = sum c_i a_i prod_{j<i} (1 - a_j) with
a = min(0.999, opacity exp(-q/2)), none below 1/255 (gsplat's rule). Beside it the blends of splatc with as many Gaussians and steps, floats
as well.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from splatc.blend import Blend
from splatc.errors import SplatError
from splatc.fit.engines.choice import on_cpu, on_gpu
from splatc.fit.schedule import Schedule
from splatc.fit.seeding import seed
from splatc.fit.subset import mean_colour
from splatc.fit.task import Task
from splatc.fit.trainer import fit
from splatc.gaussians import FloatArray, Gaussians, Scene
from splatc.render import render
from splatc.steps import Quantizer

if TYPE_CHECKING:
    from splatc.cuda.device import Device
    from splatc.image.image import Samples

Tensor = torch.Tensor
Composite = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, int, int], Tensor]
"""Of means (N, 2) px, conics (N, 3), the upper triangle of the inverse covariance, colours (N, C), opacities (N,), radii (N, 2) in whole
px, width and height: the picture (H, W, C), differentiable."""

TILE = 16
RATES = {"mean": 0.3, "log_scale": 0.05, "angle": 0.05, "colour": 0.02, "opacity": 0.05}
"""Adam's at the first step: px, ln px, rad, full range, logits; all fall to 2 % of that, as splatc's do."""
RADIUS = 3.33
"""Standard deviations: beyond, an opacity of 1 is below 1/255."""


def gsplat_composite(
    mean: Tensor, conic: Tensor, colour: Tensor, opacity: Tensor, radii: Tensor, width: int, height: int
) -> Tensor:
    """`Composite` by gsplat's kernels, 1.5."""
    import gsplat

    across, down = -(-width // TILE), -(-height // TILE)
    depth = torch.arange(1, len(mean) + 1, device=mean.device, dtype=torch.float32)
    _, keys, order = gsplat.isect_tiles(mean[None], radii[None], depth[None], TILE, across, down)
    offsets = gsplat.isect_offset_encode(keys, 1, across, down)
    image, _ = gsplat.rasterize_to_pixels(
        mean[None], conic[None], colour[None], opacity[None], width, height, TILE, offsets, order
    )
    drawn: Tensor = image[0]
    return drawn


class Layers:
    """N Gaussians that cover one another, and Adam over them."""

    def __init__(self, seeds: Gaussians, device: str) -> None:
        values = {
            "mean": seeds.mean,
            "log_scale": np.log(seeds.scale),
            "angle": seeds.angle,
            "colour": seeds.colour,
            "opacity": np.zeros(len(seeds)),
        }
        self.values = {
            name: torch.tensor(value, dtype=torch.float32, device=device).requires_grad_()
            for name, value in values.items()
        }
        self.adam = torch.optim.Adam([{"params": [self.values[name]], "lr": RATES[name]} for name in RATES], eps=1e-15)

    def drawn(self, composite: Composite, width: int, height: int) -> Tensor:
        """The picture, (H, W, C)."""
        v = self.values
        variance = torch.exp(2.0 * v["log_scale"])  # (N, 2)
        cos, sin = torch.cos(v["angle"]), torch.sin(v["angle"])
        xx = cos**2 * variance[:, 0] + sin**2 * variance[:, 1]
        yy = sin**2 * variance[:, 0] + cos**2 * variance[:, 1]
        xy = cos * sin * (variance[:, 0] - variance[:, 1])
        conic = torch.stack([yy, -xy, xx], dim=1) / variance.prod(dim=1)[:, None]
        radii = torch.ceil(RADIUS * torch.sqrt(torch.stack([xx, yy], dim=1).detach())).to(torch.int32)
        return composite(v["mean"], conic, v["colour"], torch.sigmoid(v["opacity"]), radii, width, height)

    def step(self, composite: Composite, wanted: Tensor, share: float) -> float:
        """One step of Adam, ``share`` of the way; the mean squared error before it."""
        for group, rate in zip(self.adam.param_groups, RATES.values(), strict=True):
            group["lr"] = rate * 0.02**share
        self.adam.zero_grad()
        loss = ((self.drawn(composite, wanted.shape[1], wanted.shape[0]) - wanted) ** 2).mean()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        self.adam.step()
        with torch.no_grad():
            self.values["log_scale"].clamp_(min=np.log(0.5))
        return float(loss.detach())


def composited(pixels: Samples, count: int, steps: int, composite: Composite, device: str) -> FloatArray:
    """(H, W, C) what so many Gaussians draw after so many steps, not clamped."""
    wanted = torch.tensor(pixels / np.float32(np.iinfo(pixels.dtype).max), device=device)
    layers = Layers(_seeds(pixels, count), device)
    for step in range(steps):
        layers.step(composite, wanted, step / steps)
    with torch.no_grad():
        drawn: FloatArray = layers.drawn(composite, pixels.shape[1], pixels.shape[0]).cpu().numpy()
    return drawn


def blended(pixels: Samples, count: int, steps: int, blend: Blend, device: Device | None) -> FloatArray:
    """The same by splatc: as many Gaussians, pruned from three times as many, floats to the end."""
    task = Task(pixels, blend, mean_colour(pixels), Quantizer())
    engine = (on_cpu() if device is None else on_gpu(device)).make(task)
    plan = Schedule(steps, quantized=False)
    gaussians, _ = fit(engine, task, _seeds(pixels, round(plan.oversampling * count)), lambda *_: count, plan)
    return render(Scene(task.width, task.height, blend, task.background, gaussians))


def psnr(drawn: FloatArray, pixels: Samples) -> float:
    """dB, of the picture clamped but not rounded."""
    wanted = pixels / np.iinfo(pixels.dtype).max
    return float(-10.0 * np.log10(max(np.mean((drawn.clip(0, 1) - wanted) ** 2, dtype=np.float64), 1e-10)))


def row(
    name: str,
    pixels: Samples,
    count: int,
    steps: int,
    composite: Composite,
    torch_device: str,
    device: Device | None,
) -> str:
    """A line of Markdown."""
    layered = psnr(composited(pixels, count, steps, composite, torch_device), pixels)
    others = (psnr(blended(pixels, count, steps, blend, device), pixels) for blend in (Blend.SUM, Blend.NORMALIZED))
    return f"| {name} | {count} | {layered:.2f} | " + " | ".join(f"{value:.2f}" for value in others) + " |"


def _seeds(pixels: Samples, count: int) -> Gaussians:
    image: FloatArray = pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    return seed(image, count, np.random.default_rng(0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", nargs="+", metavar="PICTURE:COUNT")
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args()
    items = [word.rpartition(":") for word in options.items]
    if not all(name and count.isdigit() and int(count) > 0 for name, _, count in items):
        parser.error("each item is PICTURE:COUNT, such as kodim03.png:1000")
    if not torch.cuda.is_available():
        sys.exit("gsplat_row: gsplat needs an NVIDIA GPU and a PyTorch that was built for CUDA")
    try:
        import gsplat  # noqa: F401 - is it there?
    except ImportError:
        sys.exit("gsplat_row: gsplat is not installed: pip install 'splatc[gsplat]'")
    from splatc.cuda.device import find_device
    from splatc.image.readers import load

    found = find_device()
    print("| picture | Gaussians | alpha-composited (gsplat) | sum | normalized |\n|---|---|---|---|---|")
    for name, _, count in items:
        pixels, device = load(name).pixels, None if isinstance(found, str) else found
        print(row(Path(name).stem, pixels, int(count), options.steps, gsplat_composite, "cuda", device), flush=True)


if __name__ == "__main__":
    try:
        main()
    except SplatError as error:
        sys.exit(f"gsplat_row: {error}")
