"""``splatc compare``: the numbers of metrics.py, whatever kind the two pictures are of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

from splatc.cli import main
from splatc.decoder.comparison import alike
from splatc.decoder.scene import decode_bytes
from splatc.image import metrics
from splatc.image.image import Samples


def pixels(channels: int, dtype: type[np.unsignedinteger] = np.uint8) -> Samples:
    rng = np.random.default_rng(channels)
    return rng.integers(0, np.iinfo(dtype).max, (20, 30, channels), endpoint=True).astype(dtype)


def test_a_picture_and_a_file(tiny_picture: Path, tiny_splat: Path, tiny_file: bytes) -> None:
    result = CliRunner().invoke(main, ["compare", str(tiny_picture), str(tiny_splat), "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    source, decoded = np.asarray(PIL.Image.open(tiny_picture)), decode_bytes(tiny_file).pixels
    assert report["psnr_db"] == pytest.approx(metrics.psnr(source, decoded))
    assert report["ms_ssim"] == pytest.approx(metrics.ms_ssim(source, decoded))
    assert report["largest_error"] == pytest.approx(np.abs(source.astype(int) - decoded).max() / 255)
    assert (report["width"], report["height"], report["schema_version"]) == (64, 48, 1)
    assert report["a"]["bytes"] == tiny_picture.stat().st_size
    assert report["b"] == {"name": str(tiny_splat), "bytes": len(tiny_file), "channels": 3, "bit_depth": 8}


def test_samples_of_other_profiles_get_a_note(tmp_path: Path) -> None:
    p3 = Path(__file__).parent / "images" / "icc_display_p3.png"
    PIL.Image.open(p3).save(tmp_path / "bare.png", icc_profile=None)
    result = CliRunner().invoke(main, ["compare", str(p3), str(tmp_path / "bare.png")])
    assert "infinite" in result.stdout
    assert result.stderr.startswith("splatc: note: the two have different colour profiles")
    assert CliRunner().invoke(main, ["compare", str(p3), str(p3)]).stderr == ""


def test_equal_pictures_and_standard_input(tiny_splat: Path, tiny_file: bytes) -> None:
    result = CliRunner().invoke(main, ["compare", str(tiny_splat), "-"], input=tiny_file)
    assert result.exit_code == 0, result.output
    assert "infinite: the pictures are equal" in result.stdout
    assert "100.0% of the samples are equal" in result.stdout
    data = CliRunner().invoke(main, ["compare", str(tiny_splat), "-", "--json"], input=tiny_file)
    assert json.loads(data.stdout)["psnr_db"] is None


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["tiny.png", "small.png"], 2, "only pictures of one size can be compared"),
        (["-", "-"], 2, "both pictures cannot come from standard input"),
        (["tiny.png", "no.png"], 1, "no.png: cannot be read"),
        (["tiny.png", "cut.splat2d"], 3, "cut.splat2d: "),
    ],
)
def test_what_cannot_be_compared(
    arguments: list[str],
    exit_code: int,
    message: str,
    tmp_path: Path,
    tiny_picture: Path,
    tiny_file: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    PIL.Image.new("RGB", (8, 8)).save("small.png")
    Path("cut.splat2d").write_bytes(tiny_file[:-9])
    result = CliRunner().invoke(main, ["compare", *arguments])
    assert result.exit_code == exit_code
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("a", [1, 2, 3, 4])
@pytest.mark.parametrize("b", [1, 2, 3, 4])
def test_pictures_are_made_alike_without_loss(a: int, b: int) -> None:
    x, y = alike(pixels(a), pixels(b, np.uint16))
    assert x.shape == y.shape
    assert x.dtype == y.dtype == np.uint16
    assert (x[..., :1] == pixels(a)[..., :1].astype(np.uint16) * 257).all()
    if x.shape[2] in (2, 4) and a in (1, 3):
        assert (x[..., -1] == 65535).all()
