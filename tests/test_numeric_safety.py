"""Pictures that break arithmetic: a valid file or a clear error, never NaN; and the same bytes whatever the number of threads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import splatc
from splatc.decoder.verifier import find_problems
from splatc.encoder.pipeline import ALWAYS
from splatc.errors import UsageError
from tests.conftest import Command

RNG = np.random.default_rng(11)


def hot_pixel(value: int, dtype: type[np.unsignedinteger]) -> np.ndarray:
    pixels = np.zeros((20, 30, 3), dtype)
    pixels[7, 9] = value
    return pixels


PICTURES: dict[str, np.ndarray] = {
    "one pixel": np.full((1, 1, 3), 200, np.uint8),
    "one pixel of four channels": np.array([[[0, 255, 0, 0]]], np.uint8),
    "one row": RNG.integers(0, 256, (1, 70, 3), np.uint8),
    "one column": RNG.integers(0, 256, (70, 1), np.uint8),
    "two by two": np.array([[0, 255], [255, 0]], np.uint8),
    "black": np.zeros((24, 31, 3), np.uint8),
    "white": np.full((24, 31, 3), 255, np.uint8),
    "transparent": np.zeros((24, 31, 4), np.uint8),
    "noise": RNG.integers(0, 256, (32, 32, 3), np.uint8),
    "noise of 16 bits": RNG.integers(0, 65536, (24, 24), np.uint16),
    "checkerboard": (np.indices((24, 24)).sum(0) % 2 * 255).astype(np.uint8),
    "hot pixel": hot_pixel(255, np.uint8),
    "hot pixel of 16 bits": hot_pixel(65535, np.uint16),
    "16 bits, all but black": np.full((16, 16, 3), 1, np.uint16),
    "16 bits, white": np.full((16, 16, 3), 65535, np.uint16),
    "16 bits, black and white": (np.indices((16, 40))[1] // 20 * 65535).astype(np.uint16),
    "long and thin": np.tile(np.arange(256, dtype=np.uint8), (2, 3)),
}


def check(pixels: np.ndarray, data: bytes) -> np.ndarray:
    """A sound file of a picture of that shape, whose Gaussians are finite."""
    assert find_problems(data) == []
    back = splatc.decode(data)
    assert (back.shape, back.dtype) == (
        pixels[..., 0].shape if pixels.shape[2:] == (1,) else pixels.shape,
        pixels.dtype,
    )
    return back


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("name", "blend"), [*((name, "normalized") for name in PICTURES), *((name, "sum") for name in list(PICTURES)[::3])]
)
def test_a_valid_file(name: str, blend: str) -> None:
    pixels = PICTURES[name]
    data = splatc.encode(pixels, size=260, effort=1, blend=blend)  # type: ignore[arg-type]
    assert len(data) <= 260
    back = check(pixels, data).astype(float)
    peak = np.iinfo(pixels.dtype).max
    if pixels.shape[2:] in ((2,), (4,)):  # colours under alpha 0 are not compared
        clear = pixels[..., -1] == 0
        back[clear, :-1] = pixels[clear, :-1]
    # What has one value everywhere comes back as that, and nothing is worse than gray.
    assert (
        np.sqrt(np.mean((back - pixels) ** 2))
        <= (0.03 if np.ptp(pixels) == 0 and blend == "normalized" else 0.5) * peak
    )


@pytest.mark.parametrize("name", ["one pixel", "one row", "two by two", "black", "hot pixel", "noise"])
def test_the_other_quality_divides_by_variances(name: str) -> None:
    pixels = PICTURES[name]
    check(pixels, splatc.encode(pixels, size=200, effort=1, tune="ssim"))


@pytest.mark.parametrize("name", ["one pixel", "two by two", "one row", "black"])
def test_more_gaussians_than_pixels(name: str) -> None:
    pixels = PICTURES[name]
    count = 3 * pixels.shape[0] * pixels.shape[1] + 5
    data = splatc.encode(pixels, count=count, effort=1)
    check(pixels, data)
    assert splatc.info(data)["gaussians"] <= max(ALWAYS, pixels.shape[0] * pixels.shape[1])


REFUSALS: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "a ratio that no header allows": (lambda: splatc.encode(PICTURES["noise"], cr=75), UsageError, "highest ratio"),
    "less than a byte": (lambda: splatc.encode(PICTURES["noise"], cr=1e9), UsageError, "less than one byte"),
    "infinite": (lambda: splatc.encode(PICTURES["noise"], cr=float("inf")), UsageError, "cr=inf"),
    "not a number": (lambda: splatc.encode(PICTURES["noise"], bpp=float("nan")), UsageError, "bpp=nan"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_or_a_clear_error(name: str) -> None:
    make, error, says = REFUSALS[name]
    with pytest.raises(error, match=says):
        make()


@pytest.mark.parametrize("wish", [{"size": 10**9}, {"count": 2**27}, {"bpp": 1e6}])
def test_a_wish_for_far_too_much_is_met_by_less(wish: dict[str, float]) -> None:
    """... and takes no memory for what the picture does not need."""
    pixels = PICTURES["two by two"]
    data = splatc.encode(pixels, effort=1, **wish)  # type: ignore[arg-type]
    assert splatc.info(data)["gaussians"] <= ALWAYS
    check(pixels, data)


def test_gaussians_that_are_not_finite_are_refused() -> None:
    for field, value in (("mean", np.nan), ("scale", np.inf), ("angle", np.nan), ("colour", -np.inf)):
        arrays = {
            "mean": np.ones((2, 2), np.float32),
            "scale": np.ones((2, 2), np.float32),
            "angle": np.zeros(2, np.float32),
            "colour": np.ones((2, 3), np.float32),
        }
        arrays[field].flat[1] = value
        with pytest.raises(UsageError):
            splatc.encode_gaussians(splatc.Gaussians(**arrays), 8, 8)


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--blend", "sum"], ["--tune", "ssim"]])
def test_the_same_bytes_whatever_the_number_of_threads(
    options: list[str], tmp_path: Path, tiny_picture: Path, splatc: Command
) -> None:
    command = ["encode", str(tiny_picture), "-", "--size", "500", "-e", "1", *options]
    runs = [splatc(*command, "--threads", threads).stdout for threads in ("1", "2", "2")]
    assert len(runs[0]) > 400
    assert runs[1] == runs[0]
    assert runs[2] == runs[0]
    assert splatc(*command, "--seed", "1").stdout != runs[0]


def test_the_same_pixels_whatever_the_number_of_threads(tmp_path: Path, tiny_splat: Path, splatc: Command) -> None:
    runs = [
        splatc("decode", str(tiny_splat), "-", "--threads", threads, "--scale", "3").stdout for threads in ("1", "2")
    ]
    assert len(runs[0]) > 1000
    assert runs[1] == runs[0]


def test_hash_seeds_change_nothing(tiny_file: bytes) -> None:
    """No set or dict order reaches the bytes."""
    code = (
        "import numpy as np, splatc, sys;"
        "g = splatc.Gaussians(*(np.random.default_rng(1).random(s).astype('f') + 1 for s in ((40, 2), (40, 1), (40,), (40, 3))));"
        "g = splatc.Gaussians(g.mean, np.repeat(g.scale, 2, axis=1), g.angle, g.colour);"
        "sys.stdout.buffer.write(splatc.encode_gaussians(g, 30, 20))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
