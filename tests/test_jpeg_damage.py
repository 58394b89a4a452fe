"""JPEG files whose coded samples are damaged or cut off, or coded in a way that is not read."""

from __future__ import annotations

import contextlib
import io
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from splatc.errors import InputImageError, LimitError
from splatc.image.image import Image
from splatc.image.readers import jpeg, jpeg_scan, large_source, load
from tests.odd_files import saved

KODIM = Path(__file__).parent / "images" / "kodim03.png"
LACKS = "the JPEG file lacks its end marker; its pixels are complete"
CODINGS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "own tables": {"optimize": True},
    "progressive": {"progressive": True},
    "progressive, gray": {"progressive": True, "mode": "L"},
    "gray": {"mode": "L"},
    "CMYK": {"mode": "CMYK"},
    "not subsampled": {"subsampling": 0},
    "subsampled in a row": {"subsampling": 1},
    "restarts": {"restart_marker_blocks": 3},
    "restarts, progressive": {"restart_marker_rows": 1, "progressive": True},
    "RGB": {"keep_rgb": True},
}


def coded(name: str, quality: int = 80) -> bytes:
    options = dict(CODINGS[name])
    with PIL.Image.open(KODIM) as picture:
        small = picture.convert(options.pop("mode", "RGB")).resize((123, 81))
    return saved("JPEG", small, quality=quality, **options)


def loaded(tmp_path: Path, data: bytes) -> Image:
    path = tmp_path / "in.jpg"
    path.write_bytes(data)
    return load(str(path))


def checked(data: bytes) -> jpeg_scan.ScanResult:
    return jpeg_scan.check(data, list(jpeg._segments(data)))


@pytest.mark.parametrize("quality", [10, 80, 100])
@pytest.mark.parametrize("name", CODINGS)
def test_sound_files_are_sound(name: str, quality: int) -> None:
    data = coded(name, quality)
    assert checked(data) == jpeg_scan.ScanResult(end=len(data) - 2)


@pytest.mark.parametrize("name", CODINGS)
def test_overwritten_bytes_get_a_note(name: str) -> None:
    """Bits that are still codes, of as many blocks as before, look like others, to libjpeg too."""
    data = coded(name)
    first = data.index(b"\xff\xda") + 20
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(20):
        at = int(rng.integers(first, len(data) - 140))
        overwritten = rng.integers(0, 255, 100).astype(np.uint8).tobytes()  # no marker in it
        result = checked(data[:at] + overwritten + data[at + 100 :])
        found += bool(result.damage)
    assert found >= 10, found


def test_damage_is_a_note_and_the_picture_comes_in(tmp_path: Path) -> None:
    data = bytearray(coded("baseline"))
    data[len(data) // 2 : len(data) // 2 + 100] = bytes(range(100))
    image = loaded(tmp_path, bytes(data))
    assert len(image.notes) == 1
    assert image.notes[0].startswith("the JPEG file is damaged and coded as it is decoded: ")
    assert image.pixels.shape == (81, 123, 3)


@pytest.mark.parametrize("name", ["baseline", "progressive", "restarts"])
def test_bytes_that_fill_the_place_before_markers_are_sound(tmp_path: Path, name: str) -> None:
    data = coded(name)
    for marker in (b"\xff\xd9", b"\xff\xda", b"\xff\xd1", b"\xff\xdb"):
        data = data.replace(marker, b"\xff\xff\xff" + marker)
    image = loaded(tmp_path, data)
    assert image.notes == ()
    assert (image.pixels == loaded(tmp_path, coded(name)).pixels).all()


def test_millions_of_such_bytes_take_no_time(tmp_path: Path) -> None:
    data = coded("baseline")
    for filled in (
        data[:20] + b"\xff" * (1 << 22) + data[20:],
        data[:-2] + b"\xff" * (1 << 22),
        b"\xff\xd8" + b"\xff" * (1 << 22),
    ):
        started = time.process_time()
        jpeg.survey(io.BytesIO(filled))
        assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda data: data.replace(b"\xff\xd1", b"\xff\xd5", 1), "restart markers are out of order"),
        (lambda data: data.replace(b"\xff\xd1", b"", 1), ""),
        (lambda data: data[:-2] + b"\x55" * 9 + data[-2:], "9 bytes too many in a scan"),
        (lambda data: data[:-40] + data[-2:], ""),
    ],
    ids=["order", "missing", "too many", "too few"],
)
def test_damage_between_markers(damage: Any, sentence: str) -> None:
    result = checked(damage(coded("restarts")))
    assert result.damage
    assert sentence in result.damage


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("behind", [b"", b"\xff", bytes(99)], ids=["cut", "half", "zeros"])
def test_only_the_end_marker_lacks(tmp_path: Path, name: str, behind: bytes) -> None:
    data = coded(name)
    image = loaded(tmp_path, data[:-2] + behind)
    assert LACKS in image.notes
    assert (image.pixels == loaded(tmp_path, data).pixels).all()


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("cut", [12, 300, 1500])
def test_cut_off_files_are_refused(tmp_path: Path, name: str, cut: int) -> None:
    with pytest.raises(InputImageError, match="truncated"):
        loaded(tmp_path, coded(name)[:-cut])


def test_longer_files_are_checked_by_libjpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_scan, "QUICKLY_WALKED", 0)
    data = coded("baseline")
    if not large_source.installed("pyvips"):
        assert checked(data).damage == ""
        return
    assert checked(data) == jpeg_scan.ScanResult(end=len(data))
    assert checked(data[:-2]) == jpeg_scan.ScanResult(end=len(data) - 2)
    assert "premature end" in checked(data[:-40] + data[-2:]).damage
    assert checked(data[:-40]).end is None
    monkeypatch.setattr(large_source, "installed", lambda _: False)
    assert checked(data[:-40] + data[-2:]).damage  # by the walk
    monkeypatch.setattr(jpeg_scan, "WALKED_BYTES", 0)
    assert checked(data[:-40] + data[-2:]) == jpeg_scan.ScanResult()


@pytest.mark.parametrize(
    ("marker", "precision", "sentence"),
    [
        (0xC1, 12, "JPEG of 12 bits per sample is not supported: convert it to 16-bit PNG or TIFF"),
        (0xC3, 8, "lossless JPEG is not supported"),
        (0xC3, 16, "lossless JPEG is not supported"),
        (0xCB, 8, "lossless JPEG is not supported"),
        (0xC5, 8, "hierarchical JPEG is not supported"),
        (0xDE, 8, "hierarchical JPEG is not supported"),
        (0xF7, 8, "JPEG-LS is not supported"),
    ],
)
def test_other_codings_are_named(tmp_path: Path, marker: int, precision: int, sentence: str) -> None:
    data = bytearray(coded("baseline"))
    frame = data.index(b"\xff\xc0")
    data[frame + 1], data[frame + 4] = marker, precision
    with pytest.raises(InputImageError, match=sentence):
        loaded(tmp_path, bytes(data))


def test_scans_without_end_are_refused(tmp_path: Path) -> None:
    data = saved("JPEG", PIL.Image.new("L", (8000, 6000)), progressive=True)
    scan = data.rindex(b"\xff\xda")
    with pytest.raises(LimitError, match=r"in 3\d\d scans"):
        loaded(tmp_path, data[:scan] + data[scan:-2] * 300 + data[-2:])


def test_tables_that_are_none_are_no_damage(tmp_path: Path) -> None:
    data = coded("progressive")
    rng = np.random.default_rng(3)
    for _ in range(60):
        broken = bytearray(data)
        for at in rng.integers(2, len(data), 3):
            broken[at] = rng.integers(0, 256)
        segments = list(jpeg._segments(bytes(broken)))
        if any(each.marker == jpeg.SOS for each in segments):
            jpeg_scan.check(bytes(broken), segments)
        stream = io.BytesIO(bytes(broken))
        with contextlib.suppress(InputImageError, LimitError):
            jpeg.survey(stream)
    empty = struct.pack(">H", 2)
    assert jpeg.survey(io.BytesIO(b"\xff\xd8\xff\xda" + empty)).notes == ()
