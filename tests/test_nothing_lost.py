"""Full disks, read-only folders, inputs that are outputs, killed processes: one line, and every file as it was, or complete."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner, Result

import kill_test
from splatc.cli import main

resource = pytest.importorskip("resource")  # POSIX
pytestmark = pytest.mark.skipif(os.name == "nt", reason="mounts, limits and signals of POSIX")

OLD = b"precious"
COMMANDS = {
    "encode": ["encode", "{inputs}/in.png", "{outputs}/out.splat2d", "-e", "1", "--size", "300", "-q"],
    "decode": ["decode", "{inputs}/in.splat2d", "{outputs}/out.png"],
    "decode to TIFF": ["decode", "{inputs}/in.splat2d", "{outputs}/out.tif"],
    "decode to JPEG": ["decode", "{inputs}/in.splat2d", "{outputs}/out.jpg"],
    "plot": ["plot", "{inputs}/in.splat2d", "-o", "{outputs}/out.html"],
}


@pytest.fixture
def inputs(tmp_path: Path, tiny_file: bytes) -> Path:
    folder = tmp_path / "inputs"
    folder.mkdir()
    (folder / "in.splat2d").write_bytes(tiny_file)
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(folder / "in.png")
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(folder: Path) -> None:
    """Leave no free byte."""
    with (folder / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(b"x" * 512):
                pass
        except OSError:
            return


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def run(name: str, inputs: Path, outputs: Path, *options: str) -> Result:
    arguments = [word.format(inputs=inputs, outputs=outputs) for word in COMMANDS[name]]
    return CliRunner().invoke(main, [*arguments, *options])


def old_file(name: str, outputs: Path) -> None:
    (outputs / Path(COMMANDS[name][-1 if name == "plot" else 2]).name).write_bytes(OLD)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk(name: str, old: bool, inputs: Path, small_disk: Path) -> None:
    if old:
        old_file(name, small_disk)
    fill(small_disk)
    before = files_in(small_disk)
    result = run(name, inputs, small_disk, *(["-f"] if old else []))
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.stderr
    assert "No space left on device" in result.stderr
    assert files_in(small_disk) == before


@pytest.mark.parametrize("name", COMMANDS)
def test_a_read_only_folder(name: str, inputs: Path, small_disk: Path) -> None:
    old_file(name, small_disk)
    before = files_in(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    result = run(name, inputs, small_disk, "-f")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.stderr
    assert "Read-only file system" in result.stderr
    assert files_in(small_disk) == before


def test_a_batch_on_a_full_disk(inputs: Path, small_disk: Path) -> None:
    fill(small_disk)
    before = files_in(small_disk)
    (inputs / "in.splat2d").unlink()
    result = CliRunner().invoke(main, ["batch", str(inputs), "-o", str(small_disk), "-e", "1", "-j", "1"])
    assert result.exit_code in (1, 5), result.stderr
    assert "No space left on device" in result.stderr
    left = files_in(small_disk)
    left.pop(".splatc-batch.sqlite", None)  # empty
    assert left == before


def test_a_batch_into_a_read_only_folder(inputs: Path, small_disk: Path) -> None:
    (inputs / "in.splat2d").unlink()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    result = CliRunner().invoke(main, ["batch", str(inputs), "-o", str(small_disk), "-e", "1", "-j", "1"])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.stderr
    assert ".splatc-batch.sqlite: cannot be written: Read-only file system" in result.stderr


def test_where_no_disk_can_be_mounted_a_limit_of_file_sizes_stands_in(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(OLD)
    command = [sys.executable, "-m", "splatc", "decode", str(inputs / "in.splat2d"), str(out), "-f"]
    result = subprocess.run(
        command,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "File too large" in result.stderr
    assert out.read_bytes() == OLD
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inputs", "out.png"]


@pytest.mark.parametrize("link", ["same", "symbolic", "hard"])
@pytest.mark.parametrize(("command", "name"), [("encode", "in.png"), ("decode", "in.splat2d")])
def test_the_input_is_never_the_output(command: str, name: str, link: str, inputs: Path) -> None:
    source, target = inputs / name, inputs / name
    if link != "same":
        target = inputs / f"other{source.suffix}"
        (target.symlink_to if link == "symbolic" else target.hardlink_to)(source)
    before = files_in(inputs)
    result = CliRunner().invoke(main, [command, str(source), str(target), "-f"])
    assert (result.exit_code, files_in(inputs)) == (2, before)


@pytest.mark.slow
def test_killed_processes_lose_nothing() -> None:
    """A few of what tools/kill_test.py does two hundred times."""
    lines: list[str] = []
    assert kill_test.main(["--decode", "4", "--encode", "2", "--batch", "2", "--shared", "3"], lines.append) == 0
    assert len(lines) == 4
