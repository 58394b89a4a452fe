"""The conversion scripts: tiles that put together give the picture of their level, a report of what lies on disk."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import splatc
from convert_folder import main as convert_folder
from dzi_export import export, spans
from tests.test_batch import FAST, make_pictures


@pytest.mark.parametrize(("size", "overlap"), [(16, 1), (13, 0), (254, 1)])
def test_tiles_make_up_the_picture_of_their_level(size: int, overlap: int, tmp_path: Path, tiny_splat: Path) -> None:
    count = export(tiny_splat, tmp_path / "tiny.dzi", size=size, overlap=overlap, kind="png")
    tiles = tmp_path / "tiny_files"
    assert sorted(path.name for path in tiles.iterdir()) == [str(level) for level in range(7)]  # 2^6 = 64 px
    assert len(list(tiles.rglob("*.png"))) == count
    for level, scale in ((6, "1"), (5, "1/2"), (3, "1/8")):
        whole = splatc.decode(tiny_splat, scale=scale)
        joined = np.zeros_like(whole)
        for row, (top, bottom) in enumerate(spans(whole.shape[0], size, overlap)):
            for column, (left, right) in enumerate(spans(whole.shape[1], size, overlap)):
                with PIL.Image.open(tiles / str(level) / f"{column}_{row}.png") as tile:
                    joined[top:bottom, left:right] = np.asarray(tile)
        assert (joined == whole).all()
    with PIL.Image.open(tiles / "0" / "0_0.png") as smallest:
        assert smallest.size == (1, 1)
    assert 'Width="64" Height="48"' in (tmp_path / "tiny.dzi").read_text()
    with pytest.raises(FileExistsError):
        export(tiny_splat, tmp_path / "tiny.dzi")


def test_a_folder_there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pictures(tmp_path / "in", "a.png")
    (tmp_path / "in" / "b.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    monkeypatch.setattr(
        sys, "argv", ["convert_folder.py", str(tmp_path / "in"), str(out), "--jobs", "1", "--", "-q", *FAST]
    )
    assert convert_folder() == 5
    lines = (out / "report.md").read_text().splitlines()
    size = (out / "a.splat2d").stat().st_size
    assert re.match(rf"\| a.png \| 16 x 12 \| {size} \| [\d.]+ \| [\d.]+ \| [\d.]+ dB \|", lines[2])
    assert lines[3].startswith("| b.png | failed: ")
    with PIL.Image.open(out / "a.decoded.png") as decoded:
        assert (np.asarray(decoded) == splatc.decode(out / "a.splat2d")).all()


def test_a_bad_file_is_one_line(tmp_path: Path) -> None:
    script = Path(__file__).resolve().parent.parent / "tools" / "dzi_export.py"
    result = subprocess.run(
        [sys.executable, str(script), "no.splat2d", "no.dzi"], cwd=tmp_path, capture_output=True, check=False
    )
    assert (result.returncode, result.stderr.count(b"\n")) == (1, 1)
    assert not list(tmp_path.iterdir())
