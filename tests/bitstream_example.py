"""The page spec/example.md, made from a real file: ``python -m tests.bitstream_example > spec/example.md`` writes it anew."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from splatc import bitstream, core
from splatc.bitstream import Header, layout, positions, predict, stream
from splatc.bitstream.coder import Encoder, Frequencies, Symbols
from splatc.blend import Blend
from splatc.quantize import QuantizedGaussians, angle_count_table, offset_count_table
from splatc.steps import Quantizer, grid_shape


def example() -> tuple[Header, QuantizedGaussians]:
    """A 24 x 16 RGB picture of six Gaussians in levels 4, 2 and 0; two share a cell, one has a residual that escapes."""
    columns = np.array(
        [
            # level, x, y, log_scale, aspect, angle, offset, Y, U, V
            (4, 6, 8, 2, 0, 0, 0, 20, 3, -1),
            (4, 18, 5, 5, 3, 1, 1, 31, 2, 0),
            (2, 3, 3, 6, 9, 4, 2, 22, 4, -60),
            (0, 12, 9, 1, 2, 1, 0, 35, 0, 2),
            (0, 12, 9, 0, 0, 0, 0, 33, 0, 2),
            (0, 60, 40, 3, 5, 2, 1, 12, 1, 1),
        ],
        np.int32,
    )
    quantizer = Quantizer(
        position=116,
        position_slope=2,
        log_scales=7,
        aspect=104,
        angle=104,
        angle_slope=0,
        luma=86,
        chroma=88,
        colour_slope=-1,
    )
    level, x, y, log_scale, aspect, angle, offset = columns.T[:7]
    gaussians = QuantizedGaussians(level, x, y, log_scale, aspect, angle, offset, colour=columns[:, 7:])
    return Header(24, 16, 3, (120, 130, 140), Blend.NORMALIZED, 8, quantizer), gaussians


class Tracer(Encoder):
    """Writes down what is coded, for a reader who compares his own decoder step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def code(self, frequencies: Frequencies, symbols: Symbols) -> None:
        super().code(frequencies, symbols)
        if len(symbols) and len(frequencies) > 1:
            shares = " ".join(str(frequencies[symbol]) for symbol in symbols)
            self.lines.append(f"{self.part:<10} {len(frequencies):>3}  {' '.join(map(str, symbols)):<12} {shares}")


def hex_dump(data: bytes) -> str:
    """Sixteen bytes a line."""
    return "\n".join(f"{at:04x}  {data[at : at + 16].hex(' ')}" for at in range(0, len(data), 16))


def page() -> str:
    """The whole page."""
    head, g = example()
    data = bitstream.encode(head, g)
    head = bitstream.read_header(data)
    symbols = predict.to_symbols(head.quantizer, g)
    tracer = Tracer()
    tables = stream.Tables()
    for level in layout.ranges(head, *layout.undivided(head, 0)):
        stream.code_level(tracer, head, level, symbols, tables, positions.encode)

    places = zip(LAYOUT, np.cumsum([0, *(length for length, _ in LAYOUT)]).tolist(), strict=False)
    places_read = [
        (at, data[at : at + length].hex(" ") if length <= 8 else "...", text) for (length, text), at in places
    ]
    values = zip(g.level, g.x, g.y, g.log_scale, g.aspect, g.angle, g.offset, *g.colour.T, strict=True)
    steps = [head.quantizer.position_step(level) for level in g.level.tolist()]
    grids = [grid_shape(head.width, head.height, step) for step in steps]
    common_x, common_y = (
        [(2 * cell + 1) * step >> 29 for cell, step in zip(cells.tolist(), steps, strict=True)] for cells in (g.x, g.y)
    )
    neighbours = core.find_neighbours(np.array(common_x), np.array(common_y))
    predicted = zip(
        range(len(g)),
        common_x,
        common_y,
        [" ".join(str(index) for index in row if index >= 0) or "none" for row in neighbours],
        angle_count_table(head.quantizer)[g.level, g.aspect],
        offset_count_table(head.quantizer)[g.aspect],
        symbols.attributes["angle"],
        *symbols.attributes["colour"].T,
        strict=True,
    )
    return PAGE.format(
        size=len(data),
        dump=hex_dump(data),
        layout=table(("at", "bytes", "meaning"), places_read),
        values=table(("level", "x", "y", "log scale", "log aspect ratio", "angle", "offset", "Y", "U", "V"), values),
        grids=", ".join(
            f"{c} x {r} cells in level {level}" for level, (c, r) in dict(zip(g.level, grids, strict=True)).items()
        ),
        predicted=table(
            ("number", "X", "Y", "neighbours", "M", "F", "orientation residual", "residual Y", "U", "V"), predicted
        ),
        trace="\n".join(tracer.lines),
    )


def table(titles: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


LAYOUT = (
    (8, "signature"),
    (4, "chunk type HEAD"),
    (1, "length 23"),
    (2, "version 1.0"),
    (1, "flags 5: normalized, 3 channels, depth 8"),
    (2, "width 24, height 16"),
    (3, "background 120, 130, 140"),
    (2, "position 116, position_slope 2"),
    (1, "log_scales 7"),
    (1, "aspect 104"),
    (2, "angle 104, angle_slope 0"),
    (3, "luma 86, chroma 88, colour_slope -1"),
    (1, "levels 5"),
    (5, "level_counts: 2 in level 4, 0 in level 3, 1 in level 2, 0 in level 1, 3 in level 0"),
    (4, "CRC-32 of HEAD"),
    (4, "chunk type GAUS"),
    (1, "length 28"),
    (28, "payload"),
    (4, "CRC-32 of GAUS"),
)

PAGE = """\
# A small file, byte by byte

A 24 x 16 RGB picture of six Gaussians in {size} bytes. This page is made by the reference implementation (tests/bitstream_example.py).

```
{dump}
```

{layout}

## What it holds

The six Gaussians, in coding order:

{values}

The position grids have {grids}.

## How they are predicted

Gaussian by Gaussian: common coordinates, neighbours (nearest first), number of directions, number of sub-cell offsets, and what is coded.

{predicted}

## The symbols in the stream

One line for each array coded with one table: what it belongs to, the size of the alphabet, the symbols, and the frequencies
of these symbols in the table.
A line for chroma with an alphabet of 256 is a piece of an escaped residual.

```
{trace}
```
"""

if __name__ == "__main__":
    print(page(), end="")
