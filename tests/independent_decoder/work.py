"""limits.md, <Work>: what a file takes to be read and drawn, in evaluations."""

from __future__ import annotations

import math
from fractions import Fraction

from tests.independent_decoder.container import read_container
from tests.independent_decoder.gaussians import decode
from tests.independent_decoder.model import Decoded, Symbols
from tests.independent_decoder.prediction import shape
from tests.independent_decoder.quantization import directions, position_step

READ, SEARCHED, ROOM, GRID = 4096, 64, 32, 16

Region = tuple[int, int, int, int]


def work(data: bytes, region: Region | None = None, scale: Fraction = Fraction(1)) -> int:
    """Of a view of a file that is one section, or of all of any file."""
    decoded = decode(data)
    whole = 0, 0, decoded.header.width, decoded.header.height
    return reading(data) + drawing(decoded, whole if region is None else region, scale)


def reading(data: bytes) -> int:
    """Of all sections of a file."""
    total = 0
    for section in read_container(data)[1]:
        own = sum(section.counts)
        total += READ * own + SEARCHED * (own + sum(sum(each.counts) for each in section.ancestors()))
    return total


def drawing(decoded: Decoded, region: Region, s: Fraction) -> int:
    """Of a view of some Gaussians."""
    x, y, w, h = region
    n = min(math.ceil(1 / s), 4 if s > Fraction(1, 16) else 8)
    d = n * s
    left, right = clipped(x, w, decoded.header.width, math.ceil(2048 / d))
    upper, lower = clipped(y, h, decoded.header.height, math.ceil(512 / d))
    total = Fraction(0)
    for middle_x, middle_y, rx, ry in boxes(decoded):
        a = min(middle_x + rx, right) - max(middle_x - rx, left)
        b = min(middle_y + ry, lower) - max(middle_y - ry, upper)
        if a > 0 and b > 0:
            total += (a * d / 16 + ROOM) * (b * d / 16 + ROOM)
    return math.ceil(total) + GRID * n * n * math.ceil(w * s) * math.ceil(h * s)


def clipped(start: int, length: int, side: int, margin: int) -> tuple[int, int]:
    """Both ends of the widened region, along one side of the picture."""
    return max(0, 16 * start - margin), min(16 * side, 16 * (start + length) + margin)


def boxes(decoded: Decoded) -> list[tuple[int, int, int, int]]:
    """(X, Y, rx, ry) of each Gaussian."""
    header, found = decoded.header, []
    columns = (decoded.level, decoded.x, decoded.y, decoded.log_scale, decoded.aspect, decoded.angle)
    for level, x, y, log_scale, aspect, angle in zip(*(each.tolist() for each in columns), strict=True):
        p = position_step(header, level)
        m = directions(header, level, aspect)
        cxx, _, cyy = shape(header, Symbols(level, x, y, log_scale, aspect, m, 0, 0, []), angle)
        half = (math.isqrt(49 * c // 4) + 1 for c in (cxx, cyy))
        found.append((((2 * x + 1) * p) >> 29, ((2 * y + 1) * p) >> 29, *half))
    return found
