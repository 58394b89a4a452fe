"""Written picture files hold the decoded pixels unchanged."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from splatc.bitstream import Metadata
from splatc.errors import UsageError
from splatc.image import saving
from splatc.image.image import Image, Samples
from splatc.image.saving import FORMATS
from splatc.image.writers import Shape

RNG = np.random.default_rng(1)
LOSSLESS = [extension for extension in FORMATS if extension not in (".jpg", ".jpeg")]


@pytest.mark.parametrize("extension", LOSSLESS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_a_format_accepts_it_keeps(extension: str, channels: int, dtype: type[np.uint8 | np.uint16]) -> None:
    # Taller than one band of tiles.
    pixels: Samples = RNG.integers(0, np.iinfo(dtype).max, (300, 3, channels), endpoint=True).astype(dtype)
    kind = FORMATS[extension]
    try:
        kind.check(channels, 8 * pixels.itemsize)
    except UsageError as error:
        assert "cannot hold" in str(error)
        with pytest.raises(UsageError):
            saving.save(Image(pixels), io.BytesIO(), kind)
        return
    stream = io.BytesIO()
    saving.save(Image(pixels), stream, kind)
    back = samples_of(stream.getvalue())
    if back.shape[2] != channels:  # stored as colour: gray three times
        back = back[..., [0, -1][:channels]]
    assert (back == pixels).all()


def samples_of(data: bytes) -> NDArray[np.integer]:
    """(H, W, C) samples; what Pillow would cut to 8 bits is read by hand or by tifffile."""
    if data.startswith(b"\x89PNG") and data[24] == 16:
        return png_16_bit(data)
    if data.startswith(b"P7"):
        head, samples = data.split(b"ENDHDR\n", 1)
        fields = dict(line.split(maxsplit=1) for line in head.decode().splitlines()[1:])
        width, height, depth = (int(fields[name]) for name in ("WIDTH", "HEIGHT", "DEPTH"))
        dtype = {"255": "u1", "65535": ">u2"}[fields["MAXVAL"]]
        return np.frombuffer(samples, dtype).reshape(height, width, depth)
    if data.startswith((b"P5", b"P6")) and b"\n65535\n" in data[:30]:
        head, samples = data.split(b"\n65535\n", 1)
        width, height = map(int, head.split()[1:])
        return np.frombuffer(samples, ">u2").reshape(height, width, -1)
    if data.startswith(b"II"):
        tifffile = pytest.importorskip("tifffile")
        pixels: NDArray[np.integer] = tifffile.imread(io.BytesIO(data))
        return pixels.reshape(*pixels.shape[:2], -1)
    picture = PIL.Image.open(io.BytesIO(data))
    return np.asarray(picture).reshape(picture.height, picture.width, -1)


def png_16_bit(data: bytes) -> NDArray[np.integer]:
    """The samples of a 16-bit PNG file whose rows all take the filter "average"; checks what every reader would."""
    width, height = struct.unpack(">II", data[16:24])
    compressed, at = b"", 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        compressed += body if kind == b"IDAT" else b""
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(compressed), np.uint8).reshape(height, -1)
    assert (rows[:, 0] == 3).all()
    step = (rows.shape[1] - 1) // width
    filtered = rows[:, 1:].reshape(height, width, step).astype(int)
    out = np.zeros((height + 1, width + 1, step), int)  # a row above and a column to the left
    for y in range(height):
        for x in range(width):
            out[y + 1, x + 1] = (filtered[y, x] + (out[y + 1, x] + out[y, x + 1]) // 2) % 256
    return out[1:, 1:].astype(np.uint8).view(">u2")


@pytest.mark.parametrize("extension", [".png", ".tif", ".pam"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strips_of_any_height_make_the_same_file(extension: str, dtype: type[np.uint8 | np.uint16]) -> None:
    pixels: Samples = RNG.integers(0, 60, (700, 300, 3)).astype(dtype)
    whole, parts = io.BytesIO(), io.BytesIO()
    saving.save(Image(pixels), whole, FORMATS[extension])
    shape = Shape(300, 700, 3, 8 * pixels.itemsize)
    strips = np.split(pixels, [1, 2, 258, 600])
    saving.save_strips(strips, shape, parts, FORMATS[extension])
    for stream in (whole, parts):
        assert (samples_of(stream.getvalue()) == pixels).all()
    if extension != ".png":  # its strips are compressed one by one
        assert whole.getvalue() == parts.getvalue()


def test_pillow_reads_tiles_and_strips() -> None:
    pixels = RNG.integers(0, 256, (515, 300, 4)).astype(np.uint8)
    for extension in (".png", ".tif"):
        stream = io.BytesIO()
        saving.save(Image(pixels), stream, FORMATS[extension])
        assert (np.asarray(PIL.Image.open(stream)) == pixels).all()


def test_big_tiff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splatc.image.writers.tiff.CLASSIC_BYTES", 1000)
    pixels = RNG.integers(0, 256, (300, 20, 3)).astype(np.uint8)
    metadata = Metadata(icc=b"p" * 200, exif=exif_of("a lens"), xmp=b"<x/>")
    stream = io.BytesIO()
    saving.save(Image(pixels, metadata=metadata), stream, FORMATS[".tif"])
    assert stream.getvalue()[2] == 43
    picture = PIL.Image.open(stream)
    assert (np.asarray(picture) == pixels).all()
    assert picture.info["icc_profile"] == metadata.icc
    assert picture.getexif().get_ifd(34665)[0xA434] == "a lens"


def exif_of(lens: str) -> bytes:
    exif = PIL.Image.Exif()
    exif[34665] = {0xA434: lens}
    return exif.tobytes()


def test_pictures_too_large_for_a_format_are_refused_beforehand() -> None:
    with pytest.raises(UsageError, match="JPEG output can hold at most 65500 px a side"):
        FORMATS[".jpg"].check(3, 8, 70000, 10)
    with pytest.raises(UsageError, match="BMP output can hold at most"):
        FORMATS[".bmp"].check(3, 8, 30000, 30000)
    FORMATS[".tif"].check(3, 8, 1 << 20, 1 << 12)


def test_jpeg_is_written_in_high_quality() -> None:
    ramp = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    pixels = np.stack([ramp, ramp[::-1], 255 - ramp], axis=-1)
    stream = io.BytesIO()
    saving.save(Image(pixels), stream, FORMATS[".jpg"])
    assert np.abs(samples_of(stream.getvalue()) - pixels.astype(int)).max() <= 6


def test_output_format_by_extension() -> None:
    assert saving.output_format("a/b.TIFF") is FORMATS[".tiff"]
    assert saving.output_format("-") is FORMATS[".png"]
    for path in ("out.xyz", "out", "folder.png/out"):
        with pytest.raises(UsageError, match=r"written as \.png \.jpg"):
            saving.output_format(path)
