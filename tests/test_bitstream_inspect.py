"""`inspect` is fast, and accounts for every bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from splatc import bitstream
from tests.bitstream_cases import header_for, random_quantized


def test_inspection_imports_neither_numba_nor_torch(tiny_splat: Path) -> None:
    code = (
        "import sys, pathlib, splatc.bitstream as b; b.inspect(pathlib.Path(sys.argv[1]).read_bytes()); "
        "assert not {'numba', 'torch', 'PIL', 'scipy'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tiny_splat)], check=True, timeout=60)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_bits_add_up_to_the_file(channels: int) -> None:
    header = header_for(300, 200, channels)
    gaussians = random_quantized(np.random.default_rng(channels), header, 500)
    data = bitstream.encode(header, gaussians)
    inspection = bitstream.inspect(data)
    assert inspection.file_bytes == len(data)
    assert sum(inspection.bits.values()) == pytest.approx(8 * len(data))
    colours = {1: {"luma"}, 2: {"luma", "alpha"}, 3: {"luma", "chroma"}, 4: {"luma", "chroma", "alpha"}}[channels]
    assert inspection.bits.keys() == {"positions", "log_scale", "aspect", "angle", "offset", "overhead"} | colours
    assert 8 * 40 < inspection.bits["overhead"] < 8 * 64
    assert [chunk.type for chunk in inspection.chunks] == ["HEAD", "GAUS"]
    counts = np.bincount(gaussians.level)[::-1].tolist()
    assert inspection.header.level_counts == tuple(counts)


def test_the_public_surface() -> None:
    assert sorted(bitstream.__all__) == [
        "Chunk",
        "Header",
        "Inspection",
        "Layer",
        "Layout",
        "Metadata",
        "Reader",
        "Section",
        "Structure",
        "decode",
        "encode",
        "inspect",
        "measure",
        "read_header",
    ]
