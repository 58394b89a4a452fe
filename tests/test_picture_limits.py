"""Pictures that are large for their bytes are refused at once; Pillow's own limit, one for all threads, is never touched."""

from __future__ import annotations

import struct
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

from splatc.cli import main
from splatc.errors import InputImageError, LimitError
from splatc.image.readers import load, open_source, opening
from tests.odd_files import QUADRANTS, chunk, saved

SIDE = 23000
"""Of a square of fewer than MAX_PIXELS."""


def gif(side: int) -> bytes:
    """One pixel on a large canvas."""
    head = b"GIF89a" + struct.pack("<HH", side, side) + b"\x80\0\0" + bytes(3) + b"\xff" * 3
    return head + b"," + struct.pack("<HHHH", 0, 0, 1, 1) + b"\0\x02\x02\x44\x01\0;"


def png(side: int) -> bytes:
    """Bits that are all zero."""
    packer = zlib.compressobj(9)
    rows = bytes(1 + (side + 7) // 8) * 100
    packed = b"".join(packer.compress(rows) for _ in range(side // 100)) + packer.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def bmp(side: int, compression: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54) + info + b"\0\2\xff\xff" * 10 + b"\0\1"


def webp(side: int) -> bytes:
    data = bytearray(saved("WEBP", PIL.Image.new("RGBA", (16, 16), (0, 0, 0, 9)), exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"))
    data[24:30] = (side - 1).to_bytes(3, "little") * 2
    return bytes(data)


BOMBS = {
    "GIF": gif(SIDE),
    "GIF, its frame": gif(10)[:24] + struct.pack("<HH", SIDE, SIDE) + gif(10)[28:],
    "PNG": png(SIDE),
    "BMP": bmp(SIDE, 0),
    "BMP, run lengths": bmp(SIDE, 1),
    "WebP": webp(16383),
    "TGA": bytes([0, 0, 2, *bytes(9)]) + struct.pack("<HH", SIDE, SIDE) + bytes([32, 8]),
    "PGM": b"P5 23000 23000 255\n12",
    "PPM": b"P3 23000 23000 255\n12",
    "QOI": b"qoif" + struct.pack(">II", SIDE, SIDE) + bytes(10),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_at_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(BOMBS[name])
    started = time.process_time()
    with pytest.raises(LimitError, match="pixels in a file of"):
        load(str(path))
    assert time.process_time() - started < 1


def test_the_command_says_what_would_read_it(tmp_path: Path) -> None:
    path = tmp_path / "in.gif"
    path.write_bytes(gif(SIDE))
    result = CliRunner().invoke(main, ["encode", str(path), str(tmp_path / "out.splat2d")])
    assert (result.exit_code, result.stderr.count("\n")) == (4, 1)
    assert "--max-memory" in result.stderr
    started = time.process_time()
    result = CliRunner().invoke(main, ["encode", str(path), str(tmp_path / "out.splat2d"), "--max-memory", "100MiB"])
    assert time.process_time() - started < 1  # before a pixel is decoded
    assert (result.exit_code, result.stderr.count("\n")) == (4, 1)
    assert "more than the 100 MiB allowed" in result.stderr


def test_what_is_trusted_or_modest_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "in.gif"
    path.write_bytes(gif(1000))
    assert load(str(path)).width == 1000
    monkeypatch.setattr(opening, "MODEST", 10_000)
    with pytest.raises(LimitError):
        load(str(path))
    with open_source(str(path), trusted=True) as source:
        assert source.width == 1000
    (tmp_path / "in.png").write_bytes(saved("PNG", PIL.Image.new("L", (4000, 4000))))  # as small as deflate makes it
    assert load(str(tmp_path / "in.png")).width == 4000


def test_pillow_s_limit_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = []
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "TGA"):
        paths.append(tmp_path / f"in.{kind}")
        paths[-1].write_bytes(saved(kind))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 100)
    seen: list[int | None] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for path in paths * 3:
                assert load(str(path)).pixels.shape == QUADRANTS.shape
                seen.append(PIL.Image.MAX_IMAGE_PIXELS)
                with pytest.raises(InputImageError):
                    load(str(tmp_path / "broken.png"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.append(PIL.Image.MAX_IMAGE_PIXELS)
        time.sleep(0.001)
    assert failures == []
    assert set(seen) == {100}


def test_pictures_beyond_pillow_s_limit_are_read_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "in.png"
    pixels = np.random.default_rng(0).integers(0, 65536, (600, 40, 3)).astype(np.uint16)
    path.write_bytes(png_16_bit(pixels))
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 100)
    assert (load(str(path)).pixels == pixels).all()


def png_16_bit(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint16]]) -> bytes:
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
