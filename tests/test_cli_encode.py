"""``splatc encode``, on tiny pictures and at the lowest effort: what it says is what the written file is."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

from splatc import bitstream
from splatc.cli import main
from splatc.cli.target import Size
from splatc.decoder.scene import decode_bytes
from splatc.encoder.request import Request
from splatc.errors import UsageError
from splatc.image import metrics
from splatc.image.image import Image
from splatc.image.readers import load

FAST = ["-e", "1", "--threads", "1"]


def test_summary_is_right_about_the_written_file(tmp_path: Path, tiny_picture: Path) -> None:
    out = tmp_path / "out.splat2d"
    result = CliRunner().invoke(main, ["encode", str(tiny_picture), str(out), "--size", "300", "--json", *FAST])
    assert result.exit_code == 0, result.output

    data, source = out.read_bytes(), load(str(tiny_picture))
    assert 0.97 * 300 <= len(data) <= 300
    decoded = decode_bytes(data)
    summary = json.loads(result.stdout)
    assert summary.pop("seconds") > 0
    assert summary == {
        "schema_version": 1,
        "gaussians": bitstream.read_header(data).count,
        "bytes": len(data),
        "bits_per_pixel": 8 * len(data) / (64 * 48),
        "compression_ratio": 64 * 48 * 3 / len(data),
        "psnr_db": metrics.psnr(source.pixels, decoded.pixels),
        "ms_ssim": metrics.ms_ssim(source.pixels, decoded.pixels),
        "notes": [],
    }
    assert re.fullmatch(
        r"\d+ Gaussians, \d+ bytes, [\d.]+ bpp, CR [\d.]+, PSNR [\d.]+ dB, MS-SSIM [\d.]+, [\d.]+ s\n", result.stderr
    )


def test_messages_name_standard_input_as_what_is_read() -> None:
    result = CliRunner().invoke(main, ["encode", "-", "out.splat2d", *FAST], input=b"")
    assert result.stderr.startswith("splatc: error: standard input: ")


def test_metadata_that_fill_the_file_get_a_note(tmp_path: Path) -> None:
    picture, out = str(Path(__file__).parent / "images" / "cmyk_adobe.jpg"), str(tmp_path / "out.splat2d")
    arguments = ["encode", picture, out, "--json", *FAST]
    crowded = CliRunner().invoke(main, [*arguments, "--size", "2900"])
    notes = json.loads(crowded.stdout)["notes"]
    taken = re.fullmatch(r"its EXIF and XMP take (\d+) of 2900 bytes; --strip leaves them out", notes[-1])
    assert taken and 2700 < int(taken[1]) < 2900
    assert f"splatc: note: {picture}: {notes[-1]}\n" in crowded.stderr

    refused = CliRunner().invoke(main, [*arguments, "--size", "2000", "-f"])
    assert refused.exit_code == 2
    expected = r"no file of 2000 bytes can hold .* its colour profile, EXIF and XMP, .* \(--strip\), or allow more than 28\d\d bytes\n"
    assert re.search(expected, refused.stderr)
    stripped = CliRunner().invoke(main, [*arguments, "--size", "300", "-f", "--strip"])
    assert stripped.exit_code == 0, stripped.output
    assert 0.97 * 300 <= Path(out).stat().st_size <= 300
    assert len(json.loads(stripped.stdout)["notes"]) == 2  # of its inks, and of what Photoshop left in it


def test_count_pipes_and_silence(tiny_picture: Path) -> None:
    arguments = ["encode", "-", "-", "-n", "20", "--blend", "sum", "-q", *FAST]
    result = CliRunner().invoke(main, arguments, input=tiny_picture.read_bytes())
    assert (result.exit_code, result.stderr) == (0, "")
    header = bitstream.read_header(result.stdout_bytes)
    assert (header.count, header.blend.name) == (20, "SUM")


def test_force_replaces_the_old_file_and_notes_what_is_lost(tmp_path: Path) -> None:
    frames = [PIL.Image.fromarray(np.full((16, 16), value, np.uint8)) for value in (10, 200)]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:])
    out = tmp_path / "out.splat2d"
    out.write_bytes(b"old")
    result = CliRunner().invoke(main, ["encode", str(tmp_path / "in.gif"), str(out), "-n", "3", "-f", *FAST])
    assert result.exit_code == 0, result.output
    assert "note: " in result.stderr
    assert "only the first of 2 frames is coded" in result.stderr
    assert bitstream.read_header(out.read_bytes()).width == 16


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_progress_is_drawn_on_a_terminal_only(tmp_path: Path, tiny_picture: Path) -> None:
    ours, theirs = os.openpty()
    arguments = ["encode", str(tiny_picture), str(tmp_path / "out.splat2d"), "-n", "9", *FAST]
    with subprocess.Popen([sys.executable, "-m", "splatc", *arguments], stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how Linux reports that the terminal's other end is closed
            while chunk := os.read(ours, 4096):
                shown += chunk
        os.close(ours)
    assert process.returncode == 0
    assert b"100%" in shown
    assert b"9 Gaussians" in shown.splitlines()[-1]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Request(), ("bytes", 92)),  # the default ratio, 100
        (Request(cr=9.0), ("bytes", 1024)),
        (Request(bpp=0.5), ("bytes", 192)),
        (Request(size=777), ("bytes", 777)),
        (Request(count=5), ("count", 5)),
    ],
)
def test_targets(request_: Request, expected: tuple[str, int]) -> None:
    assert request_.resolve(Image(np.zeros((48, 64, 3), np.uint8))) == expected


def test_a_16_bit_source_counts_two_bytes_a_sample() -> None:
    assert Request(cr=100.0).resolve(Image(np.zeros((48, 64, 1), np.uint16))) == ("bytes", 61)


def test_less_than_a_byte_is_refused() -> None:
    with pytest.raises(UsageError, match="less than one byte"):
        Request(bpp=1e-4).resolve(Image(np.zeros((48, 64, 3), np.uint8)))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096", 4096),
        ("300k", 300_000),
        ("1.5MB", 1_500_000),
        ("20KiB", 20_480),
        (".5 mib", 524_288),
        ("7B", 7),
        ("2g", 2 * 10**9),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert Size().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "-5", "0", "0.4", "1e6", "5 apples", "nan", "k", "1,5MB", "\uff11\uff12"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Size().convert(text, None, None)


def test_metadata_goes_to_the_encoder_unless_stripped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(__file__).parent / "images" / "icc_display_p3.png"
    seen: list[Image] = []

    def encode_image(image: Image, options: Any, progress: Any) -> bytes:
        seen.append(image)
        raise UsageError("seen enough")

    monkeypatch.setattr("splatc.encoder.pipeline.encode_image", encode_image)
    for arguments in ([], ["--strip"]):
        result = CliRunner().invoke(main, ["encode", str(source), str(tmp_path / "out.splat2d"), *arguments])
        assert isinstance(result.exception, UsageError) or result.exit_code == 2
    kept, stripped = seen
    assert kept.metadata.icc
    assert stripped.metadata == bitstream.Metadata()
    assert (stripped.pixels == kept.pixels).all()


def test_max_time_ends_a_long_fit(tmp_path: Path, tiny_picture: Path) -> None:
    options = ["-e", "9", "--max-time", "1", "--size", "300", "--threads", "1"]
    result = CliRunner().invoke(main, ["encode", str(tiny_picture), str(tmp_path / "out.splat2d"), *options])
    assert result.exit_code == 0, result.output
    assert 0 < (tmp_path / "out.splat2d").stat().st_size <= 300


def test_a_picture_that_needs_less_than_it_may_take_gets_a_note(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (6, 6, 3), np.uint8)
    PIL.Image.fromarray(noise).save(tmp_path / "few.png")
    found = CliRunner().invoke(
        main, ["encode", "-e", "1", "--size", "4000", str(tmp_path / "few.png"), str(tmp_path / "few.splat2d")]
    )
    size = (tmp_path / "few.splat2d").stat().st_size
    assert found.exit_code == 0
    assert f"it needs only {size} of the 4000 bytes allowed" in found.stderr
