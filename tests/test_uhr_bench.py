"""The bench of large pictures, on small ones: items, the mosaic, the bounded search, processes and their memory, lines, tables."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import uhr_bench
from bench import large_measure, large_report, large_tasks, processes, results
from bench.cost import Cost, Line, fit_line
from bench.large_items import Item, mosaic_strips, parse_items
from bench.large_measure import Failed, Picture, SplatcLarge, measure_codec
from bench.large_point import LargePoint
from bench.large_search import _climb, search, settings
from bench.pillow_codecs import pillow_codecs
from bench.processes import Run
from splatc.image.image import Samples
from splatc.image.metrics import ms_ssim, psnr
from splatc.image.readers import load

ORIGIN = {"date": "today"}
OURS = LargePoint(
    "a.png", "00", 2_000_000, "splatc -e 5", "splatc; x", 500.0, 12_000, 30.0, encode_seconds=60.0, width=2000,
    height=1000, raw=6_000_000, gaussians=2600, encode_peak=900.0, warm_seconds=0.5, region_bytes=4000,
)  # fmt: skip
AVIF = replace(OURS, codec="AVIF", settings="AVIF; x", psnr=29.0, gaussians=0, warm_seconds=0.25, note="1/2")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """96 x 80 pixels of waves and noise."""
    y, x = np.mgrid[:80, :96]
    waves = np.stack([x * 2, y * 3, 128 + 100 * np.sin((x + y) / 9)], axis=-1)
    noise = np.random.default_rng(1).normal(0.0, 6.0, waves.shape)
    path = tmp_path / "waves.png"
    PIL.Image.fromarray(np.clip(waves + noise, 0, 255).astype(np.uint8)).save(path)
    return path


def described(path: Path) -> Picture:
    return Picture(path, path.name, "00", 96, 80, 3)


def test_items_are_presets_and_files(picture: Path, tmp_path: Path) -> None:
    name = "jwst_carina_half_7287x4220.jpg"
    (tmp_path / name).touch()
    jwst = tmp_path / name
    assert parse_items(["7k"], tmp_path) == [Item(jwst, ratio) for ratio in (500.0, 200.0, 1000.0)]
    assert parse_items(["7k:50", "16k", f"{picture}:2.5"], tmp_path) == [
        Item(jwst, 50.0), Item(None, 3000.0), Item(picture, 2.5)
    ]  # fmt: skip
    assert parse_items(["7k:50", "7k:50"], tmp_path) == [Item(jwst, 50.0)]


@pytest.mark.parametrize(
    ("word", "message"),
    [("8k", "neither a preset"), ("7k:0", "above 0"), ("gone.png:100", "no such file"), ("gray", "no such file")],
)
def test_items_that_are_none_are_refused(word: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        parse_items([word], tmp_path)


def test_presets_need_a_folder() -> None:
    with pytest.raises(ValueError, match="--pictures"):
        parse_items(["16k"], None)


def test_mosaic_is_made_of_windows_that_take_turns() -> None:
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 100, (20, 40, 1), np.uint8)
    colour = rng.integers(100, 256, (16, 35, 3), np.uint8)
    tiny = np.zeros((3, 99, 3), np.uint8)
    whole = np.concatenate(list(mosaic_strips([gray, tiny, colour], 64)))
    assert whole.shape == (64, 64, 3)
    windows = [whole[y : y + 8, x : x + 16] for y in range(0, 64, 8) for x in range(0, 64, 16)]
    for number, window in enumerate(windows):
        source, turn = (gray, colour)[number % 2], number // 2 % 4
        y, x = 8 * (turn // 2), 16 * (turn % 2)
        assert np.array_equal(window, np.broadcast_to(source[y : y + 8, x : x + 16], (8, 16, 3)))
    with pytest.raises(ValueError, match="16 x 8"):
        next(mosaic_strips([tiny], 64))


@pytest.mark.parametrize("start", [0, 30, 55, 99])
@pytest.mark.parametrize("limit", [60, 150, 1500, 40_000, 10**9])
def test_climbing_finds_the_highest_level_in_few_tries(start: int, limit: int) -> None:
    tried: list[int] = []

    def encode(level: int) -> tuple[bytes, float]:
        tried.append(level)
        return bytes(round(50 * math.exp(level / 12))), 0.0

    fitting = [level for level, _, _ in _climb(encode, 100, start, limit, 1.0)]
    assert fitting == sorted(fitting)
    assert fitting[-1] == max(level for level in range(100) if round(50 * math.exp(level / 12)) <= limit)
    assert len(tried) == len(set(tried)) <= 10


def test_climbing_ends_close_to_the_limit_or_with_nothing() -> None:
    tried: list[int] = []

    def encode(level: int) -> tuple[bytes, float]:
        tried.append(level)
        return bytes(1000 + level), 0.0

    assert [level for level, _, _ in _climb(encode, 5000, 10, 1011, 0.99)] == [10]
    assert tried == [10]
    assert not list(_climb(encode, 5000, 10, 999, 0.99))


@pytest.mark.parametrize("name", ["jpeg2000", "avif"])
def test_search_leaves_files_that_fit(name: str, picture: Path, tmp_path: Path) -> None:
    if name not in pillow_codecs(downscale=True):
        pytest.skip(f"Pillow has no {name} here")
    reports: list[dict[str, Any]] = []
    search(name, picture, 600, 60.0, tmp_path, reports.append)
    assert [line["trying"] for line in reports if "trying" in line] == ([1] if name == "jpeg2000" else [4, 2, 1])
    assert reports[-1] == {"end": ""}
    found = {line["path"]: line for line in reports if "path" in line}
    assert found
    for path, line in found.items():
        assert Path(path).stat().st_size == line["size"] <= 600
        judged = large_tasks.judge(str(picture), path, gigabytes=1e6)
        assert judged["psnr"] > 15.0 and judged["seconds"] > 0.0
    assert not list(tmp_path.glob("*.part"))


def test_search_without_time_or_room_says_so(picture: Path, tmp_path: Path) -> None:
    reports: list[dict[str, Any]] = []
    search("jpeg2000", picture, 600, -1.0, tmp_path, reports.append)
    assert reports == [{"trying": 1}, {"end": "no time for another encoding"}]
    reports.clear()
    search("jpeg2000", picture, 10, 60.0, tmp_path, reports.append)
    assert reports == [{"trying": 1}, {"too_large": 1}, {"end": ""}]


def test_settings_distinguish_bounds() -> None:
    assert settings("jpeg2000", 1, 2) != settings("jpeg2000", 1, 3)
    assert "speed 6" not in settings("jpeg2000", 1, 2)


def test_processes_report_memory_and_failures() -> None:
    small = processes.run([sys.executable, "-c", "print(1)"])
    large = processes.run(
        [sys.executable, "-c", "a = bytearray(3 * 10**8); a[::4096] = a[::4096]; raise SystemExit('no')"]
    )
    assert (small.output.strip(), small.failure) == ("1", "")
    assert large.failure == "exit status 1: no"
    assert math.isnan(small.peak) or (small.peak > 0 and large.peak > 300)


def test_a_process_that_overstays_is_ended_and_what_it_said_is_kept() -> None:
    late = processes.run([sys.executable, "-c", "import time; print(5, flush=True); time.sleep(60)"], seconds=2.0)
    assert late.output.strip() == "5"
    assert late.failure.startswith("stopped after") and late.seconds < 30


def test_quality_by_strips_is_that_of_the_whole(picture: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.ppm"
    with PIL.Image.open(picture) as image:
        image.quantize(16).convert("RGB").save(other)
    a, b = load(str(picture)).pixels, load(str(other)).pixels
    found = large_tasks.compare(str(picture), str(other))
    assert found["psnr"] == pytest.approx(psnr(a, b))
    assert found["ms_ssim"] == pytest.approx(ms_ssim(a, b))
    assert large_tasks.compare(str(picture), str(picture))["psnr"] == 100.0
    PIL.Image.fromarray(b[:, :-1]).save(other)
    with pytest.raises(ValueError, match="size"):
        large_tasks.compare(str(picture), str(other))


def test_strips_are_paired_however_they_are_cut() -> None:
    rows: Samples = np.arange(12, dtype=np.uint8).reshape(12, 1, 1)
    pairs = list(large_tasks.paired(iter([rows[:5], rows[5:]]), iter([rows[:2], rows[2:9], rows[9:]])))
    assert all(np.array_equal(x, y) for x, y in pairs)
    assert sum(len(x) for x, _ in pairs) == 12
    with pytest.raises(ValueError, match="more rows"):
        list(large_tasks.paired(iter([rows]), iter([rows[:9]])))


def test_only_pictures_that_all_codecs_hold(tmp_path: Path, picture: Path) -> None:
    assert large_tasks.inspect(str(picture)) == {"width": 96, "height": 80, "channels": 3}
    PIL.Image.new("RGBA", (8, 8), (1, 2, 3, 4)).save(tmp_path / "alpha.png")
    with pytest.raises(ValueError, match="only gray and RGB"):
        large_tasks.inspect(str(tmp_path / "alpha.png"))


def test_a_copy_has_the_pixels_asked_for_and_never_more(picture: Path, tmp_path: Path) -> None:
    large_tasks.shrink(str(picture), 96 * 80 / 4, str(tmp_path / "small.png"))
    assert load(str(tmp_path / "small.png")).pixels.shape == (40, 48, 3)
    large_tasks.shrink(str(picture), 1e9, str(tmp_path / "same.png"))
    assert np.array_equal(load(str(tmp_path / "same.png")).pixels, load(str(picture)).pixels)


def test_what_a_codec_could_not_do_is_said(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = [{"trying": 2}, {"too_large": 2}, {"trying": 1}]
    lines = "".join(json.dumps(line) + "\n" for line in reports) + '{"path": "torn'
    monkeypatch.setattr(processes, "run", lambda *_, **__: Run(-9, lines, "", 90.0, 5000.0, timed_out=True))
    point = measure_codec("avif", "AVIF", "AVIF; x", described(picture), 100.0, (1.0, 1.0), tmp_path)
    assert point.size is None
    assert point.note == "1/2: no file so small; full size: stopped after 90 s"
    table = large_report.as_markdown([OURS, point], ORIGIN)
    assert f"cannot: {point.note}" in table
    monkeypatch.setattr(processes, "run", lambda *_, **__: Run(1, "", "no such codec", 1.0, 1.0, timed_out=False))
    with pytest.raises(Failed, match="no such codec"):
        measure_codec("avif", "AVIF", "AVIF; x", described(picture), 100.0, (1.0, 1.0), tmp_path)


def test_tables_compare_the_decoders(tmp_path: Path) -> None:
    text = large_report.as_markdown([OURS, AVIF], ORIGIN)
    assert "| a | 2000 x 1000 | 500 | splatc -e 5 | 12000 | 2600 | 60.0 | 900 |" in text
    assert "| 0.25 | 2.00 | 1/2 |" in text
    results.append(tmp_path / "points.jsonl", OURS)
    assert results.load_as(tmp_path / "points.jsonl", LargePoint) == {OURS.key: OURS}


def test_lines_and_how_well_they_fit() -> None:
    assert fit_line([1.0, 2.0, 4.0], [5.0, 7.0, 11.0]) == Line(2.0, 3.0, 1.0)
    assert fit_line([1.0, 2.0, 2.0], [5.0, 7.0, 7.0]) is None
    bent = fit_line([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 4.0, 9.0])
    assert bent is not None
    assert (bent.slope, bent.start) == pytest.approx((3.0, -1.0))
    assert bent.r_squared == pytest.approx(np.corrcoef([0, 1, 2, 3], [0, 1, 4, 9])[0, 1] ** 2)


def test_cost_is_plotted_with_its_points(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    by_pixels = [replace(OURS, pixels=10**6 * n, encode_seconds=3.0 + 2 * n) for n in (4, 1, 2)]
    by_gaussians = [replace(OURS, gaussians=1000 * n) for n in (1, 2)]
    cost = Cost(by_pixels, by_gaussians, ORIGIN)
    data = cost.as_json()
    assert data["lines"]["megapixels"]["encode, s"] == pytest.approx({"slope": 2.0, "start": 3.0, "r_squared": 1.0})
    assert data["lines"]["1000 Gaussians"]["encode, s"] is None
    assert [point["pixels"] for point in data["points"]["megapixels"]] == [10**6, 2 * 10**6, 4 * 10**6]
    assert "3 + 2 x" in cost.as_markdown()
    cost.plot([tmp_path / "a.svg", tmp_path / "a.png"])
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    Cost([], [], ORIGIN).plot([tmp_path / "b.png"])  # nothing could be measured


@pytest.mark.parametrize(
    "words", [[], ["7k", "--cost", "a.png"], ["--cost", "a.png", "--effort", "1", "2"], ["7k", "--side", "9"]]
)
def test_wrong_usage_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as status:
        uhr_bench.parse(words)
    assert status.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_options_behind_two_dashes_go_to_the_encoder() -> None:
    options = uhr_bench.parse(["7k", "--effort", "3", "--", "--tune", "ssim"])
    assert options.encode == ("--tune", "ssim")
    assert SplatcLarge(3, 2, options.encode, "x").name == "splatc -e 3 --tune ssim"


def test_the_real_command_is_measured_once(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SplatcLarge, "warm_up", lambda *_: None)
    for module in (uhr_bench, large_measure):  # the sources may be edited while tests run
        monkeypatch.setattr(module, "source_digest", lambda: "same")
    out = tmp_path / "out"
    words = [f"{picture}:20", "--out", str(out), "--codecs", "splatc", "jpeg2000", "--effort", "1", "--threads", "1"]
    assert uhr_bench.main(words) == 0
    report = json.loads((out / "report.json").read_text())
    ours, theirs = report["points"]
    assert 0 < ours["size"] <= 96 * 80 * 3 // 20 and ours["gaussians"] > 5
    assert ours["psnr"] > 20.0 and ours["ms_ssim"] > 0.5
    times = ("encode_seconds", "decode_seconds", "warm_seconds", "region_seconds")
    assert min(ours[name] for name in ("region_bytes", *times)) > 0
    assert theirs["size"] <= 96 * 80 * 3 // 20 and theirs["psnr"] > 20.0
    assert sorted(path.name for path in out.iterdir()) == ["points.jsonl", "report.json", "report.md"]

    def never(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(SplatcLarge, "measure", never)
    monkeypatch.setattr(uhr_bench, "measure_codec", never)
    assert uhr_bench.main(words) == 0
    assert json.loads((out / "report.json").read_text())["points"] == report["points"]


def test_what_fails_stops_nothing_else(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    PIL.Image.new("RGBA", (32, 32), (1, 2, 3, 4)).save(tmp_path / "alpha.png")
    words = [f"{tmp_path / 'alpha.png'}:6", f"{picture}:20", "--out", str(tmp_path / "out"), "--codecs", "jpeg2000"]
    assert uhr_bench.main(words) == 1
    assert "only gray and RGB" in capsys.readouterr().err
    assert "| waves | 20 | JPEG 2000 |" in (tmp_path / "out" / "report.md").read_text()
