"""Pillow opens and saves ``.splat2d`` files like any other."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import splatc.pillow_plugin
from splatc import bitstream
from splatc.bitstream import Metadata
from splatc.decoder.scene import decode_bytes
from splatc.image.image import Image
from splatc.image.readers import load

P3 = load(str(Path(__file__).parent / "images" / "icc_display_p3.png")).metadata.icc
EXIF = b"MM\0*\0\0\0\x08\0\1\x01\x0f\0\2\0\0\0\4abc\0\0\0\0\0"
FAST = {"cr": 20, "effort": 1}


def soft(mode: str, size: int = 32) -> PIL.Image.Image:
    y, x = np.mgrid[:size, :size]
    pixels = np.stack([x * 7, y * 7, 255 - x * 4, 255 - y * 3], axis=-1).astype(np.uint8)
    return PIL.Image.fromarray(pixels).convert(mode)


def with_metadata(data: bytes, metadata: Metadata) -> bytes:
    header, gaussians = bitstream.decode(data)
    return bitstream.encode(header, gaussians, metadata)


def test_the_type_is_known() -> None:
    assert PIL.Image.registered_extensions()[".splat2d"] == "SPLAT2D"
    assert PIL.Image.MIME["SPLAT2D"] == "image/x-splat2d"


def test_opening_draws_nothing_until_pixels_are_needed(tiny_splat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with PIL.Image.open(tiny_splat) as picture:
        assert (picture.format, picture.mode, picture.size) == ("SPLAT2D", "RGB", (64, 48))
        assert picture.get_format_mimetype() == "image/x-splat2d"
        with monkeypatch.context() as patch:
            patch.setattr("splatc.decoder.picture.Picture.read", lambda *_, **__: pytest.fail("pixels were drawn"))
            assert picture.info == {}
        pixels = np.asarray(picture)
    assert (pixels == decode_bytes(tiny_splat.read_bytes()).pixels).all()


def test_a_stream_and_a_copy_after_closing(tiny_file: bytes) -> None:
    stream = io.BytesIO(tiny_file)
    picture = PIL.Image.open(stream)
    copy = picture.copy()
    picture.load()
    assert not stream.closed
    assert copy.tobytes() == picture.tobytes()


def test_profile_exif_and_xmp_are_in_info(tiny_file: bytes) -> None:
    data = with_metadata(tiny_file, Metadata(P3, EXIF, b"<x/>"))
    picture = PIL.Image.open(io.BytesIO(data))
    assert picture.info["icc_profile"] == P3
    assert picture.info["xmp"] == b"<x/>"
    assert picture.getexif()[0x010F] == "abc"
    png = io.BytesIO()
    picture.save(png, "PNG")
    assert PIL.Image.open(png).info["icc_profile"] == P3


def test_draft_and_thumbnail_draw_a_small_picture(tiny_file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = PIL.Image.open(io.BytesIO(tiny_file)).convert("RGB")
    draft = PIL.Image.open(io.BytesIO(tiny_file))
    assert draft.draft(None, (20, 15)) == ("RGB", (0, 0, 64 / 3, 48 / 3))
    assert draft.size == (22, 16)
    assert np.asarray(draft).shape == (16, 22, 3)
    assert draft.draft(None, (1, 1)) is None  # too late

    thumbnail = PIL.Image.open(io.BytesIO(tiny_file))
    from splatc.decoder.picture import Picture

    drawn: list[tuple[int, ...]] = []
    read = Picture.read

    def watched(*arguments: Any, **options: Any) -> Any:
        pixels = read(*arguments, **options)
        drawn.append(pixels.shape)
        return pixels

    monkeypatch.setattr(Picture, "read", watched)
    thumbnail.thumbnail((8, 8))
    assert thumbnail.size == (8, 6)
    assert drawn == [(16, 22, 3)]  # a third: at least twice what is asked for, Pillow's habit
    expected = np.asarray(whole.resize((8, 6), PIL.Image.Resampling.BOX), int)
    assert np.abs(np.asarray(thumbnail) - expected).mean() < 4


def test_16_bits() -> None:
    gray = (np.add.outer(np.arange(32), np.arange(32)) * 1000).astype(np.uint16)
    stream = io.BytesIO()
    PIL.Image.fromarray(gray).save(stream, "SPLAT2D", **FAST)
    picture = PIL.Image.open(stream)
    assert picture.mode == "I;16"
    assert np.abs(np.asarray(picture).astype(int) - gray).mean() < 2000


@pytest.mark.parametrize("mode", ["1", "P", "RGBA"])
def test_saving(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "out.splat2d"
    soft(mode).save(path, size=200, effort=1)
    assert path.stat().st_size <= 200
    with PIL.Image.open(path) as picture:
        assert picture.size == (32, 32)
        assert picture.mode == {"1": "L", "P": "RGBA", "RGBA": "RGBA"}[mode]


def test_what_save_passes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Image] = []

    def encode_image(image: Image, options: Any, progress: Any = None) -> bytes:
        assert (options.effort, options.tune, options.seed, options.target.value) == (3, "ssim", 7, 99)
        seen.append(image)
        return b"file"

    monkeypatch.setattr("splatc.encoder.pipeline.encode_image", encode_image)
    stream = io.BytesIO()
    picture = soft("RGB")
    picture.info["icc_profile"] = P3
    picture.save(stream, "SPLAT2D", size=99, effort=3, tune="ssim", seed=7, exif=b"Exif\0\0" + EXIF, xmp=b"<x/>")
    assert stream.getvalue() == b"file"
    assert seen[0].metadata == Metadata(P3, EXIF, b"<x/>")
    picture.save(stream, "SPLAT2D", size=99, effort=3, tune="ssim", seed=7, icc_profile=None)
    assert seen[1].metadata == Metadata()


def test_errors_are_pillow_s(tmp_path: Path, tiny_file: bytes) -> None:
    for data in (tiny_file[:20], tiny_file[:8] + bytes(100), b"\x8bS2D"):
        with pytest.raises(PIL.UnidentifiedImageError):
            PIL.Image.open(io.BytesIO(data))
    damaged = bytearray(tiny_file)
    damaged[-12] ^= 255
    with pytest.raises(OSError, match="splat2d"):
        PIL.Image.open(io.BytesIO(damaged)).load()
    path = tmp_path / "out.splat2d"
    with pytest.raises(ValueError, match="exclude each other"):
        soft("RGB").save(path, cr=10, bpp=1)
    with pytest.raises(OSError, match="mode F"):
        soft("L").convert("F").save(path)
    assert not path.exists()


def test_the_module_needs_no_kernels_to_register() -> None:
    import subprocess
    import sys

    code = (
        "import splatc.pillow_plugin, sys; print([m for m in ('numba', 'torch', 'scipy', 'numpy') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert result.stdout.strip() == "[]"
    assert splatc.pillow_plugin.FORMAT == "SPLAT2D"


class _Splats:
    """What a DataLoader draws from: the same file again and again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> np.ndarray:
        with PIL.Image.open(self.path) as image:
            return np.asarray(image).copy()


def test_workers_of_a_data_loader_decode_as_their_parent_does(tiny_splat: Path) -> None:
    """They are forked where that is the system's way, after the parent has used the threads of the core."""
    from torch.utils.data import DataLoader

    expected = np.asarray(PIL.Image.open(tiny_splat))
    found = list(DataLoader(_Splats(tiny_splat), batch_size=None, num_workers=2))  # type: ignore[arg-type]
    assert len(found) == 6
    assert all(np.array_equal(np.asarray(each), expected) for each in found)
