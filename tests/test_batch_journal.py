"""The journal of an output folder: what made a file, who works on which, and what becomes of a damaged or an old one."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from splatc.batch import database, journal, old_journal, rounds
from splatc.batch.database import NAME
from splatc.batch.job import Busy, Job, Outcome, look_at, stamp
from splatc.batch.journal import Claim, ClaimLostError, Journal, request_hash
from splatc.batch.process import alive, this_process
from splatc.batch.rounds import Watch, announce
from splatc.errors import OutputError, UsageError
from tests.test_batch import joined, make_pictures

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signs of life alone show there whether a batch lives")


def job_of(folder: Path, **options: Any) -> Job:
    if not (folder / "a.png").exists():
        make_pictures(folder, "a.png")
    return Job(str(folder / "a.png"), str(folder / "a.splat2d"), options)


def claimed(batch: Journal, job: Job) -> Claim:
    claim = batch.claim(job)
    assert isinstance(claim, Claim)
    return claim


def make(batch: Journal, job: Job, data: bytes = b"made") -> None:
    """Everything that a worker does but the fit."""
    claim = claimed(batch, job)
    batch.record(
        job, claim, data, Outcome(job.source, job.output, "done", bytes=len(data), psnr_db=30.5, notes="\udcff")
    )
    with batch.publishing(claim):
        Path(job.output).write_bytes(data)


def known(batch: Journal, job: Job) -> Outcome | None:
    (outcome,) = batch.finished([job])
    return outcome


def change(folder: Path, statement: str, *values: object) -> None:
    with database.transaction(folder) as connection:
        connection.execute(statement, values)


# What made a file.


def test_a_file_counts_if_its_very_bytes_were_made_for_the_request_and_the_picture(tmp_path: Path) -> None:
    job = job_of(tmp_path, cr=100)
    batch = joined(tmp_path)
    assert known(batch, job) is None
    make(batch, job)
    outcome = known(batch, job)
    assert outcome is not None
    assert (outcome.status, outcome.bytes, outcome.psnr_db, outcome.notes) == ("done", 4, 30.5, "\udcff")
    later = known(joined(tmp_path), job)
    assert later == replace(outcome, status="kept")
    assert known(batch, job_of(tmp_path, cr=50)) is None
    Path(job.output).write_bytes(b"else")
    assert known(batch, job) is None
    Path(job.output).write_bytes(b"made")
    assert known(batch, job) is not None
    make_pictures(tmp_path, "b.png", "a.png")
    assert known(batch, job) is None
    assert "earlier version of" in batch.origin(job)
    assert "other options" in batch.origin(job_of(tmp_path, cr=50))


def test_another_picture_of_equal_size_and_date_is_another_one(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    (tmp_path / "other").mkdir()
    shutil.copy2(job.source, tmp_path / "other" / "a.png")
    other = replace(job, source=str(tmp_path / "other" / "a.png"))
    assert stamp(job.source) == stamp(other.source)
    batch = joined(tmp_path)
    make(batch, job)
    assert known(batch, other) is None
    assert batch.origin(other) == "made from another picture"
    (tmp_path / "moved").symlink_to(tmp_path)
    inside = replace(job, source=str(tmp_path / "moved" / "a.png"), output=str(tmp_path / "moved" / "a.splat2d"))
    assert known(Journal(str(tmp_path / "moved"), batch.run), inside) is not None


def test_a_kill_between_record_and_name_loses_nothing_and_takes_nothing_for_granted(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    batch = joined(tmp_path)
    batch.record(job, claimed(batch, job), b"made", Outcome(job.source, job.output, "done"))
    assert known(batch, job) is None
    Path(job.output).write_bytes(b"of another program")
    assert known(batch, job) is None
    Path(job.output).write_bytes(b"made")  # the name was given, and nothing else was written any more
    assert known(batch, job) is not None


def test_to_replace_means_what_ended_runs_have_made(tmp_path: Path) -> None:
    job = replace(job_of(tmp_path), force=True)
    stopped = joined(tmp_path)
    stopped.plan([job], [job])
    make(stopped, job)
    assert known(joined(tmp_path), job) is not None  # goes on where that one was
    beside = joined(tmp_path)
    stopped.end()
    assert known(joined(tmp_path), job) is None
    assert known(joined(tmp_path), replace(job, force=False)) is not None
    last = joined(tmp_path)
    last.plan([job], [job])
    make(last, job, b"made anew")
    last.end()
    assert known(beside, job) is not None  # both replace, at the same time: once is enough


def test_what_is_not_there_any_more_is_forgotten(tmp_path: Path) -> None:
    job = replace(job_of(tmp_path), force=True)
    batch = joined(tmp_path)
    for number in range(3):
        change(tmp_path, "UPDATE files SET settled = 1")
        make(replace(batch, since=number), job, b"made %d" % number)
    with database.reading(tmp_path) as connection:
        assert connection.execute("SELECT count(*) FROM files").fetchone() == (1,)
    assert (
        request_hash({"cr": 1, "device": "cpu"}) == request_hash({"device": "cuda", "cr": 1}) != request_hash({"cr": 2})
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
def test_pipes_are_no_files(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    os.mkfifo(job.output)
    assert known(joined(tmp_path), job) is None
    assert look_at(job.source, job.output, "kept") is None


@pytest.mark.skipif(sys.platform != "linux", reason="names there are text")
def test_names_that_are_no_text(tmp_path: Path) -> None:
    make_pictures(tmp_path, "a.png")
    odd = os.fsdecode(b"\xff\x00 a.png".replace(b"\0", b"'"))
    (tmp_path / "a.png").rename(tmp_path / odd)
    job = Job(str(tmp_path / odd), str(tmp_path / f"{odd}.splat2d"))
    batch = joined(tmp_path)
    batch.plan([job], [job])
    make(batch, job)
    assert known(batch, job) is not None


# Who works on what.


def test_a_picture_is_claimed_once(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    first, second = joined(tmp_path), joined(tmp_path)
    claim = claimed(first, job)
    assert second.claim(job) == Busy(job)
    holder = second.holder(job)
    assert holder is not None and holder.id == first.run
    again = claimed(first, job)  # its worker was lost
    with pytest.raises(ClaimLostError), first.publishing(claim):
        raise AssertionError
    first.release(job)
    assert isinstance(second.claim(job), Claim)
    with pytest.raises(ClaimLostError), first.publishing(again):
        raise AssertionError
    second.leave()
    make(first, job)
    assert first.claim(job) == known(first, job)


@POSIX
def test_a_killed_batch_is_noticed_at_once(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    first, second = joined(tmp_path), joined(tmp_path)
    claim = claimed(first, job)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        change(tmp_path, "UPDATE runs SET pid = ? WHERE id = ?", process.pid, first.run)
        process.wait()
    assert second.holder(job) is None
    with pytest.raises(ClaimLostError), first.publishing(claim):  # an orphan
        raise AssertionError
    assert isinstance(second.claim(job), Claim)
    with database.reading(tmp_path) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)


@POSIX
def test_whether_a_process_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    own = this_process()
    assert alive(own) is True
    assert alive(replace(own, started="another time")) is False
    assert alive(replace(own, namespace="elsewhere")) is None
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert alive(replace(own, pid=process.pid)) is False  # its exit status was not read yet
    assert alive(replace(own, pid=process.pid)) is False
    monkeypatch.setattr("splatc.batch.process.STATUS", "/no such file system/{}")
    asked = this_process()  # by ps, as on macOS
    assert alive(asked) is True or not asked.started
    assert alive(replace(asked, pid=process.pid)) is (False if asked.started else None)


def test_batches_of_other_machines_live_as_long_as_they_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = job_of(tmp_path)
    far, near = joined(tmp_path), joined(tmp_path)
    change(tmp_path, "UPDATE runs SET machine = 'far' WHERE id = ?", far.run)
    claim = claimed(far, job)
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    watch = Watch(near)

    def look(seconds: float) -> bool | None:
        clock[0] = seconds
        holder = near.holder(job)
        assert holder is not None
        return watch.lives(holder)

    assert look(0) is None
    assert look(80) is None
    far.beat()
    assert look(100) is True
    assert look(180) is None
    assert near.claim(job) == Busy(job)
    assert look(200) is False
    assert near.holder(job) is None
    far.beat()  # it was asleep: it lives again, but the picture is not its own any more
    with pytest.raises(ClaimLostError), far.publishing(claim):
        raise AssertionError
    make(near, job)


def test_a_worker_elsewhere_publishes_nothing_once_its_batch_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(tmp_path)
    batch = joined(tmp_path)
    change(tmp_path, "UPDATE runs SET machine = 'far'")
    claim = claimed(batch, job)
    monkeypatch.setattr(journal, "LEASE", -1.0)
    with pytest.raises(ClaimLostError), batch.publishing(claim):
        raise AssertionError
    batch.beat()
    with batch.publishing(claim):
        pass


def test_two_batches_that_make_one_file_differently_do_not_both_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, other = job_of(tmp_path, cr=1), job_of(tmp_path, cr=2)
    notes: list[str] = []
    first, second, third = joined(tmp_path), joined(tmp_path), joined(tmp_path)
    announce(first, [job], [job], notes.append)
    assert notes == []
    announce(second, [job], [job], notes.append)
    assert len(notes) == 1 and f"another batch makes 1 of these pictures too (process {os.getpid()} on " in notes[0]
    if sys.platform != "win32":
        with pytest.raises(
            UsageError, match=r"a\.splat2d: another batch .* with other options: wait until it has ended"
        ):
            announce(third, [other], [other], notes.append)
    change(tmp_path, "UPDATE runs SET machine = 'far'")  # where one can only wait
    monkeypatch.setattr(rounds, "LEASE", 0.1)
    monkeypatch.setattr(rounds, "POLL", 0.01)
    announce(third, [other], [other], notes.append)
    assert "waiting up to 0 s to see whether" in notes[1]


# What can be wrong with the file.


def test_a_damaged_journal_is_set_aside(tmp_path: Path) -> None:
    make(joined(tmp_path), job_of(tmp_path))
    for number, damage in enumerate((b"no database at all" * 100, (tmp_path / NAME).read_bytes()[:5000]), 1):
        (tmp_path / NAME).write_bytes(damage)
        (tmp_path / f"{NAME}-journal").write_bytes(b"of the damaged one")
        notes: list[str] = []
        batch = Journal.join(str(tmp_path), notes.append)
        assert len(notes) == 1 and f"set aside as {NAME}.damaged-{number}" in notes[0]
        assert (tmp_path / f"{NAME}.damaged-{number}").read_bytes()[:100] == damage[:100]
        assert not (tmp_path / f"{NAME}-journal").exists()
        assert known(batch, job_of(tmp_path)) is None
        make(batch, replace(job_of(tmp_path), force=True))
    assert (tmp_path / "a.splat2d").read_bytes() == b"made"


def test_other_faults_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = joined(tmp_path)
    monkeypatch.setattr(database, "LOCK_TIMEOUT", 0.05)
    with contextlib.closing(sqlite3.connect(tmp_path / NAME)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutputError, match="locked by another program"):
            batch.beat()
        other.execute("ROLLBACK")
        other.execute("PRAGMA user_version = 2")
    with pytest.raises(OutputError, match="written by a newer splatc"):
        joined(tmp_path)
    (tmp_path / NAME).unlink()
    with pytest.raises(OutputError, match="is gone: start the batch again"):
        batch.beat()
    assert not (tmp_path / NAME).exists()
    (tmp_path / NAME).mkdir()
    with pytest.raises(OutputError, match="cannot be written: Is a directory"):
        joined(tmp_path)


def test_many_begin_at_once(tmp_path: Path) -> None:
    make_pictures(tmp_path, "a.png")
    found: list[Journal] = []
    threads = [threading.Thread(target=lambda: found.append(joined(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.run for each in found}) == 8
    claims = [each.claim(job_of(tmp_path)) for each in found]
    assert sum(isinstance(claim, Claim) for claim in claims) == 1


# The journal of older versions.


def lines_for(folder: Path, name: str, figures: dict[str, Any] | None, before: object = None) -> list[dict[str, Any]]:
    size, time = stamp(str(folder / "a.png")) or (0, 0)
    planned = {"output": name, "request": request_hash({}), "source": [size, time], "before": before}
    return [planned, *([] if figures is None else [{"output": name, "figures": figures}])]


def test_an_old_journal_is_taken_over_once(tmp_path: Path, tiny_file: bytes) -> None:
    make_pictures(tmp_path, "a.png")
    for name in ("listed", "not listed", "another one", "behind a torn line", "half", "before", "ended"):
        (tmp_path / name).write_bytes(tiny_file[:-3] if name == "half" else tiny_file)
    done = {"bytes": len(tiny_file), "psnr_db": 30.5, "notes": "x"}
    other = {"output": "another one", "request": "0" * 16, "source": [1, 1], "before": None}
    lines = [*lines_for(tmp_path, "ended", done), {"end": True}, *lines_for(tmp_path, "listed", done)]
    lines += [*lines_for(tmp_path, "not listed", None), other, *lines_for(tmp_path, "another one", None)]
    lines += [*lines_for(tmp_path, "half", done), *lines_for(tmp_path, "before", done, stamp(str(tmp_path / "before")))]
    text = "\n".join(json.dumps(line) for line in lines) + '\n[]\n{"figures": 3}\n\0\n{"output": "to'
    text += "\n".join(json.dumps(line) for line in lines_for(tmp_path, "behind a torn line", done)) + "\n"
    (tmp_path / old_journal.NAME).write_text(text)
    batch = joined(tmp_path)
    assert not (tmp_path / old_journal.NAME).exists()

    def figures(name: str, *, force: bool = False) -> float | str | None:
        outcome = known(batch, Job(str(tmp_path / "a.png"), str(tmp_path / name), force=force))
        return "unknown" if outcome is None else outcome.psnr_db

    assert [figures(name) for name in ("listed", "ended", "behind a torn line", "not listed")] == [
        30.5,
        30.5,
        30.5,
        None,
    ]
    assert [figures(name) for name in ("another one", "half", "before")] == ["unknown"] * 3
    assert [figures(name, force=True) for name in ("listed", "ended")] == [30.5, "unknown"]
