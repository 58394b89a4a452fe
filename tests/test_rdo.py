"""Rate-distortion optimization of the integers of a fit: exact costs, less error for the bytes (splatc/encoder/rdo.py)."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

import splatc
from splatc.bitstream import Header, Metadata
from splatc.core import rdo
from splatc.core.loading import INVALID, OK, address, load
from splatc.core.pool import working_on
from splatc.encoder import pipeline
from splatc.encoder.prices import Prices
from splatc.encoder.rate_control import RateControl, Target, quantize_for
from splatc.encoder.rdo import LARGEST_COLOUR, Choices, optimized
from splatc.gaussians import CUTOFF, EPSILON, FloatArray
from splatc.image import metrics
from splatc.quantize import QuantizedGaussians, dequantize
from tests.scenes import floats, random_gaussians

Doubles = NDArray[np.float64]
WIDTH, HEIGHT = 53, 40


def picture(seed: int = 0, channels: int = 3, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """Soft waves and an edge."""
    y, x = np.mgrid[:height, :width]
    rng = np.random.default_rng(seed)
    planes = [120 + 60 * np.sin(x / (5 + c) + y / 9.0) + 50 * (x + 2 * y > 70) for c in range(channels)]
    return np.clip(np.stack(planes, axis=-1) + rng.normal(0, 3, (height, width, channels)), 0, 255).astype(np.uint8)


def random_choices(count: int, channels: int, seed: int = 1) -> FloatArray:
    """(4, N, 5 + C) as they are, elsewhere and of another shape, of another colour, none."""
    rng = np.random.default_rng(seed)
    g = random_gaussians(rng, count, WIDTH, HEIGHT, channels=channels, scales=(0.8, 9.0), thinnest=8.0)
    same = np.concatenate([g.mean, g.scale, g.angle[:, None], g.colour], axis=1)
    moved, coloured, none = same.copy(), same.copy(), same.copy()
    moved[:, :5] += rng.normal(0, 0.15, (count, 5))
    moved[:, 2:4] = np.maximum(moved[:, 2:4], 0.4)
    coloured[:, 5:] += rng.normal(0, 0.05, (count, channels))
    none[:, 2] = 0.0
    return floats(np.stack([same, moved, coloured, none]))


def ground(background: FloatArray) -> FloatArray:
    """(C + 1,) the sums where no Gaussian is."""
    return floats(EPSILON * np.append(background, 1.0))


def drawn(gaussians: FloatArray, background: FloatArray, width: int = WIDTH, height: int = HEIGHT) -> Doubles:
    """(H, W, C) what (N, 5 + C) Gaussians show, in float64."""
    y, x = np.mgrid[:height, :width] + 0.5
    total = np.full((height, width), float(EPSILON))
    sums = total[..., None] * background.astype(np.float64)
    for mean_x, mean_y, long, short, angle, *colour in gaussians.astype(np.float64):
        if long <= 0.0:
            continue
        u = (x - mean_x) * np.cos(angle) + (y - mean_y) * np.sin(angle)
        v = (y - mean_y) * np.cos(angle) - (x - mean_x) * np.sin(angle)
        weight = np.maximum(np.exp(-0.5 * ((u / long) ** 2 + (v / short) ** 2)) - CUTOFF, 0.0)
        total += weight
        sums += weight[..., None] * np.array(colour)
    shown: Doubles = sums / total[..., None]
    return shown


def error_of(gaussians: FloatArray, background: FloatArray, pixels: NDArray[np.uint8]) -> float:
    return float(((drawn(gaussians, background, pixels.shape[1], pixels.shape[0]) - pixels / 255.0) ** 2).sum())


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_choices_are_the_best_ones_one_after_the_other(channels: int) -> None:
    """By the squared error in float64, with a price on each."""
    pixels, choices, background = picture(channels=channels), random_choices(30, channels), floats([0.4] * channels)
    rng = np.random.default_rng(3)
    price, order = rng.uniform(-0.1, 0.3, choices.shape[:2]), rng.permutation(30).astype(np.int32)
    price[0], price[1, ::5] = 0.0, rdo.NEVER
    canvas = rdo.Canvas(pixels, ground(background))
    now = choices[0].copy()
    assert canvas.draw(choices) == pytest.approx(error_of(now, background, pixels), rel=1e-4)
    chosen, cost = canvas.choose(choices, price, order)
    for i in order:
        before = error_of(now, background, pixels)
        values = np.full(4, np.inf)
        for k in range(4):
            other = now.copy()
            other[i] = choices[k, i]
            values[k] = error_of(other, background, pixels) - before + (price[k, i] if price[k, i] < 1e30 else 1e30)
            if k == 3:
                assert cost[i] == pytest.approx(values[k] - price[k, i], rel=2e-3, abs=2e-3)
        assert values[chosen[i]] <= values.min() + 4e-3
        now[i] = choices[chosen[i], i]
    assert len(set(chosen)) == 4


@pytest.mark.parametrize("number", [1, 2, 5])
def test_turns_at_once_are_turns_one_after_the_other(number: int) -> None:
    """Gaussians that share no sample may have their turns at once, those that do keep their order: the same bits."""
    width, height = 6 * WIDTH, 47  # so low that no row of a Gaussian is left out: which ones are follows from the turn
    pixels, background, rng = picture(width=width, height=height), floats([0.4, 0.4, 0.4]), np.random.default_rng(5)
    choices = random_choices(150, 3)
    choices[:, :, 0] *= 6.0
    price, order = rng.uniform(-0.1, 0.1, choices.shape[:2]), rng.permutation(150).astype(np.int32)
    price[0], price[1, ::5] = 0.0, rdo.NEVER
    together, alone = (rdo.Canvas(pixels, ground(background)) for _ in range(2))
    together.draw(choices)
    alone.draw(choices)
    with working_on(number):
        chosen, cost = together.choose(choices, price, order)
    task, expected, costs = alone._task(choices), np.zeros(150, np.int32), np.zeros(150)
    task.price, task.order, task.chosen, task.cost = (address(each) for each in (price, order, expected, costs))
    wave = alone._waves(task, 150)
    assert 1 < wave.max() + 1 < 75
    assert load().core_rdo_choose(task, 0, 150) == OK
    np.testing.assert_array_equal(chosen, expected)
    np.testing.assert_array_equal(cost, costs)
    np.testing.assert_array_equal(together._sums, alone._sums)
    assert len(set(chosen)) == 4


def test_the_same_bits_by_all_instruction_sets() -> None:
    pixels, choices, background = picture(), random_choices(60, 3), floats([0.4, 0.5, 0.6])
    price, order = np.zeros(choices.shape[:2]), np.arange(60, dtype=np.int32)
    best = load().core_get_level()
    results = []
    try:
        for level in range(2 if best > 1 else 1, best + 1):
            assert load().core_set_level(level) == OK
            canvas = rdo.Canvas(pixels, ground(background))
            results.append((canvas.draw(choices), *(each.tobytes() for each in canvas.choose(choices, price, order))))
    finally:
        load().core_set_level(best)
    assert all(result == results[0] for result in results)


def test_large_gaussians_are_measured_on_some_rows() -> None:
    pixels = picture(width=90, height=300)
    background = floats([0.4, 0.4, 0.4])
    choices = random_choices(12, 3)
    choices[:, :, 1] = choices[:, :, 1] / HEIGHT * 300.0
    choices[:3, :, 2:4] *= 6.0
    canvas = rdo.Canvas(pixels, ground(background))
    before = canvas.draw(choices)
    _, cost = canvas.choose(choices, np.full((4, 12), rdo.NEVER), np.arange(12, dtype=np.int32))
    for i in range(12):
        without = choices[0].copy()
        without[i] = choices[3, i]
        assert cost[i] == pytest.approx(error_of(without, background, pixels) - before, rel=0.1, abs=0.002 * before)


def test_wrong_arguments_are_refused() -> None:
    canvas, choices = rdo.Canvas(picture(), ground(floats([0.0, 0.0, 0.0]))), random_choices(5, 3)
    order, price = np.arange(5, dtype=np.int32), np.zeros((4, 5))
    chosen, cost = np.zeros(5, np.int32), np.zeros(5)

    def run(first: int = 0, last: int = 5, **changed: object) -> tuple[int, int]:
        task = canvas._task(choices)
        task.price, task.order, task.chosen, task.cost = (each.ctypes.data for each in (price, order, chosen, cost))
        for name, value in changed.items():
            setattr(task, name, value)
        if load().core_rdo_error(task) < 0.0:
            assert load().core_rdo_draw(task, first, last) == INVALID
        return load().core_rdo_draw(task, first, last), load().core_rdo_choose(task, first, last)

    canvas.draw(choices)
    assert run() == (OK, OK)
    assert run(5, 5) == (OK, OK)
    wrong: list[dict[str, object]] = [
        {"first": -1}, {"last": 6}, {"first": 3, "last": 2}, {"choices": 1}, {"count": -1}, {"channels": 0}, {"channels": 5},
        {"width": 0}, {"height": 0}, {"stride": WIDTH + 15}, {"width": 1 << 21}, {"choice": None}, {"sums": None}, {"target": None},
    ]  # fmt: skip
    for each in wrong:
        assert run(**each) == (INVALID, INVALID), each  # type: ignore[arg-type]
    for name in ("price", "order", "chosen", "cost"):
        assert run(**{name: None}) == (OK, INVALID)  # type: ignore[arg-type]
    task, latest, wave = canvas._task(choices), np.zeros(12, np.int32), np.zeros(5, np.int32)
    task.price, task.order = address(price), address(order)
    arrange, places = load().core_rdo_arrange, (address(latest), address(wave))
    assert arrange(task, *places) == OK
    assert [arrange(None, *places), arrange(task, None, places[1]), arrange(task, places[0], None)] == [INVALID] * 3
    for index in (5, -1):
        order[2] = index
        assert (run()[1], arrange(task, *places)) == (INVALID, INVALID)


class Fitted:
    """Random Gaussians, rounded, whose own picture with noise is to be shown."""

    def __init__(self, count: int, channels: int = 3, excess: float = 1.02) -> None:
        rng = np.random.default_rng(2)
        self.header = Header(WIDTH, HEIGHT, channels=channels, background=(90,) * channels)
        gaussians = random_gaussians(rng, count, WIDTH, HEIGHT, channels=channels, scales=(0.8, 9.0), thinnest=8.0)
        self.gaussians = quantize_for(self.header, gaussians)
        g = dequantize(self.header.quantizer, self.gaussians)
        rows = floats(np.concatenate([g.mean, g.scale, g.angle[:, None], g.colour], axis=1))
        shown = drawn(rows, floats([90 / 255] * channels)) * 255.0 + rng.normal(0, 6, (HEIGHT, WIDTH, channels))
        self.pixels = np.clip(np.rint(shown), 0, 255).astype(np.uint8)
        whole = RateControl(self.header, Target("bytes", 1 << 20), Metadata())
        self.rate = RateControl(self.header, Target("bytes", int(whole.measure(self.gaussians) / excess)), Metadata())

    def optimized(self, until: float | None = None) -> tuple[QuantizedGaussians, FloatArray]:
        return optimized(
            self.header, self.pixels, self.gaussians, self.rate.target.value, self.rate.measure, 0, until
        )  # fmt: skip

    def error(self, gaussians: QuantizedGaussians) -> float:
        """In the float64 of this module."""
        g = dequantize(self.header.quantizer, gaussians)
        rows = floats(np.concatenate([g.mean, g.scale, g.angle[:, None], g.colour], axis=1))
        return error_of(rows, floats([90 / 255] * self.header.channels), self.pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("excess", [0.8, 1.02, 1.3])
def test_less_error_for_the_bytes(channels: int, excess: float) -> None:
    """And each Gaussian's cost is that of the Gaussians as they are then."""
    fitted = Fitted(60, channels, excess)
    gaussians, cost = fitted.optimized()
    target, overhead = fitted.rate.target.value, fitted.rate.overhead

    def value(g: QuantizedGaussians) -> float:
        used = (fitted.rate.measure(g) - overhead) / (target - overhead)
        return float(fitted.error(g) * max(used, 1.0) ** 0.7)

    assert value(gaussians) < 0.97 * value(fitted.gaussians)
    assert 0 < len(gaussians) <= 60 and (excess > 1.0 or len(gaussians) == 60)
    assert len(cost) == len(gaussians)
    before, i = fitted.error(gaussians), int(cost.argmax())
    rest = gaussians.take(np.delete(np.arange(len(gaussians)), i))
    assert cost[i] == pytest.approx(fitted.error(rest) - before, rel=0.02)


def test_of_no_time_nothing_is_changed() -> None:
    fitted = Fitted(20)
    gaussians, _ = fitted.optimized(until=time.monotonic() - 1.0)
    assert all((array == getattr(fitted.gaussians, name)).all() for name, array in vars(gaussians).items())


def test_bits_are_estimated_about_as_a_file_has_them() -> None:
    """Of the attributes: positions take about log2 of the cells for each Gaussian."""
    fitted = Fitted(400)
    choices = Choices(fitted.header, fitted.gaussians)
    real = 8 * (fitted.rate.measure(fitted.gaussians) - fitted.rate.overhead) / 400
    assert 3.0 < real - choices.bits.mean() < 14.0
    prices = Prices(fitted.header, fitted.gaussians)
    near = np.zeros(400, np.int32)
    assert (prices.angle(near, np.full(400, 16)) <= prices.angle(near + 8, np.full(400, 16))).all()


def test_choices_are_what_a_file_can_hold() -> None:
    fitted = Fitted(80)
    fitted.gaussians.colour[:3] = LARGEST_COLOUR
    choices = Choices(fitted.header, fitted.gaussians)
    for k in range(len(choices.valid) - 1):
        chosen = np.where(choices.valid[k], k, 0).astype(np.int32)
        taken = choices.taken(chosen)
        again = quantize_for(fitted.header, dequantize(fitted.header.quantizer, taken))
        for name, array in vars(taken).items():
            if name != "colour":
                assert (array == getattr(again, name)).all(), (k, name)
        assert np.abs(taken.colour).max() <= LARGEST_COLOUR


def test_a_file_is_better_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """And keeps its target; a task that is not for squared error is left alone."""
    pixels = picture(4, width=96, height=64)
    data = splatc.encode(pixels, size=600, effort=3)
    called: list[int] = []
    monkeypatch.setattr(pipeline, "optimized", lambda *_: called.append(1))
    for options in ({"tune": "ssim"}, {"blend": "sum"}, {"effort": 1}):
        splatc.encode(pixels, size=600, **{"effort": 1, **options})  # type: ignore[arg-type]
    splatc.encode(pixels, count=20, effort=3)
    monkeypatch.setattr(pipeline, "MOST_PIXELS", 0)
    plain = splatc.encode(pixels, size=600, effort=3)
    assert not called and 590 < len(data) <= 600
    assert metrics.psnr(pixels, splatc.decode(data)) > metrics.psnr(pixels, splatc.decode(plain)) + 0.02
