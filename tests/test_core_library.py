"""Loading the core: what is wrong with a library is one sentence, and the instruction set changes no sample."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import splatc
from splatc.core import loading, seal, sources, structs
from splatc.errors import CoreError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the core's sources and library, from which it will be loaded next."""
    for path in [*sources.files(loading.FOLDER), loading.FOLDER / loading.file_name()]:
        copy = tmp_path / path.relative_to(loading.FOLDER)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    monkeypatch.setattr(loading, "FOLDER", tmp_path)
    monkeypatch.delenv(loading.LIBRARY_VARIABLE, raising=False)
    loading.load.cache_clear()
    yield tmp_path
    loading.load.cache_clear()


def refusal() -> str:
    with pytest.raises(CoreError) as error:
        loading.load()
    assert str(error.value).isprintable()
    return str(error.value)


@pytest.mark.skipif(loading.LIBRARY_VARIABLE in os.environ, reason="another library is tested")
def test_a_sound_library_is_loaded(folder: Path) -> None:
    assert loading.load().core_version() == loading.VERSION


def test_a_missing_library(folder: Path) -> None:
    (folder / loading.file_name()).unlink()
    assert "is missing" in refusal()
    assert "make core" in refusal()


def test_what_is_no_library(folder: Path) -> None:
    (folder / loading.file_name()).write_bytes(b"no library")
    assert "cannot be loaded" in refusal()


def cut(data: bytes, where: float) -> bytes:
    return data[: int(where * len(data))]


@pytest.mark.skipif(sys.platform == "darwin", reason="no seal behind a signature; the system looks itself")
@pytest.mark.parametrize("where", [0.0001, 0.0002, 0.01, 0.1, 0.5, 0.9, 0.99])
def test_a_library_that_was_cut_off_ends_no_process(folder: Path, where: float) -> None:
    """Whether it has a seal to lose or `strip` took that before."""
    path = folder / loading.file_name()
    whole = path.read_bytes()
    for data in (whole, whole[: -seal._SIZE]):
        path.write_bytes(cut(data, where))
        assert "the compiled core of splatc is damaged" in refusal() or where < 0.0002


@pytest.mark.skipif(sys.platform == "darwin", reason="no seal behind a signature")
@pytest.mark.parametrize("where", [0.0, 0.3, 0.7, 0.999])
def test_a_library_with_another_byte_is_not_loaded(folder: Path, where: float) -> None:
    path = folder / loading.file_name()
    data = bytearray(path.read_bytes())
    data[int(where * len(data))] ^= 1
    path.write_bytes(data)
    refused = refusal()
    assert "its checksum is not that of its bytes" in refused or "cannot be loaded" in refused


@pytest.mark.skipif(loading.LIBRARY_VARIABLE in os.environ, reason="another library is tested")
def test_a_library_without_a_seal_is_loaded(folder: Path) -> None:
    path = folder / loading.file_name()
    path.write_bytes(path.read_bytes().removesuffix(path.read_bytes()[-seal._SIZE :]))
    assert loading.load().core_version() == loading.VERSION


@pytest.mark.skipif(loading.LIBRARY_VARIABLE in os.environ, reason="another library is tested")
def test_a_library_that_is_older_than_the_sources(folder: Path) -> None:
    with (folder / "core.h").open("a") as file:
        file.write("/* changed */\n")
    assert "older than its sources" in refusal()


@pytest.mark.skipif(loading.LIBRARY_VARIABLE in os.environ, reason="another library is tested")
def test_an_installation_without_sources_cannot_be_older(folder: Path) -> None:
    for path in sources.files(folder):
        path.unlink()
    assert loading.load().core_version() == loading.VERSION


def test_structs_that_do_not_fit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "digest", lambda _: None)
    monkeypatch.setitem(structs.MIRRORS, "draw", 8)
    assert "does not fit its Python code (struct draw)" in refusal()


def test_a_function_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(loading._SIGNATURES, "core_future", ([], None))
    assert "has no core_future" in refusal()


@pytest.mark.parametrize("level", ["v9", "v-1", "fast", "0", "v4294967299", "9" * 5000, "vv3", "\uff13", " 3"])
def test_an_instruction_set_that_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    monkeypatch.setattr(sources, "digest", lambda _: None)
    monkeypatch.setenv(loading.LEVEL_VARIABLE, level)
    message = refusal()
    assert "expected v2, v3 or v4" in message
    assert len(message) < 200


def test_a_processor_that_is_too_old(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        """A library that finds no instruction set that it could use."""

        def __init__(self, path: str) -> None:
            self.real = real(path)

        def __getattr__(self, name: str) -> Any:
            return (lambda: 0) if name == "core_best_level" else getattr(self.real, name)

    real = ctypes.CDLL
    monkeypatch.setattr(sources, "digest", lambda _: None)
    monkeypatch.setattr(ctypes, "CDLL", Old)
    with pytest.raises((CoreError, AttributeError), match=r"SSE4\.2"):
        loading.load()


def test_arrays_lie_in_one_piece() -> None:
    with pytest.raises(AssertionError, match="one piece"):
        loading.address(np.zeros((4, 4))[:, 1])


def test_statuses_that_no_file_causes() -> None:
    loading.check(loading.OK)
    with pytest.raises(CoreError, match="no thread"):
        loading.check(loading.NO_THREAD)
    with pytest.raises(AssertionError, match="status 6"):
        loading.check(loading.INVALID)


def test_the_command_says_it_in_a_line(tiny_splat: Path, tmp_path: Path) -> None:
    environment = os.environ | {loading.LIBRARY_VARIABLE: str(tmp_path / "nowhere.so")}
    command = [sys.executable, "-m", "splatc", "decode", str(tiny_splat), str(tmp_path / "out.png")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "the compiled core of splatc is missing" in result.stderr
    assert not (tmp_path / "out.png").exists()


@pytest.mark.skipif(loading.load().core_best_level() < 3, reason="this processor has but one instruction set")
def test_every_instruction_set_draws_the_same_files(tmp_path: Path) -> None:
    """The conformance set, whole files, in processes of their own: the environment decides."""
    folder = Path(__file__).parent.parent / "spec" / "conformance"
    code = """
import sys, pathlib, hashlib, splatc
digest = hashlib.sha256()
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.splat2d")):
    for scale in ("1", "1/3", "2"):
        digest.update(splatc.decode(path, scale=scale).tobytes())
print(digest.hexdigest())
"""
    found = set()
    for level in range(2, loading.load().core_best_level() + 1):
        environment = os.environ | {loading.LEVEL_VARIABLE: f"v{level}"}
        command = [sys.executable, "-c", code, str(folder)]
        found.add(subprocess.run(command, env=environment, capture_output=True, check=True, timeout=120).stdout)
    assert len(found) == 1


def test_a_level_is_taken_while_it_runs(tiny_file: bytes) -> None:
    core, pictures = loading.load(), []
    best = core.core_get_level()
    try:
        for level in range(2, core.core_best_level() + 1):
            assert core.core_set_level(level) == loading.OK
            pictures.append(splatc.decode(tiny_file, scale="3"))
    finally:
        core.core_set_level(best)
    assert all(np.array_equal(each, pictures[0]) for each in pictures)
