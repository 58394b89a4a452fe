"""Who decompresses a TIFF picture: Pillow where it keeps all bits, tifffile or libvips (``pip install splatc[uhr]``) for the rest.

What each of them knows is written down here, found by tests/test_tiff_*.py, which makes every combination and compares their samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from splatc.image.image import Samples
from splatc.image.readers import large_source, pillow_source
from splatc.image.readers.orientation import turned
from splatc.image.readers.tiff import wide
from splatc.image.readers.tiff.complaints import heeded
from splatc.image.readers.tiff.directory import Directory
from splatc.image.readers.tiff.layout import (
    BLACK_IS_ZERO,
    CIELAB,
    CMYK,
    JPEG,
    MASK,
    NONE,
    OLD_JPEG,
    PALETTE,
    RGB,
    WHITE_IS_ZERO,
    YCBCR,
    Layout,
)
from splatc.image.readers.tiff.overlay import overlaid
from splatc.image.readers.tiff.samples import Convert, Raw, conversion, finished

_GRAY = (WHITE_IS_ZERO, BLACK_IS_ZERO, MASK)
_BY_PILLOW = (1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32946, 34925, 50000)
_BY_TIFFFILE = (1, 8, 32773, 32946)  # compressions that it knows without imagecodecs
_BY_VIPS = (1, 5, 8, 32773, 32946)
MAX_IN_MEMORY = 1 << 30
"""Bytes of samples; tifffile lays more of them into a temporary file."""


@dataclass(frozen=True)
class Rows:
    """An opened picture, turned as it is shown."""

    width: int
    height: int
    strips: Callable[[], Iterator[Samples]]
    notes: tuple[str, ...] = ()


def pillow_knows(page: Directory, layout: Layout) -> bool:
    """Whether Pillow gives all bits of every sample."""
    if (page.file.big and page.file.order == ">") or layout.compression not in _BY_PILLOW:
        return False
    if layout.fill_order != 1 and not (layout.samples == 1 and layout.bits <= 8):
        return False
    bits, samples, interleaved = layout.bits, layout.samples, layout.planar == 1
    if layout.photometric in _GRAY and len(layout.colour) == 1:
        if samples == 1:
            return bits in (1, 2, 4, 8, 16) or (bits == 12 and page.file.order == "<")
        return samples == 2 and bits == 8 and interleaved
    if layout.photometric in (*_GRAY, RGB):
        alpha_behind = layout.alpha in (None, 3)
        if not interleaved:
            return bits == 8 and alpha_behind and samples == (3 if layout.alpha is None else 4)
        return bits in (8, 16) and alpha_behind and samples <= 4
    if layout.photometric == PALETTE:
        return bits in (1, 2, 4, 8) and samples == 1
    if layout.photometric == YCBCR:
        raw = layout.compression == NONE and layout.subsampled
        return bits == 8 and samples in (1, 3) and interleaved and not raw
    if layout.photometric == CMYK:
        return bits in (8, 16) and samples == 4 and interleaved
    return bits == 8 and samples == 3 and interleaved


def open_pillow(page: Directory, layout: Layout, orientation: int) -> Rows:
    stream = overlaid(page, layout)
    if layout.compression != NONE and stream is not page.file.stream:
        stream = large_source.on_disk(stream, page.file.size)
    picture = pillow_source.open_header(stream)
    if layout.photometric in (PALETTE, CMYK, CIELAB) or layout.bits == 12:
        convert, notes = conversion(page, replace(layout, bits=8) if layout.photometric == CMYK else layout)
        picture.load()
        return _turned(np.asarray(picture), convert, orientation, notes)
    _, _, _, rows, notes = pillow_source.decode(picture, stream)

    def finish(samples: Samples) -> Samples:
        return finished(samples, layout)

    if orientation == 1:
        return Rows(layout.width, layout.height, lambda: map(finish, pillow_source.strips(layout.height, rows)), notes)
    return _turned(np.concatenate(list(pillow_source.strips(layout.height, rows))), finish, orientation, notes)


def open_wide(page: Directory, layout: Layout, orientation: int) -> Rows:
    convert, notes = conversion(page, layout)
    return _turned(wide.raw_samples(page, layout), convert, orientation, notes)


def tifffile_knows(_page: Directory, layout: Layout) -> bool:
    """Whether tifffile gives the samples as they stand, with the codecs that are installed."""
    if not large_source.installed("tifffile"):
        return False
    if layout.photometric == YCBCR and layout.compression != JPEG:
        return False
    if layout.compression == OLD_JPEG or (layout.predictor != 1 and layout.bits not in (8, 16)):
        return False
    if large_source.installed("imagecodecs"):
        return True
    return layout.compression in _BY_TIFFFILE and layout.bits in (1, 8, 16)


def open_tifffile(page: Directory, layout: Layout, orientation: int) -> Rows:
    import tifffile

    size = layout.width * layout.height * layout.samples * (2 if layout.bits > 8 else 1)
    with heeded("tifffile"), tifffile.TiffFile(overlaid(page, layout)) as file:
        first = file.pages.first
        pixels = first.asarray(out="memmap" if size > MAX_IN_MEMORY else None)
    if layout.planar == 2:
        pixels = np.moveaxis(pixels.reshape(layout.samples, layout.height, layout.width), 0, -1)
    if pixels.dtype == np.bool_:
        pixels = pixels.view(np.uint8)
    convert, notes = conversion(page, layout)
    return _turned(pixels.reshape(layout.height, layout.width, -1), convert, orientation, notes)


def vips_knows(page: Directory, layout: Layout) -> bool:
    """Whether libvips gives these samples; it reads a file by its name, and its chain of directories alone."""
    return (
        layout.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB)
        and (layout.bits in (8, 16) or (layout.bits in (1, 2, 4) and layout.samples == 1))
        and not (layout.photometric == WHITE_IS_ZERO and layout.samples > 1)
        and not layout.associated
        and layout.compression in _BY_VIPS
        and layout.fill_order == 1
        and not (layout.planar == 2 and (layout.tiled or layout.photometric != RGB))
        and page.index is not None
        and large_source.installed("pyvips")
    )


def open_vips(page: Directory, layout: Layout, orientation: int, path: str | None) -> Rows:
    """`path` is None for what has no name, which libvips gets as bytes."""
    stored = large_source.open_vips_page(path or _all(page), page.index or 0, orientation)
    upright = replace(
        layout, photometric=BLACK_IS_ZERO if layout.samples == 1 else layout.photometric, bits=stored.bit_depth
    )
    convert, notes = conversion(page, upright)  # libvips turns WhiteIsZero over by itself
    return Rows(stored.width, stored.height, lambda: map(convert, stored.strips()), notes)


def _all(page: Directory) -> bytes:
    page.file.stream.seek(0)
    return page.file.stream.read()


def _turned(raw: Raw, convert: Convert, orientation: int, notes: tuple[str, ...]) -> Rows:
    """Rows of samples that lie in memory as they are stored: (H, W) or (H, W, S)."""
    shown = turned(raw.reshape(*raw.shape[:2], -1), orientation)
    height, width, _ = shown.shape

    def strips() -> Iterator[Samples]:
        return pillow_source.strips(height, lambda top, bottom: convert(shown[top:bottom]))

    return Rows(width, height, strips, notes)
