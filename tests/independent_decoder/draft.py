"""draft.md: angles from the directions around, sub-cell offsets by the area of their slices."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.independent_decoder.coder import AdaptiveTable, Cumulative, ParametricModel, RangeDecoder, table
from tests.independent_decoder.model import Header, Symbols, clamp
from tests.independent_decoder.prediction import colour, distances, nearest, over_16, places, predicted_angle, shape
from tests.independent_decoder.priors import residual_prior
from tests.independent_decoder.quantization import DIRECTIONS, STEP8
from tests.independent_decoder.tables import Tables

AREAS, ORIENTATION, CHROMA = 1, 2, 4
WEIGHT = (28, 26, 30, 26, 17, 13, 13, -6)
WIDTH = (126, 122, 123, 127, 130, 134, 141, 97)


SIGMOID = (
    32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724, 59287, 60565, 61598, 62428, 63090, 63615, 64030,
    64357, 64614, 64816, 64974, 65097, 65194, 65269, 65328, 65374, 65410, 65438, 65459, 65476, 65489, 65500, 65508,
    65514, 65519, 65523, 65526, 65528, 65530, 65531, 65532, 65533, 65534, 65534, 65535, 65535, 65535, 65535, 65535,
    65536, 65536,
)  # fmt: skip
SLOPES = {
    1: ((18, 13, 6, 2, -2), (0, 25, 19, -1, 23), (-35, -121, -94, 23, -41), (17, 56, -4, -83, 34)),
    2: ((17, 11, 3, 0, -1, 8), (-4, 23, -4, 4, 7, 41), (20, -67, -47, -7, -42, -22), (78, 2, 25, -80, -9, 54)),
}
STARTS = {1: (0, -10, 135, -53), 2: (1, -2, 71, -62)}
MOVES = {1: ((37, 1), (-8, 1)), 2: ((34, 0, 5), (6, 1, -5))}


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
    colours: list[list[int]]
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


def eighths(n: int) -> int:
    """lg of <Chroma>."""
    whole = n.bit_length() - 1
    mantissa = n >> (whole - 16) if whole > 16 else n << (16 - whole)
    return 8 * whole + max(j for j in range(8) if STEP8[j] <= mantissa)


def logistic(x: int, s: int) -> int:
    """L of <Chroma>."""
    u = min(1024 * abs(x) // s, 12288)
    k = u >> 8
    share_of_x = SIGMOID[k] + ((SIGMOID[k + 1] - SIGMOID[k]) * (u & 255) >> 8)
    return 65536 - share_of_x if x < 0 else share_of_x


class ChromaReader:
    """<Chroma> of one level."""

    def __init__(self, decoder: RangeDecoder, tables: Tables) -> None:
        self.decoder, self.tables = decoder, tables
        self.made: dict[int, Cumulative] = {}
        self.left, self.seen = {1: 0, 2: 0}, {1: 0, 2: 0}

    def distribution(
        self, model: ParametricModel, symbol: Symbols, index: int, t: int, prediction: int, v: list[int]
    ) -> Cumulative:
        before = symbol.colour_residual[:index]
        own, n = over_16(prediction, t), len(v)
        mean = sum(v) // n if n else 0
        spread, off = (sum(abs(each - middle) for each in v) for middle in (mean, own))
        features = [
            eighths(max(1, 64 * model.sum // model.number)),
            eighths(1 + (spread << 20) // (max(n, 1) * t)),
            eighths(1 + (off << 20) // (max(n, 1) * t)),
            8 * symbol.level,
            *(eighths(1 + 4 * min(abs(each), 49)) for each in before),
        ]
        moved = [
            clamp(((mean - own) << 20) // t, -320, 320) if n else 0,
            *(16 * clamp(each, -20, 20) for each in before),
        ]
        outputs = [
            start + (sum(a * b for a, b in zip(slopes, features, strict=True)) >> 6)
            for start, slopes in zip(STARTS[index], SLOPES[index], strict=True)
        ]
        parts = [(weight(48), self.made[index])]
        for k in (0, 1):
            s = (STEP8[clamp(outputs[k], 0, 111) % 8] << (clamp(outputs[k], 0, 111) // 8)) >> 16
            middle = clamp(sum(a * b for a, b in zip(MOVES[index][k], moved, strict=True)) >> 6, -320, 320)
            g = [0, *(logistic(16 * each - 776 - middle, s) for each in range(1, 97)), 65536, 65536]
            parts.append((weight(48 + outputs[2 + k]), g))
        total = sum(w for w, _ in parts)
        return [s + sum(w * g[s] for w, g in parts) * (65536 - 98) // (65536 * total) for s in range(99)]

    def __call__(self, symbol: Symbols, index: int, t: int, prediction: int, v: list[int]) -> int:
        model = self.tables["residual", "YUV"[index]]
        assert isinstance(model, ParametricModel)
        if self.left[index] == 0:
            p = residual_prior(256 * model.sum // (model.sum + model.number), 96)
            self.made[index] = table([a + b for a, b in zip(model.counts, p, strict=True)])
            self.left[index] = max(4, self.seen[index] // 4)
        s = self.decoder.symbol(self.distribution(model, symbol, index, t, prediction, v))
        model.counts[s] += 256
        model.sum += abs(s - 48)
        model.number += 1
        self.left[index] -= 1
        self.seen[index] += 1
        if s < 97:
            return s - 48
        (u,) = self.decoder.uniform(16, 1)
        if u < 97:
            raise ValueError("an escape for a residual that has a symbol")
        return -(u + 1) // 2 if u % 2 else u // 2


def read_chroma(decoder: RangeDecoder, tables: Tables, around: Around, level: list[Symbols]) -> None:
    """<Chroma> of a level: its colours become known, and their residuals."""
    symbols, reader = around.symbols + level, ChromaReader(decoder, tables)
    shapes = [shape(around.header, each, angle) for each, angle in zip(symbols, around.angles, strict=True)]
    for i in range(around.first, len(symbols)):
        near = nearest(around.x, around.y, i)
        f = distances(around.x, around.y, shapes, i, near)
        around.colours.append(colour(around.header, symbols, around.colours, i, near, f, reader))
