"""The picture at the top of the README: a photograph, and what splatc, AVIF and JPEG 2000 make of it with equal bytes.

    .venv/bin/python tools/side_by_side.py tests/images/kodim03.png --cr 300 -o .github/side-by-side.webp

Each codec gets the same limit, the raw bytes of the picture / CR, and makes the best file that it can within it: the settings are
those of tools/rd_bench.py. Under each panel stand the bytes of the file and the PSNR over all of the picture, of which the panels
may show a part. Prints the same as a line of Markdown for each codec.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from bench.codec import Codec, Measurement, size_limit
from bench.pillow_codecs import pillow_codecs
from bench.splatc_codec import Splatc, source_digest
from splatc.image.image import Samples
from splatc.image.metrics import ms_ssim, psnr
from splatc.image.readers import load

Panel = tuple[str, Samples]
"""A caption, and the (H, W, 3) pixels above it."""
GAP, CAPTION = 8, 34
"""px between panels, and for the line under each of them."""
QUALITY = 90
"""Of the WebP or JPEG file that is written: without blocks of its own at the size of a README."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--cr", type=float, default=300.0, help="the compression ratio that all files have at least")
    parser.add_argument(
        "--region", metavar="X,Y,W,H", help="the part that the panels show, px; all where it is missing"
    )
    parser.add_argument("-e", "--effort", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path, required=True, help="a file of a type that Pillow writes")
    options = parser.parse_args()
    source = load(str(options.picture)).pixels
    x, y, width, height = map(int, (options.region or f"0,0,{source.shape[1]},{source.shape[0]}").split(","))
    shown = np.s_[y : y + height, x : x + width]
    panels: list[Panel] = [(f"{options.picture.stem}, {source.nbytes} bytes of pixels", source[shown])]
    print("| codec | bytes | PSNR | MS-SSIM |\n|---|---|---|---|")
    for name, best in measured(options.picture, source, options.cr, options.effort):
        quality = psnr(source, best.pixels)
        print(f"| {name} | {best.size} | {quality:.2f} dB | {ms_ssim(source, best.pixels):.4f} |", flush=True)
        panels.append((f"{name}, {best.size} bytes, {quality:.2f} dB", best.pixels[shown]))
    sheet(panels).save(options.output, quality=QUALITY)


def measured(picture: Path, source: Samples, ratio: float, effort: int) -> Iterator[tuple[str, Measurement]]:
    """The name of each codec and its best file. Raises SystemExit where there is none."""
    others = pillow_codecs(downscale=True)
    splatc = Splatc(effort, "psnr", None, 2, source_digest())
    codecs: dict[str, Codec] = {"splatc": splatc, "AVIF": others["avif"], "JPEG 2000": others["jpeg2000"]}
    for name, codec in codecs.items():
        with tempfile.TemporaryDirectory() as folder:
            (best,) = codec.measure(picture, source, [ratio], Path(folder))
        if best is None:
            raise SystemExit(f"{name} makes no file of {size_limit(source, ratio)} bytes of {picture}")
        yield name, best


def sheet(panels: list[Panel]) -> PIL.Image.Image:
    """The panels in two columns, each with its caption below it, on white."""
    height, width, _ = panels[0][1].shape
    rows = -(-len(panels) // 2)
    image = PIL.Image.new("RGB", (2 * width + GAP, rows * (height + CAPTION)), "white")
    draw, font = PIL.ImageDraw.Draw(image), PIL.ImageFont.load_default(22)
    for number, (caption, pixels) in enumerate(panels):
        left, top = number % 2 * (width + GAP), number // 2 * (height + CAPTION)
        image.paste(PIL.Image.fromarray(np.ascontiguousarray(pixels)), (left, top))
        draw.text((left + width // 2, top + height + CAPTION // 2), caption, "black", font, anchor="mm")
    return image


if __name__ == "__main__":
    main()
