"""Bad input gets one clear line and the documented exit code, and leaves every file as it was."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from splatc.bitstream.container import SIGNATURE
from tests.conftest import Command


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def patched(data: bytes, offset: int, value: int) -> bytes:
    """`data` with one byte of its HEAD payload replaced, and the CRC of the chunk made right again."""
    start = data.index(b"HEAD")
    first = start + 5
    end = first + data[start + 4]  # the length is a varint, here of one byte
    payload = bytearray(data[first:end])
    payload[offset] = value
    crc = struct.pack("<I", zlib.crc32(b"HEAD" + payload))
    return data[:first] + bytes(payload) + crc + data[end + 4 :]


ENCODE = ["encode", "tiny.png", "out.splat2d"]
DECODE = ["decode", "tiny.splat2d", "out.png"]

CASES: dict[str, tuple[list[str], int, str]] = {
    # what: (arguments, exit code, what the line must say)
    "missing picture": (["encode", "no.png", "out.splat2d"], 1, "no.png: cannot be read: No such file"),
    "missing file": (["decode", "no.splat2d", "out.png"], 1, "no.splat2d: cannot be read: No such file"),
    "not an image": (["encode", "notes.txt", "out.splat2d"], 3, "notes.txt: not a picture"),
    "truncated image": (["encode", "half.png", "out.splat2d"], 3, "half.png: damaged or truncated"),
    "empty image": (["encode", "empty", "out.splat2d"], 3, "empty: not a picture"),
    "encode a folder": (["encode", ".", "out.splat2d"], 1, "directory"),
    "decode a folder": (["decode", ".", "out.png"], 1, "directory"),
    "empty file": (["decode", "empty", "out.png"], 3, "empty"),
    "decode a picture": (["decode", "tiny.png", "out.png"], 3, "not a .splat2d file"),
    "wrong magic": (["decode", "magic.splat2d", "out.png"], 3, "not a .splat2d file"),
    "truncated file": (["decode", "cut.splat2d", "out.png"], 3, "truncated"),
    "future version": (["decode", "future.splat2d", "out.png"], 3, "version"),
    "flipped bit": (["decode", "flipped.splat2d", "out.png"], 3, "flipped.splat2d: "),
    "info of a flipped bit": (["info", "flipped.splat2d"], 3, "flipped.splat2d: "),
    "ratio zero": ([*ENCODE, "--cr", "0"], 2, "'0' is not a number above 0"),
    "ratio below zero": ([*ENCODE, "--cr=-5"], 2, "'-5' is not a number above 0"),
    "ratio nan": ([*ENCODE, "--cr", "nan"], 2, "'nan' is not a number above 0"),
    "ratio inf": ([*ENCODE, "--cr", "inf"], 2, "'inf' is not a number above 0"),
    "rate in words": ([*ENCODE, "--bpp", "small"], 2, "'small' is not a number above 0"),
    "size in words": ([*ENCODE, "--size", "1.5 bananas"], 2, "is not a size"),
    "no Gaussians": ([*ENCODE, "-n", "0"], 2, "'-n'"),
    "less than a byte": ([*ENCODE, "--cr", "1e9"], 2, "--cr 1e+09 leaves this picture of 64 x 48 less than one byte"),
    "two targets": ([*ENCODE, "--cr", "50", "--bpp", "0.5"], 2, "--cr and --bpp exclude each other"),
    "unknown option": ([*ENCODE, "--fast"], 2, "No such option"),
    "missing argument": (["encode", "tiny.png"], 2, "Missing argument 'OUT' (see 'splatc encode --help')"),
    "effort too high": ([*ENCODE, "-e", "10"], 2, "'10' is not a whole number from 0 to 9"),
    "output exists": (["decode", "tiny.splat2d", "old.png"], 2, "old.png: exists already"),
    "output of encode exists": (["encode", "tiny.png", "old.png"], 2, "old.png: exists already"),
    "encode into a picture": (["encode", "tiny.png", "out.jpg"], 2, "out.jpg: encode writes .splat2d"),
    "folder missing": (["decode", "tiny.splat2d", "no/out.png"], 1, "does not exist"),
    "folder of encode missing": (["encode", "tiny.png", "no/out.splat2d"], 1, "does not exist"),
    "output is a folder": (["decode", "tiny.splat2d", "."], 2, "is a folder"),
    "unknown extension": (["decode", "tiny.splat2d", "out.xyz"], 2, "the extension .xyz is unknown"),
    "input is output": (["decode", "tiny.splat2d", "tiny.splat2d", "-f"], 2, "is the input itself"),
    "input is output of encode": (["encode", "tiny.png", "./tiny.png", "-f"], 2, "is the input itself"),
    "16 bits in a JPEG": ([*DECODE[:2], "out.jpg", "--bit-depth", "16"], 2, "cannot hold 16 bits"),
    "JSON and bytes on one pipe": (["encode", "tiny.png", "-", "--json"], 2, "cannot both go to standard output"),
    "control characters": (["decode", "\x1b[31m\n\u202e.splat2d", "out.png"], 1, r"\x1b[31m\n\u202e.splat2d: cannot"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_line_the_exit_code_and_nothing_else(
    case: str, splatc: Command, tmp_path: Path, tiny_picture: Path, tiny_splat: Path, tiny_file: bytes
) -> None:
    arguments, exit_code, message = CASES[case]
    (tmp_path / "notes.txt").write_text("just words\n")
    (tmp_path / "empty").touch()
    (tmp_path / "old.png").write_bytes(b"precious")
    (tmp_path / "half.png").write_bytes(tiny_picture.read_bytes()[:3000])
    (tmp_path / "magic.splat2d").write_bytes(b"GIF89a\0\0" + tiny_file[8:])
    (tmp_path / "cut.splat2d").write_bytes(tiny_file[:-20])
    (tmp_path / "future.splat2d").write_bytes(patched(tiny_file, 0, 9))
    (tmp_path / "flipped.splat2d").write_bytes(tiny_file[:200] + bytes([tiny_file[200] ^ 4]) + tiny_file[201:])
    before = snapshot(tmp_path)

    result = splatc(*arguments)

    lines = result.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("splatc: error: ")
    assert message in lines[0]
    assert result.returncode == exit_code
    assert result.stdout == b""
    assert snapshot(tmp_path) == before


def test_a_ratio_too_high_for_a_header(splatc: Command, tmp_path: Path, tiny_picture: Path) -> None:
    result = splatc("encode", "tiny.png", "out.splat2d", "--cr", "300")
    assert result.returncode == 2
    assert result.stderr.decode().count("\n") == 1
    assert result.stderr.startswith(b"splatc: error: ")
    assert snapshot(tmp_path).keys() == {"tiny.png"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize(
    ("number", "line"),
    [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "ended by SIGTERM"), (signal.SIGHUP, "ended by SIGHUP")],
)
def test_signals_end_with_one_line(number: signal.Signals, line: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "splatc", "decode", "-", "out.png"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(
            SIGNATURE + bytes(1 << 20)
        )  # more than a pipe holds: once it is gone, the command is reading
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert error.decode() == f"splatc: error: {line}\n"
    assert process.returncode == 128 + number
    assert snapshot(tmp_path) == {}


def test_a_reader_that_has_had_enough_is_no_traceback(tiny_splat: Path) -> None:
    command = [sys.executable, "-m", "splatc", "decode", str(tiny_splat), "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
