"""What an encoding takes of memory: estimated within a factor, and refused where it is more than was allowed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import splatc
from splatc.cli import main
from splatc.errors import LimitError, UsageError
from splatc.fit import memory
from splatc.fit.memory import Workload, most_seeds, needed, parts
from splatc.image import metrics

LARGE = Workload(7287, 4220, 3, 8, 120_000, threads=2)
PIXELS = np.random.default_rng(5).integers(0, 256, (48, 64, 3), np.uint8)

MEASURE = """
import sys
from pathlib import Path
import numpy as np
from splatc import core
core.set_threads(1)
from splatc.encoder.pipeline import EncodeOptions, encode_with
from splatc.fit.schedule import Schedule
from splatc.image.image import Image
from splatc.encoder.rate_control import Target
from splatc.steps import Quantizer
width, height, channels, seeds, tune = *map(int, sys.argv[1:5]), sys.argv[5]

def encode(width, height, seeds):
    row = (np.arange(width)[:, np.newaxis] * [3, 5, 7, 0][:channels] % 251 + [0, 0, 0, 255][:channels]).astype(np.uint8)
    pixels = np.empty((height, width, channels), np.uint8)
    for y in range(height):
        pixels[y] = row + np.uint8(y // 8)
    options = EncodeOptions(Target("count", seeds // 3), tune=tune)
    encode_with(Image(pixels), options, Schedule(8), Quantizer())

def kib(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

encode(120, 80, 90)  # what is loaded and compiled once
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
before = kib("VmRSS")
encode(width, height, seeds)
print(1024 * (kib("VmHWM") - before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak begins anew on Linux only")
@pytest.mark.parametrize(
    "work",
    [
        Workload(1024, 768, 3, 8, 30_000),
        Workload(2048, 1536, 3, 8, 3000),
        Workload(4096, 2048, 3, 8, 900),
        Workload(1024, 768, 1, 8, 900, tune="ssim"),
    ],
    ids=["many Gaussians", "larger", "largest", "ssim"],
)  # fmt: skip
def test_the_estimate_is_near_what_a_process_takes(work: Workload) -> None:
    words = map(str, (work.width, work.height, work.channels, work.seeds, work.tune))
    result = subprocess.run([sys.executable, "-c", MEASURE, *words], capture_output=True, check=True, text=True)
    assert 1.0 < needed(work) / int(result.stdout) < 2.8


def test_each_thing_takes_its_part() -> None:
    assert needed(LARGE) == sum(parts(LARGE).values())
    assert 300e6 < needed(LARGE) < 800e6
    more = (
        replace(LARGE, width=9000),
        replace(LARGE, channels=4),
        replace(LARGE, bit_depth=16),
        replace(LARGE, seeds=500_000),
        replace(LARGE, threads=16),
        replace(LARGE, tune="ssim"),
    )
    for work in more:
        assert needed(work) > needed(LARGE)


def test_the_most_seeds_are_the_last_that_fit() -> None:
    limit = 600 << 20
    seeds = most_seeds(LARGE, limit)
    assert needed(replace(LARGE, seeds=seeds)) <= limit < needed(replace(LARGE, seeds=seeds + 1))
    assert most_seeds(LARGE, 1000) == 0


@pytest.mark.parametrize(
    ("work", "spare", "advice"),
    [
        (LARGE, 1 << 10, "fewer threads"),
        (replace(LARGE, tune="ssim", threads=1), 1 << 26, "--tune psnr"),
        (LARGE, 1 << 27, "smaller file, or raise"),
    ],
)
def test_the_refusal_says_what_helps(work: Workload, spare: int, advice: str) -> None:
    memory.check(work, needed(work))
    memory.check(work, None)
    with pytest.raises(LimitError, match=f"7287 x 4220 pixels, with 120000 .* MiB .* a smaller picture .*{advice}"):
        memory.check(work, needed(work) - spare)


def test_the_function_and_the_command_refuse(tiny_picture: Path, tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="encoding 64 x 48 pixels"):
        splatc.encode(PIXELS, max_memory=1 << 20)
    for wrong in (0, 0.5, "1G"):
        with pytest.raises(UsageError, match="max_memory"):
            splatc.encode(PIXELS, max_memory=wrong)  # type: ignore[arg-type]
    for size, words in (("10k", "reading 64 x 48 pixels"), ("1MiB", "encoding 64 x 48 pixels")):
        result = CliRunner().invoke(
            main, ["encode", str(tiny_picture), str(tmp_path / "out.splat2d"), "--max-memory", size]
        )
        assert (result.exit_code, words in result.stderr, result.stderr.count("\n")) == (4, True, 1)
        assert list(tmp_path.iterdir()) == [tiny_picture]


def test_a_search_for_a_psnr_stays_within_it() -> None:
    bound = needed(Workload(64, 48, 3, 8, 150, threads=64))
    data = splatc.encode(PIXELS, psnr=11, effort=1, max_memory=bound)
    assert metrics.psnr(PIXELS, splatc.decode(data)) >= 11
    with pytest.raises(LimitError):
        splatc.encode(PIXELS, psnr=11, effort=1, max_memory=1 << 20)


def test_less_than_a_mebibyte_is_said_in_bytes() -> None:
    with pytest.raises(LimitError, match="more than the 7 bytes allowed"):
        splatc.encode(np.arange(64, dtype=np.uint8).reshape(8, 8), size=200, max_memory=7)
