"""The slowest effort makes several fits and keeps the best file (splatc/encoder/several_fits.py)."""

from __future__ import annotations

import time
from typing import Literal

import numpy as np
import pytest

import splatc
from splatc.encoder import several_fits
from splatc.encoder.several_fits import FITS, best_of_several, next_delta
from splatc.image.image import Image

IMAGE = Image(np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize(
    ("quality", "tried", "kept"),
    [
        ({0: 1.0, 1: 2.0, 2: 3.0}, [0, 1, 2], 2),
        ({0: 1.0, 1: 2.0, 2: 1.5}, [0, 1, 2], 1),
        ({0: 1.0, 1: 0.5, -1: 2.0}, [0, 1, -1], -1),
        ({0: 1.0, 1: 0.5, -1: 0.5}, [0, 1, -1], 0),
    ],
)
def test_the_best_is_kept(
    quality: dict[int, float], tried: list[int], kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next fit is beside the best so far."""
    calls: list[tuple[int, int]] = []

    def encode(delta: int, seconds: float | None, number: int) -> bytes:
        assert seconds is None
        calls.append((delta, number))
        return str(delta).encode()

    monkeypatch.setattr(several_fits, "quality", lambda _image, data, _ssim: quality[int(data)])
    assert best_of_several(IMAGE, False, None, encode) == str(kept).encode()
    assert calls == [(delta, number) for number, delta in enumerate(tried)]


def test_where_both_sides_are_known_there_is_no_next() -> None:
    assert next_delta({0: 1.0, 1: 0.5, -1: 0.5}) is None


def test_time_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    """And once it has passed no fit begins, but the first."""
    monkeypatch.setattr(several_fits, "quality", lambda *_: 0.0)
    limits: list[float | None] = []

    def encode(delta: int, seconds: float | None, number: int) -> bytes:
        limits.append(seconds)
        time.sleep(0.0 if number == 0 else 0.25)
        return b""

    best_of_several(IMAGE, False, 0.2, encode)
    assert len(limits) == 2
    assert limits[0] == pytest.approx(0.2 / FITS, rel=0.2)
    assert limits[1] == pytest.approx(0.2 / (FITS - 1), rel=0.5)
    limits.clear()
    best_of_several(IMAGE, False, -1.0, encode)
    assert len(limits) == 1


@pytest.mark.parametrize("tune", ["psnr", "ssim"])
def test_files_of_the_slowest_effort(tune: Literal["psnr", "ssim"], monkeypatch: pytest.MonkeyPatch) -> None:
    """They keep their target, are the same each time, and no worse than the first of their fits."""
    monkeypatch.setattr("splatc.encoder.pipeline.EACH", 1)
    rng = np.random.default_rng(0)
    pixels = np.kron(rng.integers(0, 256, (6, 8, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    steps: list[tuple[int, int]] = []
    best, again = (
        splatc.encode(pixels, size=400, effort=9, tune=tune, progress=lambda at, of, _: steps.append((at, of)))
        for _ in range(2)
    )
    assert best == again and len(best) <= 400
    assert (
        steps[0][0] == 0
        and steps[-1][0] == steps[-1][1]
        and sorted(steps[: len(steps) // 2]) == steps[: len(steps) // 2]
    )
    single = splatc.encode(pixels, size=400, effort=1, tune=tune)
    image = Image(pixels)
    assert several_fits.quality(image, best, tune == "ssim") >= several_fits.quality(image, single, tune == "ssim")
