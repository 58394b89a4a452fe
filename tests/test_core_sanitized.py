"""The core with AddressSanitizer and UBSan reads damaged files and refuses wrong arguments: the short form of `make sanitize`."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import core_build
import core_sanitize


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """That of a process with sanitizers; without them there is nothing to test, but on a build machine there have to be."""
    try:
        if sys.platform != "linux":
            raise core_build.BuildError("sanitizers are preloaded on Linux only")
        return core_sanitize.environment()
    except core_build.BuildError as error:
        if os.environ.get("CI") and sys.platform == "linux":
            raise
        pytest.skip(str(error))


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=core_sanitize.ROOT, env=environment, capture_output=True, text=True, timeout=300)


def test_sound_hostile_and_damaged_files(environment: dict[str, str]) -> None:
    done = run(environment, "-m", "tests.sanitized_run", "600")
    assert done.returncode == 0, done.stderr[-4000:]


def test_the_sanitizer_is_there(environment: dict[str, str]) -> None:
    """A call with a workspace that is smaller than it says ends the process."""
    lie = (
        "from tests.core_calls import PredictCall; call = PredictCall(3000, 0)\n"
        "call.task.workspace = call.task.sites = call.angle.ctypes.data // 64 * 64; call.run()"
    )
    done = run(environment, "-c", lie)
    assert done.returncode != 0
    assert "AddressSanitizer" in done.stderr


@pytest.mark.slow
def test_threads_do_not_race(environment: dict[str, str]) -> None:
    assert core_sanitize.check_threads() == 0
