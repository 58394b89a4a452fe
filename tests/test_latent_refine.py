"""Refinement of latents for one picture: bits and error together never rise, the error is the decoder's, a file keeps its target."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import splatc
from splatc import bitstream
from splatc.bitstream import latent_network, latents
from splatc.encoder import latent as encoder
from splatc.encoder import latent_refine
from splatc.encoder.latent import encode_latent
from splatc.encoder.latent_refine import COLOURS, Limits, Refinement, refiner_of
from splatc.encoder.pipeline import EncodeOptions, encode_image
from splatc.encoder.rate_control import Target
from splatc.errors import UsageError
from splatc.image import metrics
from splatc.image.image import Image
from splatc.quantize import CODED_MATRIX

PHOTOGRAPH = Path(__file__).parent / "images" / "kodim03.png"


def picture(width: int, height: int, channels: int = 3, depth: type = np.uint8) -> Image:
    """A part of a photograph, repeated where it is too small."""
    with PIL.Image.open(PHOTOGRAPH) as file:
        pixels = np.asarray(file.convert("RGB"))
    tiled = np.tile(pixels, (1, -(-width // pixels.shape[1]), 1))[100 : 100 + height, :width]
    chosen = tiled if channels == 3 else tiled[..., 1:2]
    return Image(np.ascontiguousarray(chosen.astype(depth) * (257 if depth is np.uint16 else 1)))


def started(image: Image, q: int) -> Refinement:
    """From one pass, of as many tiles as there are."""
    exact = encoder.analysed(image)
    whole = np.zeros(exact.shape, np.int16)
    boxes = [tile.cells for tile in latents.tiles_of(image.width, image.height)]
    for x0, y0, x1, y1 in boxes:
        whole[:, y0:y1, x0:x1] = encoder.thrifty(exact[:, y0:y1, x0:x1], q, encoder.THRIFT)

    def bits(found: latents.LatentArray) -> float:
        return sum(encoder.bits_of(found[:, y0:y1, x0:x1], q) for x0, y0, x1, y1 in boxes)

    network = latent_network.load(1)
    return Refinement(refiner_of(image, network, encoder.costs_of(network), q), whole, bits)


def total(refinement: Refinement, trade: float) -> float:
    """Bits, and error in bits."""
    step = latent_refine.LEAST_STEP * 2.0 ** (refinement.refiner.q / 32)
    worth = trade / step**2 * 3 * (255 / COLOURS) ** 2
    return float(refinement.bits_of(refinement.whole) + worth * refinement.error())


@pytest.mark.parametrize(("width", "height"), [(1, 1), (37, 90), (160, 144), (1050, 20)])
@pytest.mark.parametrize("channels", [1, 3])
def test_bits_and_error_together_never_rise(width: int, height: int, channels: int) -> None:
    refinement = started(picture(width, height, channels), 60)
    for trade in (6.0, 6.0, 1.0, 30.0):
        before, latents_before = total(refinement, trade), refinement.whole.copy()
        refinement.sweep(trade)
        after = total(refinement, trade)
        assert after <= before * (1 + 1e-5)
        assert after < before or np.array_equal(refinement.whole, latents_before)


def test_the_first_sweep_gains() -> None:
    refinement = started(picture(160, 144), 60)
    before = total(refinement, 6.0)
    refinement.sweep(6.0)
    assert total(refinement, 6.0) < 0.98 * before


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_the_error_is_that_of_the_decoder(channels: int, depth: type) -> None:
    image = picture(150, 70, channels, depth)
    q = 60
    refinement = started(image, q)
    assert len(latents.tiles_of(150, 70)) == 1
    payload = encoder.payload(encoder.Coded(q, [refinement.whole], 0.0))
    header = encoder.header_of(image)
    head = (b"HEAD", bitstream.header.write(header)), (b"DRFT", b"\1")
    decoded = splatc.decode(bitstream.container.write([*head, (b"LATN", payload)]))
    most = np.iinfo(depth).max
    away = (decoded.reshape(image.pixels.shape).astype(np.float64) - image.pixels) / most * COLOURS
    coded = away @ np.asarray(CODED_MATRIX).T if channels == 3 else away
    samples = image.width * image.height  # whose rounding to 8 bits is part of what was decoded
    rounding = samples * (COLOURS / most) ** 2 / 12
    assert refinement.error() == pytest.approx((coded**2).sum() - rounding, rel=0.01)


def test_products_are_second_differences_of_the_error() -> None:
    refinement = started(picture(112, 112), 60)
    whole, gains = refinement.whole, refinement.refiner.gains
    whole[:] = 0
    products = refinement.refiner.products.reshape(2, 2, -1)
    for busy in (0, 1):
        whole[20] = busy  # of all cells: then they have their fine grid
        form = products[busy, busy]
        luma, chroma = form[: 64 * 64].reshape(64, 64), form[64 * 64 :].reshape(16, 16)
        for i, j, wanted in ((3, 3, luma[3, 3]), (0, 5, luma[0, 5]), (70, 70, chroma[6, 6]), (90, 81, chroma[10, 1])):
            errors = []
            for a, b in ((0, 0), (9, 0), (0, 9), (9, 9)):
                whole[i, 3, 3] += a
                whole[j, 3, 3] += b
                errors.append(refinement.error())
                whole[i, 3, 3] -= a
                whole[j, 3, 3] -= b
            second = (errors[3] - errors[1] - errors[2] + errors[0]) / (2 * 81 * float(gains[i] * gains[j]))
            assert second == pytest.approx(float(wanted), rel=2e-3, abs=2e-3 * float(luma[3, 3]))


@pytest.mark.parametrize("target", [900, 2500])
def test_a_refined_file_is_better_and_keeps_its_target(target: int) -> None:
    image = picture(320, 240)
    plain = encode_latent(image, Target("bytes", target))
    refined = encode_latent(image, Target("bytes", target), Limits(3))
    assert 0.97 * target <= len(refined) <= target
    plainly, better = (metrics.psnr(image.pixels, splatc.decode(data)) for data in (plain, refined))
    assert better > plainly + 0.1


def test_what_is_not_better_is_not_taken() -> None:
    refinement = started(picture(64, 48), 60)
    before = refinement.whole.copy()
    np.testing.assert_array_equal(refinement.refined(0.5 * refinement.bits_of(before), Limits(1)), before)


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(320, 240)
    data = [encode_latent(image, Target("bytes", 1500), Limits(2))]
    for count in (1, 2, 3):
        monkeypatch.setattr(latent_refine, "threads", lambda count=count: count)
        data.append(encode_latent(image, Target("bytes", 1500), Limits(2)))
    assert len(set(data)) == 1


def test_effort_says_how_many_sweeps() -> None:
    image = picture(160, 120)
    options = EncodeOptions(Target("bytes", 500), model="latent", effort=2)
    reports: list[tuple[int, int, str]] = []
    data = encode_image(image, options, lambda *each: reports.append(each))
    assert data == encode_latent(image, Target("bytes", 500), Limits(2))
    assert (0, 2, "refining") in reports
    one_pass = encode_latent(image, Target("bytes", 500))
    assert encode_image(image, replace(options, effort=0)) == one_pass != data
    assert encode_image(image, replace(options, max_time=0.0)) == one_pass
    assert encode_latent(image, Target("bytes", 500), Limits(5, time.monotonic())) == one_pass


def test_what_a_report_raises_ends_the_work() -> None:
    reports = []

    def report(step: int, steps: int) -> None:
        reports.append(step)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_latent(picture(320, 240), Target("bytes", 1500), Limits(2, report=report))
    assert reports == [0]


def test_a_target_that_is_too_small_is_refused_as_in_one_pass() -> None:
    with pytest.raises(UsageError, match="bytes or more"):
        encode_latent(picture(320, 240), Target("bytes", 110), Limits(2))
