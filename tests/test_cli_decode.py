"""``splatc decode`` and ``splatc info``: the picture of the oracle, without the machinery of the encoder."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

from splatc import __version__, bitstream
from splatc.blend import Blend
from splatc.cli import main
from splatc.cli.console import printable
from splatc.decoder.budget import Budget
from splatc.decoder.scene import decode_bytes, make_scene
from splatc.errors import LimitError
from splatc.gaussians import Scene
from splatc.render import draw_samples, reference
from splatc.render.view import view
from splatc.runtime.renamed_keys import RENAMED
from tests.conftest import Command
from tests.scenes import random_gaussians


def oracle(data: bytes, peak: int) -> np.ndarray:
    """The picture of a file by the float64 reference renderer, (H, W, C) in 0..peak, not rounded."""
    return np.clip(reference.render(make_scene(*bitstream.decode(data))), 0.0, 1.0) * peak


def test_decoded_pixels_are_those_of_the_reference(splatc: Command, tmp_path: Path, tiny_file: bytes) -> None:
    result = splatc("decode", "-", "out.png", stdin=tiny_file)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    pixels = np.asarray(PIL.Image.open(tmp_path / "out.png"))
    assert pixels.shape == (48, 64, 3)
    assert np.abs(pixels - oracle(tiny_file, 255)).max() <= 0.51


def test_16_bits_hold_what_8_bits_round_away(tiny_file: bytes) -> None:
    sixteen_bit = decode_bytes(tiny_file, bit_depth=16)
    assert sixteen_bit.bit_depth == 16
    assert np.abs(sixteen_bit.pixels - oracle(tiny_file, 65535)).max() <= 6  # float32 against float64


def test_samples_are_clamped_and_rounded_half_up() -> None:
    nothing = random_gaussians(np.random.default_rng(0), 0, 1, 1)
    values = [-1.0, 0.0, 0.499 / 255, 0.501 / 255, 1.501 / 255, 1.0, 7.0]
    for value, eight in zip(values, [0, 0, 0, 1, 2, 255, 255], strict=True):
        scene = Scene(1, 1, Blend.NORMALIZED, np.full(3, value, np.float32), nothing)  # shows its background
        assert draw_samples(scene, view(1, 1), 8).ravel().tolist() == [eight] * 3
        sixteen = int(np.floor(np.clip(value, 0, 1) * 65535 + 0.5))
        assert abs(int(draw_samples(scene, view(1, 1), 16)[0, 0, 0]) - sixteen) <= (1 if 0 < value < 1 else 0)


def test_standard_output_is_a_png_and_force_replaces(tmp_path: Path, tiny_splat: Path) -> None:
    piped = CliRunner().invoke(main, ["decode", str(tiny_splat), "-"])
    assert piped.exit_code == 0
    out = tmp_path / "out.ppm"
    out.write_bytes(b"old")
    assert CliRunner().invoke(main, ["decode", str(tiny_splat), str(out), "-f", "--threads", "1"]).exit_code == 0
    assert (np.asarray(PIL.Image.open(out)) == np.asarray(PIL.Image.open(io.BytesIO(piped.stdout_bytes)))).all()


def test_region_and_scale_reach_the_picture(tmp_path: Path, tiny_splat: Path, tiny_file: bytes) -> None:
    whole = decode_bytes(tiny_file).pixels
    corner, small = tmp_path / "corner.png", tmp_path / "small.png"
    run = CliRunner().invoke
    assert run(main, ["decode", str(tiny_splat), str(corner), "--region", "40,20,24,28"]).exit_code == 0
    assert (np.asarray(PIL.Image.open(corner)) == whole[20:, 40:]).all()
    assert run(main, ["decode", str(tiny_splat), str(small), "--scale", "1/4"]).exit_code == 0
    box = whole.reshape(12, 4, 16, 4, 3).mean(axis=(1, 3))
    assert np.abs(np.asarray(PIL.Image.open(small)) - box).max() <= 1.01  # 0.5 each for the roundings


def test_levels_and_truncated_files_make_coarser_pictures(tmp_path: Path, tiny_splat: Path, tiny_file: bytes) -> None:
    whole = decode_bytes(tiny_file).pixels
    out = tmp_path / "out.png"
    run = CliRunner().invoke
    assert run(main, ["decode", str(tiny_splat), str(out), "--max-level", "3"]).exit_code == 0
    assert (np.asarray(PIL.Image.open(out)) != whole).any()
    half = tmp_path / "half.splat2d"
    half.write_bytes(tiny_file[: len(tiny_file) * 2 // 3])
    refused = run(main, ["decode", str(half), str(out), "-f"])
    assert (refused.exit_code, "truncated" in refused.stderr) == (3, True)
    assert run(main, ["decode", str(half), str(out), "-f", "--allow-truncated"]).exit_code == 0
    with PIL.Image.open(out) as shown:
        assert shown.size == (64, 48)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--region", "60,0,5,5"],
            "60,0,5,5 (x, y, width, height) does not lie inside of the picture, which has 64 x 48",
        ),
        (["--region", "0,0,0,5"], "is empty"),
        (["--region", "0,0,5"], "give X,Y,W,H"),
        (["--scale", "0"], "a scale is a positive number"),
        (["--scale", "big"], "'big' is no scale"),
        (["--scale", "1024"], "at most 65500 px a side"),
        (["--max-level", "99"], "--max-level"),
    ],
)
def test_impossible_views_are_usage_errors(tmp_path: Path, tiny_splat: Path, options: list[str], words: str) -> None:
    result = CliRunner().invoke(main, ["decode", str(tiny_splat), str(tmp_path / "out.jpg"), *options])
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (tmp_path / "out.jpg").exists()


def test_a_picture_beyond_memory_is_refused_before_it_is_drawn(tiny_file: bytes) -> None:
    with pytest.raises(LimitError, match="64 x 48"):
        decode_bytes(tiny_file, budget=Budget(max_pixels=64 * 48 - 1))


def modules_after(*arguments: str) -> set[str]:
    """What a fresh process has imported after running the command with these arguments."""
    code = """
import sys
from splatc.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
print(*sys.modules, file=sys.stderr)
"""
    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(result.stderr.split())


def test_decoding_imports_neither_torch_nor_the_fit(tmp_path: Path, tiny_splat: Path) -> None:
    modules = modules_after("decode", str(tiny_splat), str(tmp_path / "out.png"))
    assert (tmp_path / "out.png").exists()
    assert "splatc.core" in modules  # the test sees what it should
    encoding = ("numba", "scipy", "torch", "constriction", "splatc.fit", "splatc.encoder", "splatc.image.metrics")
    assert not {name for name in modules if name.startswith(encoding)}


def test_help_and_info_import_nothing_slow(tiny_splat: Path) -> None:
    assert not modules_after("encode", "--help") & {"numpy", "PIL", "numba", "scipy", "torch"}
    assert not modules_after("info", str(tiny_splat)) & {"numpy", "PIL", "numba", "scipy", "torch"}


def test_info_accounts_for_every_bit(tiny_splat: Path, tiny_file: bytes) -> None:
    brief, report = (
        json.loads(CliRunner().invoke(main, ["info", str(tiny_splat), "--json", *more]).stdout)
        for more in ([], ["--bits"])
    )
    assert brief == {name: value for name, value in report.items() if name != "bits"}
    assert report["schema_version"] == 3
    (section,) = report["sections"]
    assert (sum(section["gaussians"]), section["bytes"]) == (100, report["chunks"][1]["length"])
    assert len(section["levels"]) == len(section["gaussians"])
    assert section["tile"] == section["block"] == [0, 0, 64, 64]  # the name in schema 2
    assert (report["width"], report["height"], report["channels"], report["bit_depth"]) == (64, 48, 3, 8)
    assert report["bytes"] == len(tiny_file)
    assert report["compression_ratio"] == pytest.approx(64 * 48 * 3 / len(tiny_file))
    once = {name: bits for name, bits in report["bits"].items() if name not in RENAMED["info"].values()}
    assert sum(once.values()) == pytest.approx(8 * len(tiny_file))
    assert sum(level["gaussians"] for level in report["levels"]) == report["gaussians"] == 100
    assert [chunk["type"] for chunk in report["chunks"]] == ["HEAD", "GAUS"]


def test_info_for_people(tiny_splat: Path, tiny_file: bytes) -> None:
    result = CliRunner().invoke(main, ["info", str(tiny_splat), "--bits"])
    assert result.exit_code == 0
    for words in (str(tiny_splat), "64 x 48, RGB", f"{len(tiny_file)} bytes", "normalized", "positions", "overhead"):
        assert words in result.stdout


def test_version_and_bare_command() -> None:
    assert CliRunner().invoke(main, ["--version"]).stdout == f"splatc {__version__}\n"
    bare = CliRunner().invoke(main, [])
    assert bare.exit_code == 2
    assert "encode" in bare.stderr


def test_printable_leaves_nothing_that_a_terminal_obeys() -> None:
    assert printable("plain é 字") == "plain é 字"
    assert printable("a\x1b[2J\r\n\u202e\udcff") == r"a\x1b[2J\r\n\u202e\udcff"
