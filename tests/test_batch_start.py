"""Workers of a batch that cannot be started, or die at once."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from splatc.batch import pool
from splatc.batch.job import Job, Outcome
from splatc.batch.journal import Journal
from splatc.errors import CoreError

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(sys.platform != "linux", reason="a working folder cannot be removed")
def test_a_working_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    PIL.Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "a.png")
    gone = tmp_path / "gone"
    gone.mkdir()
    command = [sys.executable, "-m", "splatc", "batch", str(tmp_path / "a.png"), "-o", str(tmp_path / "out")]
    result = subprocess.run(
        ["sh", "-c", 'rmdir ../gone && exec "$@"', "sh", *command],
        cwd=gone,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "the working folder is gone" in result.stderr


def _refuse(monkeypatch: pytest.MonkeyPatch, allowed: int) -> list[int]:
    """Let so many processes be started, and no more."""
    begin, asked = SpawnProcess.start, list[int]()

    def start(self: Any) -> None:
        asked.append(1)
        if len(asked) > allowed:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        begin(self)

    monkeypatch.setattr(SpawnProcess, "start", start)
    return asked


def test_no_process_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    _refuse(monkeypatch, 0)
    with pytest.raises(CoreError, match=r"Resource temporarily unavailable.*ulimit -u"):
        list(pool.run_local([Job("a", "b")], 2))


def test_those_that_could_be_started_do_all_the_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked, journal = _refuse(monkeypatch, 1), Journal.join(str(tmp_path), print)
    jobs = [Job(f"missing-{index}", str(tmp_path / str(index)), journal=journal) for index in range(3)]
    outcomes = list(pool.run_local(jobs, 2))
    assert sorted(each.source for each in outcomes if isinstance(each, Outcome)) == [job.source for job in jobs]
    assert len(asked) > 1


def test_a_process_that_dies_before_it_has_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing to it fails then: as a broken pipe of its own the command would have ended without a word."""
    begin = SpawnProcess.start

    def start(self: Any) -> None:
        begin(self)
        self.kill()
        self.join()

    monkeypatch.setattr(SpawnProcess, "start", start)
    (outcome,) = pool.run_local([Job("a.png", "a.splat2d")], 1)
    assert isinstance(outcome, Outcome)
    assert (outcome.status, "SIGKILL, 2 times" in outcome.error) == ("failed", True)
