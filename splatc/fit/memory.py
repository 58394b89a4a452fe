"""What a fit takes of memory, estimated from what is known before it begins: `--max-memory` of the encoder.

Each part was found by measuring processes (tests/test_fit_memory.py holds the sum to what they take). The interpreter with its modules is
not in it, nor what PyTorch takes, nor the memory of a GPU; the picture itself is. Parts that never lie in memory together are not added up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NoReturn

from splatc.errors import LimitError
from splatc.fit.planes import SMALL
from splatc.fit.schedule import Schedule
from splatc.fit.subset import reduction_for
from splatc.fit.task import WINDOW

FIXED = 20 << 20
"""Bytes of tables, lists of tiles and what the allocator keeps, of the smallest pictures."""
THREAD = 1 << 20
"""Bytes of a thread: its tile, its stack."""
SEED = 450
"""Bytes of a seeded Gaussian: values, moments, sums by tile, rounding, packing; 400 were measured of 60 000 to 90 000."""
SEEDING_SAMPLES = 16
"""Seeds are drawn from the picture reduced to no fewer samples for each."""
WEIGHING = 16
"""Bytes of each pixel that seeds are drawn from at a time, in tiles of 1024 x 1024."""
ERROR, SUM, SUMMED = 4, 8, 1 << 24
"""Bytes of the squared error of a sample, and of the sum up to it, of which there are so many at a time, at most (densification.py)."""
SUBSETS = 2
"""Sets of polyphase subsets of a picture that is small, or fitted by a loss of neighbourhoods (planes.py)."""
NEIGHBOURHOOD = 44
"""Bytes of each value that it looks at: pictures in several scales, their differences and derivatives, the curvature of the loss."""
OPTIMIZED, CHOICES = 8, 3200
"""Bytes of each value, and of each Gaussian that stays, of the rate-distortion optimization (splatc/encoder/rdo.py)."""
PILLOW = 4
"""Bytes of a pixel of any kind in Pillow."""


@dataclass(frozen=True)
class Workload:
    """What there is to fit."""

    width: int
    height: int
    """px"""
    channels: int
    bit_depth: int
    """8 or 16"""
    seeds: int
    """Gaussians to begin with."""
    threads: int = 1
    tune: str = "psnr"
    optimized: bool = False
    """Whether its integers go through the rate-distortion optimization."""

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def bytes(self) -> int:
        """Of the samples."""
        return self.pixels * self.channels * self.bit_depth // 8


def parts(work: Workload) -> dict[str, int]:
    """Bytes by what takes them; the sum bounds what an encoder allocates at a time."""
    plan = Schedule(0)
    per_value = 4 * work.channels
    coarse = reduction_for(work.width, work.height, SEEDING_SAMPLES * work.seeds)
    staying = max(1, round(work.seeds / plan.oversampling))
    step = plan.reduction(work.width, work.height, staying) if work.tune != "smartsplat" else 1
    samples = work.pixels // step**2
    transparent = work.channels in (2, 4)
    seeding = per_value * work.pixels // coarse**2 + WEIGHING * min(1 << 20, work.pixels // coarse**2)
    stepping = ERROR * samples + SUM * min(samples, SUMMED)
    if work.tune != "psnr":
        stepping += NEIGHBOURHOOD * work.channels * min(work.pixels, WINDOW)
    return {
        "picture": work.bytes,
        "transparent colours": work.bytes if transparent else 0,
        "subsets": work.bytes * (SUBSETS if step > 1 and (work.tune == "ssim" or work.bytes <= SMALL) else 1),
        "gaussians": SEED * work.seeds,
        "seeding or steps": max(seeding, stepping),
        "optimization": ((OPTIMIZED * work.channels + 4) * work.pixels + CHOICES * staying) if work.optimized else 0,
        "threads": THREAD * work.threads,
        "fixed": FIXED,
    }


def needed(work: Workload) -> int:
    """Bytes, all parts together."""
    return sum(parts(work).values())


def check(work: Workload, limit: int | None) -> None:
    """Raise LimitError if the work may take more than so many bytes; None allows everything."""
    total = needed(work)
    if limit is None or total <= limit:
        return
    advice = ["take a smaller picture or a smaller file"]
    if needed(replace(work, threads=1)) <= limit:
        advice.append("fewer threads")
    if needed(replace(work, tune="psnr")) <= limit:
        advice.append("--tune psnr")
    what = f"encoding {work.width} x {work.height} pixels, with {work.seeds} Gaussians to begin with,"
    _refuse(what, total, limit, ", or ".join(advice))


def reading(width: int, height: int, channels: int, bit_depth: int) -> int:
    """Bytes that reading such a picture file may take."""
    # Pillow holds a picture with four bytes a pixel beside ours, and an alpha that is opaque everywhere is left out of a copy of that.
    return width * height * (PILLOW + 2 * channels * bit_depth // 8)


def check_reading(width: int, height: int, channels: int, bit_depth: int, limit: int | None) -> None:
    """Raise LimitError if reading such a picture file may take more than so many bytes; None allows everything."""
    total = reading(width, height, channels, bit_depth)
    if limit is not None and total > limit:
        _refuse(f"reading {width} x {height} pixels", total, limit, "take a smaller picture")


def _refuse(what: str, total: int, limit: int, advice: str) -> NoReturn:
    allowed = f"{limit // 2**20} MiB" if limit >= 2**20 else f"{limit} bytes"
    raise LimitError(
        f"{what} would take some {-(-total // 2**20)} MiB of memory, more than the {allowed} allowed: {advice}, "
        "or raise --max-memory (in Python max_memory)"
    )


def most_seeds(work: Workload, limit: int) -> int:
    """The largest number of Gaussians to begin with for which the work stays within so many bytes; 0 if there is none."""
    low, high = 0, 1 << 32
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if needed(replace(work, seeds=middle)) <= limit else (low, middle - 1)
    return low
