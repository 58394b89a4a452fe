"""A real file of every kind that photographers have, to ``.splat2d`` and back to a picture, by the commands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from splatc.bitstream import inspect
from splatc.cli import main
from splatc.image import metrics
from splatc.image.readers import load

IMAGES = Path(__file__).parent / "images"
FAST = ["-e", "1", "--threads", "1"]


@dataclass(frozen=True)
class Kind:
    """What a file must come out as."""

    file: str
    channels: int
    bit_depth: int = 8
    profile: str = ""
    """A word of the colour profile that must be kept."""
    note: str = ""
    """What must be said."""
    psnr_db: float = 22.0
    """At least, with 60 Gaussians."""


LINEAR = "PNG gamma and chromaticities"  # PngSuite states a gamma of 1

KINDS = [
    Kind("pngsuite/basn0g08.png", 1, profile=LINEAR),
    Kind("pngsuite/basn0g16.png", 1, 16, profile=LINEAR),
    Kind("pngsuite/basn2c16.png", 3, 16, profile=LINEAR),
    Kind("pngsuite/basn3p04.png", 3, profile=LINEAR),
    Kind("pngsuite/basn4a08.png", 2, profile=LINEAR),
    Kind("pngsuite/ftbbn3p08.png", 4, profile=LINEAR),
    Kind("alpha_soft.webp", 4),
    Kind("tiff_16bit_rgba.tiff", 4, 16, note="the resolution (72 dpi) is left out", psnr_db=18),
    Kind("rec2020_16bit.png", 3, 16, profile="Rec2020"),
    Kind("icc_display_p3.png", 3, profile="P3"),
    Kind("icc_adobe_rgb.jpg", 3, profile="A98C"),
    Kind("cmyk_adobe.jpg", 3, note="the colours are approximate", psnr_db=15),
    Kind("cmyk_profile.jpg", 3),
    Kind("exif_landscape_6.jpg", 3, psnr_db=18),
    Kind("animated.gif", 3, note="only the first of 5 frames is coded"),
]


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.file)
def test_it_comes_back_as_it_went(kind: Kind, tmp_path: Path) -> None:
    source, middle, back = str(IMAGES / kind.file), str(tmp_path / "a.splat2d"), str(tmp_path / "a.png")
    result = run("encode", source, middle, "-n", "60", "--json", *FAST)
    assert kind.note in result.stderr
    notes = json.loads(result.stdout)["notes"]
    assert len(notes) == result.stderr.count("splatc: note: ")
    assert [note for note in notes if "Photoshop" not in note] == [
        note for note in notes if kind.note and kind.note in note
    ]
    run("decode", middle, back)
    before, after = load(source), load(back)
    result = run("decode", middle, str(tmp_path / ("a.pam")))
    assert ("PAM holds no such colour profile" in result.stderr) is bool(
        kind.profile
    )  # nothing is flattened without a note
    assert after.pixels.shape == before.pixels.shape
    assert (after.channels, after.bit_depth) == (kind.channels, kind.bit_depth)
    assert kind.profile.encode() in after.metadata.icc.replace(b"\0", b"")
    assert after.metadata == before.metadata
    a, b = metrics.shown(before.pixels), metrics.shown(after.pixels)
    assert metrics.psnr(a, b) > kind.psnr_db
    if kind.channels in (2, 4):
        assert metrics.psnr(before.pixels[..., -1], after.pixels[..., -1]) > kind.psnr_db
    bits = inspect(Path(middle).read_bytes()).bits
    assert ("chroma" in bits) is (kind.channels >= 3)
    assert ("alpha" in bits) is (kind.channels in (2, 4))
