"""Cubins are compiled once and kept; what a cache cannot hold is compiled again. And the errors of a device without CUDA."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import pytest

from splatc.cuda import compile as cuda_compile
from splatc.cuda import device
from splatc.cuda.compile import cache_folder, cubin, nvrtc_version
from splatc.cuda.missing import Broken, Missing
from splatc.errors import DeviceError
from tests.cuda_host.usage import needs_nvrtc

SOURCE = 'extern "C" __global__ void f(float* a) { a[threadIdx.x] = 1.0f; }'


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", str(folder))
    return folder / "splatc"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was not in the cache, by architecture."""
    seen: list[str] = []
    original = cuda_compile.compile_source

    def spy(source: str, arch: str) -> tuple[bytes, str]:
        seen.append(arch)
        return original(source, arch)

    monkeypatch.setattr(cuda_compile, "compile_source", spy)
    return seen


@needs_nvrtc
def test_a_kernel_is_compiled_once_per_architecture_and_text(cache: Path, compiled: list[str]) -> None:
    first = cubin(SOURCE, "sm_80")
    assert first.startswith(b"\x7fELF")
    assert cubin(SOURCE, "sm_80") == first
    assert compiled == ["sm_80"]
    cubin(SOURCE, "sm_90")
    cubin(SOURCE.replace("1.0f", "2.0f"), "sm_90")
    assert compiled == ["sm_80", "sm_90", "sm_90"]
    assert len(list(cache.iterdir())) == 3


@needs_nvrtc
def test_a_damaged_cubin_is_compiled_anew(cache: Path, compiled: list[str]) -> None:
    first = cubin(SOURCE, "sm_80")
    (path,) = cache.iterdir()
    path.write_bytes(b"")
    assert cubin(SOURCE, "sm_80") == first == path.read_bytes()
    assert len(compiled) == 2


@needs_nvrtc
def test_a_cache_that_cannot_be_written_is_no_error(cache: Path, compiled: list[str]) -> None:
    cache.parent.write_text("a file, not a folder")
    assert cubin(SOURCE, "sm_80") == cubin(SOURCE, "sm_80")
    assert len(compiled) == 2


@needs_nvrtc
def test_what_is_interrupted_leaves_no_part_of_a_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cubin(SOURCE, "sm_80")
    assert not list(cache.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="folders are named differently")
def test_the_cache_is_the_user_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/cache")
    assert cache_folder() == Path("/somewhere/cache/splatc")
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")  # which the XDG specification says to ignore
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    assert cache_folder() == Path("/home/me/.cache/splatc")


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch, compiled: list[str]) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.delenv("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder() is None
    monkeypatch.setattr(cuda_compile, "nvrtc_version", lambda: "13.0")
    monkeypatch.setattr(cuda_compile, "compile_source", lambda source, arch: (b"code", ""))
    assert cubin(SOURCE, "sm_80") == b"code"


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes imports of modules of CUDA fail; gives what looking for a device finds then, without its memory."""
    original = builtins.__import__

    def install(error: Exception) -> Missing:
        def refuse(name: str, *rest: Any) -> Any:
            if name.startswith("cuda."):
                raise error
            return original(name, *rest)

        monkeypatch.setattr(builtins, "__import__", refuse)
        found = device.find_device.__wrapped__()
        assert isinstance(found, Missing)
        return found

    return install


def test_without_cuda_core_there_is_no_device_and_it_says_what_to_install(without: Any) -> None:
    found = without(ImportError("No module named 'cuda'"))
    assert "pip install 'splatc[cuda]'" in found
    assert not found.broken
    with pytest.raises(DeviceError, match="cuda-core"):
        nvrtc_version()


def test_without_nvrtc_it_says_what_to_install(without: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_start", lambda: None)
    assert without(RuntimeError("libnvrtc.so.13 not found")).startswith("NVRTC")


def test_an_old_nvrtc_and_a_surprise_are_sentences_too(monkeypatch: pytest.MonkeyPatch) -> None:
    find = device.find_device.__wrapped__
    monkeypatch.setattr(device, "_start", lambda: None)
    monkeypatch.setattr(device, "nvrtc_version", lambda: "12.9")
    assert "NVRTC 12.9 is too old" in str(find())
    monkeypatch.setattr(device, "nvrtc_version", lambda: "13.0")

    def surprise() -> None:
        raise OSError("libcuda.so.1:\nwrong ELF class")

    monkeypatch.setattr(device, "_start", surprise)
    found = find()
    assert isinstance(found, Broken)
    assert found == "CUDA does not start: libcuda.so.1: wrong ELF class"


def test_an_old_gpu_is_distinguished_from_one_that_will_do() -> None:
    class Old:
        name, arch, capability = "GeForce GTX 1080", "sm_61", (6, 1)

    class Young(Old):
        capability = (7, 5)

    old: Any = Old()
    assert device._supported(old) == (
        "the GPU (GeForce GTX 1080) is too old: its compute capability is 61, splatc needs 75 or more"
    )
    young: Any = Young()
    assert device._supported(young) is young
