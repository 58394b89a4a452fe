"""The real cuda.core on a driver of our own: what splatc asks of it, and each sentence that a broken installation gets.

tests/cuda_host/driver.cpp is a ``libcuda.so.1`` whose memory is the host's and whose launches run emulated kernels: compiling, caching,
loading, passing arguments and copying are those of a GPU, only the GPU is not.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import splatc
from splatc.cuda.source import KERNELS, read_source
from tests.cuda_host import emulator
from tests.cuda_host.driver import FOLDER, WRAPPER, built
from tests.cuda_host.usage import needs_nvrtc

Run = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = [
    needs_nvrtc,
    emulator.needs_compiler,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the driver's library has another name elsewhere"),
]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the driver is ours; its kernels are those of RGB and the normalized blend."""
    folder = tmp_path_factory.mktemp("driver")
    all_kernels = folder / "all.cu"
    all_kernels.write_text("".join(f'#include "{path.name}"\n' for path in sorted(KERNELS.glob("*.cu"))))
    text = read_source(all_kernels, CHANNELS=3, NORMALIZED=1)
    return built(folder, text)


@pytest.fixture
def run(tmp_path: Path, driver: dict[str, str]) -> Run:
    """Runs Python in a process of its own on that driver; settings are its FAKE_... variables."""

    def start(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
        fakes = {f"FAKE_{name.upper()}": str(value) for name, value in settings.items()}
        environment = {**os.environ, **driver, **fakes}
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return start


def test_decode_draws_on_it(run: Run, tmp_path: Path, tiny_splat: Path, driver: dict[str, str]) -> None:
    """From the command line to the kernels and back, twice: the second time nothing is compiled."""
    arguments = ("-m", "splatc", "decode", str(tiny_splat), "out.png", "--device", "cuda", "-v", "-f")
    result = run(*arguments)
    assert (result.returncode, result.stderr) == (0, "drawn by Fake GPU\n")
    pixels = np.asarray(PIL.Image.open(tmp_path / "out.png"))
    assert np.abs(pixels.astype(int) - splatc.decode(tiny_splat)).max() <= 1
    folder = Path(driver["XDG_CACHE_HOME"]) / "splatc"
    cached = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert {path.suffix for path in cached} == {".cubin"}
    assert len(cached) == 3
    (tmp_path / "out.png").unlink()
    code = "import sys; from splatc.cli import main; sys.exit = print; main(); print({'torch', 'splatc.fit'} & {*sys.modules})"
    assert run("-c", code, *arguments[2:]).stdout == "0\nset()\n"  # and no torch
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == cached
    assert np.array_equal(np.asarray(PIL.Image.open(tmp_path / "out.png")), pixels)


def test_what_is_wrong_is_said_in_a_sentence(run: Run) -> None:
    """And that of a GPU which does not work, unlike that of none, is a warning."""
    settings = ("", 0), ("VERSION", 12040), ("INIT", 999), ("INIT", 100)
    code = f"""
import os
from splatc.cuda.device import find_device
for name, value in {settings}:
    os.environ["FAKE_" + name] = str(value)
    found = find_device.__wrapped__()
    print(found if isinstance(found, str) else found.name, getattr(found, "broken", ""))
    del os.environ["FAKE_" + name]
"""
    result = run("-c", code)
    assert result.stdout.splitlines() == [
        "Fake GPU ",
        "the NVIDIA driver is too old, of CUDA 12.4: splatc needs one of CUDA 13 True",
        "the NVIDIA driver finds no GPU that works (CUDA_ERROR_UNKNOWN) True",
        "the NVIDIA driver finds no GPU False",
    ], result.stderr


def test_without_memory_left_is_one_line(run: Run, tiny_splat: Path) -> None:
    result = run("-m", "splatc", "decode", str(tiny_splat), "out.png", "--device", "cuda", memory=5000)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "the GPU (Fake GPU) has no 1 MiB of memory left: use --device cpu" in result.stderr


def test_a_launch_that_fails_is_one_line_and_the_cpu_s(run: Run, tiny_splat: Path, tmp_path: Path) -> None:
    code = "from splatc.render import choice; choice.AUTO_SAMPLES = 1; from splatc.cli import main; main()"
    result = run("-c", code, "decode", str(tiny_splat), "out.png", launch=719)
    assert result.returncode == 0
    assert re.fullmatch(
        r"splatc: note: drawn by the CPU: the GPU \(Fake GPU\) failed: CUDA_ERROR_FAKE[^\n]*\n", result.stderr
    )
    assert np.array_equal(np.asarray(PIL.Image.open(tmp_path / "out.png")), splatc.decode(tiny_splat))


ECHO = """
extern "C" __global__ void echo(double* out, long long a, int b, float c, double d, unsigned e) {
    if (threadIdx.x || blockIdx.x) return;
    out[0] = a, out[1] = b, out[2] = c, out[3] = d, out[4] = e, out[5] = blockDim.y * gridDim.z;
}
"""


def test_arguments_arrive_as_they_were_given(run: Run, tmp_path: Path) -> None:
    """Pointers, numbers of every kind, grids and blocks of three dimensions, streams by their handle: through cuda.core."""
    (tmp_path / "echo.cpp").write_text(ECHO + WRAPPER + "WRAP(echo)\n")
    command = ["g++", "-std=c++17", "-fPIC", "-shared", "-U_FORTIFY_SOURCE", "-include", str(FOLDER / "emulator.h")]
    subprocess.run([*command, str(tmp_path / "echo.cpp"), "-o", str(tmp_path / "echo.so")], check=True)
    code = f"""
import numpy as np
from splatc.cuda.device import find_device
device = find_device()
kernel = device.kernel({ECHO!r}, "echo")
numbers = -5 << 40, np.int32(-7), np.float32(2.5), 0.1, np.uint32(2**32 - 1)
for stream in (0, 77):
    out = device.upload(np.zeros(6))
    device.launch(kernel, (2, 1, 3), (32, 2), out.pointer, *numbers, stream=stream)
    device.synchronize()
    print(device.download(out, float, (6,)).tolist())
device.clear(out)
print(device.download(out, float, (1, 2), 32).tolist(), kernel is device.kernel({ECHO!r}, "echo"))
"""
    result = run("-c", code, kernels=tmp_path / "echo.so")
    line = f"[{float(-5 << 40)}, -7.0, 2.5, 0.1, {float(2**32 - 1)}, 6.0]\n"
    assert result.stdout == f"{line}{line}[[0.0, 0.0]] True\n", result.stderr
