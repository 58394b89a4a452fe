"""Rate control: the file never exceeds its target and uses at least 97 % of it, whatever the picture, the blend and the size."""

from __future__ import annotations

import numpy as np
import pytest

from splatc import bitstream
from splatc.blend import Blend
from splatc.decoder.scene import decode_bytes
from splatc.encoder.pipeline import EncodeOptions, encode_image, encode_with
from splatc.encoder.rate_control import Target
from splatc.errors import UsageError
from splatc.fit.schedule import Schedule
from splatc.image.image import Image
from splatc.image.metrics import psnr
from splatc.steps import Quantizer

PLAN = Schedule(60)


def picture(channels: int, dtype: type[np.integer] = np.uint8) -> Image:
    """80 x 56: waves and noise, so that no size is too much for it."""
    y, x = np.mgrid[:56, :80]
    waves = np.stack([np.sin(x / (5 + c)) * np.cos(y / (7 - c)) for c in range(channels)], axis=-1)
    noisy = 0.5 + 0.3 * waves + np.random.default_rng(channels).normal(0.0, 0.08, waves.shape)
    return Image((np.clip(noisy, 0, 1) * np.iinfo(dtype).max).astype(dtype))


def encoded(image: Image, target: Target, blend: Blend = Blend.NORMALIZED) -> bytes:
    return encode_with(image, EncodeOptions(target, blend=blend), PLAN, Quantizer())


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("size", [160, 431, 1200, 4000])
def test_bytes_are_kept_and_used(size: int, blend: Blend) -> None:
    data = encoded(picture(3), Target("bytes", size), blend)
    assert 0.97 * size <= len(data) <= size


@pytest.mark.parametrize(("grain", "effort"), [(12.0, 1), (60.0, 1), (12.0, 2)])
def test_noise_uses_its_bytes(grain: float, effort: int) -> None:
    """Of what cannot be coded, Gaussians become cheaper and cheaper: 54 to 66 % of the bytes were used once."""
    y, x = np.mgrid[:128, :128, :3][:2]
    waves = 128 + 60 * np.sin(x / 21) * np.cos(y / 17)
    noisy = waves + np.random.default_rng(0).normal(0.0, grain, waves.shape)
    image = Image(np.rint(noisy).clip(0, 255).astype(np.uint8))
    size = image.pixels.nbytes // 50
    data = encode_image(image, EncodeOptions(Target("bytes", size), effort=effort))
    assert 0.97 * size <= len(data) <= size


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_every_kind_of_picture(channels: int) -> None:
    image = picture(channels)
    data = encoded(image, Target("bytes", 900))
    assert 0.97 * 900 <= len(data) <= 900
    decoded = decode_bytes(data)
    assert decoded.pixels.shape == image.pixels.shape
    assert psnr(decoded.pixels, image.pixels) > 19


def test_sixteen_bits_come_back_as_sixteen_bits() -> None:
    image = picture(1, np.uint16)
    decoded = decode_bytes(encoded(image, Target("bytes", 900)))
    assert decoded.pixels.dtype == np.uint16
    assert psnr(decoded.pixels, image.pixels) > 19


def test_a_count_is_met_exactly() -> None:
    assert bitstream.read_header(encoded(picture(3), Target("count", 77))).count == 77


def test_more_bytes_more_quality() -> None:
    image = picture(3)
    qualities = [
        psnr(decode_bytes(encoded(image, Target("bytes", size))).pixels, image.pixels) for size in (200, 800, 3200)
    ]
    assert qualities == sorted(qualities)


def test_a_target_below_an_empty_file_is_refused() -> None:
    with pytest.raises(UsageError, match="highest ratio"):
        encoded(picture(3), Target("bytes", 40))
    with pytest.raises(UsageError, match=r"an empty one takes \d+; the highest ratio is about 0\.\d+$"):
        encoded(Image(np.array([[[1], [200]]], np.uint8)), Target("bytes", 2))


def test_pictures_of_one_colour_and_of_one_pixel() -> None:
    for shape in ((1, 1, 3), (1, 50, 1), (2, 2, 3), (30, 30, 3)):
        image = Image(np.full(shape, 77, np.uint8))
        decoded = decode_bytes(encode_image(image, EncodeOptions(Target("bytes", 300), effort=1)))
        assert np.abs(decoded.pixels.astype(int) - 77).max() <= 1


def test_no_more_gaussians_than_pixels() -> None:
    image = Image(np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8))
    data = encoded(image, Target("count", 10**9))
    assert 1 <= bitstream.read_header(data).count <= 64
