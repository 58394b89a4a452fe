"""Pictures of one colour need no fit and are exact; flat parts of a picture need next to no Gaussians."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import splatc
from splatc import bitstream
from splatc.blend import Blend
from splatc.decoder.scene import decode_bytes, make_scene
from splatc.encoder.flat import cover, dominant_colour, flat_file, one_colour
from splatc.encoder.pipeline import EncodeOptions, encode_image, encode_with
from splatc.encoder.rate_control import Target
from splatc.errors import UsageError
from splatc.fit.pruning import redundant_ones
from splatc.fit.schedule import Schedule
from splatc.fit.subset import subset
from splatc.gaussians import Gaussians
from splatc.image.image import Image
from splatc.quantize import dequantize
from splatc.render.reference import render
from splatc.steps import Quantizer
from tests.engines import table_of

KINDS = [(channels, dtype) for channels in (1, 2, 3, 4) for dtype in (np.uint8, np.uint16)]
SIDES = [(1, 1), (1, 50), (30, 30), (700, 41)]
RENDERERS = 0.05
"""Of a step of 16 bits: twice what a renderer in float32 errs by."""


@pytest.fixture
def no_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fit rounds differently on every processor: a flat picture must not reach it."""

    def fails(*_: Any) -> bytes:
        raise AssertionError("a picture of one colour was fitted")

    monkeypatch.setattr("splatc.encoder.pipeline.encode_with", fails)


def flat(height: int, width: int, colour: tuple[int, ...], dtype: type[np.integer] = np.uint8) -> Image:
    return Image(np.broadcast_to(np.array(colour, dtype), (height, width, len(colour))))


def colours(channels: int, dtype: type[np.integer]) -> list[tuple[int, ...]]:
    """White, a dark one, and some of all sorts, each opaque or nearly."""
    peak = int(np.iinfo(dtype).max)
    rng = np.random.default_rng(channels)
    return [(peak,) * channels, (1,) * channels, *(tuple(rng.integers(1, peak, channels).tolist()) for _ in range(3))]


@pytest.mark.usefixtures("no_fit")
@pytest.mark.parametrize(("height", "width"), SIDES)
@pytest.mark.parametrize(("channels", "dtype"), KINDS)
def test_one_colour_is_exact_and_small(height: int, width: int, channels: int, dtype: type[np.integer]) -> None:
    for colour in colours(channels, dtype):
        image = flat(height, width, colour, dtype)
        data = encode_image(image, EncodeOptions(Target("bytes", 80)))
        assert bitstream.read_header(data).count == (dtype is np.uint16 and any(value % 257 for value in colour))
        decoded = decode_bytes(data).pixels
        assert decoded.dtype == dtype
        np.testing.assert_array_equal(decoded, image.pixels)
        # The oracle does not even come near to the next sample.
        drawn = np.clip(render(make_scene(*bitstream.decode(data))), 0.0, 1.0) * np.iinfo(dtype).max
        assert np.abs(drawn - image.pixels).max() < 0.5 - RENDERERS


@pytest.mark.parametrize(("height", "width"), [(3000, 5000), (20_000, 30_000), (1 << 16, 1 << 16), (64, 1 << 20)])
@pytest.mark.parametrize("blend", Blend)
def test_the_corners_and_the_middle_of_large_pictures(height: int, width: int, blend: Blend) -> None:
    colour, depth = ((40_001, 1_234, 60_007), 16) if blend is Blend.NORMALIZED else ((255, 100, 3), 8)
    peak = (1 << depth) - 1
    header = bitstream.Header(width, height, 3, (0, 0, 0), blend, depth)
    covering = cover(header, np.array(colour) / peak)
    if covering is None:
        assert blend is Blend.SUM
        return
    read, quantized = bitstream.decode(bitstream.encode(covering.header, covering.gaussian))
    scene = make_scene(read, quantized)
    right, bottom, middle = width - 1, height - 1, (width // 2, height // 2)
    x, y = (int(side) for side in scene.gaussians.mean[0])
    misses = [
        np.abs(np.clip(render(scene, (*at, 1, 1)), 0.0, 1.0) * peak - colour).max()
        for at in ((0, 0), (right, 0), (0, bottom), (right, bottom), middle, (x, y))
    ]
    assert max(misses) <= covering.miss + 1e-3
    if blend is Blend.NORMALIZED:
        assert covering.miss < 0.5 - RENDERERS


@pytest.mark.usefixtures("no_fit")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_sum_blend_takes_one_gaussian(channels: int, dtype: type[np.integer]) -> None:
    for height, width in SIDES[:3]:
        for colour in colours(channels, dtype):
            image = flat(height, width, colour, dtype)
            data = encode_image(image, EncodeOptions(Target("bytes", 80), blend=Blend.SUM))
            header = bitstream.read_header(data)
            assert (header.count, header.blend) == (1, Blend.SUM)
            # No background helps: of 65535 not every colour has an index.
            error = np.abs(decode_bytes(data).pixels.astype(int) - image.pixels).max()
            assert error <= (dtype is np.uint16)
    black = flat(9, 9, (0,) * channels, dtype)
    assert bitstream.read_header(encode_image(black, EncodeOptions(Target("bytes", 80), blend=Blend.SUM))).count == 0


@pytest.mark.usefixtures("no_fit")
def test_what_transparency_hides_is_no_colour() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 4), np.uint8)
    pixels[..., 3] = 0
    data = encode_image(Image(pixels), EncodeOptions(Target("bytes", 80)))
    assert bitstream.read_header(data).count == 0
    assert not decode_bytes(data).pixels.any()
    pixels[39, 29, 3] = 1
    assert one_colour(pixels) is None


@pytest.mark.parametrize("at", [(0, 1), (299, 39), (256, 0)])
def test_one_other_pixel_is_seen(at: tuple[int, int]) -> None:
    pixels = np.full((300, 40, 3), 9, np.uint8)
    pixels[at][1] = 10
    assert one_colour(pixels) is None


@pytest.mark.usefixtures("no_fit")
def test_every_target_and_option() -> None:
    pixels = np.full((100, 120), 1234, np.uint16)
    wishes: list[dict[str, Any]] = [
        {}, {"bpp": 0.5}, {"size": 60}, {"count": 1}, {"psnr": 90}, {"tune": "ssim"}, {"effort": 9}, {"device": "auto"}
    ]  # fmt: skip
    files = {splatc.encode(pixels, **wish) for wish in wishes}
    assert len(files) == 1
    np.testing.assert_array_equal(splatc.decode(files.pop()), pixels)
    # With a PSNR that the background alone has, there is no need for a Gaussian; nor is there room for one in 48 bytes.
    for data in (splatc.encode(pixels, psnr=50), splatc.encode(pixels, size=48)):
        assert splatc.info(data)["gaussians"] == 0
        assert np.abs(splatc.decode(data).astype(int) - 1234).max() <= 128


def test_a_target_below_the_empty_file_is_refused_as_ever() -> None:
    pixels = np.full((100, 120), 77, np.uint8)
    smallest = len(splatc.encode(pixels))
    assert len(splatc.encode(pixels, size=smallest)) == smallest
    with pytest.raises(UsageError, match="highest ratio"):
        splatc.encode(pixels, size=smallest - 1)


@pytest.mark.usefixtures("no_fit")
def test_metadata_are_kept_and_counted() -> None:
    pixels = np.full((100, 120), 77, np.uint8)
    data = splatc.encode(pixels, xmp=b"<x/>")
    assert decode_bytes(data).metadata.xmp == b"<x/>"
    image = Image(pixels[..., np.newaxis], metadata=bitstream.Metadata(xmp=b"<x/>"))
    assert flat_file(image, Target("bytes", len(data)), None) == data
    assert flat_file(image, Target("bytes", len(data) - 1), None) is None


def test_torch_is_not_imported() -> None:
    code = (
        "import sys, numpy as np, splatc; splatc.encode(np.full((9, 9), 77, np.uint8), size=80); "
        "splatc.encode(np.full((9, 9), 77, np.uint16), size=80); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "False\n"


def disc(background: int = 255) -> Image:
    """128 x 96: a bright disc with some texture, on one colour."""
    y, x = np.mgrid[:96, :128]
    pixels = np.full((96, 128, 3), background, np.uint8)
    inside = np.hypot(x - 70, y - 40) < 18
    pixels[inside] = np.stack([3 * x % 256, 5 * y % 256, x + y], axis=-1)[inside]
    return Image(pixels)


def test_the_background_is_the_colour_that_dominates() -> None:
    colour = dominant_colour(disc(24).pixels)
    assert colour is not None
    assert np.rint(colour * 255).tolist() == [24, 24, 24]
    assert dominant_colour(np.random.default_rng(0).integers(0, 99, (50, 50, 3), np.uint8)) is None
    clear = np.full((10, 10, 4), 7, np.uint8)
    clear[:5] = (250, 100, 50, 0)
    clear[:5, :5, 0] = 150
    colour = dominant_colour(clear)
    assert colour is not None
    np.testing.assert_allclose(colour * 255, (200, 100, 50, 0), atol=1e-3)


def test_flat_parts_cost_next_to_nothing() -> None:
    image = disc()
    data = encode_with(image, EncodeOptions(Target("count", 900)), Schedule(200), Quantizer())
    header = bitstream.read_header(data)
    assert header.background == (255, 255, 255)
    y, x = np.mgrid[:96, :128]
    outside = np.hypot(x - 70, y - 40) > 40
    assert decode_bytes(data).pixels[outside].min() >= 252
    mean = dequantize(header.quantizer, bitstream.decode(data)[1]).mean
    in_flat = np.hypot(mean[:, 0] - 70, mean[:, 1] - 40) > 40
    assert in_flat.mean() < 0.3  # 150 more of 900 repeated the background; what they left is spent on the disc


def test_redundant_gaussians_reach_nothing_but_the_background() -> None:
    pixels = disc().pixels  # the disc is at (70, 40), 18 px
    height, width, _ = pixels.shape
    mean = np.array([[20, 70], [20, 70], [20, 70], [48, 40], [70, 40], [1, 1]], np.float32)
    scale = np.array([[2, 2], [14, 14], [2, 2], [3, 1], [2, 2], [40, 0.5]], np.float32)
    gaussians = Gaussians(mean, scale, np.zeros(6, np.float32), np.ones((6, 3), np.float32))
    cost = np.array([0, 0, 1, 0, -1, -1], np.float32)
    redundant = redundant_ones(table_of(gaussians), cost, pixels, subset(width, height, 1, 0), np.ones(3, np.float32))
    assert redundant.tolist() == [True, False, False, False, False, True]
