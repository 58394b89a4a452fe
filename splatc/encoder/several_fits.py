"""The slowest effort: several fits with other quantization steps, of which the best file is kept.

Ten times the steps in one fit bring 0.06 dB over the default, as Adam ends in a minimum; which steps suit a picture is what the fit cannot
find out by itself (tools/README.md, "Several fits").
"""

from __future__ import annotations

import time
from collections.abc import Callable

from splatc.decoder.budget import UNBOUNDED
from splatc.decoder.scene import decode_bytes
from splatc.image.image import Image
from splatc.image.metrics import ms_ssim, psnr, shown

SEVERAL = 9
"""The effort of several fits,"""
EACH = 7
"""and that of each of them."""
FITS = 3

Encode = Callable[[int, float | None, int], bytes]
"""A file by one fit, of (delta, seconds, number): all steps are 2^(delta / 8) times as wide; the time that it may take, if
there is a limit; how many fits there were before."""


def best_of_several(image: Image, ssim: bool, max_time: float | None, encode: Encode) -> bytes:
    """The best of some files of a picture, by what they decode to: PSNR, or MS-SSIM if ``ssim``.

    Each tries wider or narrower steps than the best so far. ``max_time`` is divided among them, and no fit begins when it has passed.
    """
    started = time.monotonic()
    found: dict[int, tuple[float, bytes]] = {}
    delta: int | None = 0
    while delta is not None and len(found) < FITS:
        left = None if max_time is None else max_time - (time.monotonic() - started)
        if found and left is not None and left <= 0.0:
            break
        data = encode(delta, None if left is None else left / (FITS - len(found)), len(found))
        found[delta] = quality(image, data, ssim), data
        delta = next_delta({delta: each for delta, (each, _) in found.items()})
    return max(found.values(), key=lambda each: each[0])[1]


def next_delta(found: dict[int, float]) -> int | None:
    """Beside the best so far: on the side that is not known, wider steps first; None if both are."""
    best = max(found, key=lambda delta: found[delta])
    return next((delta for delta in (best + 1, best - 1) if delta not in found), None)


def quality(image: Image, data: bytes, ssim: bool) -> float:
    """How near a file is to its picture."""
    a, b = shown(image.pixels), shown(decode_bytes(data, bit_depth=image.bit_depth, budget=UNBOUNDED).pixels)
    return ms_ssim(a, b) if ssim else psnr(a, b)
