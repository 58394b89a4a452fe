"""Which device draws: ``--device`` of decode, ``device`` of the Python functions; a GPU that is missing, broken or fails on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner, Result
from numpy.typing import DTypeLike, NDArray

import splatc
from splatc.cli import main
from splatc.cuda import device as cuda_device
from splatc.cuda.device import Buffer
from splatc.cuda.missing import Broken, Missing
from splatc.errors import DeviceError, UsageError
from splatc.render import choice
from tests.cuda_host.emulator import HostDevice, needs_compiler
from tests.scenes import random_gaussians

Install = Callable[[object], None]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Sets what looking for a GPU finds; every picture is large enough for it."""
    monkeypatch.setattr(choice, "AUTO_SAMPLES", 1)

    def install(device: object) -> None:
        monkeypatch.setattr(cuda_device, "find_device", lambda: device)

    return install


@pytest.fixture
def tall_file(tmp_path: Path) -> Path:
    """A file of several strips: 20 x 700."""
    path = tmp_path / "tall.splat2d"
    gaussians = random_gaussians(np.random.default_rng(3), 150, 20, 700)
    path.write_bytes(splatc.encode_gaussians(gaussians, 20, 700))
    return path


class FailsLater(HostDevice):
    """A GPU that fails after some downloads: the first is of the number of entries of the lists."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    def download(
        self, buffer: Buffer, dtype: DTypeLike, shape: tuple[int, ...], offset: int = 0
    ) -> NDArray[np.generic]:
        if not self.left:
            raise DeviceError("the GPU (fake) failed: CUDA_ERROR_LAUNCH_FAILED")
        self.left -= 1
        return super().download(buffer, dtype, shape, offset)


def decode(path: Path, *options: str) -> tuple[Result, NDArray[np.uint8]]:
    """The result, and the picture; an empty one if there is no output."""
    out = path.with_name("out.png")
    out.unlink(missing_ok=True)
    result = CliRunner().invoke(main, ["decode", str(path), str(out), *options])
    return result, np.asarray(PIL.Image.open(out)) if out.exists() else np.empty(0, np.uint8)


@needs_compiler
@pytest.mark.parametrize("wanted", ["auto", "cuda"])
def test_a_gpu_that_works_draws_and_verbose_says_so(tall_file: Path, found: Install, wanted: str) -> None:
    device = HostDevice()
    found(device)
    result, pixels = decode(tall_file, "--device", wanted, "-v")
    assert (result.exit_code, result.stderr) == (0, "drawn by the host\n")
    assert device.launched.count("raster_tiles") == 3
    on_cpu = splatc.decode(tall_file)
    assert np.abs(pixels.astype(int) - on_cpu).max() <= 1
    assert np.array_equal(splatc.decode(tall_file, device="cuda"), pixels)
    with splatc.open(tall_file, device="auto") as picture:
        assert np.array_equal(picture.read(region=(3, 100, 11, 400)), pixels[100:500, 3:14])


def test_the_cpu_draws_when_it_is_asked(tall_file: Path, found: Install) -> None:
    found(None)  # would not even be a device
    result, pixels = decode(tall_file, "--device", "cpu", "--verbose")
    assert (result.exit_code, result.stderr) == (0, "drawn by the CPU\n")
    assert np.array_equal(splatc.decode(tall_file, device="cpu"), pixels)


def test_auto_leaves_small_pictures_to_the_cpu(
    tall_file: Path, found: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(None)
    monkeypatch.setattr(choice, "AUTO_SAMPLES", 20 * 700 + 1)
    result, _ = decode(tall_file, "-v")
    assert (result.exit_code, result.stderr) == (0, "drawn by the CPU: starting CUDA would take longer\n")


def test_without_a_gpu_auto_draws_in_silence(tall_file: Path, found: Install) -> None:
    found(Missing("no NVIDIA driver is installed"))
    result, pixels = decode(tall_file)
    assert (result.exit_code, result.stderr) == (0, "")
    assert np.array_equal(splatc.decode(tall_file, device="auto"), pixels)
    result, _ = decode(tall_file, "-v")
    assert result.stderr == "drawn by the CPU: no NVIDIA driver is installed\n"


def test_a_broken_driver_gives_one_line_and_the_cpu(tall_file: Path, found: Install) -> None:
    found(Broken("the NVIDIA driver is too old"))
    result, pixels = decode(tall_file)
    assert (result.exit_code, result.stderr) == (0, "splatc: note: drawn by the CPU: the NVIDIA driver is too old\n")
    assert np.array_equal(splatc.decode(tall_file), pixels)


@pytest.mark.parametrize("kind", [Missing, Broken])
def test_asking_for_a_gpu_that_is_not_there_is_an_error_of_one_line(
    tall_file: Path, found: Install, kind: type[Missing]
) -> None:
    found(kind("no NVIDIA driver is installed"))
    result, pixels = decode(tall_file, "--device", "cuda")
    assert (result.exit_code, pixels.size) == (1, 0)
    assert result.stderr.count("\n") == 1
    assert "no NVIDIA driver is installed; --device cpu" in result.stderr
    with pytest.raises(DeviceError, match="no NVIDIA driver"):
        splatc.open(tall_file, device="cuda")


@needs_compiler
@pytest.mark.parametrize("after", [0, 1, 2])  # while it lists the tiles; at the first strip; at the second
def test_the_cpu_goes_on_where_a_gpu_fails(tall_file: Path, found: Install, after: int) -> None:
    found(FailsLater(after))
    result, pixels = decode(tall_file)
    assert (result.exit_code, result.stderr.count("\n")) == (0, 1)
    assert "note: drawn by the CPU: the GPU (fake) failed" in result.stderr
    assert np.abs(pixels.astype(int) - splatc.decode(tall_file)).max() <= 1
    found(FailsLater(after))
    assert np.array_equal(splatc.decode(tall_file, device="auto"), splatc.decode(tall_file)) == (after < 2)


@needs_compiler
def test_a_gpu_that_was_asked_for_and_fails_leaves_no_output(tall_file: Path, found: Install) -> None:
    found(FailsLater(2))
    result, pixels = decode(tall_file, "--device", "cuda")
    assert (result.exit_code, pixels.size) == (1, 0)
    assert "CUDA_ERROR_LAUNCH_FAILED" in result.stderr


def test_what_is_no_device_is_refused(tall_file: Path) -> None:
    with pytest.raises(UsageError, match="'rocm'"):
        splatc.open(tall_file, device="rocm")
    result, _ = decode(tall_file, "--device", "rocm")
    assert result.exit_code == 2
