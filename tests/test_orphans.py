"""Temporary files of killed processes: the next run removes them, but none that a running process still writes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from splatc.runtime import files, orphans

needs_locks = pytest.mark.skipif(sys.platform == "win32", reason="no file locks here")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@needs_locks
def test_a_killed_process_leaves_a_file_that_the_next_run_removes(tmp_path: Path) -> None:
    code = (
        "import os, sys; from splatc.runtime import files\n"
        "with files.atomic_output(sys.argv[1], force=False) as stream: stream.write(b'half'); stream.flush(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False)
    assert len(names(tmp_path)) == 1
    files.check_output(str(tmp_path / "out"), force=False, source="-")
    assert names(tmp_path) == []


def test_what_is_being_written_stays(tmp_path: Path) -> None:
    with files.atomic_output(str(tmp_path / "one"), force=False) as stream:
        stream.write(b"1")
        files.check_output(str(tmp_path / "two"), force=False, source="-")
        assert len(names(tmp_path)) == 1
    assert names(tmp_path) == ["one"]


@needs_locks
def test_only_our_own_files_are_removed(tmp_path: Path) -> None:
    ours = orphans.new_name()
    others = [".splatc-0000000100112233445566aa.tmp", ours + ".png", "a" + ours, "picture.png", ".splatc-batch.sqlite"]
    for name in [ours, *others]:
        (tmp_path / name).touch()
    (tmp_path / orphans.new_name()).symlink_to(tmp_path / "picture.png")
    orphans.remove(tmp_path)
    assert ours not in names(tmp_path)
    assert set(others) <= set(names(tmp_path))
    orphans.remove(tmp_path / "missing")


@needs_locks
def test_a_file_that_was_removed_too_early_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process took it for an orphan between its making and its locking."""
    tried: list[Path] = []

    def lock(descriptor: int, path: Path) -> bool:
        tried.append(path)
        if len(tried) == 1:
            path.unlink()
        return real(descriptor, path)

    real = orphans.lock
    monkeypatch.setattr(orphans, "lock", lock)
    with files.atomic_output(str(tmp_path / "out"), force=False) as stream:
        stream.write(b"new")
    assert len(tried) == 2
    assert (tmp_path / "out").read_bytes() == b"new"


def test_windows_deletes_what_no_process_has_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses the others itself; one that was just closed is about to get its name."""
    left, opened, fresh = (tmp_path / orphans.new_name() for _ in range(3))
    for path in (left, opened, fresh):
        path.touch()
    for path in (left, opened):
        os.utime(path, (1, 1))
    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path == opened:
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        real(path, missing_ok)

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(Path, "unlink", unlink)
    orphans.remove(tmp_path)
    assert names(tmp_path) == sorted([opened.name, fresh.name])
