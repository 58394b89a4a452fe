"""The readers for large pictures give what Pillow gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from splatc.errors import InputImageError
from splatc.image.readers import large_source, load, source

RNG = np.random.default_rng(2)


@pytest.fixture(params=["pyvips", "tifffile"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything counts as large, and this reader alone is installed."""
    name: str = request.param
    pytest.importorskip(name)
    monkeypatch.setattr(source, "STREAM_ABOVE", 0)
    monkeypatch.setattr(large_source, "installed", lambda asked: asked == name)
    return name


def save_and_load(pixels: Any, path: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[Any, Any]:
    """The picture by the reader and, with all readers disabled, by Pillow."""
    PIL.Image.fromarray(pixels).save(path, **options)
    large = load(str(path))
    monkeypatch.setattr(source, "STREAM_ABOVE", 1 << 30)
    return large, load(str(path))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations(reader: str, orientation: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = RNG.integers(0, 256, (600, 90, 3)).astype(np.uint8)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    large, small = save_and_load(pixels, tmp_path / "in.tif", monkeypatch, exif=exif)
    assert (large.pixels == small.pixels).all()
    assert large.metadata == small.metadata


@pytest.mark.parametrize("shape", [(600, 90), (600, 90, 2), (600, 90, 3), (600, 90, 4)], ids=str)
@pytest.mark.parametrize("extension", ["png", "tif"])
def test_channels(
    reader: str, shape: tuple[int, ...], extension: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = RNG.integers(0, 256, shape).astype(np.uint8)
    large, small = save_and_load(pixels, tmp_path / f"in.{extension}", monkeypatch)
    assert (large.pixels == small.pixels).all()
    assert large.description == small.description


@pytest.mark.parametrize("name", ["basn2c16", "basn6a16", "basn4a16", "basn0g16", "ibasn2c16", "basn3p04", "ftbbn0g02"])
def test_png(reader: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(Path(__file__).parent / "images" / "pngsuite" / f"{name}.png")
    large = load(path)
    monkeypatch.setattr(source, "STREAM_ABOVE", 1 << 30)
    assert (large.pixels == load(path).pixels).all()


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("tile", [None, (64, 64)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff(reader: str, bigtiff: bool, tile: Any, dtype: Any, tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    pixels = RNG.integers(0, np.iinfo(dtype).max, (600, 90, 3)).astype(dtype)
    tifffile.imwrite(tmp_path / "in.tif", pixels, photometric="rgb", bigtiff=bigtiff, tile=tile, compression="zlib")
    loaded = load(str(tmp_path / "in.tif"))
    assert (loaded.pixels == pixels).all()


def test_truncated(reader: str, tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (600, 90, 3)).astype(np.uint8)
    for extension in ("tif", "png"):
        path = tmp_path / f"in.{extension}"
        PIL.Image.fromarray(pixels).save(path)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] if extension == "png" else data[:100] + data[60000:])
        with pytest.raises(InputImageError, match=r"in\.\w+: "):
            load(str(path))
