"""``splatc decode`` and ``splatc info``: the picture of the oracle, without the machinery of the encoder."""

from __future__ import annotations

import importlib
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
from splatc.cli import main
from splatc.cli.console import printable
from splatc.errors import LimitError
from splatc.render import reference
from tests.conftest import Command

decode = importlib.import_module("splatc.decode")  # splatc.decode itself is the function of that name


def oracle(data: bytes, peak: int) -> np.ndarray:
    """The picture of a file by the float64 reference renderer, (H, W, C) in 0..peak, not rounded."""
    return np.clip(reference.render(decode.make_scene(*bitstream.decode(data))), 0.0, 1.0) * peak


def test_decoded_pixels_are_those_of_the_reference(splatc: Command, tmp_path: Path, tiny_file: bytes) -> None:
    result = splatc("decode", "-", "out.png", stdin=tiny_file)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    pixels = np.asarray(PIL.Image.open(tmp_path / "out.png"))
    assert pixels.shape == (48, 64, 3)
    assert np.abs(pixels - oracle(tiny_file, 255)).max() <= 0.51


def test_16_bits_hold_what_8_bits_round_away(tiny_file: bytes) -> None:
    deep = decode.decode_bytes(tiny_file, bit_depth=16)
    assert deep.bit_depth == 16
    assert np.abs(deep.pixels - oracle(tiny_file, 65535)).max() <= 6  # float32 against float64


def test_samples_are_clamped_and_rounded_half_up() -> None:
    values = np.array([-1.0, 0.0, 0.499 / 255, 0.5 / 255, 1.5 / 255, 1.0, 7.0], np.float32)[:, None, None]
    assert decode.to_samples(values, 8).ravel().tolist() == [0, 0, 0, 1, 2, 255, 255]
    assert decode.to_samples(values, 16).ravel()[[0, 1, 5, 6]].tolist() == [0, 0, 65535, 65535]


def test_standard_output_is_a_png_and_force_replaces(tmp_path: Path, tiny_splat: Path) -> None:
    piped = CliRunner().invoke(main, ["decode", str(tiny_splat), "-"])
    assert piped.exit_code == 0
    out = tmp_path / "out.ppm"
    out.write_bytes(b"old")
    assert CliRunner().invoke(main, ["decode", str(tiny_splat), str(out), "-f", "--threads", "1"]).exit_code == 0
    assert (np.asarray(PIL.Image.open(out)) == np.asarray(PIL.Image.open(io.BytesIO(piped.stdout_bytes)))).all()


def test_a_picture_beyond_memory_is_refused_before_it_is_drawn(
    tiny_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(LimitError, match="64 x 48"):
        decode.decode_bytes(tiny_file)


def test_decoding_on_cuda_is_refused_for_now(tmp_path: Path, tiny_splat: Path) -> None:
    result = CliRunner().invoke(main, ["decode", str(tiny_splat), str(tmp_path / "out.png"), "--device", "cuda"])
    assert result.exit_code == 2
    assert "--device cpu" in result.stderr


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
    assert "numba" in modules  # the test sees what it should
    encoding = ("torch", "splatc.fit", "splatc.encode", "splatc.metrics")
    assert not {name for name in modules if name.startswith(encoding)}


def test_help_and_info_import_nothing_slow(tiny_splat: Path) -> None:
    assert not modules_after("encode", "--help") & {"numpy", "PIL", "numba", "scipy", "torch"}
    assert not modules_after("info", str(tiny_splat)) & {"PIL", "numba", "scipy", "torch"}


def test_info_accounts_for_every_bit(tiny_splat: Path, tiny_file: bytes) -> None:
    result = CliRunner().invoke(main, ["info", str(tiny_splat), "--json"])
    report = json.loads(result.stdout)
    assert report["schema_version"] == 1
    assert (report["width"], report["height"], report["channels"], report["bit_depth"]) == (64, 48, 3, 8)
    assert report["bytes"] == len(tiny_file)
    assert report["compression_ratio"] == pytest.approx(64 * 48 * 3 / len(tiny_file))
    assert sum(report["bits"].values()) == pytest.approx(8 * len(tiny_file))
    assert sum(level["gaussians"] for level in report["levels"]) == report["gaussians"] == 100
    assert [chunk["type"] for chunk in report["chunks"]] == ["HEAD", "GAUS"]


def test_info_for_people(tiny_splat: Path, tiny_file: bytes) -> None:
    result = CliRunner().invoke(main, ["info", str(tiny_splat)])
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
