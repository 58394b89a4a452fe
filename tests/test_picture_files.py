"""`splatc.encode_file` and `decode_file`: from path to path, with a summary; what they refuse, and what stays when they are stopped."""

from __future__ import annotations

import inspect
import math
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

import splatc
from splatc import api, core, errors
from splatc.cli import main
from splatc.decoder import picture
from splatc.fit import checkpoints

IMAGES = Path(__file__).parent / "images"
Calls = list[tuple[int, int, str]]


class Enough(Exception):  # noqa: N818 - a caller's own
    """What a caller raises to stop."""


@pytest.fixture
def file(tiny_picture: Path, tmp_path: Path) -> Path:
    """The picture's file: 300 bytes at most."""
    splatc.encode_file(tiny_picture, tmp_path / "file.splat2d", size=300, effort=1)
    return tmp_path / "file.splat2d"


def test_the_function_and_the_command_write_the_same_file(tiny_picture: Path, tmp_path: Path) -> None:
    summary = splatc.encode_file(str(tiny_picture), tmp_path / "a.splat2d", size=300, effort=1)
    command = ["encode", str(tiny_picture), str(tmp_path / "b.splat2d"), "--size", "300", "-e", "1"]
    assert CliRunner().invoke(main, command).exit_code == 0
    data = (tmp_path / "a.splat2d").read_bytes()
    assert data == (tmp_path / "b.splat2d").read_bytes()
    with PIL.Image.open(tiny_picture) as image:
        pixels = np.asarray(image)
    assert data == splatc.encode(pixels, size=300, effort=1)
    measured = splatc.compare(tiny_picture, tmp_path / "a.splat2d")
    assert (summary.bytes, summary.psnr_db, summary.ms_ssim) == (len(data), measured.psnr_db, measured.ms_ssim)
    assert summary.gaussians == splatc.info(data)["gaussians"]
    assert summary.compression_ratio == pytest.approx(pixels.nbytes / len(data))
    assert summary.seconds > 0
    assert summary.notes == ()


def test_figures_are_those_of_json() -> None:
    summary = splatc.EncodeSummary(0, 64, 1.0, 24.0, math.inf, math.nan, 0.5, ("a note",))
    assert summary.figures() == {
        "gaussians": 0, "bytes": 64, "bits_per_pixel": 1.0, "compression_ratio": 24.0, "psnr_db": None, "ms_ssim": None,
        "seconds": 0.5,
    }  # fmt: skip


def profile_of(path: Path) -> bytes | None:
    with PIL.Image.open(path) as image:
        found: bytes | None = image.info.get("icc_profile")
        return found


def test_metadata_are_kept_unless_stripped(tmp_path: Path) -> None:
    source, whole, bare = IMAGES / "icc_display_p3.png", tmp_path / "whole.splat2d", tmp_path / "bare.splat2d"
    kept = splatc.encode_file(source, whole, size=1200, effort=1)
    splatc.encode_file(source, bare, size=1200, effort=1, strip=True)
    with splatc.open(whole) as one, splatc.open(bare) as other:
        profile = one.metadata().icc
        assert profile
        assert other.metadata() == splatc.Metadata()
    assert any("its colour profile takes " in each and "strip=True leaves it out" in each for each in kept.notes)
    splatc.decode_file(whole, tmp_path / "whole.png")
    splatc.decode_file(whole, tmp_path / "bare.png", strip=True)
    assert profile_of(tmp_path / "whole.png") == profile
    assert profile_of(tmp_path / "bare.png") is None


def test_the_command_strips_what_it_decodes(tmp_path: Path) -> None:
    splatc.encode_file(IMAGES / "icc_display_p3.png", tmp_path / "a.splat2d", size=1200, effort=1)
    command = ["decode", "--strip", str(tmp_path / "a.splat2d"), str(tmp_path / "a.png")]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert profile_of(tmp_path / "a.png") is None


@pytest.mark.parametrize("options", [{}, {"region": (8, 8, 20, 10)}, {"scale": "1/4"}, {"bit_depth": 16}])
def test_a_picture_file_holds_what_decode_gives(file: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    summary = splatc.decode_file(file, tmp_path / "out.ppm", **options)
    pixels = splatc.decode(file, **options)
    content = (tmp_path / "out.ppm").read_bytes()
    assert content.endswith(pixels.astype(pixels.dtype.newbyteorder(">")).tobytes())
    assert (summary.height, summary.width, summary.channels) == pixels.shape
    assert (summary.bit_depth, summary.format, summary.bytes) == (8 * pixels.itemsize, "PPM", len(content))


def test_what_a_type_does_not_hold_is_in_the_notes(tmp_path: Path) -> None:
    splatc.encode_file(IMAGES / "icc_display_p3.png", tmp_path / "a.splat2d", size=1200, effort=1)
    (note,) = splatc.decode_file(tmp_path / "a.splat2d", tmp_path / "a.ppm").notes
    assert note.startswith(f"{tmp_path / 'a.ppm'}: PPM holds no such colour profile")


def test_an_existing_file_is_replaced_by_leave_alone(tiny_picture: Path, file: Path, tmp_path: Path) -> None:
    picture = tmp_path / "out.png"
    picture.write_bytes(b"old")
    before = file.read_bytes()
    with pytest.raises(splatc.UsageError, match=r"file\.splat2d: exists already: .*force=True"):
        splatc.encode_file(tiny_picture, file, count=3, effort=1)
    with pytest.raises(splatc.UsageError, match=r"out\.png: exists already: .*force=True"):
        splatc.decode_file(file, picture)
    assert (file.read_bytes(), picture.read_bytes()) == (before, b"old")
    splatc.decode_file(file, picture, force=True)
    splatc.encode_file(tiny_picture, file, count=3, effort=1, force=True)
    assert splatc.info(file)["gaussians"] == 3
    with PIL.Image.open(picture) as image:
        assert image.size == (64, 48)


def test_names_of_the_wrong_kind_are_refused(tiny_picture: Path, file: Path, tmp_path: Path) -> None:
    with pytest.raises(splatc.UsageError, match=r"encode writes \.splat2d files, not pictures"):
        splatc.encode_file(tiny_picture, tmp_path / "out.jpg", count=3)
    with pytest.raises(splatc.UsageError, match=r"the extension \.xyz is unknown"):
        splatc.decode_file(file, tmp_path / "out.xyz")
    with pytest.raises(splatc.InputImageError):
        splatc.encode_file(file, tmp_path / "out.splat2d", count=3)
    with pytest.raises(splatc.CorruptFileError):
        splatc.decode_file(tiny_picture, tmp_path / "out.png")
    with pytest.raises(splatc.UsageError, match="cr and size exclude each other"):
        splatc.encode_file(tiny_picture, tmp_path / "out.splat2d", cr=10, size=300)


@pytest.mark.parametrize("path", ["photo.jpg", Path("photo.jpg")])
def test_a_path_for_pixels_gets_an_error_that_says_what_to_call(path: Any) -> None:
    with pytest.raises(
        splatc.InputImageError, match=r"photo\.jpg'.* is a path, .*: splatc\.encode_file\(path, target\)"
    ):
        splatc.encode(path)


@pytest.mark.parametrize("phase", ["seeding", "fitting", "packing"])
def test_an_encoding_that_is_stopped_leaves_nothing(tiny_picture: Path, tmp_path: Path, phase: str) -> None:
    raised = Enough(phase)

    def progress(done: int, steps: int, now: str) -> None:
        if now == phase:
            raise raised

    with pytest.raises(Enough) as caught:
        splatc.encode_file(tiny_picture, tmp_path / "out.splat2d", size=300, effort=1, progress=progress)
    assert caught.value is raised
    assert list(tmp_path.iterdir()) == [tiny_picture]


def test_a_decoding_reports_its_rows_and_can_be_stopped(file: Path, tmp_path: Path) -> None:
    calls: Calls = []
    splatc.decode_file(file, tmp_path / "out.png", scale=16, progress=lambda *now: calls.append(now))
    rows = 48 * 16
    assert calls[0] == (0, rows, "reading")
    assert calls[-1] == (rows, rows, "drawing")
    assert len({done for done, *_ in calls}) > 2
    assert [done for done, *_ in calls] == sorted(done for done, *_ in calls)

    def progress(done: int, of: int, now: str) -> None:
        if done:
            raise Enough

    there = sorted(tmp_path.iterdir())
    with pytest.raises(Enough):
        splatc.decode_file(file, tmp_path / "other.png", scale=16, progress=progress)
    assert sorted(tmp_path.iterdir()) == there


def test_threads_are_set_while_the_call_lasts(
    tiny_picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, all_threads: None
) -> None:
    core.set_threads(5)
    seen: list[int] = []
    file, picture = tmp_path / "out.splat2d", tmp_path / "out.png"
    splatc.encode_file(
        tiny_picture, file, count=5, effort=1, threads=2, progress=lambda *_: seen.append(core.threads())
    )
    splatc.decode_file(file, picture, threads=3, progress=lambda *_: seen.append(core.threads()))
    splatc.decode_file(file, picture, force=True, progress=lambda *_: seen.append(core.threads()))
    assert set(seen) == {2, 3, 5}
    with pytest.raises(Enough):
        splatc.decode_file(file, picture, threads=1, force=True, progress=raiser)
    assert core.threads() == 5


def raiser(*_: object) -> None:
    raise Enough


def test_max_time_ends_a_long_fit(tiny_picture: Path, tmp_path: Path) -> None:
    summary = splatc.encode_file(tiny_picture, tmp_path / "out.splat2d", size=300, effort=9, max_time=1)
    assert summary.bytes <= 300
    with pytest.raises(splatc.TimeUpError):
        splatc.encode_file(tiny_picture, tmp_path / "good.splat2d", psnr=60, effort=9, max_time=0.1)


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "mkfifo"), reason="a file named - is one there, too")
def test_a_dash_is_a_name(tiny_picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    splatc.encode_file(tiny_picture, "-", count=3, effort=1)
    assert splatc.info(tmp_path / "-")["gaussians"] == 3


def test_every_error_that_a_docstring_names_is_public() -> None:
    functions = [value for module in (api, picture, checkpoints) for _, value in inspect.getmembers(module, callable)]
    texts = [inspect.getdoc(each) or "" for each in (*functions, *vars(picture.Picture).values())]
    named = {name for text in texts for name in re.findall(r"\b[A-Z]\w+(?:Error|Warning)\b", text)}
    own = {name for name in named if hasattr(errors, name)}
    assert len(own) > 8
    for name in own:
        assert getattr(splatc, name) is getattr(errors, name)
        assert name in splatc.__all__


def test_one_default_for_the_device() -> None:
    functions = (splatc.encode, splatc.encode_file, splatc.decode, splatc.decode_file, splatc.open)
    assert {inspect.signature(each).parameters["device"].default for each in functions} == {"auto"}
    for name in ("encode", "decode", "batch"):
        command = main.get_command(main.make_context("splatc", ["--help"], resilient_parsing=True), name)
        assert command is not None
        (device,) = [each for each in command.params if each.name == "device"]
        assert device.default == "auto"
