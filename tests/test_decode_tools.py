"""The two tools that measure decoding."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import decode_bench
import scale_quality
from splatc import bitstream
from splatc.gaussians import Blend
from splatc.render import draw_samples
from splatc.render.view import view
from tests.scenes import random_scene


def test_a_file_is_repeated_over_a_canvas(tiny_file: bytes) -> None:
    reader = bitstream.decode(decode_bench.repeated(tiny_file, 150, 60, 1.0))
    header, quantized = reader
    assert (header.width, header.height) == (150, 60)
    assert len(quantized) > 200  # 64 x 48 twice, and parts


def test_each_way_of_decoding_is_measured(tiny_splat: Path) -> None:
    ways: list[dict[str, object]] = [{}, {"save": ".png"}, {"region": [8, 8, 16, 16], "scale": 2}, {"scale": "1/8"}]
    for arguments in ways:
        found = decode_bench.measure(tiny_splat, arguments)
        assert float(str(found["seconds"])) > 0
    assert found["output"] == "8 x 6"


def test_what_the_format_says_is_marked() -> None:
    scene = random_scene(np.random.default_rng(0), 150, 64, 64, Blend.NORMALIZED)
    whole = draw_samples(scene, view(64, 64), 8)
    cells = scale_quality.row("x", scene, whole, 8).split("|")[3:7]
    assert [cell.strip().endswith("*") for cell in cells] == [False, False, True, False]
    values = [float(cell.strip(" *")) for cell in cells]
    assert values[3] > 55  # eight points of an eighth are the box filter, but for one rounding
    assert values[2] > values[0]
