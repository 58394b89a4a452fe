"""The normative text and the code say the same: spec/header.md lists the declared fields, spec/example.md a real file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from splatc import bitstream
from splatc.bitstream import Header, header, limits, stream
from splatc.bitstream.coder import Coder, Encoder, Frequencies, Symbols
from splatc.gaussians import Blend
from splatc.quantize import QuantizedGaussians, Quantizer
from tests.bitstream_cases import assert_equal

SPEC = Path(__file__).parent.parent / "spec"


def example() -> tuple[Header, QuantizedGaussians]:
    """A 24 x 16 RGB picture of six Gaussians in levels 4, 2 and 0; two share a cell, one has a residual that escapes."""
    columns = np.array(
        [
            # level, x, y, size, anisotropy, angle, Y, U, V
            (4, 6, 8, 2, 0, 0, 20, 3, -1),
            (4, 18, 5, 5, 3, 1, 31, 2, 0),
            (2, 3, 3, 6, 9, 4, 22, 4, -60),
            (0, 12, 9, 1, 2, 1, 35, 0, 2),
            (0, 12, 9, 0, 0, 0, 33, 0, 2),
            (0, 60, 40, 3, 5, 2, 12, 1, 1),
        ],
        np.int32,
    )
    quantizer = Quantizer(
        position=116,
        position_slope=2,
        sizes=7,
        anisotropy=104,
        angle=104,
        angle_slope=0,
        luma=86,
        chroma=88,
        colour_slope=-1,
    )
    level, x, y, size, anisotropy, angle = columns.T[:6]
    gaussians = QuantizedGaussians(level, x, y, size, anisotropy, angle, colour=columns[:, 6:])
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


@pytest.fixture(scope="module")
def text() -> str:
    return (SPEC / "example.md").read_text()


def test_example_is_what_the_encoder_writes(text: str) -> None:
    head, gaussians = example()
    data = bitstream.encode(head, gaussians)
    assert hex_dump(data) in text, hex_dump(data)
    assert f"{len(data)} bytes" in text
    assert_equal(bitstream.decode(data)[1], gaussians)


def test_example_lists_its_gaussians(text: str) -> None:
    _, g = example()
    for row in zip(g.level, g.x, g.y, g.size, g.anisotropy, g.angle, *g.colour.T, strict=True):
        assert f"| {' | '.join(map(str, row))} |" in text


def test_example_traces_the_symbols(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tracers: list[Tracer] = []

    def tracer() -> Coder:
        tracers.append(Tracer())
        return tracers[-1]

    monkeypatch.setattr(stream, "Encoder", tracer)
    bitstream.encode(*example())
    trace = "\n".join(tracers[0].lines)
    assert trace in text, trace


def test_header_table_is_the_declared_one() -> None:
    rows = [f"| {f.name} | {f.encoding.name} | {f.low}..{f.high} | {f.times} | {f.meaning} |" for f in header.FIELDS]
    assert "\n".join(rows) in (SPEC / "header.md").read_text()


def test_limits_are_the_declared_ones() -> None:
    text = (SPEC / "limits.md").read_text()
    for value in (limits.MAX_SIDE, limits.MAX_PIXELS, limits.MAX_GAUSSIANS, limits.MAX_GRID_SIDE, limits.MAX_CHUNKS):
        assert f"| {value} " in text
    assert f"{limits.FREE_GAUSSIANS} + {limits.GAUSSIANS_PER_BYTE} b" in text
