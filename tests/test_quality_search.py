"""The target --psnr: never missed, hardly overshot, refused where no file can reach it. Tiny pictures, the lowest effort."""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

import splatc
from splatc import core
from splatc.batch.work import run_job
from splatc.bitstream import Metadata
from splatc.cli import main
from splatc.encoder import quality_search
from splatc.encoder.pipeline import EncodeOptions, empty_file
from splatc.encoder.quality_control import SLOPE, Course
from splatc.encoder.quality_search import Point, encode_to_psnr, place, slope_near
from splatc.encoder.rate_control import Target
from splatc.encoder.request import Request
from splatc.errors import TimeUpError, UsageError
from splatc.fit.engines.choice import Wanted
from splatc.image import metrics
from splatc.image.image import Image, Samples
from splatc.image.readers import load

RNG = np.random.default_rng(5)
Y, X = np.mgrid[:40, :56]
SMOOTH = np.clip(
    np.stack([X * 4, Y * 5, 128 + 100 * np.sin((X + Y) / 9)], -1) + RNG.normal(0, 4, (40, 56, 3)), 0, 255
).astype(np.uint8)
NOISE = RNG.integers(0, 256, (2, 5, 3), np.uint8)
GRAIN = RNG.integers(0, 256, (64, 64, 3), np.uint8)
FAST = ["-e", "1", "--threads", "1"]
Tries = list[tuple[int, int]]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other take longer than these pictures, most of all on a machine that has something else to do."""
    core.set_threads(1)
    yield
    core.set_threads(None)


def reached(pixels: Samples, data: bytes) -> float:
    decoded = splatc.decode(data)
    return metrics.psnr(metrics.shown(pixels), metrics.shown(decoded.reshape(pixels.shape)))


def search(pixels: Samples, psnr: float, effort: int = 1, max_time: float | None = None) -> bytes:
    image = Image(pixels)
    options = EncodeOptions(Target(*Request(psnr=psnr).resolve(image)), effort=effort, max_time=max_time)
    return encode_to_psnr(Wanted(device="cpu"), image, options, psnr, lambda *_: None)


class Line:
    """In place of the fit: files whose PSNR lies on a line over the logarithm of their size, but for a little chance.

    A first fit ends with the Gaussians, of a byte each, that it is for. One that is steered by what that has shown ends with as many as it
    takes for the PSNR that it aims at, but for chance; then either is trimmed.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, slope: float = 2.6, noise: float = 0.0) -> None:
        self.slope, self.noise = slope, noise
        self.tries: Tries = []
        """(effort, Gaussians)"""
        self.files: list[bytes] = []
        self.seconds: list[float | None] = []
        monkeypatch.setattr(quality_search, "encode_on", self.encode)
        monkeypatch.setattr(quality_search, "quality", self.quality)

    def encode(self, wanted: Wanted, image: Image, options: EncodeOptions, log: Any, progress: Any) -> bytes:
        log("fitted by somebody", True)
        count, effort, aim = options.target.value, options.effort, options.aim
        assert aim is not None
        self.tries.append((effort, count))
        self.seconds.append(options.max_time)
        for step in range(11):
            if progress is not None:
                progress(step, 10, "fitting")
        if aim.rise is not None:
            chance = self.noise * math.sin(7.0 * count)
            count = min(3 * count, math.ceil(self.needed(aim.psnr + aim.spare + 0.03 + chance, effort)))
        psnr = self.quality(image.pixels, bytes([effort]) * count)
        aim.report(Course(((0.5, count, psnr - 0.7),), (), count, psnr))
        if psnr >= aim.psnr:
            count = math.ceil(self.needed(aim.psnr, effort))
        self.files.append(bytes([effort]) * count)
        return self.files[-1]

    def needed(self, psnr: float, effort: int) -> float:
        return float(2.0 ** ((psnr - 4.0 - (0.9 if effort > 0 else 0.0)) / self.slope))

    def quality(self, shown: Samples, data: bytes) -> float:
        if data[0] > 9:
            return 5.0  # the empty file, by its signature
        return 4.0 + self.slope * math.log2(len(data)) + (0.9 if data[0] > 0 else 0.0)


def asked(effort: int = 5, max_time: float | None = None, size: int = 2000) -> EncodeOptions:
    return EncodeOptions(Target("bytes", size), effort=effort, max_time=max_time)


def test_reaches_the_target_and_little_more() -> None:
    few = SMOOTH[:20, :20].copy()
    data = search(few, 37.0)
    assert 37.0 <= reached(few, data) <= 37.7


def test_a_higher_effort_does_so_too() -> None:
    few = SMOOTH[:10, :10].copy()
    assert 34.0 <= reached(few, search(few, 34.0, effort=2)) <= 36.0


def test_what_is_transparent_does_not_count() -> None:
    pixels = np.dstack([SMOOTH[:16, :16], np.where(np.hypot(X - 8, Y - 8) < 7, 255, 0)[:16, :16]]).astype(np.uint8)
    pixels[:4, :, :3] = np.random.default_rng(7).integers(0, 256, (4, 16, 3))
    assert 24.0 <= reached(pixels, search(pixels, 24.0)) < 26.0


def test_16_bits_are_judged_as_such() -> None:
    pixels = SMOOTH[:24, :24, :1].astype(np.uint16) * np.uint16(255) + np.uint16(77)
    data = search(pixels, 36.0)
    assert splatc.decode(data).dtype == np.uint16
    assert reached(pixels, data) >= 36.0


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 3), (40, 50, 3), (3, 5, 4)])
def test_one_colour_needs_no_fit(shape: tuple[int, ...]) -> None:
    pixels = np.full(shape, 77, np.uint8)
    data = search(pixels, 1000.0)
    assert reached(pixels, data) == math.inf
    assert splatc.info(data)["gaussians"] == 0


def test_two_pixels() -> None:
    pixels = np.array([[[10, 200, 31], [200, 10, 9]]], np.uint8)
    assert reached(pixels, search(pixels, 25.0)) >= 25.0


def test_the_plug_ins_pass_it_on() -> None:
    import imageio.v3 as iio

    from splatc import imageio_plugin, pillow_plugin

    file = io.BytesIO()
    PIL.Image.fromarray(SMOOTH).save(file, pillow_plugin.FORMAT, psnr=1)
    written = iio.imwrite("<bytes>", SMOOTH, extension=".splat2d", plugin=imageio_plugin.NAME, psnr=1)
    assert file.getvalue() == written == splatc.encode(SMOOTH, psnr=1)


def test_the_unreachable_is_refused_with_what_was_reached() -> None:
    with pytest.raises(
        UsageError, match=r"a PSNR of 90 dB cannot be reached: .* came to \d\d\.\d\d dB with \d+ bytes, "
    ):
        splatc.encode(NOISE, psnr=90, effort=1)


def test_python_and_the_command_line_agree(tmp_path: Path) -> None:
    pixels, picture, out = SMOOTH[:12, :12], tmp_path / "in.png", tmp_path / "out.splat2d"
    PIL.Image.fromarray(pixels).save(picture)
    result = CliRunner().invoke(main, ["encode", str(picture), str(out), "--psnr", "35.6", "--json", "-v", *FAST])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["target_psnr_db"] == 35.6
    assert 35.6 <= summary["psnr_db"] == reached(pixels, out.read_bytes())
    assert "PSNR at least 35.6 dB" in result.stderr
    assert "fitting, try 1 of at most 7" in result.stderr
    assert f"bytes, PSNR {summary['psnr_db']:.2f} dB" in result.stderr
    assert out.read_bytes() == splatc.encode(pixels, psnr=35.6, effort=1)


def test_each_picture_of_a_batch_gets_its_own_search(
    tmp_path: Path, tiny_picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splatc.batch.pool.run_local", lambda jobs, processes: (run_job(job) for job in jobs))
    out = tmp_path / "all"
    assert CliRunner().invoke(main, ["batch", str(tiny_picture), "-o", str(out), "--psnr", "1", *FAST]).exit_code == 0
    pixels = load(str(tiny_picture)).pixels
    assert (out / "tiny.splat2d").read_bytes() == splatc.encode(pixels, psnr=1)
    kept = CliRunner().invoke(main, ["batch", str(tiny_picture), "-o", str(out), "--psnr", "1", "--json", *FAST])
    assert json.loads(kept.stdout)["kept"] == 1
    other = CliRunner().invoke(main, ["batch", str(tiny_picture), "-o", str(out), "--psnr", "2", *FAST])
    assert (other.exit_code, "exist already" in other.stderr) == (2, True)

    monkeypatch.setattr(quality_search, "QUICK", 0)
    failing = CliRunner().invoke(main, ["batch", str(tiny_picture), "-o", str(out), "--psnr", "60", "-f", *FAST])
    assert (failing.exit_code, "a PSNR of 60 dB cannot be reached" in failing.stderr) == (5, True)


@pytest.mark.parametrize("value", ["nan", "inf", "-35", "0", "good"])
@pytest.mark.parametrize("command", [["encode", "in.png", "out.splat2d"], ["batch", "in", "-o", "out"]])
def test_numbers_that_are_no_target(command: list[str], value: str) -> None:
    result = CliRunner().invoke(main, [*command, f"--psnr={value}"])
    assert (result.exit_code, "is not a number above 0" in result.stderr) == (2, True)


@pytest.mark.parametrize("value", [math.nan, math.inf, -35, 0, "35"])
def test_numbers_that_are_none_in_python(value: Any) -> None:
    with pytest.raises(UsageError, match=r"psnr=.*: expected a number above 0"):
        splatc.encode(SMOOTH, psnr=value)


@pytest.mark.parametrize("other", [["--cr", "100"], ["--bpp", "1"], ["--size", "1k"], ["-n", "5"]])
@pytest.mark.parametrize("command", [["encode", "in.png", "out.splat2d"], ["batch", "in", "-o", "out"]])
def test_only_one_target(command: list[str], other: list[str]) -> None:
    result = CliRunner().invoke(main, [*command, "--psnr", "35", *other])
    assert (result.exit_code, "exclude each other: give one target" in result.stderr) == (2, True)


def test_metadata_that_fill_the_file_get_a_note(tmp_path: Path) -> None:
    picture, out = str(Path(__file__).parent / "images" / "cmyk_adobe.jpg"), tmp_path / "out.splat2d"
    result = CliRunner().invoke(main, ["encode", picture, str(out), "--psnr", "1", *FAST])
    assert result.exit_code == 0, result.output
    assert f"of {out.stat().st_size} bytes; --strip leaves them out" in result.stderr


# How it searches, on lines


@pytest.mark.parametrize("slope", [1.5, 2.6, 3.5])
@pytest.mark.parametrize("psnr", [27.0, 34.0])
def test_a_fit_after_a_few_trials_finds_the_size(monkeypatch: pytest.MonkeyPatch, slope: float, psnr: float) -> None:
    line = Line(monkeypatch, slope=slope)
    pixels = np.zeros((1500, 1500, 3), np.uint8)
    data = encode_to_psnr(Wanted(device="cpu"), Image(pixels), asked(), psnr, lambda *_: None)
    assert len(data) == math.ceil(line.needed(psnr, 5))
    efforts = [effort for effort, _ in line.tries]
    assert efforts == sorted(efforts)
    assert efforts.count(0) <= 4
    assert efforts.count(5) <= 3


@pytest.mark.parametrize("noise", [0.1, 0.3, 0.6])
@pytest.mark.parametrize("psnr", [28.0, 31.0, 34.0])
def test_chance_does_not_lead_below_the_target(monkeypatch: pytest.MonkeyPatch, noise: float, psnr: float) -> None:
    line = Line(monkeypatch, noise=noise)
    data = encode_to_psnr(Wanted(device="cpu"), Image(SMOOTH), asked(), psnr, lambda *_: None)
    enough = [file for file in line.files if line.quality(SMOOTH, file) >= psnr]
    assert data == min(enough, key=len)
    assert [effort for effort, _ in line.tries].count(5) <= (
        3 if noise < 0.5 else 6
    )  # more only where the best one wastes much


def test_it_goes_up_until_one_reaches_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch)
    monkeypatch.setattr(quality_search, "place", lambda points, aim, slope: 5.0)  # always the same size, and too small
    data = encode_to_psnr(Wanted(device="cpu"), Image(SMOOTH), asked(), 28.0, lambda *_: None)
    sizes = [size for effort, size in line.tries if effort == 5]
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]
    assert line.quality(SMOOTH, data) >= 28.0


def test_what_is_far_off_is_refused_before_the_largest_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch)
    with pytest.raises(UsageError, match="90 dB cannot be reached"):
        encode_to_psnr(Wanted(device="cpu"), Image(np.zeros((1500, 1500, 3), np.uint8)), asked(), 90.0, lambda *_: None)
    assert max(line.tries)[1] < 1500 * 1500 / 10


@pytest.mark.parametrize("change", [1.0, 0.9], ids=["the same file again and again", "worse and worse"])
def test_fits_that_do_not_get_better_end_the_search(monkeypatch: pytest.MonkeyPatch, change: float) -> None:
    line = Line(monkeypatch)

    def encode(wanted: Wanted, image: Image, options: EncodeOptions, log: Any, progress: Any) -> bytes:
        line.tries.append((options.effort, options.target.value))
        data = bytes([options.effort]) * round(600 * change ** len(line.tries))
        assert options.aim is not None
        options.aim.report(Course((), (), len(data), line.quality(image.pixels, data)))
        return data

    monkeypatch.setattr(quality_search, "encode_on", encode)
    with pytest.raises(UsageError, match=r"60 dB cannot be reached: the best of \d+ fits came to 2\d\.\d\d dB"):
        encode_to_psnr(Wanted(device="cpu"), Image(SMOOTH), asked(), 60.0, lambda *_: None)
    assert len(line.tries) < 20


@pytest.mark.parametrize(("pixels", "psnr"), [(GRAIN, 40.0), (GRAIN, 1000.0), (SMOOTH[:24, :24, :1], 90.0)])
def test_what_only_the_largest_fits_could_reach_is_refused_after_some(pixels: Samples, psnr: float) -> None:
    tries: list[str] = []
    image = Image(pixels)
    options = EncodeOptions(Target(*Request(psnr=psnr).resolve(image)), effort=0)
    with pytest.raises(UsageError, match=rf"{psnr:g} dB cannot be reached: the best of \d+ fits .* Gaussians"):
        encode_to_psnr(Wanted(device="cpu"), image, options, psnr, lambda text, _: tries.append(text))
    assert len(tries) < 24


@pytest.mark.parametrize("quick", [0, quality_search.QUICK])
def test_noise_may_take_a_gaussian_for_each_pixel(monkeypatch: pytest.MonkeyPatch, quick: int) -> None:
    """Its curve is flat until there are nearly so many, and they take fewer bits than was guessed."""
    monkeypatch.setattr(quality_search, "QUICK", quick)
    data = search(GRAIN, 29.2, effort=0)
    assert reached(GRAIN, data) >= 29.2
    assert len(data) < GRAIN.nbytes


def test_a_limit_of_memory_is_named_where_it_is_what_stands_against_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splatc.fit.memory.most_seeds", lambda *_: 300)
    with pytest.raises(UsageError, match=r"about 100 Gaussians, the most that --max-memory .* allows, did not do"):
        splatc.encode(GRAIN, psnr=30, effort=0, max_memory=1 << 30)


def test_time_is_shared_and_what_reached_the_target_in_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    line = Line(monkeypatch, noise=0.5)
    fitted = line.encode

    def takes_its_time(*arguments: Any) -> bytes:
        now[0] += arguments[2].max_time
        return fitted(*arguments)

    monkeypatch.setattr(quality_search, "encode_on", takes_its_time)
    data = encode_to_psnr(Wanted(device="cpu"), Image(SMOOTH), asked(max_time=100.0), 33.0, lambda *_: None)
    assert data in line.files
    assert now[0] <= 100.0
    assert all(seconds is not None and seconds > 0 for seconds in line.seconds)
    assert [effort for effort, _ in line.tries].count(0) == 1  # cut short, it says nothing

    now[0] = 0.0
    monkeypatch.setattr(quality_search, "place", lambda points, aim, slope: 5.0)  # always too small
    with pytest.raises(
        TimeUpError, match=r"no file with a PSNR of 33 dB was found in the time allowed; the best had \d\d\.\d\d dB"
    ):
        encode_to_psnr(Wanted(device="cpu"), Image(SMOOTH), asked(max_time=100.0, size=200), 33.0, lambda *_: None)
    assert now[0] == pytest.approx(100.0)


def test_no_time_at_all() -> None:
    with pytest.raises(TimeUpError, match="allow more time, or ask for less"):
        search(SMOOTH, 35.0, max_time=0.0)


def test_progress_only_grows_and_each_sentence_is_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch, noise=0.3)
    calls: list[tuple[int, int, str]] = []
    sentences: list[str] = []
    options, image = asked(), Image(SMOOTH)
    encode_to_psnr(
        Wanted(device="cpu"),
        image,
        options,
        31.0,
        lambda text, warning: sentences.append(text),
        lambda *at: calls.append(at),
    )
    shares = [step / steps for step, steps, _ in calls]
    assert shares == sorted(shares)
    assert shares[-1] < 1
    assert {label for *_, label in calls} == {f"fitting, try {n} of at most 7" for n in range(1, len(line.tries) + 1)}
    assert sentences.count("fitted by somebody") == 1
    assert len(sentences) == 1 + len(line.tries)


def test_where_many_gaussians_are_needed_the_trials_make_more_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 steps say little of them."""
    found = {}
    for psnr in (20.0, 40.0):
        line = Line(monkeypatch)
        pixels = np.tile(SMOOTH, (8, 8, 1))
        encode_to_psnr(Wanted(device="cpu"), Image(pixels), asked(size=400), psnr, lambda *_: None)
        found[psnr] = [effort for effort, _ in line.tries if effort < 5]
        dense = line.needed(psnr, 5) * quality_search.DENSE > pixels.shape[0] * pixels.shape[1]
        assert dense == (psnr == 40.0)
    assert set(found[20.0]) == {0}
    assert found[40.0][0] == 0
    assert found[40.0][-1] == 1


def test_a_place_between_two_fits_stays_between_them() -> None:
    points = [Point(10.0, 30.0, 5), Point(11.0, 33.0, 5)]
    assert slope_near(points, 31.0) == pytest.approx(3.0)
    assert place(points, 31.5, 3.0) == pytest.approx(10.5)
    assert place(points, 32.99, 3.0) == pytest.approx(10.9)
    assert place(points, 34.5, 3.0) == pytest.approx(11.5)
    assert place(points, 0.0, 3.0) == pytest.approx(8.0)  # not further than two octaves
    assert slope_near([points[0], Point(10.1, 33.0, 5)], 31.0) == SLOPE


def test_the_empty_file_holds_the_metadata() -> None:
    metadata = Metadata(xmp=b"<x/>" * 50)
    bare, full = (empty_file(Image(SMOOTH, metadata=each), asked()) for each in (Metadata(), metadata))
    assert len(bare) < 64 < len(full)
    assert splatc.info(full)["gaussians"] == 0
