"""The core for the browser: built anew it is the same bytes, and Node reads and draws with it what the native core does, to the last bit.

The tests themselves are tests/web/*.test.mjs; what they compare with is made here: samples of the native core and of the conformance set,
and digests of the integers that parts of files have.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import conformance
import core_build
import splatc
from splatc import bitstream
from splatc.bitstream import Reader
from splatc.bitstream.header import DRAFT_VERSION, MODELS
from splatc.bitstream.layout import Layer
from splatc.core import sources
from splatc.decoder.scene import make_scene
from splatc.image.readers import load
from splatc.render.draw import draw, make_plan
from splatc.render.view import view
from splatc.steps import Quantizer
from tests.bitstream_cases import header_for, random_quantized
from tests.requirements import needs

ROOT = Path(__file__).parent.parent
FOLDER = conformance.FOLDER
REGION = (301, 203, 512, 512)
SCALES = ((1, 2), (1, 3), (2, 1))


def run_node(*tests: str, cases: Path | None = None) -> str:
    """Run tests with Node; what it printed."""
    node = shutil.which("node")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout if node else "v0"
    needs(int(version[1:].partition(".")[0]) >= 18, "Node 18 or newer")
    environment = {**os.environ, **({"SPLATC_WEB_CASES": str(cases)} if cases else {})}
    command = [str(node), "--test", *(str(ROOT / "tests" / "web" / f"{name}.test.mjs") for name in tests)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr
    return done.stdout


def passed(output: str) -> int:
    """How many tests passed; none was skipped."""
    assert re.search(r"^. skipped 0$", output, re.MULTILINE), output[-2000:]
    found = re.search(r"^. pass (\d+)$", output, re.MULTILINE)
    assert found
    return int(found[1])


class Cases:
    """Writes what Node compares with into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.samples: list[dict[str, Any]] = []
        self.parts: list[dict[str, Any]] = []

    def keep(self, samples: np.ndarray) -> str:
        """The name of a file with samples."""
        name = f"{len(list(self.folder.iterdir()))}.bin"
        samples.tofile(self.folder / name)
        return name

    def add(
        self, path: Path, native: np.ndarray, region: Any = None, scale: tuple[int, int] = (1, 1), **more: Any
    ) -> None:
        """A view of a file, as the native core draws it."""
        depth = 8 * native.itemsize
        says = f"{path.stem}, {region or 'all'}, {scale[0]}/{scale[1]}, {depth} bits"
        common = {"says": says, "path": str(path), "region": region, "scale": scale, "depth": depth}
        self.samples.append({**common, "native": self.keep(native), "shape": native.shape[:2], **more})

    def add_part(self, path: Path, length: int, box: Any, stop_level: int) -> None:
        """The integers of a part of a file, as Python reads them."""
        reader = Reader(io.BytesIO(path.read_bytes()[:length]))
        found = reader.read(box, max_level=stop_level, allow_truncated=True)
        digest = conformance.digest(conformance.integers_text(found))
        common = {"path": str(path), "length": length, "box": box, "stop_level": stop_level}
        self.parts.append({**common, "count": len(found), "sha256": digest})

    def write(self) -> Path:
        (self.folder / "cases.json").write_text(json.dumps({"samples": self.samples, "parts": self.parts}))
        return self.folder


def large_file(models: int = 0) -> bytes:
    """1100 x 900 px, 5000 Gaussians of ten levels, three layers with tiles; with models a file of the draft."""
    header = header_for(1100, 900)
    if models:
        header = replace(header, version=DRAFT_VERSION, models=models)
    gaussians = random_quantized(np.random.default_rng(16), header, 5000, levels=10)
    levels = int(gaussians.level.max()) + 1
    return bitstream.encode(header, gaussians, layout=(Layer(levels - 3, 11), Layer(1, 9), Layer(2, 7)))


def file_of_coarse_cells() -> bytes:
    """Cells with a side of two tiles: their centres lie on the edges of tiles, and every other tile has none."""
    quantizer = Quantizer(position=152, position_slope=0)  # 8 px
    header = header_for(64, 48, quantizer=quantizer)
    gaussians = random_quantized(np.random.default_rng(4), header, 40, levels=2)
    return bitstream.encode(header, gaussians, layout=(Layer(int(gaussians.level.max()) + 1, 2),))


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    made = Cases(folder)
    for entry in conformance.manifest(FOLDER):
        path = FOLDER / f"{entry['name']}.splat2d"
        reference = load(str(path.with_suffix(".png"))).pixels
        made.add(path, splatc.decode(path), reference=made.keep(reference), tolerance=entry["tolerance"])
    large = folder / "large.splat2d"
    large.write_bytes(large_file())
    with splatc.open(large) as picture:
        for scale in ((1, 1), *SCALES):
            made.add(large, picture.read(REGION, Fraction(*scale)), REGION, scale)
        made.add(large, picture.read(None, Fraction(1, 37), bit_depth=16), None, (1, 37))
    with splatc.open(FOLDER / "rgb.splat2d") as picture:
        for region in (None, (5, 7, 59, 41)):
            for scale in ((1, 3), (2, 7), (1, 9), (1, 23), (1, 100), (11, 8)):
                made.add(FOLDER / "rgb.splat2d", picture.read(region, Fraction(*scale)), region, scale)
    reader = Reader(io.BytesIO(large.read_bytes()))
    plan = make_plan(make_scene(reader.header, reader.read()), view(1100, 900, REGION, 2))
    made.add(large, draw(plan, np.float32), REGION, (2, 1))
    whole = large.stat().st_size
    for box, stop_level in (((301.0, 203.0, 400.0, 260.0), 0), ((0.0, 0.0, 1.0, 1.0), 1), (None, 2), (None, 0)):
        made.add_part(large, whole, box, stop_level)
    for length in range(whole - 4, 400, -whole // 9):
        made.add_part(large, length, None, 0)
    for models in range(1, MODELS + 1):
        modelled = folder / f"modelled{models}.splat2d"
        modelled.write_bytes(large_file(models))
        made.add_part(modelled, modelled.stat().st_size, None, 0)
        made.add_part(modelled, modelled.stat().st_size, (301.0, 203.0, 400.0, 260.0), 1)
        made.add_part(modelled, modelled.stat().st_size // 2, None, 0)
    made.add_part(FOLDER / "crowd.splat2d", 1800, None, 0)
    coarse = folder / "coarse.splat2d"
    coarse.write_bytes(file_of_coarse_cells())
    made.add_part(coarse, coarse.stat().st_size, None, 0)
    return made.write()


def test_integers(cases: Path) -> None:
    """Of the conformance set, and of parts of files."""
    assert passed(run_node("integers", cases=cases)) > 20


def test_samples(cases: Path) -> None:
    """Within the tolerance of the conformance set, and those of the native core to the last bit."""
    assert passed(run_node("samples", cases=cases)) > 25


def test_hostile_files_and_damage() -> None:
    assert passed(run_node("hostile")) > 100


def test_numbers_and_memory() -> None:
    assert passed(run_node("numbers", "memory")) > 6


def test_core_wasm_is_of_these_sources() -> None:
    """It says so itself; `make wasm` after a change of the core."""
    assert f"{sources.digest(ROOT / 'splatc' / 'core', decoder=True)}\0".encode() in core_build.WASM.read_bytes()


def test_core_wasm_is_small() -> None:
    assert len(gzip.compress(core_build.WASM.read_bytes(), 9)) < 40_000


def test_core_wasm_built_anew_is_the_same_bytes(tmp_path: Path) -> None:
    needs(core_build.zig_compiler() is not None, core_build.ZIG)
    made = core_build.build_wasm(tmp_path / "core.wasm")
    assert made.read_bytes() == core_build.WASM.read_bytes(), "make wasm"
