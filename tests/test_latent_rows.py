"""The bench of latents beside fits."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import latent_rows


def test_it_prints_a_row_for_each_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    coarse = PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8))
    for number in range(3):
        coarse.resize((64, 48), PIL.Image.Resampling.BICUBIC).save(tmp_path / f"{number}.png")
    arguments = ["--bpp", "1", "--rows", "latent:0", "latent:1", "gaussians:0", "--every", "2"]
    monkeypatch.setattr(sys, "argv", ["latent_rows", str(tmp_path), *arguments])
    latent_rows.main()
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0] for row in rows] == ["| latent:0", "| latent:1", "| gaussians:0"]
    assert all(float(row[3]) > 15 and float(row[2].split()[0]) <= 100 for row in rows)
    with pytest.raises(SystemExit, match="a row is"):
        latent_rows.measure(latent_rows.opened(tmp_path, 1)[0], 1.0, "wavelets:3")
