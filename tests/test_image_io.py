"""Pixels come in as they are shown and go out as they are."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from splatc import image_io
from splatc.errors import InputError, InputImageError, LimitError, UsageError
from splatc.image_io import FORMATS, Image

RNG = np.random.default_rng(1)
RGBA = RNG.integers(0, 256, (5, 7, 4)).astype(np.uint8)
LOSSLESS = [extension for extension in FORMATS if extension not in (".jpg", ".jpeg")]


def load_saved(picture: PIL.Image.Image, path: Path, **options: Any) -> Image:
    picture.save(path, **options)
    return image_io.load(str(path))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_8_bit_samples_come_in_unchanged(tmp_path: Path, mode: str) -> None:
    picture = PIL.Image.fromarray(RGBA).convert(mode)
    loaded = load_saved(picture, tmp_path / "in.png")
    assert loaded.pixels.dtype == np.uint8
    assert loaded.pixels.shape == (5, 7, len(mode))
    assert (loaded.pixels == np.asarray(picture).reshape(5, 7, -1)).all()
    assert (loaded.width, loaded.height, loaded.channels, loaded.bit_depth) == (7, 5, len(mode), 8)


def test_bilevel_palette_and_cmyk_become_what_they_show(tmp_path: Path) -> None:
    bilevel = load_saved(PIL.Image.fromarray(RGBA[..., 0] > 127), tmp_path / "bilevel.png")
    assert (bilevel.pixels[..., 0] == np.where(RGBA[..., 0] > 127, 255, 0)).all()

    palette = PIL.Image.fromarray(RGBA[..., :3]).quantize(8)
    assert (load_saved(palette, tmp_path / "palette.png").pixels == np.asarray(palette.convert("RGB"))).all()
    clear = load_saved(palette, tmp_path / "clear.png", transparency=0)
    assert (clear.pixels[..., 3] == np.where(np.asarray(palette) == 0, 0, 255)).all()

    cmyk = PIL.Image.fromarray(RGBA, "CMYK")
    assert (load_saved(cmyk, tmp_path / "cmyk.tif").pixels == np.asarray(cmyk.convert("RGB"))).all()


def test_16_bit_gray(tmp_path: Path) -> None:
    gray = RNG.integers(0, 65536, (5, 7)).astype(np.uint16)
    for name in ("in.png", "in.tif", "in.pgm"):
        loaded = load_saved(PIL.Image.fromarray(gray), tmp_path / name)
        assert loaded.bit_depth == 16
        assert (loaded.pixels[..., 0] == gray).all()
    clear = load_saved(PIL.Image.fromarray(gray), tmp_path / "clear.png", transparency=int(gray[2, 3]))
    assert (clear.pixels[..., 1] == np.where(gray == gray[2, 3], 0, 65535)).all()


def test_opaque_alpha_is_left_out(tmp_path: Path) -> None:
    opaque = RGBA.copy()
    opaque[..., 3] = 255
    assert load_saved(PIL.Image.fromarray(opaque), tmp_path / "in.png").channels == 3


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    loaded = load_saved(PIL.Image.fromarray(RGBA[..., :3]), tmp_path / "in.png", exif=exif)
    assert (loaded.pixels == np.rot90(RGBA[..., :3], -1)).all()


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    frames = [PIL.Image.fromarray(frame) for frame in RNG.integers(0, 256, (3, 5, 7)).astype(np.uint8)]
    animation = load_saved(frames[0], tmp_path / "in.gif", save_all=True, append_images=frames[1:])
    assert animation.notes == ("only the first of 3 frames is coded",)
    profile = load_saved(frames[0], tmp_path / "in.png", icc_profile=b"Display P3")
    assert "colour profile" in profile.notes[0]
    assert load_saved(frames[0], tmp_path / "srgb.png", icc_profile=b"sRGB built-in").notes == ()


@pytest.mark.parametrize("extension", [".png", ".ppm"])
def test_16_bit_colour_is_refused_rather_than_reduced(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"in{extension}"
    with path.open("wb") as stream:
        image_io.save(Image(np.zeros((5, 7, 3), np.uint16)), stream, FORMATS[extension])
    with pytest.raises(InputImageError, match="16-bit colour"):
        image_io.load(str(path))


def test_bad_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = tmp_path / "good.png"
    PIL.Image.fromarray(RNG.integers(0, 256, (64, 64, 3)).astype(np.uint8)).save(good)
    data = good.read_bytes()
    bad = tmp_path / "bad.png"
    for content, message in [
        (b"", "not a picture"),
        (b"plain text", "not a picture"),
        (data[: len(data) // 2], "damaged"),
        (data[:100] + bytes(1000) + data[1100:], "damaged"),
    ]:
        bad.write_bytes(content)
        with pytest.raises(InputImageError, match=message) as caught:
            image_io.load(str(bad))
        assert str(caught.value).startswith(str(bad))
    with pytest.raises(InputError, match="No such file"):
        image_io.load(str(tmp_path / "missing.png"))
    monkeypatch.setattr(image_io, "MAX_PIXELS", 64 * 64 - 1)
    with pytest.raises(LimitError, match="64 x 64"):
        image_io.load(str(good))


def test_a_bomb_is_refused_before_it_is_decompressed(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 1 << 20, 1 << 20, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(LimitError):
        image_io.load(str(tmp_path / "bomb.png"))


@pytest.mark.parametrize("extension", LOSSLESS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_a_format_accepts_it_keeps(extension: str, channels: int, dtype: type[np.uint8 | np.uint16]) -> None:
    # Taller than one band of the 16-bit writers.
    pixels: image_io.Samples = RNG.integers(0, np.iinfo(dtype).max, (300, 3, channels), endpoint=True).astype(dtype)
    kind = FORMATS[extension]
    try:
        kind.check(channels, 8 * pixels.itemsize)
    except UsageError as error:
        assert "cannot hold" in str(error)
        with pytest.raises(UsageError):
            image_io.save(Image(pixels), io.BytesIO(), kind)
        return
    stream = io.BytesIO()
    image_io.save(Image(pixels), stream, kind)
    back = samples_of(stream.getvalue())
    if back.shape[2] != channels:  # stored as colour: gray three times
        back = back[..., [0, -1][:channels]]
    assert (back == pixels).all()


def samples_of(data: bytes) -> NDArray[np.integer]:
    """(H, W, C) samples; those that Pillow would cut to 8 bits are unpacked here."""
    if data.startswith(b"\x89PNG") and data[24] == 16:
        width, height = struct.unpack(">II", data[16:24])
        compressed, at = b"", 8
        while at < len(data):
            length, kind = struct.unpack(">I4s", data[at : at + 8])
            body = data[at + 8 : at + 8 + length]
            assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
            compressed += body if kind == b"IDAT" else b""
            at += 12 + length
        rows = np.frombuffer(zlib.decompress(compressed), np.uint8).reshape(height, -1)
        assert (rows[:, 0] == 2).all()  # filter "Up"
        return np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8).view(">u2").reshape(height, width, -1)
    if data.startswith((b"P5", b"P6")) and b"\n65535\n" in data[:30]:
        head, samples = data.split(b"\n65535\n", 1)
        width, height = map(int, head.split()[1:])
        return np.frombuffer(samples, ">u2").reshape(height, width, -1)
    picture = PIL.Image.open(io.BytesIO(data))
    return np.asarray(picture).reshape(picture.height, picture.width, -1)


def test_jpeg_is_written_in_high_quality() -> None:
    ramp = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    pixels = np.stack([ramp, ramp[::-1], 255 - ramp], axis=-1)
    stream = io.BytesIO()
    image_io.save(Image(pixels), stream, FORMATS[".jpg"])
    assert np.abs(samples_of(stream.getvalue()) - pixels.astype(int)).max() <= 6


def test_output_format_by_extension() -> None:
    assert image_io.output_format("a/b.TIFF") is FORMATS[".tiff"]
    assert image_io.output_format("-") is FORMATS[".png"]
    for path in ("out.xyz", "out", "folder.png/out"):
        with pytest.raises(UsageError, match=r"written as \.png \.jpg"):
            image_io.output_format(path)
