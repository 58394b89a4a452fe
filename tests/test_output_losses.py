"""What the type of an output cannot hold of a picture's metadata is named in a note, and the picture is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

import splatc
from splatc.bitstream import Metadata
from splatc.cli import main
from splatc.image.saving import FORMATS

SHORT = {"exif": b"II*\0\x08\0\0\0\0\0\0\0\0\0", "xmp": b"<x/>"}
LONG = {name: content.ljust(70_000, b"\0") for name, content in SHORT.items()}


def decoded(tmp_path: Path, extension: str, exif: bytes, xmp: bytes) -> str:
    """What ``splatc decode`` says of a picture with such metadata; all of its pixels must be there."""
    pixels = np.full((12, 16, 3), (200, 100, 50), np.uint8)
    (tmp_path / "in.splat2d").write_bytes(splatc.encode(pixels, effort=1, size=100_000, exif=exif, xmp=xmp))
    out = tmp_path / f"out{extension}"
    result = CliRunner().invoke(main, ["decode", str(tmp_path / "in.splat2d"), str(out), "-f"])
    assert result.exit_code == 0, result.stderr
    assert out.stat().st_size > 0
    return result.stderr


@pytest.mark.parametrize("extension", [".bmp", ".ppm", ".pnm", ".pam"])
def test_no_metadata_at_all(tmp_path: Path, extension: str) -> None:
    said = decoded(tmp_path, extension, **SHORT)
    assert said.count("holds no EXIF, which is left out: .png keeps it") == 1
    assert said.count("holds no XMP, which is left out: .png keeps it") == 1


def test_jpeg_holds_64_kb_of_each(tmp_path: Path) -> None:
    assert decoded(tmp_path, ".jpg", **SHORT) == ""
    said = decoded(tmp_path, ".jpg", **LONG)
    assert "JPEG holds at most 65527 bytes of EXIF; the 70000 bytes are left out" in said
    assert "JPEG holds at most 65504 bytes of XMP; the 70000 bytes are left out" in said
    with PIL.Image.open(tmp_path / "out.jpg") as picture:
        assert "xmp" not in picture.info


@pytest.mark.parametrize("extension", [".png", ".webp"])
def test_what_is_kept_gets_no_note(tmp_path: Path, extension: str) -> None:
    assert decoded(tmp_path, extension, **LONG) == ""


def test_notes_name_what_is_left_out() -> None:
    assert FORMATS[".webp"].losses(Metadata(icc=b"profile"), 1) != []
    assert FORMATS[".webp"].losses(Metadata(icc=b"profile"), 3) == []
    assert FORMATS[".png"].losses(Metadata(b"profile", b"exif", b"xmp"), 1) == []
