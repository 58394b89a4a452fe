"""Profiles, EXIF and XMP pass through; only the orientation changes, because the pixels were turned."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps
import PIL.PngImagePlugin
import pytest

from splatc.bitstream import Metadata
from splatc.image.image import Image
from splatc.image.readers import load
from splatc.image.readers.calibration import LINEAR
from splatc.image.readers.file_metadata import exif_of, xmp_of
from splatc.image.readers.orientation import orientation_of, upright
from splatc.image.saving import FORMATS, save

IMAGES = Path(__file__).parent / "images"
P3 = load(str(IMAGES / "icc_display_p3.png"))
RGB = P3.pixels
SRGB = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/><dc:title>Berg</dc:title></x:xmpmeta>'
)


def exif_with(orientation: int) -> bytes:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x927C] = b"offsets of unknown use"
    return exif.tobytes()


def opened(path: Path) -> PIL.Image.Image:
    with PIL.Image.open(path) as picture:
        picture.load()
        return picture


def load_saved(path: Path, **options: Any) -> Image:
    PIL.Image.fromarray(np.asarray(RGB)).save(path, **options)
    return load(str(path))


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_photographs_are_turned_as_shown(orientation: int) -> None:
    upright_one = load(str(IMAGES / "exif_landscape_1.jpg"))
    loaded = load(str(IMAGES / f"exif_landscape_{orientation}.jpg"))
    assert (loaded.width, loaded.height) == (180, 120)
    assert np.abs(loaded.pixels - upright_one.pixels.astype(int)).mean() < 12  # they are labelled
    assert orientation_of(loaded.metadata.exif, b"") == 1
    original = opened(IMAGES / f"exif_landscape_{orientation}.jpg").info["exif"].removeprefix(b"Exif\0\0")
    changed = [at for at in range(len(original)) if original[at] != loaded.metadata.exif[at]]
    assert len(original) == len(loaded.metadata.exif)
    assert len(changed) == (orientation > 1)  # one byte, nothing else


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "tif"])
def test_every_orientation_in_every_file(tmp_path: Path, orientation: int, extension: str) -> None:
    path = tmp_path / f"in.{extension}"
    loaded = load_saved(path, exif=exif_with(orientation), lossless=True, quality=95)
    stored = opened(path)
    shown = np.asarray(PIL.ImageOps.exif_transpose(stored))
    assert (loaded.pixels == shown).all()
    assert (loaded.pixels.shape == RGB.shape) is (orientation < 5)
    assert orientation_of(loaded.metadata.exif, b"") == 1
    assert b"Maker" in loaded.metadata.exif
    assert b"offsets of unknown use" in loaded.metadata.exif


def test_orientation_of_xmp_alone(tmp_path: Path) -> None:
    loaded = load_saved(tmp_path / "in.jpg", xmp=XMP % 6)
    assert loaded.pixels.shape == (RGB.shape[1], RGB.shape[0], 3)
    assert loaded.metadata.xmp == XMP % 1


def test_broken_exif_does_no_harm() -> None:
    whole = exif_with(6).removeprefix(b"Exif\0\0")
    assert orientation_of(whole, b"") == 6
    for end in range(len(whole)):
        upright(whole[:end], b"", 6)
        assert orientation_of(whole[:end], b"") in (1, 6)
    assert orientation_of(b"MM\0*" + b"\xff" * 8, b"") == 1


def test_profiles_are_kept_unless_they_show_srgb(tmp_path: Path) -> None:
    assert P3.metadata.icc
    assert P3.notes == ()
    assert load_saved(tmp_path / "srgb.png", icc_profile=SRGB).metadata.icc == b""
    mismatch = load_saved(tmp_path / "mismatch.png", icc_profile=LINEAR.profile(1))
    assert mismatch.metadata.icc == b""
    assert "other than the picture's channels" in mismatch.notes[0]
    damaged = load_saved(tmp_path / "bad.png", icc_profile=P3.metadata.icc[:150])
    assert damaged.metadata.icc == b""
    assert "damaged" in damaged.notes[0]


def test_imagemagick_s_exif_in_png_text(tmp_path: Path) -> None:
    exif = exif_with(3)
    text = PIL.PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", f"\nexif\n{len(exif):8}\n{exif.hex()}\n")
    loaded = load_saved(tmp_path / "in.png", pnginfo=text)
    assert (loaded.pixels == RGB[::-1, ::-1]).all()
    assert b"Maker" in loaded.metadata.exif


@pytest.mark.parametrize("extension", [".png", ".jpg", ".webp", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_saved_carries_them_again(extension: str, dtype: type[np.uint8 | np.uint16]) -> None:
    metadata = Metadata(P3.metadata.icc, exif_with(1).removeprefix(b"Exif\0\0"), XMP % 1)
    if dtype is np.uint16 and extension != ".png":
        pytest.skip("holds no 16-bit colour")
    stream = io.BytesIO()
    save(Image(RGB.astype(dtype), metadata=metadata), stream, FORMATS[extension])
    stream.seek(0)
    back = PIL.Image.open(stream)
    assert back.info["icc_profile"] == metadata.icc
    assert xmp_of(back) == metadata.xmp
    exif = exif_of(back) or back.getexif().tobytes()  # a TIFF file is its own EXIF
    assert b"Maker" in exif
    assert b"offsets of unknown use" in exif


def test_what_jpeg_cannot_hold_is_left_out() -> None:
    stream = io.BytesIO()
    metadata = Metadata(exif=b"II*\0" + bytes(70000), xmp=bytes(70000))
    save(Image(RGB, metadata=metadata), stream, FORMATS[".jpg"])
    assert "xmp" not in PIL.Image.open(stream).info
    save(Image(RGB, metadata=metadata), io.BytesIO(), FORMATS[".bmp"])  # holds none at all
