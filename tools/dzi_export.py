"""Cut a .splat2d file into a Deep Zoom pyramid (.dzi), which OpenSeadragon and other viewers of large pictures show.

.venv/bin/python tools/dzi_export.py large.splat2d out/large.dzi

Each level is drawn from the file at its own scale, a row of tiles at a time: the whole picture is never in memory.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

import splatc
from splatc.decoder.picture import Picture
from splatc.image.image import Samples

DESCRIPTOR = """<?xml version="1.0" encoding="UTF-8"?>
<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="{kind}" Overlap="{overlap}" TileSize="{size}">
  <Size Width="{width}" Height="{height}"/>
</Image>
"""
OPTIONS: dict[str, dict[str, Any]] = {"jpg": {"quality": 90, "subsampling": 0}, "png": {}}


def export(source: Path, target: Path, *, size: int = 254, overlap: int = 1, kind: str = "jpg") -> int:
    """Write the pyramid and return how many tiles it has. Raises SplatError, and OSError for what exists or cannot be written."""
    folder = target.with_name(f"{target.stem}_files")
    tiles = 0
    with splatc.open(source) as picture:
        if kind == "jpg" and picture.channels in (2, 4):
            raise SystemExit(f"{source}: JPEG tiles have no transparency: add --kind png")
        folder.mkdir(parents=True)
        top = (max(picture.size) - 1).bit_length()
        for level in range(top + 1):
            (folder / str(level)).mkdir()
            for column, row, pixels in level_tiles(picture, Fraction(1, 1 << (top - level)), size, overlap):
                PIL.Image.fromarray(pixels).save(folder / str(level) / f"{column}_{row}.{kind}", **OPTIONS[kind])
                tiles += 1
        target.write_text(
            DESCRIPTOR.format(kind=kind, overlap=overlap, size=size, width=picture.width, height=picture.height)
        )
    return tiles


def level_tiles(picture: Picture, scale: Fraction, size: int, overlap: int) -> Iterator[tuple[int, int, Samples]]:
    """(column, row, pixels) of all tiles of one level: squares of `size` and, inside of the picture, `overlap` more on each side."""
    step = scale.denominator  # px of the picture per pixel of the level
    width, height = -(-picture.width // step), -(-picture.height // step)
    for row, (top, bottom) in enumerate(spans(height, size, overlap)):
        end = min(bottom * step, picture.height)
        pixels = picture.read((0, top * step, picture.width, end - top * step), scale, bit_depth=8)
        for column, (left, right) in enumerate(spans(width, size, overlap)):
            yield column, row, np.ascontiguousarray(pixels[:, left:right])


def spans(length: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """First and end of each tile along one side."""
    return [(max(0, at - overlap), min(length, at + size + overlap)) for at in range(0, length, size)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path, help="a .dzi file; its tiles go into a folder beside it")
    parser.add_argument("--size", type=int, default=254)
    parser.add_argument("--overlap", type=int, default=1)
    parser.add_argument("--kind", choices=sorted(OPTIONS), default="jpg")
    arguments = parser.parse_args()
    try:
        tiles = export(
            arguments.source, arguments.target, size=arguments.size, overlap=arguments.overlap, kind=arguments.kind
        )
    except (splatc.SplatError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{arguments.target}: {tiles} tiles")
    return 0


if __name__ == "__main__":
    sys.exit(main())
