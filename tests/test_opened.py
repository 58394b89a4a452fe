"""Inputs of every kind: files, pipes, redirections, bytes."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

import splatc
from splatc.bitstream.source import PIECE
from splatc.decoder import opened
from splatc.decoder.opened import open_file
from splatc.errors import LimitError
from tests.conftest import Command


def piped(data: bytes) -> str:
    """The name of a pipe that gives these bytes."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as stream, contextlib.suppress(BrokenPipeError):
            stream.write(data)

    threading.Thread(target=write, daemon=True).start()
    return f"/dev/fd/{reading}"


needs_dev_fd = pytest.mark.skipif(not Path("/dev/fd").exists(), reason="pipes have no names here")


@needs_dev_fd
@pytest.mark.parametrize("most", [opened.KEPT_BYTES, 200])
def test_pipes_are_kept_in_memory_or_on_the_disk(most: int, tiny_file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "KEPT_BYTES", most)
    monkeypatch.setattr(opened, "PIECE", 200)
    with open_file(piped(tiny_file)) as stream:
        assert isinstance(stream, io.BytesIO) == (most > len(tiny_file))
        assert stream.read() == tiny_file
    with splatc.open(piped(tiny_file)) as picture:
        assert np.array_equal(picture.read(), splatc.decode(tiny_file))
    assert splatc.verify(piped(tiny_file)) == []


@needs_dev_fd
def test_no_more_is_taken_of_what_is_no_file(tiny_file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_file("/dev/zero") as stream:
        assert stream.read() == bytes(PIECE)
    monkeypatch.setattr(opened, "MAX_FILE_BYTES", len(tiny_file) - 1)
    with pytest.raises(LimitError, match=f"longer than the {len(tiny_file) - 1} bytes"):
        splatc.decode(piped(tiny_file))


@needs_dev_fd
def test_without_a_place_for_temporary_files_memory_must_do(tiny_file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", nowhere)
    assert splatc.info(piped(tiny_file))["gaussians"] == 100
    monkeypatch.setattr(opened, "KEPT_BYTES", 200)
    assert (splatc.decode(piped(tiny_file)) == splatc.decode(tiny_file)).all()


@pytest.mark.skipif(sys.platform != "linux", reason="a shell and /proc")
def test_standard_input_is_read_from_where_it_stands(tmp_path: Path, tiny_file: bytes) -> None:
    """A file that is redirected is read in place, one of which others have read a part from there on."""
    (tmp_path / "whole").write_bytes(tiny_file)
    (tmp_path / "behind").write_bytes(b"12345" + tiny_file)
    info = f"{sys.executable} -m splatc info --json -"
    for command in (
        f"{info} < whole",
        f"cat whole | {info}",
        f"(dd bs=5 count=1 of=/dev/null 2>/dev/null; {info}) < behind",
    ):
        result = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=True)
        assert b'"gaussians": 100' in result.stdout


def test_bytes_of_any_kind(tiny_file: bytes) -> None:
    expected = splatc.decode(tiny_file)
    every_other = np.repeat(np.frombuffer(tiny_file, np.uint8), 2).data[::2]
    for data in (
        bytearray(tiny_file),
        memoryview(tiny_file),
        every_other,
    ):
        assert np.array_equal(splatc.decode(data), expected)
        assert splatc.verify(data) == []
        assert splatc.info(data)["gaussians"] == 100
    assert [each.part for each in splatc.verify(bytearray())] == ["signature"]


def test_commands_take_pipes(splatc: Command, tiny_file: bytes) -> None:
    for command in (["verify", "-"], ["info", "-"], ["decode", "-", "out.png"]):
        assert splatc(*command, stdin=tiny_file).returncode == 0
