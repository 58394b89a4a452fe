"""tools/serial_bench.py: what it says of a small picture adds up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import serial_bench
from splatc.core.pool import Work


def test_a_line_for_each_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "noise.png"
    PIL.Image.fromarray(np.random.default_rng(1).integers(0, 255, (96, 128, 3), np.uint8)).save(path)
    monkeypatch.setattr("sys.argv", ["serial_bench.py", str(path), "--effort", "1"])
    run = Work.run
    serial_bench.main()
    cells = [cell.strip() for cell in capsys.readouterr().out.splitlines()[2].strip("|").split("|")]
    serial, bounds = float(cells[2].rstrip("%")) / 100, [float(cell) for cell in cells[3:6]]
    assert cells[0] == "noise.png" and 0.01 < serial < 0.99
    assert bounds == pytest.approx([1 / (serial + (1 - serial) / n) for n in (2, 4, 16)], rel=0.01)
    assert Work.run is run, "what was timed is timed no longer"
