"""Pictures that need not fit into memory: libvips decodes PNG, JPEG and TIFF from top to bottom, tifffile TIFF into a temporary file.

Both are optional (``pip install splatc[uhr]``); without them Pillow decodes the whole picture into memory.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from splatc.pixels.image import Samples
from splatc.pixels.orientation import turned
from splatc.pixels.pillow_source import ROWS


@dataclass(frozen=True)
class Stored:
    """Pixels as they lie in a file, before its orientation is applied."""

    width: int
    height: int
    channels: int
    bit_depth: int
    strips: Callable[[], Iterator[Samples]]


def installed(name: str) -> bool:
    """Whether this package can be imported; pyvips cannot without the library that it calls."""
    try:
        importlib.import_module(name)
    except (ImportError, OSError):
        return False
    return True


def open_vips(path: str, orientation: int) -> Stored | None:
    """A file through libvips, turned as `orientation` (1..8 as EXIF counts) tells; None if it is not 8- or 16-bit gray or RGB.

    Rows are decoded as they are asked for; where they must be turned by more than a mirror, libvips lays large pictures into a
    temporary file of its own. Raises pyvips.Error for a damaged file.
    """
    import pyvips

    access = "sequential" if orientation <= 2 else "random"
    # Without `revalidate`, libvips remembers the pixels of a file that has another content by now.
    picture = pyvips.Image.new_from_file(path, access=access, fail_on="truncated", revalidate=True)
    kinds = {"b-w": 1, "grey16": 1, "srgb": 3, "rgb16": 3}
    if picture.format not in ("uchar", "ushort") or picture.interpretation not in kinds:
        return None
    if picture.bands - kinds[picture.interpretation] not in (0, 1):
        return None
    turns: dict[int, Callable[[], pyvips.Image]] = {
        2: lambda: picture.fliphor(),
        3: lambda: picture.rot180(),
        4: lambda: picture.flipver(),
        5: lambda: picture.rot90().fliphor(),
        6: lambda: picture.rot90(),
        7: lambda: picture.rot270().fliphor(),
        8: lambda: picture.rot270(),
    }
    shown = turns[orientation]() if orientation > 1 else picture
    dtype: type[np.uint8 | np.uint16] = np.uint8 if picture.format == "uchar" else np.uint16

    def strips() -> Iterator[Samples]:
        region = pyvips.Region.new(shown)
        for top in range(0, shown.height, ROWS):
            rows = min(ROWS, shown.height - top)
            data = region.fetch(0, top, shown.width, rows)
            samples: Samples = np.frombuffer(data, dtype)
            yield samples.reshape(rows, shown.width, shown.bands)

    return Stored(shown.width, shown.height, shown.bands, np.dtype(dtype).itemsize * 8, strips)


def open_tiff(path: str, orientation: int) -> Stored | None:
    """The first page of a TIFF file through tifffile; None if it is not 8- or 16-bit gray or RGB.

    Raises ValueError for a compression that tifffile alone does not know, and whatever else it raises on damaged files.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        if page.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)) or page.photometric not in (1, 2):
            return None
        if len(page.extrasamples) > 1 or tuple(page.extrasamples) == (1,):  # premultiplied
            return None
        pixels = page.asarray(out="memmap")
        if page.axes == "SYX":
            pixels = np.moveaxis(pixels, 0, -1)
        elif page.axes not in ("YX", "YXS"):
            return None
    pixels = turned(pixels.reshape(*pixels.shape[:2], -1), orientation)

    def strips() -> Iterator[Samples]:
        for top in range(0, len(pixels), ROWS):
            yield pixels[top : top + ROWS]

    return Stored(pixels.shape[1], pixels.shape[0], pixels.shape[2], 8 * pixels.itemsize, strips)
