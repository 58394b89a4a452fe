"""PSNR and MS-SSIM: against plain definitions, and for pictures of any size and depth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc.metrics import WEIGHTS, ms_ssim, psnr, shown

Floats = NDArray[np.float64]


def picture(height: int, width: int, channels: int = 3) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / (3.0 + c)) + np.cos(y / (5.0 + c)) for c in range(channels)]
    return (127.5 + 60.0 * np.stack(waves, axis=-1)).astype(np.uint8)


def noisy(image: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    noise = np.random.default_rng(5).normal(0.0, sigma, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def plain_ms_ssim(a: Floats, b: Floats) -> float:
    """Wang et al. 2003 on one channel, window by window; sides that can be halved four times."""
    window = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
    window2d = np.outer(window, window) / window.sum() ** 2
    result = 1.0
    for scale, weight in enumerate(WEIGHTS):
        values = []
        for y in range(len(a) - 10):
            for x in range(a.shape[1] - 10):
                p, q = a[y : y + 11, x : x + 11], b[y : y + 11, x : x + 11]
                mean_p, mean_q = (window2d * p).sum(), (window2d * q).sum()
                variances = (window2d * (p - mean_p) ** 2).sum() + (window2d * (q - mean_q) ** 2).sum()
                covariance = (window2d * (p - mean_p) * (q - mean_q)).sum()
                value = (2 * covariance + 7.65**2) / (variances + 7.65**2)
                if scale == len(WEIGHTS) - 1:
                    value *= (2 * mean_p * mean_q + 2.55**2) / (mean_p**2 + mean_q**2 + 2.55**2)
                values.append(value)
        result *= float(np.mean(values)) ** weight
        if scale < len(WEIGHTS) - 1:
            a, b = (z.reshape(len(z) // 2, 2, z.shape[1] // 2, 2).mean(axis=(1, 3)) for z in (a, b))
    return result


def test_psnr_is_that_of_the_mean_squared_error_over_everything() -> None:
    a = np.zeros((300, 7, 3), np.uint8)
    b = a.copy()
    b[..., 0] = 30
    assert psnr(a, b) == pytest.approx(10 * math.log10(255**2 / 300), abs=1e-9)
    assert psnr(a, a) == math.inf


def test_psnr_takes_the_full_range_of_16_bits() -> None:
    a = np.array([[0, 65535]], np.uint16)
    b = np.array([[65535, 0]], np.uint16)
    assert psnr(a, b) == pytest.approx(0.0, abs=1e-9)


def test_ms_ssim_agrees_with_a_plain_implementation() -> None:
    a = picture(176, 192, 1)
    b = noisy(a, 30.0)
    assert ms_ssim(a, b) == pytest.approx(plain_ms_ssim(a[..., 0].astype(float), b[..., 0].astype(float)), abs=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (9, 300, 3), (12, 12, 1), (177, 333, 2), (200, 300, 4)])
def test_ms_ssim_is_1_for_equal_pictures_and_symmetric(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 256, shape).astype(np.uint8), rng.integers(0, 256, shape).astype(np.uint8)
    assert ms_ssim(a, a) == pytest.approx(1.0, abs=1e-6)
    assert ms_ssim(a, b) == pytest.approx(ms_ssim(b, a), abs=1e-6)
    assert 0.0 <= ms_ssim(a, b) < 1.0


def test_more_noise_is_less_similar_in_colour_and_at_any_depth() -> None:
    a = picture(200, 190)
    values = [ms_ssim(a, noisy(a, sigma)) for sigma in (2.0, 8.0, 30.0)]
    assert values == sorted(values, reverse=True)
    deep = [z.astype(np.uint16) * 257 for z in (a, noisy(a, 8.0))]
    assert ms_ssim(deep[0], deep[1]) == pytest.approx(values[1], abs=1e-5)


def test_colour_is_the_mean_over_the_channels() -> None:
    a = picture(180, 176)
    b = noisy(a, 12.0)
    assert ms_ssim(a, b) == pytest.approx(np.mean([ms_ssim(a[..., c], b[..., c]) for c in range(3)]), abs=1e-9)


def test_pictures_of_different_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        psnr(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint16))
    with pytest.raises(ValueError, match="differ"):
        ms_ssim(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_lies_under_transparent_pixels_is_not_seen(dtype: type[np.uint8 | np.uint16]) -> None:
    peak = np.iinfo(dtype).max
    pixels = np.full((300, 3, 4), peak, dtype)
    pixels[200:, 1:, 3], pixels[:200, 0, 3] = 0, peak // 2
    seen = shown(pixels)
    assert seen.dtype == dtype
    assert (seen == np.where(np.arange(4) < 3, pixels[..., 3:], pixels)).all()
    opaque = pixels[..., :3]
    assert shown(opaque) is opaque
    assert shown(opaque[..., 0]).shape == (300, 3)
