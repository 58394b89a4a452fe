"""tools/serial_bench.py: what it prints of a small picture adds up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import serial_bench
from splatc.core.pool import Work
from splatc.encoder.rate_control import RateControl


def test_a_line_for_each_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "noise.png"
    PIL.Image.fromarray(np.random.default_rng(1).integers(0, 255, (96, 160, 3), np.uint8)).save(path)
    monkeypatch.setattr("sys.argv", ["serial_bench.py", str(path), "--effort", "1"])
    run, budget = Work.run, RateControl.budget
    serial_bench.main()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in capsys.readouterr().out.splitlines()]
    cells = rows[2]
    serial, bounds = float(cells[3].rstrip("%")) / 100, [float(cell) for cell in cells[4:7]]
    assert cells[0] == "noise.png" and 0.01 < serial < 0.99
    assert cells[1] == "2", "48 x 80 samples in tiles of 64 x 64"
    assert bounds == pytest.approx([1 / (serial + (1 - serial) / n) for n in (2, 4, 16)], rel=0.01)
    assert rows[4] == ["picture", "seeds", "steps", "pruning", "densification", "rate term", "packing", "other"]
    shares = [float(cell.rstrip("%")) for cell in rows[6][1:]]
    assert sum(shares) == pytest.approx(100.0, abs=0.5)
    assert shares[1] > 10.0 and shares[5] > 0.1, "steps and packing are not nothing"
    assert Work.run is run and RateControl.budget is budget, "what was timed is timed no longer"
