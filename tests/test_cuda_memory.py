"""GPU memory is freed whichever thread drops the last reference, and errors of that are reported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cuda_host import emulator
from tests.cuda_host.driver import built
from tests.cuda_host.usage import needs_nvrtc

pytestmark = [
    needs_nvrtc,
    emulator.needs_compiler,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the driver's library has another name elsewhere"),
]

START = """
import threading
from splatc.cuda.device import find_device
from splatc.errors import DeviceError
device = find_device()
free = device.free_memory()
held = [device.allocate(1 << 20)]
def elsewhere(call):
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return built(tmp_path_factory.mktemp("driver"), 'extern "C" __global__ void nothing() {}')


def printed(code: str, driver: dict[str, str], tmp_path: Path, **settings: str) -> str:
    command = [sys.executable, "-c", START + code]
    result = subprocess.run(
        command, env=os.environ | driver | settings, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_memory_that_ends_in_a_thread_without_the_device_goes_back(driver: dict[str, str], tmp_path: Path) -> None:
    code = "elsewhere(held.clear)\nprint(free - device.free_memory())"
    assert printed(code, driver, tmp_path) == "0\n"


def test_that_thread_keeps_the_device_that_it_had(driver: dict[str, str], tmp_path: Path) -> None:
    code = """
from cuda.bindings import driver
def let_go():
    held.clear()
    print(int(driver.cuCtxGetCurrent()[1]))
elsewhere(let_go)
"""
    assert printed(code, driver, tmp_path) == "0\n"


def test_memory_goes_back_at_once_where_it_can(driver: dict[str, str], tmp_path: Path) -> None:
    code = """
from cuda.bindings import driver
held.clear()
print(free - driver.cuMemGetInfo()[1])
"""
    assert printed(code, driver, tmp_path) == "0\n"


@pytest.mark.parametrize("where", ["held.clear()", "elsewhere(held.clear)"])
def test_what_goes_wrong_is_said_by_the_next_call(driver: dict[str, str], tmp_path: Path, where: str) -> None:
    code = f"""
{where}
try:
    device.allocate(1)
except DeviceError as error:
    print(error)
print(device.free_memory() == free)
"""
    said = printed(code, driver, tmp_path, FAKE_FREE="719").splitlines()
    assert said == ["the GPU (Fake GPU) failed: CUDA_ERROR_LAUNCH_FAILED", "True"]


def test_any_thread_may_use_the_device(driver: dict[str, str], tmp_path: Path) -> None:
    code = """
import numpy as np
def use():
    device.clear(held[0])
    device.synchronize()
    print(device.download(held[0], np.uint8, (4,)).tolist())
elsewhere(use)
"""
    assert printed(code, driver, tmp_path) == "[0, 0, 0, 0]\n"
