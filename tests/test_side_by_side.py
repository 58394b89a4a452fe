"""The picture of the README: every panel stands where it belongs, whole, with its caption below it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import PIL.features
import PIL.Image
import pytest

import side_by_side


def test_panels_lie_in_two_columns_and_their_captions_below_them() -> None:
    panels: list[side_by_side.Panel] = [
        (f"codec {number}", np.full((40, 120, 3), 50 * number, np.uint8)) for number in range(4)
    ]
    image = np.asarray(side_by_side.sheet(panels))
    assert image.shape == (2 * (40 + side_by_side.CAPTION), 2 * 120 + side_by_side.GAP, 3)
    for number in range(4):
        left, top = number % 2 * (120 + side_by_side.GAP), number // 2 * (40 + side_by_side.CAPTION)
        assert (image[top : top + 40, left : left + 120] == 50 * number).all()
        caption = image[top + 40 : top + 40 + side_by_side.CAPTION, left : left + 120]
        assert caption.min() < 100 < 255 == caption.max()


@pytest.mark.skipif(not PIL.features.check("avif") or not PIL.features.check("jpg_2000"), reason="to compare with")
def test_every_codec_keeps_the_limit_and_the_part_is_cut_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ramp = np.linspace(0, 255, 64 * 96 * 3).astype(np.uint8).reshape(64, 96, 3)
    source, target = tmp_path / "ramp.png", tmp_path / "beside.png"
    PIL.Image.fromarray(ramp).save(source)
    words = [str(source), "--cr", "30", "--region", "8,4,60,32", "-e", "1", "-o", str(target)]
    monkeypatch.setattr(sys, "argv", ["side_by_side.py", *words])
    side_by_side.main()
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0].strip() for row in rows] == ["splatc", "AVIF", "JPEG 2000"]
    assert all(0 < int(row[1]) <= ramp.nbytes / 30 for row in rows)
    with PIL.Image.open(target) as image:
        assert (np.asarray(image)[:32, :60] == ramp[4:36, 8:68]).all()
