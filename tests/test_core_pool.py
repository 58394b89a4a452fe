"""The threads of the core: shared, interruptible, alive after a fork; what is decoded does not depend on them."""

from __future__ import annotations

import functools
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import splatc
from splatc import bitstream, core
from splatc.blend import Blend
from splatc.core import pool
from splatc.errors import UsageError
from splatc.gaussians import Gaussians, Scene
from splatc.render import render
from tests.bitstream_cases import header_for, random_quantized

FORKS = hasattr(os, "fork")


@pytest.fixture(scope="module")
def large() -> bytes:
    """A file of many sections."""
    header = header_for(1200, 900)
    return bitstream.encode(header, random_quantized(np.random.default_rng(3), header, 12_000))


def test_any_number_of_threads_decodes_the_same(large: bytes, all_threads: None) -> None:
    found = []
    try:
        for number in (1, 2, 3, 8):
            core.set_threads(number)
            assert core.threads() == number
            found.append(splatc.decode(large, scale="1/2"))
    finally:
        core.set_threads(None)
    assert all(np.array_equal(each, found[0]) for each in found)


def test_eight_callers_share_the_pool(large: bytes, all_threads: None) -> None:
    expected = splatc.decode(large)
    with ThreadPoolExecutor(8) as executor:
        for found in executor.map(lambda _: splatc.decode(large), range(32)):
            assert np.array_equal(found, expected)


def test_one_damaged_file_does_not_disturb_the_others(large: bytes) -> None:
    damaged = large[:-4000] + bytes(1000) + large[-3000:]

    def read(number: int) -> int:
        try:
            return len(bitstream.Reader(io.BytesIO(large if number % 2 else damaged)).read())
        except splatc.SplatError:
            return -1

    with ThreadPoolExecutor(4) as executor:
        assert list(executor.map(read, range(16))) == [-1, 12_000] * 8


def _decode_in_child(data: bytes, queue: multiprocessing.Queue[bytes]) -> None:
    queue.put(splatc.decode(data, scale="1/4").tobytes())


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_children_decode_after_their_parent_has(large: bytes, method: str) -> None:
    expected = splatc.decode(large, scale="1/4").tobytes()
    context: Any = multiprocessing.get_context(method)  # which has Process, whatever the stubs say
    queue = context.Queue()
    children = [context.Process(target=_decode_in_child, args=(large, queue)) for _ in range(2)]
    for child in children:
        child.start()
    for _ in children:
        assert queue.get(timeout=60) == expected
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert splatc.decode(large, scale="1/4").tobytes() == expected  # and so does the parent


@pytest.mark.skipif(not FORKS, reason="no fork there")
def test_a_fork_while_another_thread_decodes(large: bytes) -> None:
    """The child has a pool of its own, whatever state that of its parent was in."""
    expected = splatc.decode(large, scale="1/4")
    done = threading.Event()

    def decode_on() -> None:
        while not done.is_set():
            splatc.decode(large, scale="1/4")

    thread = threading.Thread(target=decode_on)
    thread.start()
    try:
        for _ in range(20):
            child = _fork_that_decodes(large, expected)
            _, status = os.waitpid(child, 0)
            assert status == 0
    finally:
        done.set()
        thread.join()


def _fork_that_decodes(data: bytes, expected: np.ndarray) -> int:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # Python 3.12 warns of forks beside threads; here on purpose
        child = os.fork()
    if child == 0:
        same = False
        try:
            signal.alarm(60)
            same = np.array_equal(splatc.decode(data, scale="1/4"), expected)
        finally:
            os._exit(0 if same else 1)
    return child


@pytest.mark.skipif(not FORKS, reason="no fork there")
def test_forks_beside_short_calls_do_not_wait(tiny_file: bytes) -> None:
    """Between two calls of another thread the pool is idle, and threads that should end for the fork are wanted again."""
    expected, done = splatc.decode(tiny_file, scale="1/4"), threading.Event()

    def decode_now_and_then() -> None:
        while not done.wait(0.0005):
            splatc.decode(tiny_file, scale="1/4")

    thread = threading.Thread(target=decode_now_and_then)
    thread.start()
    try:
        for _ in range(60):
            _, status = os.waitpid(_fork_that_decodes(tiny_file, expected), 0)
            assert status == 0
    finally:
        done.set()
        thread.join(10)
    assert not thread.is_alive()


def test_a_short_call_does_not_wait_for_a_long_one(tiny_file: bytes) -> None:
    """With one thread for both, they take turns."""
    core.set_threads(1)
    ended: list[str] = []
    scene = slow_scene()

    def draw_slowly() -> None:
        render(scene)
        ended.append("long")

    try:
        splatc.decode(tiny_file)
        long = threading.Thread(target=draw_slowly)
        long.start()
        time.sleep(0.2)
        splatc.decode(tiny_file)
        ended.append("short")
        long.join()
    finally:
        core.set_threads(None)
    assert ended == ["short", "long"]


def slow_scene() -> Scene:
    """Some seconds of drawing."""
    rng = np.random.default_rng(0)
    count = 1500
    mean = rng.uniform(0, 1500, (count, 2)).astype(np.float32)
    gaussians = Gaussians(
        mean, np.full((count, 2), 900, np.float32), np.zeros(count, np.float32), np.ones((count, 1), np.float32)
    )
    return Scene(1500, 1500, Blend.NORMALIZED, np.zeros(1, np.float32), gaussians)


@pytest.mark.skipif(not FORKS, reason="no fork there")
def test_no_thread_is_left_when_a_process_forks(large: bytes) -> None:
    """Idle threads end before a fork, so that Python has nothing to warn of."""
    code = """
import os, sys, warnings
warnings.simplefilter("error")
import splatc
data = sys.stdin.buffer.read()
splatc.decode(data)
assert len(os.listdir("/proc/self/task")) > 1 if os.path.isdir("/proc/self/task") else True
child = os.fork()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
splatc.decode(data)
"""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], input=large, check=True, timeout=60, env=environment)


ENDLESS = """
import sys, threading, time
import numpy as np
from splatc.blend import Blend
from splatc.errors import UsageError
from splatc.gaussians import Gaussians, Scene
from splatc.render import render
count = 4000
rng = np.random.default_rng(0)
g = Gaussians(
    rng.uniform(0, 8000, (count, 2)).astype(np.float32), np.full((count, 2), 4000, np.float32),
    np.zeros(count, np.float32), np.ones((count, 3), np.float32))
print("go", flush=True)
render(Scene(8000, 8000, Blend.NORMALIZED, np.zeros(3, np.float32), g))
print("ended", flush=True)
"""


SORTING = """
import numpy as np
from splatc import core
from splatc.errors import UsageError
from splatc.gaussians import Gaussians, Scene
from splatc.blend import Blend
from splatc.render.draw import make_plan
from splatc.render.view import view
count = 6000
ones = np.ones(count, np.float32)
g = Gaussians(*(np.full((count, 2), value, np.float32) for value in (8000, 9000)), 0 * ones, np.ones((count, 1), np.float32))
plan = make_plan(Scene(16384, 16384, Blend.NORMALIZED, np.zeros(1, np.float32), g), view(16384, 16384))
print("go", flush=True)
while True:
    core.sort_into_tiles(plan.placed)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a child there")
@pytest.mark.parametrize("code", [ENDLESS, SORTING], ids=["drawing", "sorting into tiles"])
def test_ctrl_c_ends_a_long_call_at_once(code: str) -> None:
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a parent may ignore it
    command = [sys.executable, "-c", heeding + code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"go\n"
            time.sleep(1.0)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=3)  # 0.1 s on an idle machine; it would take minutes
        finally:
            process.kill()
    assert b"ended" not in output
    assert b"KeyboardInterrupt" in errors


def test_a_cancelled_call_leaves_the_pool_as_it_was(large: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = splatc.decode(large)
    wait = core.loading.load().core_wait
    calls = []

    def interrupted(job: object, milliseconds: int) -> int:
        calls.append(milliseconds)
        if len(calls) in (1, 2):
            raise KeyboardInterrupt
        if len(calls) == 3:
            return core.loading.RUNNING
        return int(wait(job, milliseconds))

    monkeypatch.setattr(core.loading.load(), "core_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        splatc.decode(large)
    assert len(calls) > 2  # and the second Ctrl-C did not leave workers with memory that is gone
    monkeypatch.undo()
    assert np.array_equal(splatc.decode(large), expected)


def test_threads_are_at_most_one_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        core.set_threads(10_000)
        assert core.threads() == min(pool.available(), pool.MOST)
        core.set_threads(1)
        assert core.threads() == 1
    finally:
        core.set_threads(None)
    if hasattr(os, "sched_setaffinity"):
        every = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, {min(every)})
            assert core.threads() == 1
        finally:
            os.sched_setaffinity(0, every)


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 1 << 16),
        ("0::/gone\n", {}, 1 << 16),
        ("4:cpu,cpuacct:/x\n3:memory:/x\n", {"cpu,cpuacct/x/cpu.cfs_quota_us": "50000", "cpu,cpuacct/x/cpu.cfs_period_us": "100000"}, 1),
        ("4:cpu,cpuacct:/x\n", {"cpu,cpuacct/x/cpu.cfs_quota_us": "-1", "cpu,cpuacct/x/cpu.cfs_period_us": "100000"}, 1 << 16),
    ],
)  # fmt: skip
def test_control_groups_limit_the_threads(tmp_path: Path, groups: str, files: dict[str, str], expected: int) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert pool.quota_of(groups, tmp_path) == expected


def test_the_command_takes_a_number_of_threads(large: bytes, tmp_path: Path) -> None:
    source = tmp_path / "large.splat2d"
    source.write_bytes(large)
    pictures = []
    for number in ("1", "2"):
        out = tmp_path / f"{number}.png"
        code = f"""
import sys
from splatc import core
from splatc.cli import main
from splatc.core import pool
from splatc.image import saving
from splatc.image.writers import threads
def save_strips(*given, real=saving.save_strips):
    assert core.threads() == threads._threads() == min({number}, pool.available())
    real(*given)
saving.save_strips = save_strips
main(sys.argv[1:])
"""
        command = [sys.executable, "-c", code, "decode", "--threads", number, str(source), str(out)]
        subprocess.run(command, check=True)
        pictures.append(out.read_bytes())
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("number", [0, -1, 1.5, "2"])
def test_numbers_of_threads_that_are_none(number: Any) -> None:
    with pytest.raises(UsageError, match="expected a whole number from 1"):
        core.set_threads(number)


def test_systems_without_affinity_and_control_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr(pool, "_quota", lambda: 1 << 16)
    assert pool.available() == 3
    monkeypatch.undo()

    def unreadable(_: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", unreadable)
    assert pool._quota.__wrapped__() == 1 << 16


def test_a_patient_call_is_waited_for() -> None:
    def slow() -> int:
        time.sleep(0.1)
        return 7

    assert pool.patiently(slow, ()) == 7


def test_long_lists_are_sorted_patiently(tiny_file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = splatc.decode(tiny_file, scale=4)
    monkeypatch.setattr(core, "_MANY_ENTRIES", 0)
    assert np.array_equal(splatc.decode(tiny_file, scale=4), expected)

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    assert np.array_equal(splatc.decode(tiny_file, scale=4), expected)


def test_a_fork_before_the_first_call_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "load", functools.cache(lambda: pytest.fail("loaded")))
    pool._before_fork()


def test_pictures_are_written_without_threads_where_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    from splatc.image.writers.threads import in_threads

    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(pool, "available", lambda: 4)
    monkeypatch.setattr(ThreadPoolExecutor, "_adjust_thread_count", no_thread)
    assert list(in_threads(str, range(5))) == ["0", "1", "2", "3", "4"]
