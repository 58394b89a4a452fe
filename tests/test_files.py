"""Outputs appear whole or not at all; an older file stays until then."""

from __future__ import annotations

import errno
import io
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from splatc.errors import InputError, LimitError, OutputError, UsageError
from splatc.runtime import files


def write(path: Path, data: bytes, *, force: bool = False) -> None:
    with files.atomic_output(str(path), force=force) as stream:
        stream.write(data)


def test_output_appears_with_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write(tmp_path / "out", b"data")
    assert (tmp_path / "out").read_bytes() == b"data"
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "plain"]


@pytest.mark.parametrize(
    "exception", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt(), RuntimeError("bug")]
)
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_failure_leaves_everything_as_it_was(tmp_path: Path, exception: BaseException, old: bytes | None) -> None:
    out = tmp_path / "out"
    if old is not None:
        out.write_bytes(old)
    expected = OutputError if isinstance(exception, OSError) else type(exception)
    with pytest.raises(expected), files.atomic_output(str(out), force=True) as stream:
        stream.write(b"half")
        raise exception
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == ({} if old is None else {"out": old})


def test_an_existing_output_is_refused_even_if_it_appears_late(tmp_path: Path) -> None:
    out = tmp_path / "out"
    files.check_output(str(out), force=False, source="-")
    with pytest.raises(UsageError, match="exists already"), files.atomic_output(str(out), force=False) as stream:
        stream.write(b"new")
        out.write_bytes(b"quicker")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"quicker"]


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    write(tmp_path / "out", b"new")
    with pytest.raises(UsageError, match="exists already"):
        write(tmp_path / "out", b"newer")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"new"]


def test_force_replaces_the_target_of_a_link_and_keeps_its_permissions(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    write(link, b"new", force=True)
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_devices_are_written_not_replaced() -> None:
    files.check_output(os.devnull, force=False, source="-")
    write(Path(os.devnull), b"data")
    assert not Path(os.devnull).is_file()


def test_check_output_names_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "in"
    source.write_bytes(b"picture")
    alias = tmp_path / "alias"
    alias.symlink_to(source)
    with pytest.raises(UsageError, match="the input itself"):
        files.check_output(str(alias), force=True, source=str(source))
    with pytest.raises(UsageError, match="exists already"):
        files.check_output(str(source), force=False, source="-")
    with pytest.raises(UsageError, match="is a folder"):
        files.check_output(str(tmp_path), force=True, source="-")
    with pytest.raises(OutputError, match="does not exist"):
        files.check_output(str(tmp_path / "missing" / "out"), force=False, source="-")
    with pytest.raises(OutputError, match="cannot be written"):
        files.check_output("a\0b", force=False, source="-")

    def read_only(*_: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)  # root may write into any folder, so permission bits prove nothing here
    with pytest.raises(OutputError, match="Read-only file system"):
        files.check_output(str(tmp_path / "out"), force=False, source="-")


def test_read_input_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        files.read_input(str(tmp_path / "missing"), limit=10)
    with pytest.raises(InputError, match="directory"):
        files.read_input(str(tmp_path), limit=10)
    (tmp_path / "long").write_bytes(bytes(11))
    with pytest.raises(LimitError, match="longer than the 10 bytes"):
        files.read_input(str(tmp_path / "long"), limit=10)
    assert files.read_input(str(tmp_path / "long"), limit=11) == bytes(11)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_binary_data_does_not_go_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", _Terminal())
    with pytest.raises(UsageError, match="terminal"):
        files.check_output("-", force=False, source="in")
    files.check_output("-", force=True, source="in")


def test_standard_streams_are_binary() -> None:
    code = """
from splatc.runtime import files
data = files.read_input("-", limit=100)
with files.atomic_output("-", force=False) as stream:
    stream.write(data[::-1])
"""
    result = subprocess.run([sys.executable, "-c", code], input=b"\x00\r\n\x1a\xff", capture_output=True, check=True)
    assert result.stdout == b"\xff\x1a\n\r\x00"
