"""What the bench compares with: levels are searched, not all tried, coarse ones say what lies above, and missing codecs are left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.features
import PIL.Image
import pytest

import rd_bench
from bench import video_codecs
from bench.codec import Codec, size_limit
from bench.curves import Curves
from bench.ladder import Ladder
from bench.metrics import METRICS
from bench.pillow_codecs import AVIF, pillow_codecs
from bench.results import Point
from splatc.image.image import Samples
from splatc.image.metrics import psnr
from tests.requirements import needs

PSNR = METRICS[0]


@pytest.fixture
def pixels() -> Samples:
    """33 x 47 pixels of gentle waves and noise: odd sides are the harder ones for chroma of half the size."""
    y, x = np.mgrid[:33, :47]
    waves = np.stack([x * 5, y * 7, 128 + 100 * np.sin((x + y) / 9)], axis=-1)
    noise = np.random.default_rng(1).normal(0.0, 6.0, waves.shape)
    return np.clip(waves + noise, 0, 255).astype(np.uint8)


def test_a_ladder_finds_the_highest_level_and_makes_few_files() -> None:
    made: list[int] = []

    def encode(level: int) -> bytes:
        made.append(level)
        return bytes(round(100 * 1.12**level))

    ladder = Ladder(64, encode)
    for limit in (100, 700, 2000, 10_000, 10_000_000):
        level = ladder.highest(limit)
        assert level is not None
        assert len(ladder.coded(level)[0]) <= limit
        above = ladder.above(level)
        assert above is None or len(ladder.coded(above)[0]) > limit
    assert ladder.highest(99) is None
    assert len(made) == len(set(made)) <= 13


def test_a_ladder_copes_with_sizes_that_stand_still_or_fall() -> None:
    sizes = [*[100] * 20, 90, *[200] * 20, 150, *[300] * 20]
    for limits in ((100, 150, 299, 300), (300, 299, 150, 100)):
        ladder = Ladder(len(sizes), lambda level: bytes(sizes[level]))
        for limit in limits:
            level = ladder.highest(limit)
            assert level is not None and sizes[level] <= limit
            above = ladder.above(level)
            assert above is None or sizes[above] > limit


@pytest.mark.parametrize("name", [*AVIF, *video_codecs.VIDEO])
def test_quantized_codecs_lie_on_both_sides_of_the_limit(name: str, pixels: Samples, tmp_path: Path) -> None:
    needs(bool(PIL.features.check("avif")) if name in AVIF else bool(video_codecs.video_codecs()), name)
    others: dict[str, Codec] = {**pillow_codecs(downscale=False), **video_codecs.video_codecs()}
    codec, ratio = others[name], 9.0
    (measurement,) = codec.measure(Path("not read"), pixels, [ratio], tmp_path)
    assert measurement is not None and measurement.above is not None
    assert measurement.size <= size_limit(pixels, ratio) < measurement.above.size
    assert psnr(pixels, measurement.pixels) < psnr(pixels, measurement.above.pixels)
    assert (codec.decode(measurement.data, pixels.shape, tmp_path) == measurement.pixels).all()


def test_tunes_and_subsampling_make_other_files(pixels: Samples, tmp_path: Path) -> None:
    needs(bool(PIL.features.check("avif")), "AVIF")
    codecs = [pillow_codecs(downscale=False)[name] for name in AVIF]
    assert len({codec.settings for codec in codecs}) == len({codec.name for codec in codecs}) == len(AVIF)
    measured = [next(iter(codec.measure(Path("not read"), pixels, [9.0], tmp_path))) for codec in codecs]
    assert len({measurement.data for measurement in measured if measurement}) == len(AVIF)


@pytest.mark.parametrize("name", video_codecs.VIDEO)
def test_gray_video_is_as_good(name: str, pixels: Samples, tmp_path: Path) -> None:
    needs(bool(video_codecs.video_codecs()), "imageio-ffmpeg")
    gray = np.ascontiguousarray(pixels[:32, :46, :1])
    (measurement,) = video_codecs.video_codecs()[name].measure(Path("not read"), gray, [4.0], tmp_path)
    assert measurement is not None and measurement.pixels.shape == gray.shape
    assert psnr(gray, measurement.pixels) > 25.0


def test_colours_of_4_4_4_survive_the_conversion(pixels: Samples, tmp_path: Path) -> None:
    needs(bool(video_codecs.video_codecs()), "imageio-ffmpeg")
    (measurement,) = video_codecs.video_codecs()["hevc"].measure(Path("not read"), pixels, [1.0], tmp_path)
    assert measurement is not None and measurement.note == "yuv444p10le"
    assert psnr(pixels, measurement.pixels) > 50.0


def test_a_failing_ffmpeg_says_why() -> None:
    needs(bool(video_codecs.video_codecs()), "imageio-ffmpeg")
    with pytest.raises(RuntimeError, match="Invalid data"):
        video_codecs.video_codecs()["hevc"].decode(b"no stream", (8, 8, 3), Path())


def test_codecs_that_are_missing_are_left_out(
    tmp_path: Path, pixels: Samples, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(video_codecs, "_program", lambda: "")
    assert video_codecs.video_codecs() == {}
    PIL.Image.fromarray(pixels).save(picture := tmp_path / "a.png")
    assert rd_bench.main([str(picture), "--out", str(tmp_path / "out"), "--codecs", "vvc", "jpeg", "--cr", "4"]) == 0
    assert "no vvc: this Pillow or ffmpeg lacks it; pip install splatc[bench]" in capsys.readouterr().err
    assert "| CR | JPEG |" in (tmp_path / "out" / "report.md").read_text()
    with pytest.raises(SystemExit, match="none of the codecs"):
        rd_bench.main([str(picture), "--out", str(tmp_path / "out"), "--codecs", "vvc"])


def test_values_at_equal_bytes_lie_between_the_files() -> None:
    """Half way between 50 and 200 bytes lie 100, on the scale that counts; a codec without a file above stands as it is."""
    below = Point("a.png", "00", 1000, "VVC", "VVC; x", 30.0, 50, 30.0, 0.9, limit=100)
    above = Point("a.png", "00", 1000, "VVC", "VVC; x", 30.0, 200, 32.0, 0.9, limit=100, above=True)
    ours = Point("a.png", "00", 1000, "splatc -e 5", "splatc; x", 30.0, 99, 30.5, 0.9, limit=100)
    curves = Curves([below, above, ours], ["splatc -e 5", "VVC"])
    assert curves.is_interpolated("VVC") and not curves.is_interpolated("splatc -e 5")
    assert curves.mean("VVC", 30.0, curves.at_limit(PSNR)) == pytest.approx(31.0)
    assert curves.mean("VVC", 30.0, lambda point: point.psnr) == 30.0
    assert curves.mean("splatc -e 5", 30.0, curves.at_limit(PSNR)) == 30.5
    gap = curves.gap("splatc -e 5", "VVC", 30.0, PSNR)
    assert gap is not None and gap.mean == gap.least == pytest.approx(-0.5) and gap.picture == "a.png"
