"""Any number of interleaved samples through Pillow, which knows few numbers: as gray that is so many times as wide.

So what splatc writes (16-bit gray with alpha) is read in every installation. Differences between pixels (the predictor) are undone here:
Pillow would take them between neighbouring samples.
"""

from __future__ import annotations

import numpy as np

from splatc.image.readers import pillow_source
from splatc.image.readers.tiff.directory import Directory
from splatc.image.readers.tiff.layout import BLACK_IS_ZERO, RGB, WHITE_IS_ZERO, Layout
from splatc.image.readers.tiff.overlay import overlaid_as
from splatc.image.readers.tiff.samples import Raw

_COMPRESSIONS = (1, 5, 8, 32773, 32946, 34925, 50000)
_WITH_PREDICTOR = (5, 8, 32946, 34925, 50000)
_WIDTH, _BITS, _PHOTOMETRIC, _SAMPLES, _PREDICTOR, _TILE_WIDTH, _EXTRA = 256, 258, 262, 277, 317, 322, 338


def knows(page: Directory, layout: Layout) -> bool:
    return (
        not (page.file.big and page.file.order == ">")
        and layout.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB)
        and layout.bits in (8, 16)
        and layout.samples > 1
        and layout.planar == 1
        and layout.fill_order == 1
        and layout.predictor in (1, 2)
        and layout.compression in _COMPRESSIONS
    )


def raw_samples(page: Directory, layout: Layout) -> Raw:
    """(H, W, S) samples as they are stored."""
    numbers = {
        _WIDTH: layout.width * layout.samples,
        _BITS: layout.bits,
        _PHOTOMETRIC: BLACK_IS_ZERO,
        _SAMPLES: 1,
    }
    tile = page.number(_TILE_WIDTH, 0) if layout.tiled else 0
    if tile:
        numbers[_TILE_WIDTH] = tile * layout.samples
    picture = pillow_source.open_header(overlaid_as(page, numbers, without=(_PREDICTOR, _EXTRA)))
    picture.load()
    gray = np.asarray(picture)
    samples = gray.astype(np.uint8 if layout.bits == 8 else np.uint16).reshape(layout.height, layout.width, -1)
    if layout.predictor == 2 and layout.compression in _WITH_PREDICTOR:
        for left in range(0, layout.width, tile or layout.width):
            part = samples[:, left : left + (tile or layout.width)]
            np.cumsum(part, axis=1, dtype=samples.dtype, out=part)
    return samples
