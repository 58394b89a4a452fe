"""The bench's metrics: values that are known, equal pictures, points that get those that they lack from the files that were kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from bench import kept, metrics, results
from bench.gmsd import gmsd
from bench.metrics import METRICS
from rd_bench import main
from splatc.image.image import Samples
from tests.requirements import needs


def ramp(height: int, width: int, channels: int) -> Samples:
    y, x, channel = np.mgrid[:height, :width, :channels]
    return np.asarray((x * 5 + y * 7 + channel * 40) % 256, np.uint8)


def metric(key: str) -> metrics.Metric:
    return next(each for each in METRICS if each.key == key)


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        ((32, 48, 3), 0.0015155083686046766),
        ((31, 48, 3), 0.0018541829572227622),
        ((33, 47, 3), 0.0016986164501649687),
        ((32, 48, 1), 0.005367613018891378),
    ],
)
def test_gmsd_is_that_of_another_program(shape: tuple[int, int, int], value: float) -> None:
    """Of the package piq 0.8.0, `gmsd` with float64 tensors and its defaults."""
    picture = ramp(*shape)
    assert gmsd(picture, picture // 16 * 16) == pytest.approx(value, rel=1e-12)


def test_ssimulacra2_is_that_of_the_files(tmp_path: Path) -> None:
    needs(not metric("ssimulacra2").missing(), "ssimulacra2")
    from ssimulacra2 import compute_ssimulacra2

    pictures = [ramp(64, 96, 3), ramp(64, 96, 3) // 16 * 16]
    for picture, name in zip(pictures, "ab", strict=True):
        PIL.Image.fromarray(picture).save(tmp_path / f"{name}.png")
    value = metric("ssimulacra2").of(*pictures)
    assert value == compute_ssimulacra2(str(tmp_path / "a.png"), str(tmp_path / "b.png"))
    assert value < 90.0


@pytest.mark.parametrize("each", METRICS, ids=lambda each: each.key)
@pytest.mark.parametrize("channels", [1, 3])
def test_quality_is_best_for_equal_pictures_and_falls_with_the_error(each: metrics.Metric, channels: int) -> None:
    if each.missing():
        pytest.skip(each.missing())
    picture = ramp(32, 48, channels)
    equal, near, far = (
        each.quality(each.of(picture, other)) for other in (picture, picture // 4 * 4, picture // 64 * 64)
    )
    assert equal > near > far


def test_what_is_missing_is_said_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "butteraugli" not in [each.key for each in metrics.available()]
    assert [line for line in metrics.left_out() if line.startswith("no Butteraugli: install butteraugli_main")]


def test_points_get_metrics_that_came_later_from_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    PIL.Image.fromarray(ramp(32, 48, 3)).save(picture := tmp_path / "ramp.png")
    arguments = [str(picture), "--out", str(tmp_path / "out"), "--codecs", "jpeg", "--cr", "4"]
    with monkeypatch.context() as patch:
        patch.setattr(metrics, "available", lambda: [metric("psnr"), metric("ms_ssim")])
        assert main(arguments) == 0
    before = results.load(tmp_path / "out" / "points.jsonl")
    assert [point.gmsd for point in before.values()] == [None, None]
    assert all(kept.lacking(point, [metric("gmsd")]) for point in before.values())

    capsys.readouterr()
    monkeypatch.setattr(metrics, "available", lambda: [metric("psnr"), metric("gmsd")])
    assert main(arguments) == 0
    said = capsys.readouterr().err
    assert "0 points to measure, 2 in" in said and "ramp.png JPEG, metrics" in said
    after = results.load(tmp_path / "out" / "points.jsonl")
    for key, point in before.items():
        assert after[key].gmsd and after[key].psnr == point.psnr
    means = json.loads((tmp_path / "out" / "report.json").read_text())["means"]
    assert means["gmsd"]["JPEG"]["4"] == after[next(iter(before))].gmsd
