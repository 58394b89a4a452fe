"""prediction.md: angles and colours from neighbours."""

from __future__ import annotations

from collections.abc import Callable
from operator import mul

import numpy as np

from tests.independent_decoder.model import Header, Integers, Symbols, clamp
from tests.independent_decoder.quantization import CODED, STEP8, colour_step, position_step, step

QUARTER = [16384, 16305, 16069, 15679, 15137, 14449, 13623, 12665, 11585, 10394, 9102, 7723, 6270, 4756, 3196, 1606, 0]
COS = [*QUARTER, *(-c for c in QUARTER[15::-1]), *(-c for c in QUARTER[1:]), *QUARTER[15:0:-1]]


ReadResidual = Callable[[Symbols, int, int, int, list[int]], int]


def predict(
    header: Header, symbols: list[Symbols], angles: list[int], colours: list[list[int]]
) -> tuple[list[int], list[list[int]]]:
    """Angles and colours, from the first Gaussian that has none yet (those of ancestors have) to the last."""
    x, y = places(header, [(s.level, s.x, s.y) for s in symbols])
    ms = [s.m for s in symbols]
    start = len(angles)
    neighbours = {i: nearest(x, y, i) for i in range(start, len(symbols))}
    for i, near in neighbours.items():  # <Angle>
        angles.append((predicted_angle(near, ms, angles, ms[i]) + symbols[i].angle_residual) % ms[i])
    shapes = [shape(header, gaussian, angle) for gaussian, angle in zip(symbols, angles, strict=True)]
    for i, near in neighbours.items():
        colours.append(colour(header, symbols, colours, i, near, distances(x, y, shapes, i, near)))
    return angles, colours


def distances(x: Integers, y: Integers, shapes: list[tuple[int, int, int]], i: int, near: list[int]) -> list[int]:
    """f of <Distance>."""
    apart = [(int(x[i] - x[j]), int(y[i] - y[j])) for j in near]
    sums = [map(sum, zip(shapes[i], shapes[j], strict=True)) for j in near]
    return [48 + distance(*d, *both) for d, both in zip(apart, sums, strict=True)]


def places(header: Header, cells: list[tuple[int, int, int]]) -> tuple[Integers, Integers]:
    """X and Y of <Neighbours>, of (level, x, y)."""
    x, y = (
        np.array([((2 * cell[axis] + 1) * position_step(header, cell[0])) >> 29 for cell in cells], np.int64)
        for axis in (1, 2)
    )
    return x, y


def predicted_angle(near: list[int], ms: list[int], angles: list[int], m: int) -> int:
    """p of <Angle>."""
    for j in near[:4]:
        if ms[j] > 1:
            return (2 * angles[j] * m + ms[j]) // (2 * ms[j]) % m
    return 0


def nearest(x: Integers, y: Integers, i: int) -> list[int]:
    """<Neighbours>."""
    squares = (x[i] - x[:i]) ** 2 + (y[i] - y[:i]) ** 2
    order: list[int] = np.argsort(squares, kind="stable")[:16].tolist()  # stable: the first of equals first
    return order


def shape(header: Header, gaussian: Symbols, angle: int) -> tuple[int, int, int]:
    """<Colour>, Shape."""
    a = min((gaussian.aspect * step(header.aspect)) >> 16, 4 << 16)
    k = 16 * gaussian.level + 48 + 8 * (2 * gaussian.log_scale + 1) // header.log_scales
    d = (2955 * a) >> 24
    large, small = ((STEP8[e % 8] << max(0, e // 8)) >> 16 for e in (k + d, k - d))
    sixty_fourth = (128 * angle + gaussian.m) // (2 * gaussian.m) % 64
    h, e = (large + small) >> 1, (large - small) >> 1
    across, slant = (
        (e >> 14) * c + ((e % 2**14 * c) >> 14) for c in (COS[sixty_fourth], COS[(sixty_fourth - 16) % 64])
    )
    return h + across, slant, h - across


def distance(dx: int, dy: int, xx: int, xy: int, yy: int) -> int:
    """<Colour>, q of Distance."""
    s = 0
    while (xx + yy) >> (20 + 2 * s):
        s += 1
    xx, xy, yy = xx >> 2 * s, xy >> 2 * s, yy >> 2 * s
    dx, dy = (min(abs(d) >> s, 32767) * (1 if d > 0 else -1) for d in (dx, dy))
    return min(2**20, 16 * max(0, dx * dx * yy - 2 * dx * dy * xy + dy * dy * xx) // max(1, xx * yy - xy * xy))


def colour(
    header: Header,
    symbols: list[Symbols],
    colours: list[list[int]],
    i: int,
    near: list[int],
    f: list[int],
    read: ReadResidual | None = None,
) -> list[int]:
    """<Colour>, Prediction. Residuals of U and V are those of the symbols, or read when they are predicted: a draft may have them so."""
    found: list[int] = []
    n = [max(1, 2**40 // (each * each)) for each in f]
    likeness = [2**35 // each for each in f]
    channels = CODED[header.channels]
    for index, channel in enumerate(channels):
        t = colour_step(header, symbols[i].level, channel)
        e = {"Y": 32768, "U": 0, "V": 0, "A": 65536}[channel]
        v = [over_16(colours[j][index], colour_step(header, symbols[j].level, channel)) for j in near]
        if near:
            w = likeness if channel in "UV" else n
            e = sum(map(mul, w, v)) // sum(w)
        prediction = ((e << 17) + t) // (2 * t)
        if read is not None and channel in "UV":
            wrapped = (prediction + 32768) % 65536 - 32768
            symbols[i].colour_residual[index] = read(symbols[i], index, t, wrapped, v[:6])
        found.append((prediction + symbols[i].colour_residual[index] + 32768) % 65536 - 32768)
        if "U" in channels and channel in "YU":
            own, u = over_16(found[-1], t), max(1, ({"Y": 4, "U": 1}[channel] * t) >> 16)
            r = [min(1024, 16 * abs(each - own) // u) for each in v]
            likeness = [max(1, (each << 16) // (256 + far * far) ** 2) for each, far in zip(likeness, r, strict=True)]
    return found


def over_16(index: int, t: int) -> int:
    """A colour over 2^16."""
    return clamp((index * t) >> 16, -(2**20), 2**20)
