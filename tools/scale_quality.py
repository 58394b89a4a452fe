"""How close reduced pictures are to the box filter of the whole one, in dB (spec/picture.md, "Scaled drawing").

    python tools/scale_quality.py a.splat2d b.splat2d

Each file is decoded whole, to 8 bits, and averaged over squares; against that, rounded as well, stands what is drawn at 1/2 .. 1/64 of the
size with 1, 2, 4 and 8 samples a side for a pixel, however many the format says (marked *). Prints Markdown.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path
from unittest import mock

import numpy as np

from splatc import bitstream
from splatc.decoder.scene import make_scene
from splatc.gaussians import Scene
from splatc.image.image import Samples
from splatc.image.metrics import psnr
from splatc.render import draw_samples
from splatc.render import view as views

FACTORS = (2, 4, 8, 16, 32, 64)
SAMPLES = (1, 2, 4, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    print("| file | scale |" + "".join(f" {samples} |" for samples in SAMPLES))
    print("|---|---|" + "---|" * len(SAMPLES))
    for path in parser.parse_args().files:
        scene = make_scene(*bitstream.decode(path.read_bytes()))
        whole = draw_samples(scene, views.view(scene.width, scene.height), 8)
        for factor in FACTORS:
            print(row(path.stem, scene, whole, factor), flush=True)


def row(name: str, scene: Scene, whole: Samples, factor: int) -> str:
    """One line of the table: dB for each number of samples."""
    columns, rows = scene.width // factor, scene.height // factor
    region = (0, 0, columns * factor, rows * factor)
    squares = whole[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor, -1)
    box = np.floor(squares.mean(axis=(1, 3)) + 0.5).astype(np.uint8)
    line = f"| {name} | 1/{factor} |"
    chosen = views.view(scene.width, scene.height, region, Fraction(1, factor)).samples
    for samples in SAMPLES:
        if samples > factor:
            line += " |"
            continue
        with mock.patch.multiple(views, MAX_SAMPLES=samples, THUMBNAIL_SAMPLES=samples):
            seen = views.view(scene.width, scene.height, region, Fraction(1, factor))
            reached = psnr(draw_samples(scene, seen, 8), box)
        line += f" {reached:.1f}{'*' if samples == chosen else ''} |"
    return line


if __name__ == "__main__":
    main()
