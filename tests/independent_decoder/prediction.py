"""prediction.md: angles and colours from neighbours."""

from __future__ import annotations

from operator import mul

import numpy as np

from tests.independent_decoder.model import Header, Symbols, clamp
from tests.independent_decoder.quantization import CODED, colour_step, position_step


def predict(
    header: Header, symbols: list[Symbols], angles: list[int], colours: list[list[int]]
) -> tuple[list[int], list[list[int]]]:
    """Angles and colours, from the first Gaussian that has none yet (those of ancestors have) to the last."""
    x = np.array([((2 * s.x + 1) * position_step(header, s.level)) >> 29 for s in symbols], np.int64)
    y = np.array([((2 * s.y + 1) * position_step(header, s.level)) >> 29 for s in symbols], np.int64)
    for i, gaussian in enumerate(symbols):
        if i < len(angles):
            continue
        # <Neighbours>: argmin gives the first of equals
        distance = (x[i] - x[:i]) ** 2 + (y[i] - y[:i]) ** 2
        near: list[tuple[int, int]] = []  # index and D
        for _ in range(min(4, i)):
            j = int(distance.argmin())
            near.append((j, int(distance[j])))
            distance[j] = np.iinfo(np.int64).max
        # <Colour>
        colour = []
        for index, channel in enumerate(CODED[header.channels]):
            t = colour_step(header, gaussian.level, channel)
            e = {"Y": 32768, "U": 0, "V": 0, "A": 65536}[channel]
            if near:
                w = [max(1, 2**30 // (d + 4096)) for _, d in near]
                steps = [colour_step(header, symbols[j].level, channel) for j, _ in near]
                v = [
                    clamp((colours[j][index] * s) >> 16, -(2**20), 2**20) for (j, _), s in zip(near, steps, strict=True)
                ]
                e = sum(map(mul, w, v)) // sum(w)
            prediction = ((e << 17) + t) // (2 * t)
            colour.append((prediction + gaussian.residual[index] + 32768) % 65536 - 32768)
        colours.append(colour)
        # <Angle>
        m, prediction = gaussian.m, 0
        turned = [j for j, _ in near if symbols[j].m > 1]
        if turned:
            other, angle = symbols[turned[0]].m, angles[turned[0]]
            prediction = (2 * angle * m + other) // (2 * other) % m
        angles.append((prediction + gaussian.turn) % m)
    return angles, colours
