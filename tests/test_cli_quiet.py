"""Warnings of libraries are not printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.odd_files import jpeg_with, segment


def test_cut_off_exif_is_no_warning(tmp_path: Path) -> None:
    cut = b"Exif\0\0II*\0\x08\0\0\0\x05\0"
    (tmp_path / "in.jpg").write_bytes(jpeg_with(segment(0xE1, cut)))
    command = [sys.executable, "-m", "splatc", "encode", "in.jpg", "out.splat2d", "-e", "1", "-q"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    command = [sys.executable, "-m", "splatc", "batch", "in.jpg", "-o", "out", "-e", "1", "-q"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
