"""Pixels go out as they are."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from splatc import image_io
from splatc.errors import UsageError
from splatc.image_io import FORMATS, Image

RNG = np.random.default_rng(1)
LOSSLESS = [extension for extension in FORMATS if extension not in (".jpg", ".jpeg")]


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
