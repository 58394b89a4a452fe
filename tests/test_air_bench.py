"""The bench of effort 0: what its parts are, and how curves are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import air_bench
from air_bench import Measured, Plan
from splatc.fit.schedule import Fill, Prune
from splatc.image.image import Image
from splatc.neural import safetensors
from splatc.neural import step as network


def test_curves_are_read_between_their_points() -> None:
    curve = [Measured(0.1, 20.0), Measured(0.4, 24.0)]
    assert [air_bench.at_seconds(curve, seconds) for seconds in (0.05, 0.1, 0.2, 0.9)] == pytest.approx(
        [20, 20, 22, 24]
    )


def test_each_part_is_taken_away() -> None:
    found = air_bench.parts()
    assert found.pop(air_bench.EFFORT_0) == Plan()
    assert len({repr(plan) for plan in (*found.values(), Plan())}) == len(found) + 1
    assert [plan.network for name, plan in found.items() if "of 4" in name] == [3, 6, 9]
    (one,) = (plan for name, plan in found.items() if "one pruning, nothing densified" in name)
    events = one.schedule(768, 512, 2600).events()
    assert [type(event) for _, event in events if isinstance(event, Fill | Prune)] == [Prune]
    (none,) = (plan for name, plan in found.items() if "as many seeds as stay" in name)
    bare = none.schedule(768, 512, 2600)
    assert bare.oversampling == 1.0
    assert not any(isinstance(event, Fill | Prune) for _, event in bare.events())


def test_other_weights_have_a_row(tmp_path: Path) -> None:
    """The same weights make the same file, zeros another."""
    name, image = "a.safetensors", Image(np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8))
    made = []
    for factor in (1.0, 0.0):
        weights = {key: np.float32(factor) * each for key, each in network.trained().items()}
        (tmp_path / name).write_bytes(safetensors.write(weights, {}))
        plan = air_bench.parts(tmp_path / name)[f"the weights {name}"]
        made.append(air_bench.encode(image, 20.0, plan))
    assert made[0] == air_bench.encode(image, 20.0, Plan())
    assert made[1] == air_bench.encode(image, 20.0, Plan(zero=True)) != made[0]


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
