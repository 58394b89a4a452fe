"""draft.md: angles from the directions around, sub-cell offsets by the area of their slices."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.independent_decoder.coder import AdaptiveTable, Cumulative, RangeDecoder, table
from tests.independent_decoder.model import Header, Symbols, clamp
from tests.independent_decoder.prediction import nearest, places, predicted_angle
from tests.independent_decoder.quantization import DIRECTIONS, STEP8
from tests.independent_decoder.tables import Tables

AREAS, ORIENTATION = 1, 2
WEIGHT = (28, 26, 30, 26, 17, 13, 13, -6)
WIDTH = (126, 122, 123, 127, 130, 134, 141, 97)


def slices(angle: int, m: int, f: int) -> Cumulative:
    """<Sub-cell offsets by area>: the table of the F slices of a cell."""
    turned = angle * (768 // m) % 384
    j = min(turned, 384 - turned)
    lean = (51472 * 36864 * j + 14064 * j**3) // 7077888

    def area(s: int) -> int:
        if 2 * s > f:
            return 65536 - area(f - s)
        y = s * (65536 + lean) // f
        if y == 0:
            return 0
        return y * y // (2 * lean) if y <= lean else y - lean // 2

    return [s + (area(s) * (65536 - f) >> 16) for s in range(f + 1)]


def weight(eighths: int) -> int:
    k = clamp(eighths, 0, 95)
    return (STEP8[k % 8] << (k // 8)) >> 14


def width(eighths: int) -> int:
    k = clamp(eighths, 0, 79)
    return (STEP8[k % 8] << (k // 8)) >> 16


def share(x: int, s: int) -> int:
    """H: of what lies below x, for -768 <= x <= 768."""
    half = 32768 * (s + 768) * abs(x) // (768 * (s + abs(x)))
    return 32768 - half if x < 0 else 32768 + half


def around_direction(direction: int, s: int, m: int) -> list[int]:
    """G of a part: of what lies before each of the M + 1 bounds, over 2^16."""
    start = (-768 // m - direction + 768) % 1536 - 768
    found = []
    for bound in range(m + 1):
        x = start + 1536 // m * bound
        found.append((share(x, s) if x <= 768 else 65536 + share(x - 1536, s)) - share(start, s))
    return found


@dataclass
class Around:
    """What is known of all Gaussians before a level, and of those of the level in coding order up to where the decoder is."""

    header: Header
    symbols: list[Symbols]
    angles: list[int]
    ms: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.ms = [s.m for s in self.symbols]

    def add_level(self, level: int, cells: list[tuple[int, int]], ms: list[int]) -> None:
        self.level, self.first = level, len(self.ms)
        self.ms = self.ms + ms
        before = [(s.level, s.x, s.y) for s in self.symbols]
        self.x, self.y = places(self.header, before + [(level, *cell) for cell in cells])

    def prediction(self, i: int) -> int:
        return predicted_angle(nearest(self.x, self.y, i), self.ms, self.angles, self.ms[i])

    def distribution(self, i: int, prediction: int, residuals: Cumulative) -> Cumulative:
        """<Orientation>, the cumulative frequencies of the M angles."""
        m = self.ms[i]
        c = DIRECTIONS.index(m)
        parts = [(weight(30 + (-39 * c >> 3)), [65536 * s // m for s in range(m + 1)])]
        turned = (m - prediction) % m
        wrapped = residuals + [65536 + f for f in residuals[1:]]
        parts.append((weight(58 + (-7 * c >> 3)), [wrapped[turned + s] - wrapped[turned] for s in range(m + 1)]))
        anchors = [j for j in nearest(self.x, self.y, i) if self.ms[j] > 1][:7]
        for j in anchors:
            cj = DIRECTIONS.index(self.ms[j])
            square = int((self.x[i] - self.x[j]) ** 2 + (self.y[i] - self.y[j]) ** 2) + 1
            d = clamp((square.bit_length() - 1) // 2 - self.level - 1, 0, 7)
            s = width(WIDTH[d] + (-35 * c - 23 * cj >> 3))
            g = around_direction(self.angles[j] * (1536 // self.ms[j]), s, m)
            parts.append((weight(WEIGHT[d] + (14 * c + 15 * cj >> 3)), g))
        parts.append((weight(3 + (15 * c >> 3)), around_direction(0, width(61 + (-28 * c >> 3)), m)))
        parts.append((weight(8 + (18 * c >> 3)), around_direction(768, width(74 + (-31 * c >> 3)), m)))
        total = sum(w for w, _ in parts)
        return [s + sum(w * g[s] for w, g in parts) * (65536 - m) // (65536 * total) for s in range(m + 1)]


def read_angles(decoder: RangeDecoder, tables: Tables, around: Around) -> list[int]:
    """<Orientation> of a level that was added: the angles, which become known, and their residuals, which are returned."""
    found: list[int] = []
    made: dict[int, Cumulative] = {}
    left: dict[int, int] = {}
    for i in range(around.first, len(around.ms)):
        m = around.ms[i]
        if m == 1:
            found.append(0)
            around.angles.append(0)
            continue
        residuals = tables["angle", m]
        assert isinstance(residuals, AdaptiveTable)
        if left.get(m, 0) == 0:
            made[m], left[m] = table(residuals.counts), max(4, residuals.seen // 4)
        prediction = around.prediction(i)
        angle = decoder.symbol(around.distribution(i, prediction, made[m]))
        found.append((angle - prediction) % m)
        around.angles.append(angle)
        residuals.grow(found[-1])
        residuals.seen += 1
        left[m] -= 1
    return found


def add_predictions(around: Around, residuals: list[int]) -> None:
    """Angles of a level that was added from residuals that were read as in 1.0."""
    for i, residual in enumerate(residuals, around.first):
        around.angles.append((around.prediction(i) + residual) % around.ms[i])
