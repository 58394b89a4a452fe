"""Latents beside fits: seconds, bytes and PSNR of whole files at equal targets (spec/latent.md).

    python tools/latent_rows.py PICTURES/kodak --bpp 0.24 0.1 --every 3
    python tools/latent_rows.py PICTURES/kodak --bpp 0.24 --rows latent:0 latent:5

A row is MODEL:EFFORT, gaussians or latent. Seconds are of this process, on all threads; the machine should have nothing else
to do. Means are over the pictures of a folder, of which --every N takes each N-th.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import PIL.Image

from splatc.decoder.budget import UNBOUNDED
from splatc.decoder.scene import decode_bytes
from splatc.encoder.pipeline import EncodeOptions, encode_image
from splatc.encoder.rate_control import Target
from splatc.image import metrics
from splatc.image.image import Image

ROWS = "gaussians:5", "gaussians:1", "gaussians:0", "latent:0", "latent:5"


@dataclass(frozen=True)
class Measured:
    """One file."""

    seconds: float
    processor: float
    """Seconds of all threads."""
    used: float
    """Of the target."""
    psnr: float


def measure(image: Image, bpp: float, row: str) -> Measured:
    """Encodes a picture as a row says."""
    model, _, effort = row.partition(":")
    if model not in ("gaussians", "latent"):
        raise SystemExit(f"latent_rows: {row}: a row is gaussians:EFFORT or latent:EFFORT")
    target = Target("bytes", int(bpp * image.width * image.height / 8))
    options = EncodeOptions(target, effort=int(effort), model=cast(Literal["gaussians", "latent"], model))
    started, busy = time.perf_counter(), time.process_time()
    data = encode_image(image, options)
    seconds, processor = time.perf_counter() - started, time.process_time() - busy
    decoded = decode_bytes(data, budget=UNBOUNDED).pixels
    return Measured(seconds, processor, len(data) / target.value, metrics.psnr(image.pixels, decoded))


def opened(folder: Path, every: int) -> list[Image]:
    """The pictures of a folder in the order of their names."""
    found = []
    for path in sorted(folder.iterdir())[::every]:
        with PIL.Image.open(path) as file:
            found.append(Image(np.asarray(file.convert("RGB"))))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, help="folder")
    parser.add_argument("--bpp", type=float, nargs="+", default=[0.24, 0.1])
    parser.add_argument("--rows", nargs="+", default=ROWS, metavar="MODEL:EFFORT")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    images = opened(options.pictures, options.every)
    print("| row | bpp | bytes of the target | PSNR | seconds | of processors |\n|---|---|---|---|---|---|")
    for bpp in options.bpp:
        for row in options.rows:
            each = [measure(image, bpp, row) for image in images]
            used, psnr, seconds, processor = (
                float(np.mean([getattr(one, name) for one in each]))
                for name in ("used", "psnr", "seconds", "processor")
            )
            print(
                f"| {row} | {bpp:g} | {100 * used:.1f} % | {psnr:.2f} | {seconds:.2f} | {processor:.2f} |", flush=True
            )


if __name__ == "__main__":
    main()
