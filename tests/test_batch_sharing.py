"""Batches beside one another, killed ones, and pictures that change meanwhile: each picture once, from what stands there now."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

import splatc
from splatc import bitstream
from splatc.batch import database, rounds
from splatc.batch.database import NAME
from splatc.batch.job import Busy, Job, Outcome, Result
from splatc.batch.journal import Claim, Journal
from splatc.batch.rounds import beating, run_shared
from splatc.batch.work import run_job
from splatc.cli import main
from splatc.encoder.picture_file import EncodeSummary, Publish, encode_file
from splatc.errors import OutputError
from tests.test_batch import FAST, alive, joined, make_pictures, options, run

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "splatc", "batch", "in", "-o", "out", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def recorded(folder: Path) -> int:
    """How many files were encoded in all."""
    with contextlib.closing(sqlite3.connect(folder / NAME)) as connection:
        (count,) = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'files'").fetchone()
    return int(count)


# Two at a time.


def test_two_batches_share_the_work(tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", *(f"{index}.png" for index in range(5)))
    both = [start(tmp_path, *FAST, "-j", "2", "--json") for _ in range(2)]
    reports = []
    for process in both:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        reports.append(json.loads(out))
    assert sum(report["done"] for report in reports) == 5
    assert sum(report["kept"] for report in reports) == 5
    assert all(each["psnr_db"] for report in reports for each in report["files"])
    assert recorded(tmp_path / "out") == 5
    with database.reading(tmp_path / "out") as connection:
        for table in ("runs", "plans", "claims"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_what_another_batch_has_in_work_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pictures(tmp_path, "a.png", "b.png", "c.png")
    other, own = joined(tmp_path), joined(tmp_path)
    jobs = [
        Job(str(tmp_path / f"{name}.png"), str(tmp_path / f"{name}.splat2d"), options(), 1, journal=own)
        for name in "abc"
    ]
    for job in jobs[:2]:
        assert isinstance(other.claim(job), Claim)

    def at_once(jobs: Any) -> Any:
        return (run_job(job) for job in jobs)

    def meanwhile(seconds: float) -> None:
        """The other batch makes one picture and gives up the other one."""
        other.release(jobs[1])
        result = run_job(replace(jobs[0], journal=other))
        assert isinstance(result, Outcome) and result.status == "done"

    monkeypatch.setattr(rounds, "time", SimpleNamespace(sleep=meanwhile, monotonic=time.monotonic))
    notes: list[str] = []
    found = [(Path(each.source).name, each.status) for each in run_shared(jobs, at_once, own, notes.append)]
    assert found == [("c.png", "done"), ("a.png", "kept"), ("b.png", "done")]
    assert len(notes) == 1 and "waiting for what another batch has in work (process" in notes[0]
    assert "a.png and another one" in notes[0]


def test_a_failure_is_given_back(tmp_path: Path) -> None:
    make_pictures(tmp_path, "a.png")
    own, other = joined(tmp_path), joined(tmp_path)
    job = Job(str(tmp_path / "a.png"), str(tmp_path / "a.splat2d"), journal=own)

    def dies(jobs: Any) -> Iterator[Result]:
        for job in jobs:
            own.claim(job)
            assert other.claim(job) == Busy(job)
            yield Outcome(job.source, job.output, "failed")

    (outcome,) = run_shared([job], dies, own, lambda text: None)  # type: ignore[arg-type]
    assert outcome.status == "failed"
    assert isinstance(other.claim(job), Claim)


def test_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "BEAT", 0.01)
    own, other = joined(tmp_path), joined(tmp_path)

    def beats() -> list[int]:
        with database.reading(tmp_path) as connection:
            rows = connection.execute("SELECT beat FROM runs WHERE id = ?", (own.run,)).fetchall()
        return [beat for (beat,) in rows]

    with beating(own):
        while beats()[0] < 3:
            time.sleep(0.01)
        other.remove(next(run for run in _runs(tmp_path) if run.id == own.run))
    assert beats() == []


def _runs(folder: Path) -> Any:
    from splatc.batch.journal import _runs

    with database.reading(folder) as connection:
        return _runs(connection)


# Killed.


@POSIX
def test_a_killed_batch_leaves_no_worker_and_no_file_of_an_old_picture(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    rng = np.random.default_rng(0)
    PIL.Image.fromarray(rng.integers(0, 256, (700, 900, 3), np.uint8)).save(tmp_path / "in" / "a.png")
    arguments = ("--size", "300", "-e", "6", "-j", "1")
    with start(tmp_path, *arguments) as batch:
        workers = waited(lambda: in_work(tmp_path / "out") and children(batch.pid))
        batch.kill()  # it alone, as the system does that is out of memory
    waited(lambda: not any(alive(pid) and not zombie(pid) for pid in workers), 5.0)
    assert not (tmp_path / "out" / "a.splat2d").exists()
    make_pictures(tmp_path / "in", "a.png")
    for said in (b"1 done", b"0 done, 1 kept"):
        with start(tmp_path, *arguments) as batch:
            _, err = batch.communicate(timeout=120)
        assert (batch.returncode, said in err) == (0, True), err
    assert bitstream.read_header((tmp_path / "out" / "a.splat2d").read_bytes()).width == 16
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [NAME, "a.splat2d"]


def waited(condition: Any, seconds: float = 60.0) -> Any:
    """What `condition` gives, once that is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


def in_work(folder: Path) -> bool:
    with contextlib.suppress(OutputError), database.reading(folder) as connection:
        return bool(connection.execute("SELECT 1 FROM claims").fetchone())
    return False


def children(pid: int) -> list[int]:
    asked = ["ps", "-A", "-o", "pid=,ppid="]
    lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
    return [int(child) for child, parent in map(str.split, lines) if int(parent) == pid]


def zombie(pid: int) -> bool:
    asked = ["ps", "-o", "stat=", "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.startswith("Z")


@POSIX
def test_a_worker_that_is_killed_has_its_picture_done_by_another(tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", "a.png", "b.png")
    with start(tmp_path, *FAST, "-j", "1", "--json") as batch:
        waited(lambda: in_work(tmp_path / "out"))
        with database.reading(tmp_path / "out") as connection:
            assert connection.execute("SELECT count(*) FROM claims").fetchone()[0] <= 1
        for pid in children(batch.pid):
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes() if sys.platform == "linux" else True:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        out, err = batch.communicate(timeout=120)
    assert batch.returncode == 0, err
    assert json.loads(out)["done"] == 2


# Pictures that change, files that appear.


@pytest.fixture
def job(tmp_path: Path) -> Job:
    make_pictures(tmp_path, "a.png")
    return Job(str(tmp_path / "a.png"), str(tmp_path / "a.splat2d"), options(), 1, journal=joined(tmp_path))


def during_fit(monkeypatch: pytest.MonkeyPatch, action: Any, *, times: int = 1) -> None:
    """Do something while a picture is encoded, `times` times."""
    left = [times]

    def stand_in(*arguments: Any, publish: Publish, **options: Any) -> Any:
        def later(data: bytes, summary: EncodeSummary) -> None:
            if left[0]:
                left[0] -= 1
                action()
            publish(data, summary)

        return encode_file(*arguments, publish=later, **options)

    monkeypatch.setattr("splatc.batch.work.encode_file", stand_in)


def save(path: str, width: int) -> None:
    PIL.Image.new("RGB", (width, 9)).save(path, compress_level=0)


def test_a_picture_that_changes_meanwhile_is_encoded_anew(
    job: Job, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    during_fit(monkeypatch, lambda: save(job.source, 21))
    outcome = run_job(job)
    assert isinstance(outcome, Outcome) and outcome.status == "done", outcome
    assert bitstream.read_header(Path(job.output).read_bytes()).width == 21
    assert recorded(tmp_path) == 1
    assert job.journal is not None and list(job.journal.finished([job])) == [outcome]


@pytest.mark.skipif(sys.platform == "win32", reason="no time of change of entries there")
def test_also_one_of_equal_size_and_date(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    save(job.source, 20)
    when = Path(job.source).stat().st_mtime_ns

    def change() -> None:
        PIL.Image.new("RGB", (20, 9), "red").save(job.source, compress_level=0)
        os.utime(job.source, ns=(when, when))

    during_fit(monkeypatch, change)
    outcome = run_job(job)
    assert isinstance(outcome, Outcome) and outcome.status == "done", outcome
    assert (splatc.decode(job.output) == (255, 0, 0)).all()


def test_one_that_changes_all_the_time_fails(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    widths = iter(range(10, 20))
    during_fit(monkeypatch, lambda: save(job.source, next(widths)), times=9)
    outcome = run_job(job)
    assert isinstance(outcome, Outcome)
    assert "a.png: changed while it was encoded, 3 times: try again" in outcome.error
    assert not Path(job.output).exists()


def test_one_that_goes_is_reported_missing(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    during_fit(monkeypatch, Path(job.source).unlink)
    outcome = run_job(job)
    assert isinstance(outcome, Outcome) and "a.png: cannot be read: No such file" in outcome.error


def test_a_file_that_appears_meanwhile_is_not_taken_for_ours(
    job: Job, monkeypatch: pytest.MonkeyPatch, tiny_file: bytes, tmp_path: Path
) -> None:
    during_fit(monkeypatch, lambda: Path(job.output).write_bytes(tiny_file))
    outcome = run_job(job)
    assert isinstance(outcome, Outcome) and "a.splat2d: exists already" in outcome.error
    result = run(job.source, "-o", str(tmp_path))
    assert (result.exit_code, "exist already" in result.stderr) == (2, True)
    assert Path(job.output).read_bytes() == tiny_file
    kept = run(job.source, "-o", str(tmp_path), "--skip-existing")
    assert kept.exit_code == 0, kept.output


def test_a_picture_that_was_given_away_meanwhile_is_not_published(
    job: Job, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert job.journal is not None
    other = joined(tmp_path)

    def take() -> None:
        assert isinstance(job.journal, Journal)
        job.journal.leave()
        assert isinstance(other.claim(job), Claim)

    during_fit(monkeypatch, take)
    assert run_job(job) == Busy(job)
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME, "a.png"]


def test_any_whole_file_will_do_where_that_is_asked_for(job: Job, tiny_file: bytes) -> None:
    Path(job.output).write_bytes(tiny_file)
    outcome = run_job(replace(job, keep=True))
    assert isinstance(outcome, Outcome) and outcome.status == "kept"
    failed = run_job(job)
    assert isinstance(failed, Outcome) and "exists already" in failed.error


def test_failures_name_their_picture(job: Job, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    outcome = run_job(replace(job, options=options() | {"count": None, "size": 5}))
    assert isinstance(outcome, Outcome)
    assert outcome.error.startswith(f"{job.source}: ")
    assert job.journal is not None
    job.journal.leave()
    monkeypatch.setattr("splatc.batch.pool.run_local", lambda jobs, processes: (run_job(job) for job in jobs))
    arguments = ["batch", job.source, "-o", str(tmp_path), "--size", "5", "-q"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 5
    first, last = result.stderr.splitlines()
    assert "a.png: " in first and last == "splatc: error: 1 of 1 pictures failed"
