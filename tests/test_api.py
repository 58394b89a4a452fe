"""The functions for Python programs: their names are fixed, what a user gets wrong is a SplatError."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import splatc
from splatc import bitstream
from splatc.blend import Blend
from splatc.errors import InputError, InputImageError, UsageError
from splatc.gaussians import Gaussians

PIXELS = np.random.default_rng(5).integers(0, 256, (20, 28, 3), np.uint8)


def test_the_public_names() -> None:
    assert splatc.__all__ == [
        "Comparison",
        "CoreError",
        "CorruptFileError",
        "DecodeSummary",
        "DeviceError",
        "EncodeSummary",
        "Gaussians",
        "InputError",
        "InputImageError",
        "LimitError",
        "Metadata",
        "OutputError",
        "Picture",
        "Problem",
        "SplatError",
        "SplatWarning",
        "TimeUpError",
        "UnsupportedFileError",
        "UsageError",
        "__version__",
        "compare",
        "decode",
        "decode_file",
        "encode",
        "encode_file",
        "encode_gaussians",
        "info",
        "load_gaussians",
        "open",
        "save_gaussians",
        "verify",
    ]
    assert set(splatc.__all__) <= set(dir(splatc))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        splatc.nothing  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        ("import splatc", "numpy numba torch scipy PIL click"),
        ("import splatc; splatc.info(sys.argv[1])", "numpy numba torch scipy"),
        ("import splatc; splatc.decode(sys.argv[1])", "numba torch scipy splatc.fit splatc.encoder"),
        ("import splatc; splatc.verify(sys.argv[1])", "numba torch scipy PIL"),
        ("import splatc; splatc.open(sys.argv[1]).read((0, 0, 8, 8))", "numba torch scipy"),
        (
            "import splatc.pillow_plugin, PIL.Image; PIL.Image.open(sys.argv[1]).load()",
            "numba torch scipy splatc.fit splatc.encoder",
        ),
        (
            "import imageio.v3, splatc.imageio_plugin; imageio.v3.imread(sys.argv[1])",
            "numba torch scipy splatc.fit splatc.encoder",
        ),
    ],
)
def test_nothing_is_imported_that_is_not_needed(code: str, forbidden: str, tiny_splat: Path) -> None:
    code = f"import sys; {code}; print(*(set({forbidden!r}.split()) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code, str(tiny_splat)], capture_output=True, check=True)
    assert result.stdout.split() == []


def test_encode_keeps_to_its_target_and_decode_gives_the_shape_back() -> None:
    data = splatc.encode(PIXELS, bpp=4, effort=1, blend="sum")
    assert len(data) <= 20 * 28 * 4 / 8
    report = splatc.info(data)
    assert (report["width"], report["height"], report["blend"]) == (28, 20, "sum")
    pixels = splatc.decode(data)
    assert pixels.shape == PIXELS.shape
    assert pixels.dtype == np.uint8
    assert splatc.decode(data, bit_depth=16).dtype == np.uint16


def test_a_part_is_the_part_of_the_whole(tiny_file: bytes, tiny_splat: Path) -> None:
    whole = splatc.decode(tiny_file)
    assert (splatc.decode(tiny_splat, region=(10, 20, 30, 25)) == whole[20:45, 10:40]).all()
    with splatc.open(tiny_splat) as opened:
        assert (opened.read() == whole).all()
    with pytest.raises(UsageError, match="bit_depth=12"):
        splatc.decode(tiny_file, bit_depth=12)  # type: ignore[arg-type]


def test_gray_comes_back_as_it_went(tmp_path: Path) -> None:
    data = splatc.encode(PIXELS[..., 0].astype(np.uint16) * 257, count=7, effort=1)
    (tmp_path / "gray.splat2d").write_bytes(data)
    pixels = splatc.decode(tmp_path / "gray.splat2d")
    assert pixels.shape == (20, 28)
    assert pixels.dtype == np.uint16


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (PIXELS / 255, "an array of float64 is no picture"),
        (PIXELS[0, 0], r"an array of shape \(3,\) is no picture"),
        (np.zeros((4, 4, 5), np.uint8), "shape"),
        (np.zeros((0, 4), np.uint8), "shape"),
    ],
)
def test_arrays_that_are_no_pictures(array: Any, message: str) -> None:
    with pytest.raises(InputImageError, match=message):
        splatc.encode(array)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cr": 50, "bpp": 1}, "cr and bpp exclude each other"),
        ({"cr": 0}, "cr=0: expected a number above 0"),
        ({"cr": float("nan")}, "cr=nan"),
        ({"bpp": "0.1"}, "bpp='0.1': expected a number above 0"),
        ({"cr": 1e9}, r"cr=1e\+09 leaves this picture of 28 x 20 less than one byte"),
        ({"size": 10.5}, "size=10.5: expected a whole number"),
        ({"effort": 10}, "effort=10: expected a whole number from 0 to 9"),
        ({"tune": "best"}, "tune='best': expected 'psnr' or 'ssim'"),
        ({"blend": "alpha"}, "blend='alpha'"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_options_that_make_no_sense(options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        splatc.encode(PIXELS, **options)


def one(**changed: Any) -> Gaussians:
    values = {"mean": [[8, 6]], "scale": [[4, 2]], "angle": [0.3], "colour": [[1, 0.5, 0]]} | changed
    return Gaussians(**{name: np.array(value, np.float32) for name, value in values.items()})


@pytest.mark.parametrize("precision", [0, 1, 2])
def test_encoded_gaussians_come_back_rounded(precision: Any, tmp_path: Path) -> None:
    data = splatc.encode_gaussians(one(), 16, 12, blend="sum", background=(1, 2, 3), precision=precision)
    header = bitstream.read_header(data)
    assert (header.blend, header.background, header.count) == (Blend.SUM, (1, 2, 3), 1)
    (tmp_path / "one.splat2d").write_bytes(data)
    back = splatc.load_gaussians(tmp_path / "one.splat2d")
    for name in ("mean", "scale", "angle", "colour"):
        assert getattr(back, name) == pytest.approx(getattr(one(), name), rel=0.12, abs=0.26 / 2**precision)


@pytest.mark.parametrize(
    ("gaussians", "options", "message"),
    [
        (one(angle=[[0.3]]), {}, "expected mean"),
        (one(scale=[[2, 4]]), {}, "expected s1 >= s2 > 0"),
        (one(mean=[[np.nan, 0]]), {}, "a mean that is not finite"),
        (one(), {"background": (0,)}, "expected 3 whole numbers"),
        (one(), {"precision": 3}, "precision=3: expected 0, 1 or 2"),
        (one(), {"width": 0}, "width=0: expected a whole number from 1"),
    ],
)
def test_gaussians_that_no_file_holds(gaussians: Gaussians, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        splatc.encode_gaussians(gaussians, **{"width": 16, "height": 12} | options)


def test_paths_that_lead_nowhere() -> None:
    with pytest.raises(InputError, match="cannot be read"):
        splatc.info("no.splat2d")
    with pytest.raises(splatc.SplatError, match=r"not a \.splat2d file"):
        splatc.decode(b"nothing of the kind")
    with pytest.raises(UsageError, match="not bytes; bytes go into"):
        splatc.open(b"S2D")  # type: ignore[arg-type]
