"""The bench of effort 0: what its parts are, and how curves are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import air_bench
from air_bench import Measured, Plan
from splatc.fit.schedule import Fill, Prune


def test_curves_are_read_between_their_points() -> None:
    curve = [Measured(0.1, 20.0), Measured(0.4, 24.0)]
    assert [air_bench.at_seconds(curve, seconds) for seconds in (0.05, 0.1, 0.2, 0.9)] == pytest.approx(
        [20, 20, 22, 24]
    )


def test_each_part_is_taken_away() -> None:
    found = air_bench.parts()
    assert found.pop("effort 0") == Plan()
    assert len({repr(plan) for plan in (*found.values(), Plan())}) == len(found) + 1
    one = found["one pruning, nothing densified"].schedule(768, 512, 2600)
    assert [type(event) for _, event in one.events() if isinstance(event, Fill | Prune)] == [Prune]
    bare = found["as many seeds as stay, nothing pruned"].schedule(768, 512, 2600)
    assert bare.oversampling == 1.0
    assert not any(isinstance(event, Fill | Prune) for _, event in bare.events())


def test_fits_are_cut_down_to_their_steps() -> None:
    plans = [Plan(cut_down=steps).schedule(768, 512, 2600) for steps in air_bench.CUT_DOWN]
    assert [plan.steps for plan in plans] == list(air_bench.CUT_DOWN)
    assert all(3 <= plan.prunings <= 7 for plan in plans)


def test_rows_print_what_they_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kodak").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    for name in ("a", "b"):
        PIL.Image.fromarray(pixels).resize((48, 32)).save(tmp_path / "kodak" / f"{name}.png")
    words = ["--pictures", tmp_path, "--out", tmp_path / "out", "--repeats", "1", "--count", "2"]
    monkeypatch.setattr("sys.argv", ["air_bench.py", "seconds", "process", "batch", *map(str, words)])
    monkeypatch.setattr(air_bench, "RATIOS", (20.0,))
    air_bench.main()
    printed = capsys.readouterr().out
    assert "effort 0 over the fit cut down to the same seconds: " in printed
    assert "whole process, CR 100: mean " in printed
    assert "batch of 2 pictures: " in printed


def test_a_folder_without_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["air_bench.py", "seconds", "--pictures", str(tmp_path), "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match="no pictures in"):
        air_bench.main()
