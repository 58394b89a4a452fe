"""PAM, and PGM and PPM of every largest sample."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc.errors import InputImageError, LimitError
from splatc.image.image import Image
from splatc.image.readers import load
from splatc.image.readers.header import extent_of

RNG = np.random.default_rng(6)
TYPES = {"BLACKANDWHITE": 1, "GRAYSCALE": 1, "GRAYSCALE_ALPHA": 2, "RGB": 3, "RGB_ALPHA": 4}


def loaded(data: bytes, folder: Path, name: str = "in.pam") -> Image:
    path = folder / name
    path.write_bytes(data)
    image = load(str(path))
    extent = extent_of(str(path))
    assert (extent.width, extent.height, extent.bit_depth) == (image.width, image.height, image.bit_depth)
    return image


def pam(values: NDArray[np.int64], maximum: int, kind: str | None, extra: str = "") -> bytes:
    height, width, depth = values.shape
    tuple_type = "" if kind is None else f"TUPLTYPE {kind}\n"
    head = f"P7\n{extra}WIDTH {width}\nHEIGHT {height}\nDEPTH {depth}\nMAXVAL {maximum}\n{tuple_type}ENDHDR\n"
    return head.encode() + values.astype("u1" if maximum < 256 else ">u2").tobytes()


def expected(values: NDArray[np.int64], maximum: int) -> NDArray[np.int64]:
    full = 255 if maximum < 256 else 65535
    return (values * full + maximum // 2) // maximum


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("maximum", [1, 3, 100, 255, 256, 1023, 4095, 65535])
def test_pam(kind: str, maximum: int, tmp_path: Path) -> None:
    values = RNG.integers(0, maximum + 1, (600, 7, TYPES[kind]))  # two strips
    found = loaded(pam(values, maximum, kind), tmp_path)
    assert (found.pixels == expected(values, maximum)).all()
    assert (found.description, found.notes) == ("PAM", ())


def test_the_header_of_pam_is_free(tmp_path: Path) -> None:
    values = RNG.integers(0, 256, (5, 7, 4))
    data = pam(values, 255, None, "# by hand\n\n")
    assert (loaded(data, tmp_path).pixels == values).all()
    assert loaded(data, tmp_path).notes == ("comments are left out",)
    split = pam(values[..., :1], 255, None).replace(b"ENDHDR", b"TUPLTYPE  GRAYSCALE \nENDHDR", 1)
    assert (loaded(split, tmp_path).pixels == values[..., :1]).all()
    more = loaded(pam(values, 255, "RGB"), tmp_path)
    assert (more.pixels == values[..., :3]).all()
    assert more.notes == ("1 further channels are left out",)
    assert loaded(data + data, tmp_path).notes[-1] == "only the first of several pictures is coded"
    assert loaded(data + b"!", tmp_path).notes[-1] == "1 bytes behind the picture are left out"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b"ENDHDR\n", b"", "ENDHDR|line"),
        (b"WIDTH 7", b"WIDTH x", "expected a number"),
        (b"WIDTH 7\n", b"", "no WIDTH"),
        (b"HEIGHT 5", b"HEIGHT 0", "no HEIGHT"),
        (b"HEIGHT 5", b"HEIGHT 6", "105 of 126 bytes"),
        (b"MAXVAL 255", b"MAXVAL 65536", "at most 65535"),
        (b"MAXVAL 255", b"MAXVAL 99999999999999999999999", "expected a number"),
        (b"RGB", b"CMYK", "tuple type 'CMYK' with 3 channels"),
        (b"RGB", b"RGB_ALPHA", "tuple type 'RGB_ALPHA' with 3 channels"),
        (b"WIDTH", b"BREADTH", "a line 'BREADTH'"),
    ],
)
def test_bad_headers(before: bytes, after: bytes, message: str, tmp_path: Path) -> None:
    data = pam(RNG.integers(0, 256, (5, 7, 3)), 255, "RGB")
    assert before in data
    with pytest.raises(InputImageError, match=message):
        loaded(data.replace(before, after, 1), tmp_path)


def test_a_header_that_claims_too_much(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="pixels that splatc accepts"):
        loaded(b"P7\nWIDTH 2147483648\nHEIGHT 2147483648\nDEPTH 3\nMAXVAL 255\nENDHDR\n", tmp_path)


def test_a_size_beyond_any_file_is_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "huge.pgm"
    path.write_bytes(b"P5\n99999999 99999999\n255\n" + b"a" * 100)
    with pytest.raises(LimitError, match="99999999 x 99999999"):
        load(str(path))


@pytest.mark.parametrize("maximum", [1, 100, 255, 1023, 65535])
@pytest.mark.parametrize("channels", [1, 3])
def test_pgm_and_ppm(channels: int, maximum: int, tmp_path: Path) -> None:
    values = RNG.integers(0, maximum + 1, (600, 7, channels))
    head = f"P{5 if channels == 1 else 6}\n# by hand\n7 600\n{maximum}\n".encode()
    data = head + values.astype("u1" if maximum < 256 else ">u2").tobytes()
    assert (loaded(data, tmp_path, "in.pnm").pixels == expected(values, maximum)).all()
    with pytest.raises(InputImageError, match="truncated"):
        loaded(data[:-1], tmp_path, "in.pnm")


def test_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    values = RNG.integers(0, 256, (5, 7, 4))
    monkeypatch.setattr("sys.stdin", type("", (), {"buffer": Pipe(pam(values, 255, "RGB_ALPHA"))})())
    assert (load("-").pixels == values).all()
