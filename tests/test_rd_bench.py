"""The bench: deltas that are known, codecs that keep to their limit, a store that survives, a report from the real command."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import splatc
from bench import results
from bench.bdrate import bd_quality, bd_rate, quality_at, rate_at
from bench.codec import size_limit
from bench.curves import Curves, bits
from bench.pillow_codecs import PillowCodec, pillow_codecs
from bench.plot import plot
from bench.published import KODAK, references
from bench.report import Report
from bench.results import Point
from bench.splatc_codec import Splatc, source_digest
from rd_bench import main
from splatc.image.image import Samples
from splatc.image.metrics import psnr

CURVE = [(100.0, 30.0), (200.0, 33.0), (400.0, 35.5), (800.0, 37.0)]
POINT = Point("a.png", "00", 1000, "WebP", "WebP; x", 100.0, 30, 25.0, 0.9)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """48 x 32 pixels of gentle waves and noise."""
    y, x = np.mgrid[:32, :48]
    waves = np.stack([x * 5, y * 7, 128 + 100 * np.sin((x + y) / 9)], axis=-1)
    noise = np.random.default_rng(1).normal(0.0, 6.0, waves.shape)
    path = tmp_path / "waves.png"
    PIL.Image.fromarray(np.clip(waves + noise, 0, 255).astype(np.uint8)).save(path)
    return path


def pixels_of(path: Path) -> Samples:
    with PIL.Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_deltas_of_a_known_pair_of_curves() -> None:
    # The pair that comes with most implementations; the values are those of the package bjontegaard 1.3, method "pchip".
    anchor = [(686.76, 40.28), (309.58, 37.18), (157.11, 34.24), (85.95, 31.42)]
    test = [(893.34, 40.39), (407.8, 37.21), (204.93, 34.17), (112.75, 31.24)]
    assert bd_rate(anchor, test) == pytest.approx(31.379878202397627)
    assert bd_quality(anchor, test) == pytest.approx(-1.1834724046224592)


def test_rate_of_a_quality() -> None:
    """At the points what was measured, between them what SciPy's PchipInterpolator says of the logarithms; nothing beyond them."""
    curve = [(1000.0, 25.0), (2000.0, 27.0), (4000.0, 29.5), (8000.0, 32.0)]
    for rate, quality in curve:
        assert rate_at(curve, quality) == pytest.approx(rate)
    assert rate_at(curve, 28.0) == pytest.approx(2669.6695128721385)
    assert quality_at(curve, 2669.6695128721385) == pytest.approx(28.0, abs=0.02)
    assert quality_at(curve, 2000.0) == pytest.approx(27.0) and quality_at(curve, 900.0) is None
    assert rate_at(curve, 24.9) is None and rate_at(curve, 32.1) is None and rate_at(curve[:1], 25.0) is None


def test_deltas_follow_scaled_rates_and_shifted_qualities() -> None:
    assert bd_rate(CURVE, CURVE) == 0.0
    assert bd_quality(CURVE, CURVE) == 0.0
    assert bd_rate(CURVE, [(0.9 * rate, quality) for rate, quality in CURVE]) == pytest.approx(-10.0)
    assert bd_quality(CURVE, [(rate, quality + 0.5) for rate, quality in CURVE]) == pytest.approx(0.5)


def test_delta_backwards_undoes_delta_forwards() -> None:
    other = [(90.0, 30.5), (210.0, 32.0), (500.0, 36.5)]
    forwards, backwards = bd_rate(CURVE, other), bd_rate(other, CURVE)
    assert forwards is not None and backwards is not None
    assert (1 + forwards / 100) * (1 + backwards / 100) == pytest.approx(1.0)


def test_a_point_that_costs_more_for_nothing_changes_no_delta() -> None:
    test = [(rate, quality + 1.0) for rate, quality in CURVE]
    assert bd_rate(CURVE, [*test, (600.0, 36.0)]) == bd_rate(CURVE, test)


def test_curves_without_common_range_have_no_delta() -> None:
    assert bd_rate(CURVE, [(100.0, 10.0), (200.0, 12.0)]) is None
    assert bd_quality(CURVE, [(1.0, 30.0), (2.0, 33.0)]) is None
    assert bd_rate(CURVE, CURVE[:1]) is None
    assert bd_rate(CURVE, []) is None


@pytest.mark.parametrize("name", ["jpeg", "webp", "jpeg2000", "avif", "jpegxl"])
def test_codecs_keep_to_the_limit_and_use_what_it_gives(name: str, picture: Path, tmp_path: Path) -> None:
    codec = pillow_codecs(downscale=False).get(name)
    if codec is None:
        pytest.skip(f"Pillow has no {name} here")
    pixels, ratios = pixels_of(picture), (2.0, 3.0, 5.0)
    measured = [m for m in codec.measure(picture, pixels, ratios, tmp_path) if m is not None]
    assert measured
    for ratio, measurement in zip(ratios, measured, strict=False):
        assert measurement.size <= size_limit(pixels, ratio)
        assert measurement.pixels.shape == pixels.shape
    qualities = [psnr(pixels, measurement.pixels) for measurement in measured]
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[0] > 30.0


def test_bisection_finds_the_highest_level_that_fits(picture: Path, tmp_path: Path) -> None:
    codec = pillow_codecs(downscale=False)["jpeg"]
    pixels, limit = pixels_of(picture), 1000
    sizes = {}
    for quality in range(101):
        PIL.Image.fromarray(pixels).save(path := tmp_path / "q.jpg", quality=quality, **codec.common)
        sizes[quality] = path.stat().st_size
    expected = max(size for size in sizes.values() if size <= limit)
    (measurement,) = replace(codec, variants=({},)).measure(picture, pixels, [pixels.nbytes / limit], tmp_path)
    assert measurement is not None
    assert measurement.size == expected


def test_codec_that_cannot_get_so_small_says_so(picture: Path, tmp_path: Path) -> None:
    assert list(pillow_codecs(downscale=False)["jpeg"].measure(picture, pixels_of(picture), [100.0], tmp_path)) == [
        None
    ]


def test_downscaling_helps_where_full_size_does_not_fit(picture: Path, tmp_path: Path) -> None:
    def best(codec: PillowCodec) -> tuple[float, str]:
        (measurement,) = codec.measure(picture, pixels, [ratio], tmp_path)
        assert measurement is not None
        return psnr(pixels, measurement.pixels), measurement.note

    with PIL.Image.open(picture) as opened:
        opened.resize((384, 256), PIL.Image.Resampling.BICUBIC).save(picture)
    pixels, ratio = pixels_of(picture), 900.0
    plain, free = pillow_codecs(downscale=False)["avif"], pillow_codecs(downscale=True)["avif"]
    assert next(iter(replace(plain, factors=(1,)).measure(picture, pixels, [ratio], tmp_path))) is None
    quality, note = best(plain)
    assert "1/" in note
    assert best(free)[0] >= quality


def test_gray_pictures_stay_gray(picture: Path, tmp_path: Path) -> None:
    gray = pixels_of(picture)[..., :1]
    for codec in pillow_codecs(downscale=False).values():
        (measurement,) = codec.measure(picture, gray, [1.0], tmp_path)
        assert measurement is not None, codec.name
        assert measurement.pixels.shape == gray.shape
        assert psnr(gray, measurement.pixels) > 30.0, codec.name


def test_points_come_back_and_a_torn_line_harms_no_other(tmp_path: Path) -> None:
    store = tmp_path / "points.jsonl"
    assert results.load(store) == {}
    results.append(store, POINT)
    with store.open("a") as stream:
        stream.write('{"picture": "torn')
    other = replace(POINT, ratio=50.0, size=None)
    results.append(store, other)
    assert results.load(store) == {POINT.key: POINT, other.key: other}


def test_mean_is_given_only_over_all_pictures() -> None:
    points = [POINT, replace(POINT, picture="b.png", psnr=27.0), replace(POINT, ratio=50.0)]
    points.append(replace(POINT, picture="b.png", ratio=50.0, size=None))
    report = Report(points, ["WebP"], {})
    assert report.curves.mean("WebP", 100.0, lambda point: point.psnr) == 26.0
    assert report.curves.mean("WebP", 50.0, bits) is None
    assert "| 100 | 26.00 |" in report.as_markdown()
    assert "| 50 | (1) |" in report.as_markdown()


def test_published_figures_stand_beside_the_same_pictures_only() -> None:
    kodak = [f"kodim{number:02d}.png" for number in range(1, 25)]
    assert references(kodak)
    assert not references(kodak[1:])
    assert all(reference.source and reference.bpp > 0 for reference in KODAK)
    curves = [[r for r in KODAK if r.codec == codec] for codec in dict.fromkeys(r.codec for r in KODAK)]
    assert all(curve == sorted(curve, key=lambda r: r.bpp) == sorted(curve, key=lambda r: r.psnr) for curve in curves)
    points = [replace(POINT, picture=n, codec="splatc -e 5", size=s, ratio=3000 / s) for n in kodak for s in (10, 30)]
    text = Report([replace(p, psnr=20.0 + p.bpp * 30) for p in points], ["splatc -e 5"], {}).as_markdown()
    assert "not measured here" in text
    assert "| VTM 4:4:4 | 0.113 | 28.49 | 23.89 | CompressAI, results/image/kodak/vtm.json (intra, 4:4:4) |" in text


def test_deltas_by_every_metric_and_the_worst_picture() -> None:
    """A codec that needs a tenth less at equal quality, on one picture of two where the other one's values are the same."""
    points = [
        replace(POINT, picture=name, codec=codec, size=round(size * factor), ratio=3e6 / size, psnr=quality, limit=size)
        for name in ("a.png", "b.png")
        for codec, factor in (("WebP", 1.0), ("splatc -e 5", 0.9 if name == "b.png" else 1.0))
        for size, quality in ((10_000, 30.0), (20_000, 32.0), (40_000, 35.0))
    ]
    points = [replace(point, gmsd=0.3 - point.psnr / 200) for point in points]
    report = Report(points, ["splatc -e 5", "WebP"], {})
    (delta,) = report.curves.deltas()
    assert [delta.bd_rate[key].per_cent for key in ("psnr", "gmsd")] == pytest.approx([-5.0, -5.0])
    assert delta.bd_rate["psnr"].pictures == 2 and "ms_ssim" not in delta.bd_rate
    assert "| splatc -e 5 | WebP | -5.0 % |" in report.as_markdown()
    better = [replace(p, psnr=p.psnr + 1 - 3 * (p.picture == "b.png")) if p.codec != "WebP" else p for p in points]
    text = Report(better, ["splatc -e 5", "WebP"], {}).as_markdown()
    assert "| splatc -e 5 | WebP | 300 | -0.50 (-2.00, b) | +0.0000 (+0.0000, a) |" in text


def test_bench_measures_the_real_command_once(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Splatc, "warm_up", lambda self, folder: None)
    out = tmp_path / "out"
    arguments = [
        str(picture),
        "--out",
        str(out),
        "--codecs",
        "splatc",
        "webp",
        "--cr",
        "6",
        "--effort",
        "1",
        "--jobs",
        "2",
    ]
    assert main(arguments) == 0

    lines = (out / "points.jsonl").read_text()
    report = json.loads((out / "report.json").read_text())
    ours, webp, above = sorted(report["points"], key=lambda point: (point["codec"] == "WebP", point["above"]))
    assert ours["settings"].endswith(source_digest())
    assert 0 < ours["size"] <= 32 * 48 * 3 // 6
    assert ours["psnr"] > 20.0 and math.isfinite(ours["ms_ssim"])
    assert 0.0 < ours["gmsd"] < 0.3
    assert webp["codec"] == above["codec"] == "WebP"
    assert webp["size"] < webp["limit"] == 32 * 48 * 3 // 6 < above["size"]
    assert [(out / point["file"]).stat().st_size for point in (ours, webp, above)] == [
        point["size"] for point in (ours, webp, above)
    ]
    text = (out / "report.md").read_text()
    assert "| waves.png | 6 |" in text and "| CR | splatc -e 1 | WebP ~ |" in text

    def never(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(Splatc, "measure", never)
    monkeypatch.setattr(PillowCodec, "measure", never)
    assert main(arguments) == 0
    assert (out / "points.jsonl").read_text() == lines


def test_code_that_changes_under_way_is_no_result(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(self: Splatc, *arguments: str | Path) -> float:
        (tmp_path / "coded.splat2d").write_bytes(b"small")
        return 0.0

    monkeypatch.setattr(Splatc, "_run", run)
    codec = Splatc(effort=1, tune="psnr", blend=None, threads=1, source="0123")
    assert codec.settings != replace(codec, source="4567").settings
    with pytest.raises(RuntimeError, match="changed while"):
        list(codec.measure(picture, pixels_of(picture), [6.0], tmp_path))


def test_points_belong_to_the_compiled_core_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splatc, "__file__", str(tmp_path / "__init__.py"))
    digests = {source_digest()}
    for name in ("fit.py", "core.so", "core.dll"):
        (tmp_path / name).write_bytes(b"1")
        digests.add(source_digest())
        (tmp_path / name).write_bytes(b"2")
        digests.add(source_digest())
    (tmp_path / "viewer.css").write_bytes(b"1")
    digests.add(source_digest())
    assert len(digests) == 7


def test_a_picture_that_fails_stops_no_other(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    PIL.Image.new("RGBA", (32, 32), (1, 2, 3, 4)).save(tmp_path / "alpha.png")
    out = tmp_path / "out"
    assert main([str(tmp_path), "--out", str(out), "--codecs", "webp", "--cr", "6"]) == 1
    assert "alpha.png with WebP failed: only gray and RGB" in capsys.readouterr().err
    assert {point.picture for point in results.load(out / "points.jsonl").values()} == {picture.name}


def test_plot_is_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    points = [replace(POINT, ratio=ratio, size=round(3000 / ratio), gmsd=0.1) for ratio in (50.0, 100.0)]
    plot(Curves(points, ["splatc -e 5", "WebP"]), KODAK, "today", [tmp_path / "a.svg", tmp_path / "a.png"])
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    with PIL.Image.open(tmp_path / "a.png") as image:
        assert image.width > image.height
