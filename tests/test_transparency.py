"""Which channels are alpha, and which are not."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from splatc.image.image import Image
from splatc.image.readers import load
from tests.odd_files import QUADRANTS, saved

CLEAR = "all pixels are transparent: their colours are left out"
UNFILLED = "the alpha channel is zero everywhere and is left out: the picture is taken as opaque"
RGBA = np.dstack([QUADRANTS, np.full((48, 64), 128)]).astype(np.uint8)
FOOTER = b"TRUEVISION-XFILE.\0"


def loaded(tmp_path: Path, data: bytes, name: str = "in") -> Image:
    path = tmp_path / name
    path.write_bytes(data)
    return load(str(path))


def tga(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], alpha_bits: int, kind: int = 2) -> bytes:
    """From the top down, four bytes a pixel."""
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, kind, 0, 0, 0, 0, 0, 64, 48, 32, 0x20 | alpha_bits)
    return head + pixels[..., [2, 1, 0, 3]].tobytes()


@pytest.mark.parametrize("alpha", [0, 7, 255])
def test_tga_without_alpha_bits_is_opaque(tmp_path: Path, alpha: int) -> None:
    pixels = RGBA.copy()
    pixels[..., 3] = alpha
    image = loaded(tmp_path, tga(pixels, 0))
    assert (image.pixels == QUADRANTS).all()
    assert image.notes == ()


def test_tga_with_alpha_bits(tmp_path: Path) -> None:
    assert (loaded(tmp_path, tga(RGBA, 8)).pixels == RGBA).all()
    pixels = RGBA.copy()
    pixels[..., 3] = 0
    image = loaded(tmp_path, tga(pixels, 8))
    assert (image.pixels == QUADRANTS).all()
    assert image.notes == (UNFILLED,)


def test_tga_of_16_bits_without_alpha_bits(tmp_path: Path) -> None:
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 4, 2, 16, 0x20)
    image = loaded(tmp_path, head + struct.pack("<8H", *[0x7C00, 0x03E0, 0x001F, 0x7FFF] * 2))
    assert image.pixels[0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]


@pytest.mark.parametrize("kind", [2, 10])
@pytest.mark.parametrize("alpha_bits", [0, 1])
def test_tga_of_15_bits_is_opaque(tmp_path: Path, kind: int, alpha_bits: int) -> None:
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, kind, 0, 0, 0, 0, 0, 4, 1, 15, 0x20 | alpha_bits)
    packet = b"\3" if kind == 10 else b""
    image = loaded(tmp_path, head + packet + struct.pack("<4H", 0x7C00, 0x03E0, 0x801F, 0x7FFF))
    assert image.pixels[0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]
    assert image.notes == ()


def test_premultiplied_tga_is_divided_by_alpha(tmp_path: Path) -> None:
    stored = RGBA.copy()
    stored[..., :3] = np.rint(RGBA[..., :3] * (RGBA[..., 3:] / 255.0))
    body = tga(stored, 8)
    area = struct.pack("<H", 495) + bytes(492) + b"\4"
    image = loaded(tmp_path, body + area + struct.pack("<II", len(body), 0) + FOOTER)
    seen = RGBA[..., 3] >= 64
    assert seen.any()
    assert np.abs(image.pixels[seen].astype(int) - RGBA[seen]).max() <= 3


@pytest.mark.parametrize(("alpha_type", "channels"), [(0, 3), (1, 3), (2, 3), (3, 4), (4, 4)])
def test_the_extension_area_of_tga_says_what_alpha_is(tmp_path: Path, alpha_type: int, channels: int) -> None:
    body = tga(RGBA, 8)
    area = struct.pack("<H", 495) + b"author".ljust(492, b"\0") + bytes([alpha_type])
    image = loaded(tmp_path, body + area + struct.pack("<II", len(body), 0) + FOOTER)
    assert image.channels == channels
    assert image.notes == ("the TGA extension area (author, comments, dates and the like) is left out",)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_a_picture_that_is_transparent_everywhere(tmp_path: Path, kind: str) -> None:
    pixels = RGBA.copy()
    pixels[..., 3] = 0
    image = loaded(tmp_path, saved(kind, PIL.Image.fromarray(pixels)))
    assert image.channels == 4
    assert image.notes == (CLEAR,)
    pixels[5, 5, 3] = 1
    assert loaded(tmp_path, saved(kind, PIL.Image.fromarray(pixels))).notes == ()


def test_gray_that_is_transparent_everywhere(tmp_path: Path) -> None:
    picture = PIL.Image.new("LA", (5, 7), (100, 0))
    assert loaded(tmp_path, saved("PNG", picture)).notes == (CLEAR,)


def test_a_palette_with_alpha(tmp_path: Path) -> None:
    """TGA has such palettes."""
    head = struct.pack("<BBBHHBHHHHBB", 0, 1, 1, 0, 2, 32, 0, 0, 2, 1, 8, 0x28)
    image = loaded(tmp_path, head + bytes([30, 20, 10, 255, 60, 50, 40, 128]) + bytes([0, 1]) + bytes(26))
    assert image.pixels.tolist() == [[[10, 20, 30, 255], [40, 50, 60, 128]]]
