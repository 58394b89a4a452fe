"""Damaged TIFF files: a sentence of ours, and not a word on standard error by the libraries that read them."""

from __future__ import annotations

import io
import logging
import os
import struct
import threading
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from splatc.errors import InputImageError
from splatc.image.readers import load
from splatc.image.readers.tiff.complaints import heeded, muted

SAMPLES = np.random.default_rng(3).integers(0, 65536, (48, 64)).astype(np.uint16)


@pytest.mark.parametrize("compression", ["tiff_deflate", "tiff_lzw"])
@pytest.mark.parametrize("cut", [False, True])
def test_damaged_strips(tmp_path: Path, capfd: pytest.CaptureFixture[str], compression: str, cut: bool) -> None:
    stream = io.BytesIO()
    PIL.Image.fromarray(SAMPLES).save(stream, "TIFF", compression=compression)
    data = bytearray(stream.getvalue())
    directory = struct.unpack_from("<I", data, 4)[0]
    middle = 8 if directory > 1000 else len(data) // 2
    data[middle : middle + 200] = bytes(200) if cut else b"\x81" * 200
    (tmp_path / "in.tif").write_bytes(data)
    with pytest.raises(InputImageError, match="damaged or truncated"):
        load(str(tmp_path / "in.tif"))
    assert capfd.readouterr().err == ""


def test_planes_that_are_not_found_are_damage(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tifffile = pytest.importorskip("tifffile")
    path = tmp_path / "in.tif"
    planes = np.stack([SAMPLES] * 3)
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate", compression="zlib", byteorder="<")
    assert load(str(path)).channels == 3
    data = path.read_bytes()
    entry = next(at for size in (3, 4) if (at := data.find(struct.pack("<HHI", 279, size, 3))) > 0)
    data = (
        data[: entry + 8] + struct.pack("<I", len(data) + 1) + data[entry + 12 :]
    )  # the lengths of strips are not there
    path.write_bytes(data)
    with pytest.raises(InputImageError, match="damaged"):
        load(str(path))
    assert capfd.readouterr().err == ""


def test_standard_error_comes_back(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="inner"), muted():
        os.write(2, b"outer ")
        with muted():
            os.write(2, b"inner ")
        os.write(2, b"outer ")
        raise ValueError("inner")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_without_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    saved = os.dup(2)
    os.close(2)
    try:
        with muted():
            pass
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(2)
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def test_what_other_threads_log_is_theirs(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("a.reader")
    with heeded("a.reader"):
        other = threading.Thread(target=logger.warning, args=("theirs",))
        other.start()
        other.join()
    with pytest.raises(InputImageError, match="ours"), heeded("a.reader"):
        logger.warning("ours")
    assert [record.message for record in caplog.records] == ["theirs"]
