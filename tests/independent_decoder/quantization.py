"""quantization.md: what the integers stand for."""

from __future__ import annotations

import math

import numpy as np

from tests.independent_decoder.model import Decoded, Floats, Header, clamp

STEP8 = (65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194)
DIRECTIONS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
OFFSETS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
THRESHOLDS = (22713, 58712, 81425, 104138, 126852, 149565, 172278, 194991)
CODED = {1: "Y", 2: "YA", 3: "YUV", 4: "YUVA"}


def step(k: int) -> int:
    k = clamp(k, 0, 191)
    return STEP8[k % 8] << (k // 8)


def position_step(header: Header, level: int) -> int:
    return step(header.position + level * header.position_slope)


def colour_step(header: Header, level: int, channel: str) -> int:
    """luma_step or chroma_step, whichever <Colour> names for this coded channel."""
    return step((header.chroma if channel in "UV" else header.luma) + level * header.colour_slope)


def grid(header: Header, level: int) -> tuple[int, int]:
    """(columns, rows) of the level."""
    p = position_step(header, level)
    return -(-(header.width << 32) // p), -(-(header.height << 32) // p)


def directions(header: Header, level: int, aspect: int) -> int:
    """M of <Angle>."""
    t = max(1, step(header.angle + level * header.angle_slope) >> 16)
    a = min((aspect * step(header.aspect)) >> 16, 262144)
    b = (a * a) >> 16
    c = (a * b) >> 16
    h = a + c // 6 + ((c * b) >> 16) // 120
    n = 205887 * h // (t << 16)
    return max(m for m in DIRECTIONS if m <= max(1, n))


def offsets(header: Header, aspect: int) -> int:
    """F of <Position>."""
    a = min((aspect * step(header.aspect)) >> 16, 4 << 16)
    return OFFSETS[sum(a >= threshold for threshold in THRESHOLDS)]


def offset_middle(offset: int, f: int, theta: float) -> tuple[float, float]:
    """(dx, dy) of <Position>: the middle of what the cell has of a line."""
    sin, cos = math.sin(theta), math.cos(theta)
    v = ((offset + 0.5) / f - 0.5) * (abs(sin) + abs(cos))
    first, last = -math.inf, math.inf
    for start, slope in ((-v * sin, cos), (v * cos, sin)):
        if slope != 0.0:
            ends = sorted(((-0.5 - start) / slope, (0.5 - start) / slope))
            first, last = max(first, ends[0]), min(last, ends[1])
    u = (first + last) / 2
    return u * cos - v * sin, u * sin + v * cos


def gaussians(decoded: Decoded) -> tuple[Floats, Floats, Floats, Floats]:
    """Means (n, 2) and scales (n, 2) in px, angles (n,) in rad, colours (n, channels), rounded to binary32 as picture.md asks."""
    header, level = decoded.header, decoded.level
    per_level = range(16)
    p = np.array([position_step(header, i) for i in per_level])[level] / 2**32
    g = 2 ** (level - 1 + (decoded.log_scale + 0.5) / header.log_scales)
    r = np.minimum(decoded.aspect * step(header.aspect) / 2**32, 4)
    scale = np.stack([g * np.exp(r / 2), g * np.exp(-r / 2)], axis=1)

    m = np.array([directions(header, int(i), int(a)) for i, a in zip(level, decoded.aspect, strict=True)])
    theta = decoded.angle * math.pi / m
    f = [offsets(header, int(a)) for a in decoded.aspect]
    middles = [offset_middle(*each) for each in zip(decoded.offset.tolist(), f, theta.tolist(), strict=True)]
    dx, dy = np.array(middles).reshape(-1, 2).T
    mean = np.stack([(decoded.x + 0.5 + dx) * p, (decoded.y + 0.5 + dy) * p], axis=1)

    coded = {}
    for index, channel in enumerate(CODED[header.channels]):
        t = np.array([colour_step(header, i, channel) for i in per_level])[level]
        coded[channel] = np.clip(decoded.colour[:, index] * t / 2**32, -4, 4)
    if header.channels >= 3:
        y, u, v = coded.pop("Y"), coded.pop("U"), coded.pop("V")
        rgb = [y + 1.224744871 * u + 0.707106781 * v, y - 1.414213562 * v, y - 1.224744871 * u + 0.707106781 * v]
        colour = np.stack([*rgb, *coded.values()], axis=1)
    else:
        colour = np.stack(list(coded.values()), axis=1)
    return binary32(mean), binary32(scale), binary32(theta), binary32(colour)


def binary32(numbers: Floats) -> Floats:
    return numbers.astype(np.float32).astype(np.float64)
