"""One picture, one file: the same bytes whatever the number of threads and the instruction set, the core's and NumPy's, and when run anew.

Each file is made in a process of its own: instruction sets are chosen when it begins.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from splatc.core.loading import load

ROOT = Path(__file__).parent.parent
LEVELS = [f"v{level}" for level in range(2, load().core_best_level() + 1)]
NUMPY: list[str] = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
"""What NumPy has besides its baseline and this processor has too."""
CASES = [
    ("psnr", "normalized", "colour", "0"),
    ("psnr", "normalized", "colour", "1"),
    ("psnr", "sum", "16-bit", "1"),
    ("psnr", "sum", "gray", "1"),
    ("ssim", "normalized", "alpha", "1"),
]
# The pictures are whole numbers from the beginning: NumPy's functions of floats are what is tried here.
SCRIPT = """
import hashlib, sys
import numpy as np
import splatc
from splatc.core import pool
from splatc.encoder import pipeline

threads, tune, blend, kind, effort = sys.argv[1:]
pool.available = lambda: int(threads)
pipeline.LEAST_EFFORT = 1  # the optimization of the integers as well
y, x = np.mgrid[:120, :150]
planes = [(x * x + 3 * x * y) // 61 % 256, np.where(x + y > 130, 180, 40), (y * y + 40 * x) // 37 % 256, 255 - y]
pixels = np.stack(planes[: {"gray": 1, "colour": 3, "alpha": 4, "16-bit": 3}[kind]], axis=-1)
pixels = np.clip(pixels + np.random.default_rng(3).integers(-6, 7, pixels.shape), 0, 255).astype(np.uint8)
if kind == "16-bit":
    pixels = pixels.astype(np.uint16) * 255 + 17
for _ in range(2):
    print(hashlib.sha256(splatc.encode(pixels, bpp=0.6, effort=int(effort), tune=tune, blend=blend)).hexdigest())
"""


def encoded(case: tuple[str, str, str, str], threads: int = 2, **environment: str) -> str:
    """The digest of the file that a process makes twice."""
    command = [sys.executable, "-W", "error", "-c", SCRIPT, str(threads), *case]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = done.stdout.split()
    assert first == second
    return first


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_a_file_is_the_same_whatever_makes_it(case: tuple[str, str, str, str]) -> None:
    expected = encoded(case)
    for threads in (1, 8):
        assert encoded(case, threads) == expected, f"{threads} threads"
    for level in LEVELS[:-1]:
        assert encoded(case, SPLATC_CORE_LEVEL=level) == expected, level
    for first in range(len(NUMPY)):
        assert encoded(case, NPY_DISABLE_CPU_FEATURES=" ".join(NUMPY[first:])) == expected, NUMPY[first:]


def test_numpy_is_made_to_use_other_instructions() -> None:
    """Or the test above would try nothing."""
    if len(NUMPY) == 0:
        pytest.skip("NumPy has nothing but its baseline on this processor")
    script = "import numpy as np; print(*np.show_config(mode='dicts')['SIMD Extensions'].get('found', []))"
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(NUMPY)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [], done.stderr
