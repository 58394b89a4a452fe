"""The command with standard streams as odd callers leave them: closed, full, without a reader, or of an encoding that holds few letters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")

COMMANDS = {
    "info": "info tiny.splat2d",
    "info --json": "info --json tiny.splat2d",
    "verify": "verify tiny.splat2d",
    "compare": "compare tiny.png tiny.splat2d",
    "encode": "encode -e 1 -n 20 -f tiny.png out.splat2d --json",
    "decode": "decode tiny.splat2d -",
    "plot": "plot tiny.splat2d -o -",
    "help": "--help",
    "help of a command": "encode --help",
    "version": "--version",
    "completion": "completion bash",
}
"""All print to standard output."""


@pytest.fixture
def folder(tmp_path: Path, tiny_picture: Path, tiny_splat: Path) -> Path:
    return tmp_path


def shell(folder: Path, line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A line for bash, in which ``splatc`` is the command."""
    text = f'splatc() {{ "$PYTHON" -m splatc "$@"; }}\n{line}'
    variables = os.environ | {"PYTHON": sys.executable} | environment
    return subprocess.run(["bash", "-c", text], cwd=folder, env=variables, capture_output=True, timeout=120)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_behind_standard_output_is_one_line(name: str, folder: Path) -> None:
    result = shell(
        folder,
        f"splatc {COMMANDS[name]} -q > /dev/full" if name == "encode" else f"splatc {COMMANDS[name]} > /dev/full",
    )
    assert result.stderr == b"splatc: error: standard output: cannot be written: No space left on device\n"
    assert result.returncode == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_a_reader_that_has_gone_is_quiet(name: str, folder: Path) -> None:
    line = f"exec 3> >(true); sleep 0.2; splatc {COMMANDS[name]} >&3"
    result = shell(folder, line + (" -q" if name == "encode" else ""))
    assert (result.returncode, result.stderr) == (1, b"")


@pytest.mark.parametrize("name", ["info", "verify", "decode", "help", "version"])
def test_standard_output_that_is_closed_is_one_line(name: str, folder: Path) -> None:
    result = shell(folder, f"splatc {COMMANDS[name]} >&-")
    assert (result.returncode, result.stderr.count(b"\n")) == (1, 1)
    assert result.stderr.startswith(b"splatc: error: standard output is closed: redirect it")


@pytest.mark.parametrize(
    "closed", [each for count in (1, 2, 3) for each in combinations(("<&-", ">&-", "2>&-"), count)]
)
def test_closed_streams_are_no_error_for_commands_that_do_not_use_them(closed: tuple[str, ...], folder: Path) -> None:
    streams = " ".join(closed)
    line = f"splatc encode -e 1 -n 20 tiny.png out.splat2d {streams} && splatc decode out.splat2d out.png {streams}"
    assert shell(folder, line).returncode == 0
    assert shell(folder, "splatc verify out.splat2d").stdout.startswith(b"out.splat2d: ok")


def test_no_file_that_is_opened_gets_the_number_of_a_closed_stream(folder: Path) -> None:
    """Libraries write messages to descriptor 2, whatever file that is."""
    (folder / "open.py").write_text(
        "from splatc.cli.streams import prepared\n"
        "with prepared(), open('tiny.png') as file:\n"
        "    raise SystemExit(file.fileno() < 3)\n"
    )
    assert shell(folder, '"$PYTHON" open.py <&- >&- 2>&-').returncode == 0


def test_standard_input_that_is_closed_is_one_line(folder: Path) -> None:
    for command in ("info -", "encode - out.splat2d", "decode - out.png", "compare - tiny.png", "plot - -o out.png"):
        result = shell(folder, f"splatc {command} <&-")
        assert result.returncode == 1
        assert result.stderr.startswith(b"splatc: error: standard input is closed")
        assert result.stderr.count(b"\n") == 1


def test_closed_streams_of_a_batch(folder: Path) -> None:
    result = shell(folder, "splatc batch tiny.png -o out -e 1 -n 20 -j 1 <&- >&- 2>&-")
    assert result.returncode == 0
    assert (folder / "out" / "tiny.splat2d").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_messages_that_cannot_be_written_stop_nothing(folder: Path) -> None:
    result = shell(folder, "splatc encode -e 1 -n 20 -v tiny.png out.splat2d 2>/dev/full")
    assert result.returncode == 0
    assert (folder / "out.splat2d").exists()
    assert shell(folder, "splatc info missing 2>/dev/full").returncode == 1


def test_output_that_does_not_wait_is_written_all_the_same(folder: Path) -> None:
    """A pipe that somebody has set to non-blocking, as a runtime of JavaScript does."""
    code = "import os, sys; os.set_blocking(1, False); os.execv(sys.executable, [sys.executable, '-m', 'splatc', *sys.argv[1:]])"
    (folder / "slow.py").write_text(code)
    many = " ".join(["tiny.splat2d"] * 3000)
    result = shell(folder, f'"$PYTHON" slow.py verify {many} | (sleep 3; wc -l)')
    assert (result.stdout.split(), result.stderr) == ([b"3000"], b"")


ENCODINGS = (
    {"PYTHONIOENCODING": "cp1252"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
)
STEM = os.fsdecode(b"n\xff\xfe\n" + "日本\u202e".encode())
"""No text, two lines, letters of which few encodings have any, and another direction."""


@pytest.mark.skipif(sys.platform == "darwin", reason="names are UTF-8 there")
@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_names_that_the_output_cannot_hold_are_escaped(encoding: dict[str, str], folder: Path) -> None:
    (folder / "tiny.png").rename(folder / f"{STEM}.png")
    (folder / "tiny.splat2d").rename(folder / f"{STEM}.splat2d")
    held = encoding.get("PYTHONIOENCODING", "ascii").partition(":")[0]
    for line in (
        'info "$N.splat2d"',
        'verify "$N.splat2d"',
        'compare "$N.png" "$N.splat2d"',
        'plot "$N.splat2d" -o p.html',
        'plot "$N.splat2d" -o "$N.plot.png"',
        'encode -e 1 -n 20 -v "$N.png" "$N.out.splat2d"',
        'decode "$N.out.splat2d" "$N.out.png"',
    ):
        result = shell(folder, f"splatc {line}", N=STEM, **encoding)
        assert result.returncode == 0, result.stderr
        assert (result.stdout + result.stderr).decode(held).replace("\n", "").isprintable()
        assert b"Traceback" not in result.stderr
    for line in ('info --json "$N.splat2d"', 'verify --json "$N.splat2d"', 'compare --json "$N.png" "$N.splat2d"'):
        result = shell(folder, f"splatc {line}", N=STEM, **encoding)
        assert json.loads(result.stdout)
    result = shell(folder, 'splatc info "$N"', N=STEM, **encoding)
    assert (result.returncode, result.stderr.count(b"\n")) == (1, 1)
    title = (folder / "p.html").read_text("utf-8").partition("<h1>")[2].partition("</h1>")[0]
    assert title.endswith(".splat2d")
    assert title.isprintable()
