"""tools/step_bench.py: its rows are there, and more pixels take longer than Python alone."""

from __future__ import annotations

from pathlib import Path

import PIL.Image
import pytest

import step_bench

IMAGES = Path(__file__).parent / "images"


def test_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "part.png"
    with PIL.Image.open(IMAGES / "kodim03.png") as picture:
        picture.crop((0, 0, 256, 192)).save(path)
    words = ["step_bench.py", str(path), "--effort", "1", "--threads", "2", "--steps", "9", "--repeats", "2"]
    monkeypatch.setattr("sys.argv", words)
    step_bench.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("part.png, CR 100, ") and lines[2] == "| | 1 thread | 2 threads |"
    rows = {line.split("|")[1].strip(): line.strip("|").split("|")[1:] for line in lines[4:]}
    assert list(rows) == ["r = 2", "all pixels", "Python", "Python, of r = 2"]
    assert float(rows["all pixels"][0]) > float(rows["Python"][0]) > 0.0
    share = float(rows["Python, of r = 2"][0].strip().rstrip("%")) / 100
    assert share == pytest.approx(float(rows["Python"][0]) / float(rows["r = 2"][0]), abs=0.2)
