"""The command under limits and signals that its caller has set: little memory, signals that are ignored, no home, no temporary files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from splatc.image.readers import source

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")

SPLATC = [sys.executable, "-m", "splatc"]


def ignoring(*numbers: signal.Signals) -> None:
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_is_ignored_stays_ignored(number: signal.Signals, tmp_path: Path, tiny_file: bytes) -> None:
    """As nohup has it: who logs out of a server does not end what runs there."""
    with subprocess.Popen(
        [*SPLATC, "decode", "-", "out.png"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: ignoring(number),
    ) as process:
        assert process.stdin is not None
        for part in (tiny_file[:100], tiny_file[100:]):
            process.stdin.write(part)
            process.stdin.flush()
            time.sleep(0.5)
            process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, b"")
    assert (tmp_path / "out.png").exists()


def test_nohup(tmp_path: Path, tiny_picture: Path) -> None:
    line = '(sleep 0.4; kill -HUP $$) & exec nohup "$0" -m splatc encode -q -e 3 -n 300 tiny.png out.splat2d'
    result = subprocess.run(["bash", "-c", line, sys.executable], cwd=tmp_path, capture_output=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out.splat2d").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not heed the limit")
@pytest.mark.parametrize("kilobytes", [30_000, 40_000, 60_000, 90_000, 130_000])
def test_too_little_memory_is_one_line(kilobytes: int, tmp_path: Path, tiny_picture: Path, tiny_splat: Path) -> None:
    for command in (
        "encode -q -e 1 -n 20 tiny.png out.splat2d",
        "decode -f tiny.splat2d out.png",
        "compare tiny.png tiny.splat2d",
        "info tiny.splat2d",
    ):
        line = f'ulimit -v {kilobytes}; exec "$0" -m splatc {command}'
        result = subprocess.run(["bash", "-c", line, sys.executable], cwd=tmp_path, capture_output=True, timeout=120)
        assert result.returncode in (0, 1), result.stderr
        lines = result.stderr.decode().splitlines()
        assert len(lines) == result.returncode, lines
        # OpenBLAS, which NumPy loads, ends the process itself.
        assert not lines or lines[0].startswith(("splatc: error: ", "OpenBLAS error: "))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not heed the limit")
def test_small_files_take_little_memory(tmp_path: Path, tiny_picture: Path, tiny_splat: Path) -> None:
    """Reading takes no room for the longest file that there may be."""
    for command in (
        "info tiny.splat2d",
        "verify -",
        "compare tiny.png tiny.splat2d",
        "encode -q -e 1 -n 20 - out.splat2d",
    ):
        given = tiny_picture if "encode" in command else tiny_splat
        line = f'ulimit -v 700000; exec "$0" -m splatc {command} < "$1"'
        arguments = ["bash", "-c", line, sys.executable, str(given)]
        result = subprocess.run(arguments, cwd=tmp_path, capture_output=True, timeout=120)
        assert (result.returncode, result.stderr) == (0, b"")


def without_home() -> dict[str, str]:
    lost = ("HOME", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME")
    return {name: value for name, value in os.environ.items() if name not in lost}


def test_no_home_and_no_place_for_temporary_files(tmp_path: Path, tiny_picture: Path, tiny_splat: Path) -> None:
    """As in a container whose root file system cannot be written."""
    (tmp_path / "sitecustomize.py").write_text(
        "import pathlib, tempfile\n"
        "def missing(*_): raise RuntimeError('Could not determine home directory.')\n"
        "pathlib.Path.home = missing\n"
        "tempfile._candidate_tempdir_list = lambda: ['/nowhere']\n"
    )
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    for command in (
        "encode -q -e 1 -n 20 tiny.png out.splat2d",
        "decode tiny.splat2d out.png",
        "decode tiny.splat2d out.tif",
        "plot tiny.splat2d -o out.html",
        "compare tiny.png tiny.splat2d",
        "batch -q -e 1 -n 20 -j 1 tiny.png -o folder",
        "info tiny.splat2d",
    ):
        arguments = [*SPLATC, *command.split()]
        environment = without_home() | {"PYTHONPATH": path}
        result = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, timeout=120)
        assert (result.returncode, result.stderr) == (0, b""), command


def test_a_large_picture_without_a_place_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> list[str]:
        return ["/nowhere"]

    monkeypatch.setattr(source, "IN_MEMORY", 100)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", nowhere)
    pixels = source._allocate((20, 30, 3), np.uint8)
    assert pixels.shape == (20, 30, 3)
    assert not isinstance(pixels, np.memmap)


def test_a_folder_that_is_gone(tmp_path: Path, tiny_picture: Path, tiny_splat: Path) -> None:
    line = 'mkdir gone; cd gone; rmdir ../gone; exec "$0" -m splatc "$@"'
    for arguments, code in (
        (["decode", str(tiny_splat), str(tmp_path / "out.png")], 0),
        (["decode", str(tiny_splat), "out.png"], 1),
        (["encode", "tiny.png", str(tmp_path / "out.splat2d")], 1),
        (["batch", "tiny.png", "-o", "out"], 1),
    ):
        command = ["bash", "-c", line, sys.executable, *arguments]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
        lines = [each for each in result.stderr.splitlines() if each.startswith(b"splatc")]
        assert (result.returncode, len(lines)) == (code, code), result.stderr
