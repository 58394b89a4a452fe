"""The bench of GPUs, on an emulated GPU (cuda_host/), with small inputs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import cuda_bench
from bench import cuda_checks, cuda_floors, cuda_times
from bench.cuda_watch import Watched
from splatc.blend import Blend
from splatc.cuda.device import find_device
from splatc.fit.schedule import Schedule
from splatc.gaussians import Gaussians, Scene
from tests.cuda_host.emulator import HostDevice, needs_compiler
from tests.scenes import floats

PEAKS = cuda_floors.PeakRates()
TINY = cuda_bench.Sizes(
    large=(80, 50),
    large_ratio=30.0,
    seconds=(100.0,),
    screen=(40, 30),
    small_ratio=30.0,
    check_steps=6,
    plan=Schedule(8),
    frames=1,
)


def inputs(picture: Path, folder: Path) -> cuda_bench.Inputs:
    return cuda_bench.Inputs([picture], [picture], None, folder / "l")


@needs_compiler
def test_every_part_runs(tmp_path: Path, tiny_picture: Path, tiny_splat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_checks, "CONFORMANCE", tiny_splat.parent)  # each kind of picture has kernels of its own
    saved: list[str] = []
    report = cuda_bench.run(
        HostDevice(), inputs(tiny_picture, tmp_path), TINY, PEAKS, lambda r: saved.append(r.as_json())
    )
    assert report.failures == []
    assert [check.name for check in report.checks if not check.passed] == []
    assert len(report.checks) == 6 + 1 + 10 + 1
    assert (tmp_path / "l").read_bytes()[1:4] == b"S2D"
    times = json.loads(saved[-1])["times"]
    assert times["fit tiny at CR 30"]["steps"] == 8
    assert times["fit tiny at CR 30"]["peak GB on the GPU"] > 0
    assert set(times["frames of a screen"]["ms by kernel, each waited for"]) >= {"raster_tiles", "sort_tiles"}
    assert 0 < times["frames of a screen"]["Gaussians"] < times["frames of the large picture"]["Gaussians"]
    text = report.as_markdown()
    assert "## fit 80 x 50 at CR 30, 100 s" in text
    assert "**" not in text


def test_a_part_that_fails_stops_no_other(tmp_path: Path, tiny_picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("smoke")

    for module, names in ((cuda_checks, ("drawing", "files", "gradients", "same_bytes")), (cuda_times, ("fit",))):
        for name in names:
            monkeypatch.setattr(module, name, broken)
    saved: list[bool] = []
    report = cuda_bench.run(HostDevice(), inputs(tiny_picture, tmp_path), TINY, PEAKS, lambda r: saved.append(r.passed))
    assert len(report.failures) == len(saved) == 6
    assert not report.passed
    assert "- **stopped**: gradients: RuntimeError: smoke" in report.as_markdown()


def test_a_check_above_its_limit_has_failed() -> None:
    report = cuda_bench.Report("x", [cuda_checks.Check("a", 1.0, 2.0), cuda_checks.Check("b", 3.0, 2.0)])
    assert not report.passed
    assert "| b | 3 | 2 | **failed** |" in report.as_markdown()


def test_pictures_are_tiled_without_gaps() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(1, 256, shape, np.uint8) for shape in ((20, 30, 3), (15, 50, 3), (18, 18, 1))]
    canvas = cuda_bench.tiled(pictures, 107, 49)
    assert canvas.shape == (49, 107, 3)
    assert canvas.min() > 0
    assert not np.array_equal(canvas[:15, :50], canvas[15:30, :50])


def test_floors_are_those_of_the_sums() -> None:
    one = Gaussians(floats([[5, 5]]), floats([[2, 1]]), floats([0]), floats([[1, 1, 1]]))
    scene = Scene(1000, 1000, Blend.NORMALIZED, floats([0, 0, 0]), one)
    floor = cuda_floors.decoding(scene)
    assert floor.pairs == pytest.approx(np.pi * 12.25 * 2)
    assert floor.seconds(PEAKS) == pytest.approx(3e6 / 4.3e12)  # the memory's
    assert cuda_floors.step(one, 1000, 1000, 3, 4).bytes < cuda_floors.step(one, 1000, 1000, 3, 1).bytes
    assert PEAKS.arithmetic(132 * 128 * 1.755e9) == pytest.approx(1.0)


def test_memory_is_counted_until_it_is_given_back() -> None:
    device = Watched(HostDevice())
    buffers = [device.allocate(100), device.upload(np.zeros(50, np.float32))]
    buffers.pop()
    assert (device.held, device.peak) == (100, 300)
    device.begin()
    assert device.peak == 100


@pytest.mark.skipif(not isinstance(find_device(), str), reason="there is a GPU")
def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, cuda_bench.__file__, "--out", str(tmp_path / "out")]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert found.returncode == 1
    assert found.stderr.startswith("cuda_bench: nothing to measure: ")
    assert len(found.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_the_default_pictures_are_there() -> None:
    for name in ("kodim01.png", "kodim03.png"):
        with PIL.Image.open(cuda_bench.IMAGES / name) as picture:
            assert picture.size == (768, 512)
