"""What several test modules need: a tiny picture, a tiny file that no fit had to make, and a way to run the command."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import PIL.Image
import pytest

from splatc import bitstream, core
from splatc.bitstream import Header
from splatc.core import pool
from splatc.core.loading import load
from splatc.gaussians import Gaussians
from splatc.quantize import quantize
from splatc.steps import Quantizer
from tests.browser import Browser, missing
from tests.requirements import needs

# Machines may be busy, so no example has a deadline; what a build machine finds, everyone must find again.
hypothesis.settings.register_profile("splatc", deadline=None, derandomize=True)
hypothesis.settings.load_profile("splatc")

WIDTH, HEIGHT = 64, 48

Command = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="session")
def tiny_file() -> bytes:
    """A valid ``.splat2d`` file: 64 x 48, RGB, 100 random Gaussians."""
    rng = np.random.default_rng(7)
    gaussians = Gaussians(
        mean=rng.uniform((0, 0), (WIDTH, HEIGHT), (100, 2)).astype(np.float32),
        scale=np.sort(rng.uniform(1.0, 9.0, (100, 2)))[:, ::-1].astype(np.float32),
        angle=rng.uniform(0.0, np.pi, 100).astype(np.float32),
        colour=rng.uniform(0.0, 1.0, (100, 3)).astype(np.float32),
    )
    header = Header(WIDTH, HEIGHT, channels=3, background=(128, 128, 128))
    quantized = quantize(Quantizer(), gaussians, WIDTH, HEIGHT)
    return bitstream.encode(header, quantized)


@pytest.fixture
def tiny_splat(tmp_path: Path, tiny_file: bytes) -> Path:
    """`tiny_file` on disk."""
    path = tmp_path / "tiny.splat2d"
    path.write_bytes(tiny_file)
    return path


@pytest.fixture
def tiny_picture(tmp_path: Path) -> Path:
    """A 64 x 48 PNG picture: soft gradients and some noise."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    smooth = np.stack([x * 3, y * 4, 128 + 100 * np.sin((x + y) / 9)], axis=-1)
    noise = np.random.default_rng(3).normal(0.0, 4.0, smooth.shape)
    path = tmp_path / "tiny.png"
    PIL.Image.fromarray(np.clip(smooth + noise, 0, 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def splatc(tmp_path: Path) -> Command:
    """Run the real command in a process of its own, in the test's folder."""

    def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "splatc", *arguments]
        return subprocess.run(command, cwd=tmp_path, input=stdin, capture_output=True, timeout=120, check=False)

    return run


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Headless Chromium, started by the first test that needs it."""
    needs(not missing(), missing())
    with Browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def all_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Eight threads, whatever this machine has; and the instruction set that was there."""
    monkeypatch.setattr(pool, "available", lambda: 8)
    level = load().core_get_level()
    yield
    core.set_threads(None)
    load().core_set_level(level)


for _name in (
    "SIGINT",
    "SIGTERM",
    "SIGHUP",
):  # of a shell that runs the tests behind nohup: what is ignored would stay ignored in commands
    _number = getattr(signal, _name, None)
    if _number is not None and signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _name == "SIGINT" else signal.SIG_DFL)
