"""Progress of an encoding, and how one is stopped: by what `progress` raises, or by Ctrl-C, in every phase; nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import splatc
from splatc.blend import Blend
from splatc.core import pool
from splatc.errors import DeviceError
from splatc.fit import initializer
from splatc.fit.engines.choice import Wanted, on_cpu
from splatc.gaussians import Gaussians, Scene
from splatc.render import render

PIXELS = np.random.default_rng(5).integers(0, 256, (20, 28, 3), np.uint8)
Calls = list[tuple[int, int, str]]
AT_ONCE = 15.0
"""Seconds; 0.1 on an idle machine, but others may be at work, and what is stopped would take minutes."""
WORK = 0.5
"""Seconds of processor time, of all threads, from then on: what the docstring says, as an idle machine would show it. Seconds of the
clock depend on what else runs there; that nothing sleeps meanwhile is held by AT_ONCE."""


def encode(progress: Callable[[int, int, str], object] | None, **options: Any) -> bytes:
    return splatc.encode(PIXELS, size=300, effort=1, progress=progress, **options)


def test_progress_goes_from_the_seeds_to_the_file() -> None:
    calls: Calls = []
    data = encode(lambda *now: calls.append(now))
    assert data == encode(None)
    steps = calls[0][1]
    assert calls[0] == (0, steps, "seeding")
    assert calls[-1] == (steps, steps, "packing")
    assert {phase for *_, phase in calls[1:-1]} == {"fitting"}
    assert [done for done, *_ in calls] == sorted(done for done, *_ in calls)
    assert {total for _, total, _ in calls} == {steps}


def test_a_search_for_a_psnr_reports_its_progress_too() -> None:
    calls: Calls = []
    splatc.encode(PIXELS, psnr=16, effort=1, progress=lambda *now: calls.append(now))
    assert any("try 1 of at most" in phase for *_, phase in calls)


class Enough(Exception):  # noqa: N818 - a caller's own
    """What a caller raises to stop."""


@pytest.mark.parametrize("phase", ["seeding", "fitting", "packing"])
def test_what_progress_raises_comes_out_as_it_is(phase: str) -> None:
    raised, since = Enough(phase), []

    def progress(done: int, total: int, what: str) -> None:
        if what == phase and done >= min(5, total if what == "packing" else done):
            since.append(time.process_time())
            raise raised

    with pytest.raises(Enough) as caught:
        encode(progress)
    assert time.process_time() - since[0] < WORK
    assert len(since) == 1
    assert caught.value is raised
    assert splatc.decode(encode(None)).shape == PIXELS.shape  # the pool is free


def draw_for_minutes(*_: Any) -> Any:
    """One call of the core: every Gaussian covers all of the picture."""
    count = 40_000
    mean, scale = (np.full((count, 2), value, np.float32) for value in (1000, 2000))
    gaussians = Gaussians(mean, scale, np.zeros(count, np.float32), np.ones((count, 1), np.float32))
    render(Scene(2000, 2000, Blend.NORMALIZED, np.zeros(1, np.float32), gaussians))
    raise AssertionError("came to its end")


def test_progress_is_reported_while_a_call_of_the_core_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initializer, "reduce", draw_for_minutes)
    calls: list[float] = []
    worked: list[float] = []

    def progress(*_: Any) -> None:
        calls.append(time.monotonic())
        worked.append(time.process_time())
        if len(calls) == 5:
            raise Enough

    with pytest.raises(Enough):
        encode(progress)
    assert time.process_time() - worked[-1] < WORK
    assert time.monotonic() - calls[-1] < AT_ONCE
    assert calls[-1] - calls[1] < AT_ONCE
    monkeypatch.undo()
    assert splatc.decode(encode(None)).shape == PIXELS.shape


def test_progress_may_itself_call_the_core() -> None:
    data, shapes = encode(None), []
    assert encode(lambda *_: shapes.append(splatc.decode(data).shape)) == data
    assert set(shapes) == {PIXELS.shape}


def test_watching_ends_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def look() -> None:
        calls.append("called")
        pool._look_around()  # not again on its own way

    with pool.watched(look):
        pool._look_around()
        with pool.watched(lambda: calls.append("inner")):
            pool._look_around()
        pool._look_around()
    pool._look_around()
    assert calls == ["called", "inner", "called"]


CHILD = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent may ignore it
import importlib

def stand(*_, **__):
    print("go", time.process_time(), flush=True)
    time.sleep(600)

module, _, name = sys.argv[1].rpartition(":")
*path, last = name.split(".")
owner = importlib.import_module(module)
for each in path:
    owner = getattr(owner, each)
setattr(owner, last, stand)
"""
COMMAND = "from splatc.cli import main; main(['encode', 'tiny.png', 'out.splat2d', '-e', '1', '--threads', '1'])"
FUNCTION = (
    "import numpy, splatc; splatc.encode(numpy.arange(3000, dtype=numpy.uint8).reshape(25, 40, 3), size=300, effort=1)"
)
PHASES = {
    "reading": "splatc.image.readers:collect",
    "seeding": "splatc.fit.initializer:reduce",
    "fitting": "splatc.encoder.pipeline:Clock.__iter__",
    "packing": "splatc.encoder.pipeline:RateControl.trim",
    "checking": "splatc.decoder.scene:decode_bytes",
}


def interrupted(command: list[str], folder: Path) -> tuple[int, str]:
    """Status and messages of a process that gets Ctrl-C where it says "go", with the processor time up to there, and stands still."""
    before = processor_time_of_children()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            go, worked = process.stdout.readline().split()
            assert go == "go"
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=AT_ONCE)
        finally:
            process.kill()
    assert processor_time_of_children() - before - float(worked) < WORK
    return process.returncode, errors


def processor_time_of_children() -> float:
    """Seconds, of those that have ended."""
    times = os.times()
    return times.children_user + times.children_system


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a child there")
@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c_ends_the_command_in_every_phase(phase: str, tiny_picture: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD + COMMAND, PHASES[phase]]
    assert interrupted(command, tmp_path) == (130, "splatc: error: interrupted\n")
    assert list(tmp_path.iterdir()) == [tiny_picture]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a child there")
def test_ctrl_c_leaves_the_function_as_what_it_is(tmp_path: Path) -> None:
    status, errors = interrupted([sys.executable, "-c", CHILD + FUNCTION, PHASES["fitting"]], tmp_path)
    assert (status, errors.splitlines()[-1]) == (-signal.SIGINT, "KeyboardInterrupt")
    assert list(tmp_path.iterdir()) == []


LOADING = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
print("go", time.process_time(), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a child there")
@pytest.mark.parametrize("start", [["-m", "splatc"], ["-c", "from splatc.__main__ import main; main()"]])
def test_ctrl_c_while_the_command_is_loaded_is_no_traceback(start: list[str], tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text(LOADING)
    assert interrupted([sys.executable, *start, "--help"], tmp_path) == (130, "")


def test_the_command_begins_there() -> None:
    settings = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert settings["project"]["scripts"] == {"splatc": "splatc.__main__:main"}


def test_a_device_error_of_the_caller_is_none_of_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """With "auto" a GPU that fails is followed by the CPU; what `progress` raises ends the work all the same."""
    monkeypatch.setattr(Wanted, "choose", lambda *_: on_cpu())
    raised, calls = DeviceError("the caller's own GPU"), []

    def progress(*now: Any) -> None:
        calls.append(now)
        raise raised

    with pytest.raises(DeviceError) as caught:
        encode(progress, engine="auto", device="auto")
    assert caught.value is raised
    assert len(calls) == 1
