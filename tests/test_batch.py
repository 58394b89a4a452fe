"""``splatc batch``: every picture once, a failure stops no other, a stopped run goes on, and nothing is replaced without leave."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner, Result

from splatc import bitstream
from splatc.batch import pool
from splatc.batch.database import NAME
from splatc.batch.job import Job, Outcome, failed, stamp
from splatc.batch.journal import Journal
from splatc.batch.plan import Pair, plan
from splatc.batch.work import run_job
from splatc.cli import main
from splatc.errors import InputError, UsageError
from splatc.runtime import orphans
from splatc.runtime.files import atomic_output

FAST = ["-e", "1", "-n", "5", "--threads", "1"]


def make_pictures(folder: Path, *names: str) -> None:
    for index, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(index).integers(0, 256, (12, 16, 3), np.uint8)
        PIL.Image.fromarray(pixels).save(path)


def outputs(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name != NAME)


# The plan.


def test_folders_are_mirrored_and_hidden_files_left_out(tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", "b.png", "a.jpg", "deep/er/c.webp", ".hidden/d.png", ".e.png")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    pairs = plan([str(tmp_path / "in")], tmp_path / "out")
    assert [Path(pair.source).name for pair in pairs] == ["a.jpg", "b.png", "c.webp"]
    places = [Path(pair.output).relative_to(tmp_path / "out").as_posix() for pair in pairs]
    assert places == ["a.splat2d", "b.splat2d", "deep/er/c.splat2d"]


def test_patterns_keep_what_lies_below_their_fixed_part(tmp_path: Path) -> None:
    make_pictures(tmp_path, "x/1/a.png", "x/2/b.png", "x/2/c.jpg")
    pairs = plan([str(tmp_path / "x" / "**" / "*.png"), str(tmp_path / "x/2/c.jpg")], tmp_path / "out")
    places = [Path(pair.output).relative_to(tmp_path / "out").as_posix() for pair in pairs]
    assert places == ["1/a.splat2d", "2/b.splat2d", "c.splat2d"]


def test_a_picture_that_is_named_twice_is_meant_once(tmp_path: Path) -> None:
    make_pictures(tmp_path, "in/a.png")
    pairs = plan([str(tmp_path / "in"), str(tmp_path / "in" / "a.png")], tmp_path / "out")
    assert pairs == [Pair(str(tmp_path / "in" / "a.png"), str(tmp_path / "out" / "a.splat2d"))]


def test_two_pictures_for_one_file_are_refused_or_keep_their_extension(tmp_path: Path) -> None:
    make_pictures(tmp_path, "in/a.png", "in/A.jpg", "other/a.png")
    with pytest.raises(UsageError, match=r"would both become .*: add --keep-extension"):
        plan([str(tmp_path / "in")], tmp_path)
    names = [Path(pair.output).name for pair in plan([str(tmp_path / "in")], tmp_path, keep_extension=True)]
    assert names == ["A.jpg.splat2d", "a.png.splat2d"]
    with pytest.raises(UsageError, match="give them different output folders"):
        plan([str(tmp_path / "in"), str(tmp_path / "other")], tmp_path, keep_extension=True)


def test_two_ways_of_writing_an_accent_are_one_file(tmp_path: Path) -> None:
    """macOS and others that normalize names would give both pictures one file, the second in place of the first with -f."""
    make_pictures(tmp_path, "composed/\u00e9.png", "decomposed/e\u0301.png")
    with pytest.raises(UsageError, match="would both become"):
        plan([str(tmp_path / "composed"), str(tmp_path / "decomposed")], tmp_path / "out")


@pytest.mark.parametrize("name", ["missing.png", "empty", "*.png"])
def test_inputs_without_pictures_are_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"No such file|no pictures there"):
        plan([str(tmp_path / name)], tmp_path)


# The work.


def test_a_job_makes_the_file_and_returns_its_figures(tmp_path: Path) -> None:
    make_pictures(tmp_path, "a.png")
    journal = joined(tmp_path)
    job = Job(str(tmp_path / "a.png"), str(tmp_path / "new" / "a.splat2d"), options(), threads=1, journal=journal)
    outcome = run_job(job)
    assert isinstance(outcome, Outcome)
    data = Path(job.output).read_bytes()
    assert (outcome.status, outcome.error, outcome.bytes, outcome.gaussians) == ("done", "", len(data), 5)
    assert outcome.psnr_db is not None and outcome.psnr_db > 5
    before = stamp(job.output)
    assert run_job(job) == outcome  # given out again: what is finished is kept
    assert stamp(job.output) == before


def joined(folder: Path) -> Journal:
    """The journal of a folder, for a batch without others beside it."""
    return Journal.join(str(folder), lambda text: None)


def options() -> dict[str, Any]:
    """What encode takes besides what a batch says itself, at its defaults, for the fastest fit."""
    from splatc.cli.encode import encode

    context = encode.make_context("encode", ["in", "out", *FAST])
    own = ("source", "output", "threads", "force", "quiet", "verbose", "as_json")
    return {name: value for name, value in context.params.items() if name not in own}


def test_whatever_goes_wrong_is_the_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    journal = joined(tmp_path)
    outcome = run_job(Job(str(tmp_path / "a.png"), str(tmp_path / "a.splat2d"), options(), journal=journal))
    assert isinstance(outcome, Outcome) and outcome.status == "failed"
    assert "a.png: not a picture" in outcome.error
    for error, words in (
        (MemoryError(), "not enough memory"),
        (ZeroDivisionError("x"), "unexpected ZeroDivisionError: x"),
    ):
        monkeypatch.setattr("splatc.batch.work._encode", raiser(error))
        outcome = run_job(Job("a.png", str(tmp_path / "nowhere.splat2d"), journal=journal))
        assert isinstance(outcome, Outcome) and words in outcome.error


def raiser(error: BaseException) -> Any:
    def raise_it(*_: Any) -> None:
        raise error

    return raise_it


# The processes.


def test_a_process_that_dies_takes_one_picture_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_serve", deadly)
    jobs = [Job(name, str(tmp_path / name)) for name in ("a", "die", "b", "die once", "c")]
    outcomes = {outcome.source: outcome for outcome in pool.run_local(jobs, 2) if isinstance(outcome, Outcome)}
    assert [outcomes[job.source].status for job in jobs] == ["done", "failed", "done", "done", "done"]
    assert "die: its process" in outcomes["die"].error


def deadly(connection: Any) -> None:
    """Stands in for a worker: some pictures kill it."""
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        marker = Path(job.output)
        if job.source == "die" or (job.source == "die once" and not marker.exists()):
            marker.touch()
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        connection.send(Outcome(job.source, job.output, "done"))


def test_processes_leave_when_the_caller_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_serve", slow)
    work = pool.run_local([Job(str(index), "") for index in range(9)], 2)
    first = [next(work), next(work)]
    pids = {int(each.error.split()[-1]) for each in first if isinstance(each, Outcome)}
    started = time.monotonic()
    work.close()
    assert time.monotonic() - started < 8
    assert not any(alive(pid) for pid in pids)


def slow(connection: Any) -> None:
    """Stands in for a worker: every picture but the first takes for ever."""
    connection.send(failed(connection.recv(), str(os.getpid())))
    connection.recv()
    time.sleep(60)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for oneself there")
def test_an_interrupt_while_processes_start_is_handled_afterwards() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    reached = False
    try:
        with pytest.raises(KeyboardInterrupt), pool._interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
            reached = True
    finally:
        signal.signal(signal.SIGINT, before)
    assert reached


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGHUP there")
@pytest.mark.parametrize("ignored", [False, True])
def test_a_signal_that_is_ignored_stays_ignored(ignored: bool) -> None:
    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {name: signal.getsignal(name) for name in names}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
        pool._set_signals()
        assert (signal.getsignal(signal.SIGHUP) == signal.SIG_IGN) is ignored
        assert signal.getsignal(signal.SIGTERM) is pool._leave
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_what_a_killed_process_was_writing_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_serve", deaf)
    monkeypatch.setattr(pool, "_EXIT_TIMEOUT", 0.5)
    work = pool.run_local([Job(str(index), str(tmp_path / str(index))) for index in range(5)], 2)
    next(work), next(work)
    while len(list(tmp_path.iterdir())) < 2:
        time.sleep(0.01)
    work.close()
    assert list(tmp_path.iterdir()) == []


def deaf(connection: Any) -> None:
    """Stands in for a worker: it answers for its first picture, and is killed while it writes the second file."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection.send(failed(connection.recv(), ""))
    with atomic_output(connection.recv().output, force=False):
        time.sleep(60)


# The command.


def run(*arguments: str) -> Result:
    """The command in this process; only the workers are processes of their own."""
    return CliRunner().invoke(main, ["batch", *arguments, *FAST])


def test_the_whole_way(tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", "a.png", "sub/b.png")
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    frames = [PIL.Image.linear_gradient("L").resize((8, 8)).rotate(turn) for turn in (0, 90)]
    frames[0].save(tmp_path / "in" / "c.gif", save_all=True, append_images=frames[1:])
    arguments = [str(tmp_path / "in"), "-o", str(tmp_path / "out")]

    first = run(*arguments, "--report", str(tmp_path / "report.csv"), "--json")
    assert first.exit_code == 5
    assert outputs(tmp_path / "out") == ["a.splat2d", "c.splat2d", os.path.join("sub", "b.splat2d")]  # noqa: PTH118
    report = json.loads(first.stdout)
    assert (report["done"], report["kept"], report["failed"], report["schema_version"]) == (3, 0, 1, 1)
    lines = first.stderr.splitlines()
    assert lines[0] == f"splatc: note: {tmp_path / 'in' / 'c.gif'}: only the first of 2 frames is coded"
    assert lines[1].startswith("3 done, 1 failed, ")
    assert "broken.png: not a picture" in lines[2]
    assert lines[3] == "splatc: error: 1 of 4 pictures failed"
    with (tmp_path / "report.csv").open(newline="") as stream:
        rows = {Path(row["source"]).name: row for row in csv.DictReader(stream)}
    assert {name: row["status"] for name, row in rows.items()} == {
        "a.png": "done",
        "b.png": "done",
        "broken.png": "failed",
        "c.gif": "done",
    }
    assert rows["c.gif"]["notes"] == "only the first of 2 frames is coded"
    assert int(rows["a.png"]["bytes"]) == (tmp_path / "out" / "a.splat2d").stat().st_size
    data = (tmp_path / "out" / "sub" / "b.splat2d").read_bytes()
    assert bitstream.read_header(data).count == 5

    # The same command again goes on: what is done stays as it is, with its figures; what failed is tried again.
    make_pictures(tmp_path / "in", "broken.png")
    before = stamp(str(tmp_path / "out" / "a.splat2d"))
    second = run(*arguments, "--report", str(tmp_path / "report.json"))
    assert second.exit_code == 0, second.output
    assert "\n1 done, 3 kept, " in second.stderr
    assert stamp(str(tmp_path / "out" / "a.splat2d")) == before
    files = json.loads((tmp_path / "report.json").read_text())["files"]
    assert len(files) == 4
    assert all(each["psnr_db"] for each in files)
    assert sum(bool(each["notes"]) for each in files) == 1  # kept with the figures

    # Another request is another run: nothing is replaced without leave.
    third = CliRunner().invoke(main, ["batch", *arguments, "--cr", "20"])
    assert third.exit_code == 2
    assert "a.splat2d and 3 others: exist already: add --skip-existing" in third.stderr
    fourth = CliRunner().invoke(main, ["batch", *arguments, "--cr", "20", "--skip-existing", "-q"])
    assert (fourth.exit_code, fourth.output) == (0, "")


def test_what_killed_runs_have_left_goes_even_if_no_picture_is_left_to_do(tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", "sub/a.png")
    arguments = [str(tmp_path / "in"), "-o", str(tmp_path / "out")]
    assert run(*arguments).exit_code == 0
    orphan = tmp_path / "out" / "sub" / orphans.new_name()
    orphan.touch()
    assert "0 done, 1 kept" in run(*arguments).stderr
    assert not orphan.exists()


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["missing.png", "-o", "out"], 1, "missing.png: cannot be read"),
        (["in", "-o", "out", "--cr", "5"], 2, "--cr and -n exclude each other"),
        (["in", "-o", "out", "--report", "report.txt"], 2, "report.txt: reports are written as .csv or .json"),
        (["in", "-o", "in/a.png"], 1, "in/a.png: the folder cannot be made"),
        (["in"], 2, "Missing option '-o'"),
        (["-o", "out"], 2, "Missing argument 'IN...'"),
    ],
)
def test_usage_is_checked_before_any_work(
    arguments: list[str], exit_code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_pictures(tmp_path, "in/a.png")
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == exit_code
    assert message in result.stderr
    assert outputs(tmp_path) == [os.path.join("in", "a.png")]  # noqa: PTH118


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c_leaves_whole_files_and_the_next_run_goes_on(tmp_path: Path) -> None:
    make_pictures(tmp_path / "in", *(f"{index}.png" for index in range(6)))
    command = [sys.executable, "-m", "splatc", "batch", "in", "-o", "out", "-e", "1", "-n", "5", "-v"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stderr is not None
        while b"5 bytes" not in (line := process.stderr.readline()) and b"bytes" not in line:
            assert line or process.poll() is None
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        rest = process.stderr.read().decode()
        process.wait(timeout=60)
    assert process.returncode == 130, rest
    assert rest.splitlines()[-1] == "splatc: error: interrupted"
    assert "Traceback" not in rest
    finished = outputs(tmp_path / "out")
    assert 1 <= len(finished) < 6
    for name in finished:
        bitstream.decode((tmp_path / "out" / name).read_bytes())

    journal = joined(tmp_path / "out")
    requested = options() | {"cr": None, "count": 5}
    names = [(str(Path("in") / name.replace(".splat2d", ".png")), str(Path("out") / name)) for name in finished]
    with contextlib.chdir(tmp_path):
        known = replace(journal, folder="out").finished([Job(*each, requested) for each in names])
        assert all(outcome is not None for outcome in known)


@pytest.mark.slow
def test_many_small_pictures_without_a_leak(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    make_pictures(tmp_path / "in", *(f"{index}.png" for index in range(120)))
    (tmp_path / "out").mkdir()
    peaks, journal = [], joined(tmp_path / "out")
    for index in range(120):
        source, output = str(tmp_path / f"in/{index}.png"), str(tmp_path / f"out/{index}.splat2d")
        outcome = run_job(Job(source, output, options(), 1, journal=journal))
        assert isinstance(outcome, Outcome) and outcome.status == "done", outcome
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert peaks[-1] < 1.02 * peaks[20]
