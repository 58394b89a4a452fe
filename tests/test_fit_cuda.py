"""The fit's CUDA kernels, run on the host (cuda_host/): against autograd, which test_gradients.py holds to float64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from splatc.blend import Blend
from splatc.cuda.device import Device
from splatc.fit.cuda import drawing
from splatc.fit.cuda.engine import CudaEngine, step_table
from splatc.fit.engine import Step
from splatc.fit.engines.autograd import TorchEngine
from splatc.fit.rounding import in_offsets, step_rows
from splatc.fit.table import ANGLE, COLOUR, FROZEN, LOG_ASPECT, LOG_SCALE, MEAN, ROWS, Table
from splatc.fit.task import Task
from splatc.gaussians import FloatArray, Gaussians
from splatc.steps import Quantizer
from tests.cuda_host.emulator import HostDevice, needs_compiler
from tests.engines import gradient, table_of
from tests.scenes import floats, random_gaussians
from tests.test_gradients import BACKGROUND, setting, slopes

pytestmark = needs_compiler

WIDTH, HEIGHT = 75, 71
PLAIN = Step(0, 1, None, 0, {}, 1, (0.8, 0.98))
"""Looks at all pixels, without noise."""


def scene(
    channels: int, dtype: type[np.uint8 | np.uint16] = np.uint8
) -> tuple[Table, NDArray[np.uint8 | np.uint16], FloatArray]:
    """Gaussians of all shapes that cover a picture, its pixels and background."""
    rng = np.random.default_rng(channels)
    some = random_gaussians(rng, 60, WIDTH, HEIGHT, channels=channels, scales=(0.5, 25.0), thinnest=15.0)
    base = random_gaussians(rng, 1, WIDTH, HEIGHT, channels=channels, scales=(90.0, 90.1))
    joined = Gaussians(*(np.concatenate(pair) for pair in zip(vars(some).values(), vars(base).values(), strict=True)))
    pixels = rng.integers(0, np.iinfo(dtype).max, (HEIGHT, WIDTH, channels), dtype, endpoint=True)
    return table_of(joined), pixels, floats(rng.uniform(0, 1, channels))


def engine_of(
    device: Device, pixels: NDArray[np.uint8 | np.uint16], blend: Blend, background: FloatArray, table: Table
) -> CudaEngine:
    """The engine, with Gaussians sent to it."""
    engine = CudaEngine(device, Task(pixels, blend, background, Quantizer()))
    engine.send(table)
    return engine


def blank(device: Device, table: Table, height: int = HEIGHT, width: int = WIDTH) -> CudaEngine:
    """The same, of a black picture."""
    return engine_of(device, np.zeros((height, width, 3), np.uint8), Blend.NORMALIZED, floats([0, 0, 0]), table)


def assert_agrees(
    device: Device,
    channels: int,
    dtype: type[np.uint8 | np.uint16],
    blend: Blend,
    reduction: int,
    step: int,
    *,
    relative: float,
    share: float,
) -> None:
    """A device finds the errors, gradients and costs of autograd: the error to ``relative``, the others to a ``share`` of the largest."""
    table, pixels, background = scene(channels, dtype)
    task = Task(pixels, blend, background, Quantizer())
    engine, oracle = CudaEngine(device, task), TorchEngine(task)
    engine.send(table.copy())
    engine.differentiate(replace(PLAIN, index=step, reduction=reduction))
    expected, found = gradient(oracle, table, reduction, step), engine.gradients(reduction)
    assert engine.measured() == pytest.approx(oracle.measured(), rel=relative)
    for name, row in ROWS.items():
        assert np.allclose(found[row], expected[row], rtol=2e-3, atol=share * np.abs(expected[row]).max()), name
    oracle.send(table.copy())  # a step has moved the means into the picture
    costs = oracle.pruning_costs(reduction)
    assert np.allclose(engine.pruning_costs(reduction), costs, rtol=2e-3, atol=share * np.abs(costs).max())


VARIANTS = [
    (3, np.uint8, Blend.NORMALIZED, 1, 0),
    (3, np.uint8, Blend.NORMALIZED, 4, 7),
    (3, np.uint8, Blend.SUM, 2, 1),
    (1, np.uint16, Blend.NORMALIZED, 2, 3),
    (4, np.uint8, Blend.NORMALIZED, 1, 0),
]


@pytest.mark.parametrize(("channels", "dtype", "blend", "reduction", "step"), VARIANTS)
def test_errors_gradients_and_costs_are_autograds(
    channels: int, dtype: type[np.uint8 | np.uint16], blend: Blend, reduction: int, step: int
) -> None:
    assert_agrees(HostDevice(), channels, dtype, blend, reduction, step, relative=1e-5, share=1e-4)


@pytest.mark.parametrize("blend", Blend)
def test_gradients_match_finite_differences_in_float64(blend: Blend) -> None:
    gaussians, target = setting(blend)
    task = Task(target, blend, BACKGROUND, Quantizer())
    engine = engine_of(HostDevice(), target, blend, BACKGROUND, table_of(gaussians))
    engine.differentiate(PLAIN)
    found = engine.gradients(1)
    for i in range(0, len(gaussians), 13):
        expected = slopes(blend, target, task.subset(1), gaussians, i)
        assert found[:6, i] == pytest.approx(expected, rel=1e-3, abs=1e-3)


def found_by(device: Device) -> tuple[list[bytes], FloatArray]:
    """All that comes out of a step with noise and of pruning costs, as bytes; and the gradients."""
    table, pixels, background = scene(3)
    engine = engine_of(device, pixels, Blend.NORMALIZED, background, table)
    engine.differentiate(Step(5, 1, Quantizer(), 9, {}, 1, (0.8, 0.98)))
    gradients = engine.gradients(1)
    results = [gradients, engine.pruning_costs(2), np.array(engine.measured())]
    return [each.tobytes() for each in results], gradients


def test_the_order_in_which_threads_run_changes_no_bit() -> None:
    assert found_by(HostDevice())[0] == found_by(HostDevice(backwards=True))[0]


def test_nor_does_how_much_memory_the_lists_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    before = found_by(HostDevice())[0]
    monkeypatch.setattr(drawing, "SURE_MEMBERS", 0)
    monkeypatch.setattr(drawing, "SURE_PARTS", 0)
    assert found_by(HostDevice())[0] == before


@pytest.mark.parametrize(("name", "value"), [("BAND_BYTES", 1), ("PART", 16), ("MOST_PARTS", 1), ("BLOCKS", 3)])
def test_bands_and_parts_add_up(name: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _, whole = found_by(HostDevice())
    monkeypatch.setattr(drawing, name, value)
    _, divided = found_by(HostDevice())
    for each, row in ROWS.items():
        assert np.allclose(divided[row], whole[row], rtol=1e-3, atol=1e-4 * np.abs(whole[row]).max()), each


def test_lists_of_all_lengths_are_sorted() -> None:
    device = HostDevice()
    engine = blank(device, scene(3)[0], 4, 4)
    rng = np.random.default_rng(0)
    lists = [rng.permutation(length).astype(np.int32) for length in (0, 1, 2, 3, 31, 256, 777, 4096, 4097, 5000, 0, 1)]
    ends = np.cumsum([0] + [len(each) for each in lists]).astype(np.int32)
    members = device.upload(np.concatenate(lists))
    engine._drawing.launch("sort", len(lists), 256, device.upload(ends), members, int(ends[-1]))
    found = np.split(device.download(members, np.int32, (int(ends[-1]),)), ends[1:-1])
    assert all(np.array_equal(a, np.sort(b)) for a, b in zip(found, lists, strict=True))


def test_lists_of_many_bins_hold_whom_they_should() -> None:
    rng = np.random.default_rng(1)
    gaussians = random_gaussians(rng, 300, 700, 400, scales=(1.0, 150.0))
    device = HostDevice()
    engine = blank(device, table_of(gaussians), 400, 700)
    engine.differentiate(replace(PLAIN, reduction=2))
    drawn, where = engine._drawing, engine._drawing.grid(2, 0)
    starts = device.download(drawn.room("starts", 0), np.int32, (where.bins + 1,))
    members = device.download(drawn.room("members", 0), np.int32, (int(starts[-1]),))
    record = device.download(drawn.room("records", 0), np.float32, (300, 16))
    x, y, extent_x, extent_y = record[:, [0, 1, 6, 7]].T
    for k in range(where.bins):
        left, top = k % where.bins_x * drawing.BIN, k // where.bins_x * drawing.BIN
        right, bottom = min(left + drawing.BIN, where.width), min(top + drawing.BIN, where.height)
        wanted = (x + extent_x >= left + 0.5) & (x - extent_x <= right - 0.5)
        wanted &= (y + extent_y >= top + 0.5) & (y - extent_y <= bottom - 0.5)
        assert np.array_equal(members[starts[k] : starts[k + 1]], np.flatnonzero(wanted))
    parts = np.diff(device.download(drawn.room("offsets", 0), np.int32, (301,)))
    assert parts.max() > 1
    assert parts.min() == 0  # some lie outside


def in_cells(values: FloatArray, noise: FloatArray) -> FloatArray:
    """Noise of the means (2, N), in what it is uniform in: along and across each Gaussian, [-1/2, 1/2)^2."""
    angle, tall = values[ANGLE], values[LOG_ASPECT] < 0
    cos, sin = np.cos(angle), np.sin(angle)
    index = np.clip(np.rint(np.abs(values[LOG_ASPECT]) / step_table(Quantizer(), 3)[2]), 0, 63).astype(int)
    extent, offsets = np.abs(cos) + np.abs(sin), step_table(Quantizer(), 3)[83 + 16 * 64 :][index]
    sides = floats(np.stack([np.where(offsets == 1, 1, 1 / extent), np.where(offsets == 1, 1, extent / offsets)]))
    sides[:, tall] = sides[::-1, tall]
    sides *= step_rows(values, Quantizer())[MEAN]
    first, second = noise[0] * cos + noise[1] * sin, noise[1] * cos - noise[0] * sin
    return floats(np.stack([first, second]) / sides)


def many(count: int) -> Table:
    """Gaussians of which every second has changed its axes."""
    table = table_of(random_gaussians(np.random.default_rng(6), count, WIDTH, HEIGHT, scales=(0.5, 20.0)))
    table.values[LOG_ASPECT, 1::2] *= -1.0
    return table


def test_cells_are_those_of_the_cpu_s_noise() -> None:
    values, rng = many(3000).values, np.random.default_rng(0)
    unit = floats(rng.uniform(-0.5, 0.5, (2, 3000)))
    noise = in_offsets(unit * step_rows(values, Quantizer())[MEAN], values, Quantizer())
    assert np.allclose(in_cells(values, noise), unit, atol=1e-4)


def test_noise_is_uniform_and_spares_what_is_frozen() -> None:
    device, table = HostDevice(), many(2000)
    table.frozen[:1000] = FROZEN["colour"]
    engine = blank(device, table)

    def records(step: Step) -> FloatArray:
        engine.differentiate(step)
        found: FloatArray = device.download(engine._drawing.room("records", 0), np.float32, (2000, 16))
        return found

    plain, noisy = records(PLAIN), records(replace(PLAIN, noise=Quantizer()))
    assert np.array_equal(plain[:1000, 12:15], noisy[:1000, 12:15])
    assert (plain[1000:, 12:15] != noisy[1000:, 12:15]).any(axis=1).all()
    shares = in_cells(table.values, (noisy[:, :2] - plain[:, :2]).T)
    for share in shares:
        assert -0.501 < share.min() < -0.48
        assert 0.48 < share.max() < 0.501
        assert abs(share.mean()) < 0.02
        assert share.std() == pytest.approx(12**-0.5, rel=0.03)
    assert abs(shares.prod(axis=0).mean()) < 0.07 / 12  # of a variance
    assert np.array_equal(noisy, records(replace(PLAIN, noise=Quantizer())))
    for other in (replace(PLAIN, noise=Quantizer(), index=1), replace(PLAIN, noise=Quantizer(), seed=1)):
        assert (records(other)[:, 0] != noisy[:, 0]).all()
    table.frozen[:] = sum(FROZEN.values())
    engine.send(table)
    assert np.array_equal(plain, records(replace(PLAIN, noise=Quantizer())))


def test_philox_gives_the_words_of_its_authors() -> None:
    device = HostDevice()
    engine = blank(device, scene(3)[0], 1, 1)
    text = engine._drawing._source + (
        'extern "C" __global__ void words(unsigned* to) {\n'
        "    Words zero = philox(0, 0, 0, 0, 0, 0), ones = philox(~0u, ~0u, ~0u, ~0u, ~0u, ~0u);\n"
        "    for (int k = 0; k < 4; k++) to[k] = zero.word[k], to[4 + k] = ones.word[k];\n"
        "}\n"
    )
    found = device.allocate(32)
    device.launch(device.kernel(text, "words"), 1, 1, found.pointer)
    words = device.download(found, np.uint32, (8,)).tolist()
    assert words[:4] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]  # kat_vectors of Random123
    assert words[4:] == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_table_of_steps_is_that_of_the_quantizer(channels: int) -> None:
    rng = np.random.default_rng(channels)
    values = table_of(random_gaussians(rng, 500, 9, 9, channels=channels, scales=(0.5, 900.0))).values
    quantizer = Quantizer().finer(-2)
    table, expected = step_table(quantizer, channels), step_rows(values, quantizer)
    level = np.clip(np.floor(values[LOG_SCALE] / np.log(2) + 1), 0, 15).astype(int)
    index = np.clip(np.rint(np.abs(values[LOG_ASPECT]) / table[2]), 0, 63).astype(int)
    assert np.allclose(table[0], expected[LOG_SCALE])
    assert np.allclose(table[1], expected[LOG_ASPECT])
    assert np.allclose(table[3:19][level], expected[0])
    assert np.allclose(table[19:83].reshape(16, 4)[level, :channels].T, expected[COLOUR])
    assert np.allclose(table[83 : 83 + 16 * 64].reshape(16, 64)[level, index], expected[ANGLE])
