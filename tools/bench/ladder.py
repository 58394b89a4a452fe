"""Files of one picture by level, as most codecs make them, and the best of them under a limit of bytes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.codec import Codec, Measurement, size_limit
from splatc.image.image import Samples
from splatc.image.metrics import psnr

NEARLY = 0.995
"""The share of a limit from which on a file needs no other above it: its quality is that of the limit itself."""


class Ladder:
    """The files of one picture by level, along which they grow, each made when first asked for."""

    def __init__(self, levels: int, encode: Callable[[int], bytes]) -> None:
        """``encode`` makes the file of a level from 0 to ``levels`` - 1."""
        self._levels = levels
        self._encode = encode
        self._coded: dict[int, tuple[bytes, float]] = {}

    def coded(self, level: int) -> tuple[bytes, float]:
        """The file, and the seconds that it took."""
        if level not in self._coded:
            start = time.perf_counter()
            data = self._encode(level)
            self._coded[level] = data, time.perf_counter() - start
        return self._coded[level]

    def highest(self, limit: int) -> int | None:
        """The highest level whose file has at most ``limit`` bytes, where sizes rise; None if that of the lowest has more.

        The next level is known to have more: its file has been made, too. What other limits asked for is used again. Every fourth step
        is a bisection, the others are guesses.
        """
        low, high = 0, self._levels
        if self._size(low) > limit:
            return None
        for level in sorted(self._coded):
            if self._size(level) <= limit:
                low = max(low, level)
            else:
                high = min(high, level)
        if high < low:  # sizes that do not rise: begin anew from the lowest
            low = 0
        steps = 0
        while high - low > 1:
            middle = (low + high) // 2 if steps % 4 == 3 else self._guess(low, high, limit)
            middle = min(max(middle, low + 1), high - 1)
            steps += 1
            if self._size(middle) <= limit:
                low = middle
            else:
                high = middle
        return low

    def _guess(self, low: int, high: int, limit: int) -> int:
        """Where the logarithm of the size, taken for straight, comes to the limit: from ``low`` on, whose file fits."""
        is_bounded = high < self._levels
        other = high if is_bounded else max((level for level in self._coded if level < low), default=low)
        if self._size(other) == self._size(low):
            return (low + high) // 2
        rise = math.log(self._size(other) / self._size(low)) / (other - low)
        level = low + math.log(limit / self._size(low)) / rise
        return int(level) if is_bounded else math.ceil(level)

    def above(self, level: int) -> int | None:
        """The next level; None if there is none."""
        return level + 1 if level + 1 < self._levels else None

    def _size(self, level: int) -> int:
        return len(self.coded(level)[0])


@dataclass(frozen=True)
class Variant:
    """A way to code a picture that has levels of its own."""

    note: str
    ladder: Ladder


def best_files(
    codec: Codec,
    pixels: Samples,
    ratios: Sequence[float],
    choices: Sequence[Sequence[Variant]],
    folder: Path,
    *,
    exhaustive: bool = True,
) -> Iterator[Measurement | None]:
    """For each ratio the variant of the highest PSNR, each at its highest level that fits.

    Args:
        codec: What decodes the files.
        pixels: The picture.
        ratios: The compression ratios.
        choices: Variants, by groups.
        folder: For temporary files.
        exhaustive: Whether all groups are tried, or each only where those before it have no file so small.
    """

    def decoded(variant: Variant, level: int) -> Measurement:
        data, encode_seconds = variant.ladder.coded(level)
        start = time.perf_counter()
        found = codec.decode(data, pixels.shape, folder)
        return Measurement(data, found, encode_seconds, time.perf_counter() - start, variant.note)

    for ratio in ratios:
        limit = size_limit(pixels, ratio)
        best: tuple[float, Variant, int, Measurement] | None = None
        for variants in choices:
            for variant in variants:
                if (level := variant.ladder.highest(limit)) is None:
                    continue
                measurement = decoded(variant, level)
                quality = psnr(pixels, measurement.pixels)
                if best is None or quality > best[0]:
                    best = quality, variant, level, measurement
            if best is not None and not exhaustive:
                break
        if best is None:
            yield None
            continue
        _, variant, level, measurement = best
        next_level = variant.ladder.above(level)
        if measurement.size < NEARLY * limit and next_level is not None:
            measurement = replace(measurement, above=decoded(variant, next_level))
        yield measurement
