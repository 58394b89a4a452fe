"""Names that are no files on a disk, as inputs and outputs of every command: descriptors, pipes, devices, and files that cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no names of descriptors here")

PNG, SPLAT = b"\x89PNG", b"\x8bS2D"
ENCODE = "encode -q -e 1 -n 20"


@pytest.fixture
def folder(tmp_path: Path, tiny_picture: Path, tiny_splat: Path) -> Path:
    return tmp_path


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[bytes]:
    """A line for bash, in which ``splatc`` is the command."""
    text = f'splatc() {{ "$PYTHON" -m splatc "$@"; }}\n{line}'
    variables = os.environ | {"PYTHON": sys.executable}
    return subprocess.run(["bash", "-c", text], cwd=folder, env=variables, capture_output=True, timeout=120)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "-"])
@pytest.mark.parametrize("line", [f"{ENCODE} tiny.png %s", "decode tiny.splat2d %s", "plot tiny.splat2d -o %s"])
@pytest.mark.parametrize("reader", ["| cat", "> out; cat out", ">> out; cat out"])
def test_standard_output_by_its_name(line: str, name: str, reader: str, folder: Path) -> None:
    """A file that the shell has redirected to is neither refused because it exists nor replaced."""
    result = shell(folder, f"set -o pipefail; splatc {line % name} {reader}")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith((PNG, SPLAT))


@pytest.mark.parametrize("line", [f"{ENCODE} tiny.png %s", "decode tiny.splat2d %s", "plot tiny.splat2d -o %s"])
def test_outputs_that_are_no_files(line: str, folder: Path) -> None:
    substitution = ">(cat > out; touch done)"
    result = shell(folder, f"splatc {line % substitution}; until [ -e done ]; do sleep 0.1; done; cat out")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith((PNG, SPLAT))
    result = shell(folder, f"mkfifo pipe; cat pipe & splatc {line % 'pipe'}; wait")
    assert result.stdout.startswith((PNG, SPLAT))
    assert shell(folder, f"splatc {line % '/dev/null'}").returncode == 0
    result = shell(folder, f"exec 7> seven; printf head >&7; splatc {line % '/dev/fd/7'}; cat seven")
    assert result.stdout[4:].startswith((PNG, SPLAT))
    result = shell(folder, f"splatc {line % '/dev/fd/77'}")
    assert (result.returncode, result.stderr) == (
        1,
        b"splatc: error: /dev/fd/77: cannot be written: Bad file descriptor\n",
    )


@pytest.mark.parametrize(
    ("line", "given"),
    [
        (f"{ENCODE} %s out.splat2d", "tiny.png"),
        ("decode %s out.png", "tiny.splat2d"),
        ("info %s", "tiny.splat2d"),
        ("info --bits %s", "tiny.splat2d"),
        ("verify %s", "tiny.splat2d"),
        ("compare %s tiny.png", "tiny.splat2d"),
        ("compare tiny.splat2d %s", "tiny.png"),
        ("plot %s -o out.png", "tiny.splat2d"),
        ("plot tiny.splat2d -o out.png --source %s", "tiny.png"),
    ],
)
def test_inputs_that_are_no_files(line: str, given: str, folder: Path) -> None:
    for text in (
        f"splatc {line % '/dev/stdin'} < {given}",
        f"cat {given} | splatc {line % '/dev/stdin'}",
        f"cat {given} | splatc {line % '-'}",
        f"splatc {line % f'<(cat {given})'}",
        f"splatc {line % '/dev/fd/7'} 7< {given}",
        f"mkfifo pipe; cat {given} > pipe & splatc {line % 'pipe'}",
    ):
        result = shell(folder, f"rm -f out.* pipe; {text}")
        assert (result.returncode, result.stderr) == (0, b""), text
    result = shell(folder, f"rm -f out.*; splatc {line % '/dev/null'}")
    assert result.returncode in (1, 3)
    said = result.stderr + result.stdout
    assert said.count(b"\n") == 1
    assert b"/dev/null: " in said
    if Path("/proc/self/mem").exists():
        result = shell(folder, f"rm -f out.*; splatc {line % '/proc/self/mem'}")
        assert result.returncode == 1
        assert result.stderr == b"splatc: error: /proc/self/mem: cannot be read: Input/output error\n"


def test_two_pipes_are_compared(folder: Path) -> None:
    result = shell(folder, "splatc compare <(cat tiny.png) <(cat tiny.splat2d)")
    assert (result.returncode, result.stderr) == (0, b"")
    assert shell(folder, "cat tiny.png | splatc compare - /dev/stdin").returncode == 2


def test_what_goes_to_a_terminal_or_a_socket_is_said_before_the_fit(folder: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "splatc", "encode", "tiny.png", "/dev/stdout"]
    result = subprocess.run(command, cwd=folder, stdout=theirs, stderr=subprocess.PIPE, timeout=60)
    os.close(ours)
    os.close(theirs)
    assert (result.returncode, result.stderr.count(b"\n")) == (2, 1)
    assert b"is a terminal" in result.stderr
    code = "import socket; socket.socket(socket.AF_UNIX).bind('socket')"
    result = shell(folder, f'"$PYTHON" -c "{code}"; splatc encode tiny.png socket')
    assert result.stderr == b"splatc: error: socket: is a socket: give the name of a file or a pipe\n"


def test_json_and_the_file_do_not_share_standard_output(folder: Path) -> None:
    assert shell(folder, "splatc encode --json tiny.png /dev/stdout").returncode == 2


def test_links_in_a_circle_are_one_line(folder: Path) -> None:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    for line in (f"{ENCODE} tiny.png a", "decode a out.png", "decode tiny.splat2d a/out.png"):
        result = shell(folder, f"splatc {line}")
        assert (result.returncode, result.stderr.count(b"\n")) == (1, 1)
