"""``splatc.open``: parts of a picture from parts of its file."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import splatc
import splatc.decoder.picture as picture_module
from splatc import bitstream
from splatc.bitstream import Header, Metadata
from splatc.decoder import picture
from splatc.decoder.picture import Picture
from splatc.decoder.scene import decode_bytes, make_scene
from splatc.errors import CorruptFileError, InputError, LimitError, UsageError
from splatc.quantize import quantize
from splatc.render import draw_samples
from splatc.steps import Quantizer
from tests.bitstream_cases import header_for, random_quantized
from tests.scenes import random_gaussians

SIDE = 4096


@pytest.fixture(scope="module")
def large_file() -> bytes:
    """4096 x 4096, 30 000 Gaussians: enough for many sections."""
    rng = np.random.default_rng(11)
    gaussians = random_gaussians(rng, 30000, SIDE, SIDE, scales=(4.0, 40.0), thinnest=8.0)
    header = Header(SIDE, SIDE, channels=3, background=(90, 90, 90))
    return bitstream.encode(header, quantize(Quantizer(), gaussians, SIDE, SIDE), Metadata(xmp=b"<x/>"))


def gray_file(depth: int = 8) -> bytes:
    gaussians = random_gaussians(np.random.default_rng(2), 60, 40, 30, channels=1)
    return bitstream.encode(Header(40, 30, 1, (9,), depth=depth), quantize(Quantizer(), gaussians, 40, 30))


def test_opening_reads_only_the_beginning(large_file: bytes) -> None:
    with picture.open(io.BytesIO(large_file)) as opened:
        assert (opened.size, opened.width, opened.height, opened.channels, opened.bit_depth) == (
            (SIDE, SIDE),
            SIDE,
            SIDE,
            3,
            8,
        )
        assert opened.bytes_read < 4096
        assert opened.metadata().xmp == b"<x/>"


def test_a_region_reads_its_bytes_and_is_the_crop(large_file: bytes) -> None:
    whole = decode_bytes(large_file).pixels
    with picture.open(io.BytesIO(large_file)) as opened:
        part = opened.read((3000, 1000, 256, 200))
        assert opened.bytes_read < len(large_file) / 3
        assert np.array_equal(part, whole[1000:1200, 3000:3256])
        assert np.array_equal(opened.read(), whole)
        quarter = opened.read(scale="1/4")
        assert np.array_equal(opened.read((1024, 2048, 512, 512), "1/4"), quarter[512:640, 256:384])


@pytest.mark.parametrize("scale", ["1/32", "1/5", 2])
def test_scaled_regions_have_all_the_gaussians_that_they_need(large_file: bytes, scale: str) -> None:
    """What a low-pass brings in from outside of a region is read too."""
    with picture.open(io.BytesIO(large_file)) as opened:
        region = (960, 1920, 320, 640)
        part = opened.read(region, scale)
        seen = opened.view(region, scale)
    header, quantized = bitstream.decode(large_file)
    assert np.array_equal(part, draw_samples(make_scene(header, quantized), seen, 8))


def test_coarse_levels_come_from_fewer_bytes(large_file: bytes) -> None:
    with picture.open(io.BytesIO(large_file)) as opened:
        coarse = opened.read(scale="1/16", max_level=5)
        few = opened.bytes_read
        assert coarse.shape == opened.read(scale="1/16").shape == (256, 256, 3)
        assert few < opened.bytes_read


def test_a_truncated_file_shows_what_is_whole(large_file: bytes) -> None:
    cut = io.BytesIO(large_file[: len(large_file) // 2])
    with picture.open(cut) as opened:
        with pytest.raises(CorruptFileError, match="truncated"):
            opened.read(scale="1/16")
        shown = opened.read(scale="1/16", allow_truncated=True)
    assert shown.std() > 1.0


def test_gray_is_two_dimensional_and_depth_is_chosen() -> None:
    with picture.open(io.BytesIO(gray_file(16))) as opened:
        sixteen_bit, eight = opened.read(), opened.read(bit_depth=8)
    assert sixteen_bit.shape == eight.shape == (30, 40)
    assert (sixteen_bit.itemsize, eight.itemsize) == (2, 1)
    assert np.abs(sixteen_bit / 257.0 - eight).max() < 0.51


def test_strips_make_the_picture(large_file: bytes) -> None:
    with picture.open(io.BytesIO(large_file)) as opened:
        shape, strips = opened.strips((0, 5, 600, 1500), "1/2")
        parts = list(strips)
        assert shape == (300, 750, 3, 8)
        assert max(len(part) for part in parts) < 750
        assert np.array_equal(np.concatenate(parts), opened.read((0, 5, 600, 1500), "1/2"))


def test_errors_name_the_file(tmp_path: Path, tiny_splat: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        picture.open(tmp_path / "missing.splat2d")
    with picture.open(tiny_splat) as opened:
        with pytest.raises(UsageError, match=r"tiny\.splat2d: the region 0,0,65,1 .* 64 x 48"):
            opened.read((0, 0, 65, 1))
        with pytest.raises(UsageError, match="bit_depth=12"):
            opened.read(bit_depth=12)
        with pytest.raises(UsageError, match="max_level=16"):
            opened.read(max_level=16)
    with picture.open(tiny_splat, max_pixels=64 * 48) as opened:
        assert opened.read().shape == (48, 64, 3)
        with pytest.raises(LimitError, match=r"tiny\.splat2d: .* 128 x 96"):
            opened.read(scale=2)
    damaged = bytearray(tiny_splat.read_bytes())
    damaged[-20] ^= 1
    tiny_splat.write_bytes(damaged)
    with picture.open(tiny_splat) as opened, pytest.raises(CorruptFileError, match=r"tiny\.splat2d: "):
        opened.read()


def test_a_stream_that_cannot_seek_is_refused() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(UsageError, match="cannot seek"):
        Picture(Pipe(gray_file()))


def test_a_file_of_the_caller_stays_open() -> None:
    stream = io.BytesIO(gray_file())
    with picture.open(stream):
        pass
    assert not stream.closed


def test_opening_loads_nothing_slow(tiny_splat: Path) -> None:
    code = "import sys, splatc; splatc.open(sys.argv[1]); print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code, str(tiny_splat)], capture_output=True, text=True, check=True)
    assert not set(result.stdout.split()) & {"numba", "scipy", "torch", "PIL.Image"}


def test_a_file_that_becomes_shorter_is_no_picture(tmp_path: Path) -> None:
    path, header = tmp_path / "shrinks.splat2d", header_for(900, 700)
    path.write_bytes(bitstream.encode(header, random_quantized(np.random.default_rng(0), header, 6000)))
    with splatc.open(path) as opened:
        os.truncate(path, 9000)  # more than a buffer
        with pytest.raises(CorruptFileError, match="become shorter"):
            opened.read()


def test_a_path_stays_as_it_is_where_the_working_folder_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: object) -> Path:
        raise FileNotFoundError

    monkeypatch.setattr("pathlib.Path.absolute", gone)
    assert picture_module._absolute("x.splat2d") == "x.splat2d"
