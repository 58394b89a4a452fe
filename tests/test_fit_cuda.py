"""The fit's CUDA kernels, run on the host (cuda_host/): against the CPU's gradients and costs, which test_gradients.py holds to float64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from splatc.blend import Blend
from splatc.cuda.device import Device
from splatc.fit.cuda import drawing
from splatc.fit.cuda.engine import CudaEngine, step_table
from splatc.fit.engine import Step
from splatc.fit.lattice import Picture
from splatc.fit.parameters import NAMES, Adam, Parameters, from_gaussians
from splatc.fit.removal import removal_costs
from splatc.fit.rounding import noise_for, steps
from splatc.fit.squared import squared_error
from splatc.fit.view import View
from splatc.gaussians import FloatArray, Gaussians
from splatc.steps import Quantizer
from tests.cuda_host.emulator import HostDevice, needs_compiler
from tests.scenes import floats, random_gaussians
from tests.test_gradients import arrays_of, error, setting

pytestmark = needs_compiler

WIDTH, HEIGHT = 75, 71
PLAIN = Step(0, 1, None, 0, {}, 1)
"""Looks at all pixels, without noise."""


def scene(
    channels: int, dtype: type[np.uint8 | np.uint16] = np.uint8
) -> tuple[Parameters, NDArray[np.uint8 | np.uint16], FloatArray]:
    """Gaussians of all shapes that cover a picture, its pixels and background."""
    rng = np.random.default_rng(channels)
    some = random_gaussians(rng, 60, WIDTH, HEIGHT, channels=channels, scales=(0.5, 25.0), thinnest=15.0)
    base = random_gaussians(rng, 1, WIDTH, HEIGHT, channels=channels, scales=(90.0, 90.1))
    joined = Gaussians(*(np.concatenate(pair) for pair in zip(vars(some).values(), vars(base).values(), strict=True)))
    pixels = rng.integers(0, np.iinfo(dtype).max, (HEIGHT, WIDTH, channels), dtype, endpoint=True)
    return from_gaussians(joined), pixels, floats(rng.uniform(0, 1, channels))


def loaded(
    engine: CudaEngine, parameters: Parameters, held: dict[str, torch.Tensor] | None = None, adam: Adam | None = None
) -> CudaEngine:
    """The engine, with Gaussians sent to it."""
    nothing = {name: torch.zeros(len(parameters), dtype=torch.bool) for name in NAMES}
    engine.send(parameters, adam or Adam(parameters), held or nothing)
    return engine


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
    """A device finds the errors, gradients and costs of the CPU: the error to ``relative``, the others to a ``share`` of the largest."""
    parameters, pixels, background = scene(channels, dtype)
    picture = Picture(pixels)
    engine = loaded(CudaEngine(device, picture, blend, background), parameters)
    engine.differentiate(replace(PLAIN, index=step, reduction=reduction))
    lattice = picture.lattice(reduction, step)
    view = View(parameters, lattice, blend)
    total, moments = squared_error(lattice, view.footprint, view.feature, background)
    assert engine.error() == pytest.approx(total / (lattice.width * lattice.height * channels), rel=relative)
    expected, found = view.gradients(moments), engine.gradients(reduction)
    for name in NAMES:
        scale = np.abs(expected[name].numpy()).max()
        assert np.allclose(found[name], expected[name].numpy(), rtol=2e-3, atol=share * scale), name
    costs = removal_costs(lattice, view, background)
    measured = engine.removal_costs(parameters, reduction, [step])
    assert np.allclose(measured, costs, rtol=2e-3, atol=share * np.abs(costs).max())


VARIANTS = [
    (3, np.uint8, Blend.NORMALIZED, 1, 0),
    (3, np.uint8, Blend.NORMALIZED, 4, 7),
    (3, np.uint8, Blend.SUM, 2, 1),
    (1, np.uint16, Blend.NORMALIZED, 2, 3),
    (4, np.uint8, Blend.NORMALIZED, 1, 0),
]


@pytest.mark.parametrize(("channels", "dtype", "blend", "reduction", "step"), VARIANTS)
def test_errors_gradients_and_costs_are_the_cpus(
    channels: int, dtype: type[np.uint8 | np.uint16], blend: Blend, reduction: int, step: int
) -> None:
    assert_agrees(HostDevice(), channels, dtype, blend, reduction, step, relative=1e-5, share=1e-4)


@pytest.mark.parametrize("blend", Blend)
def test_gradients_match_finite_differences_in_float64(blend: Blend) -> None:
    gaussians, target = setting(blend)
    background = floats([0.5, 0.4, 0.3])  # of test_gradients.py
    lattice = Picture(target).lattice(1)
    engine = loaded(CudaEngine(HostDevice(), Picture(target), blend, background), from_gaussians(gaussians))
    engine.differentiate(PLAIN)
    found, arrays = engine.gradients(1), arrays_of(gaussians)

    def slope(array: int, change: NDArray[np.float64]) -> float:
        ends = []
        for sign in (1e-4, -1e-4):
            moved = [a.copy() for a in arrays]
            moved[array] += sign * change
            ends.append(error(blend, target, lattice, *moved))
        return (ends[0] - ends[1]) / 2e-4

    for i in range(0, len(gaussians), 13):
        unit = np.zeros((len(gaussians), 1))
        unit[i] = 1.0
        assert found["mean"][i] == pytest.approx([slope(0, unit * [1, 0]), slope(0, unit * [0, 1])], rel=1e-3, abs=1e-3)
        assert found["size"][i] == pytest.approx(slope(1, unit * [1, 1]), rel=1e-3, abs=1e-3)
        assert found["ratio"][i] == pytest.approx(slope(1, unit * [0.5, -0.5]), rel=1e-3, abs=1e-3)
        assert found["angle"][i] == pytest.approx(slope(2, unit[:, 0]), rel=1e-3, abs=1e-3)
        assert found["colour"][i, 0] == pytest.approx(slope(3, unit * [1, 1, 1]), rel=1e-3, abs=1e-3)


def found_by(device: Device) -> tuple[list[bytes], dict[str, FloatArray]]:
    """All that comes out of a step with noise and a removal, as bytes; and the gradients."""
    parameters, pixels, background = scene(3)
    engine = loaded(CudaEngine(device, Picture(pixels), Blend.NORMALIZED, background), parameters)
    engine.differentiate(Step(5, 1, Quantizer(), 9, {}, 1))
    gradients = engine.gradients(1)
    results = [*gradients.values(), engine.removal_costs(parameters, 2, range(4))]
    return [each.tobytes() for each in results] + [np.float64(engine.error()).tobytes()], gradients


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
    for each in NAMES:
        assert np.allclose(divided[each], whole[each], rtol=1e-3, atol=1e-4 * np.abs(whole[each]).max()), each


def test_lists_of_all_lengths_are_sorted() -> None:
    device = HostDevice()
    engine = CudaEngine(device, Picture(np.zeros((4, 4, 3), np.uint8)), Blend.NORMALIZED, floats([0, 0, 0]))
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
    engine = CudaEngine(device, Picture(np.zeros((400, 700, 3), np.uint8)), Blend.NORMALIZED, floats([0, 0, 0]))
    loaded(engine, from_gaussians(gaussians))
    engine.differentiate(replace(PLAIN, reduction=2))
    drawn, where = engine._drawing, engine._drawing.grid(2, 0)
    starts = device.download(drawn.room("starts", 0), np.int32, (where.bins + 1,))
    members = device.download(drawn.room("members", 0), np.int32, (int(starts[-1]),))
    record = device.download(drawn.room("records", 0), np.float32, (300, 16))
    x, y, reach_x, reach_y = record[:, [0, 1, 6, 7]].T
    for k in range(where.bins):
        left, top = k % where.bins_x * drawing.BIN, k // where.bins_x * drawing.BIN
        right, bottom = min(left + drawing.BIN, where.width), min(top + drawing.BIN, where.height)
        wanted = (x + reach_x >= left + 0.5) & (x - reach_x <= right - 0.5)
        wanted &= (y + reach_y >= top + 0.5) & (y - reach_y <= bottom - 0.5)
        assert np.array_equal(members[starts[k] : starts[k + 1]], np.flatnonzero(wanted))
    parts = np.diff(device.download(drawn.room("offsets", 0), np.int32, (301,)))
    assert parts.max() > 1
    assert parts.min() == 0  # some lie outside


def in_cells(parameters: Parameters, noise: FloatArray) -> FloatArray:
    """Noise of the means (N, 2), in what it is uniform in: along and across each Gaussian, [-1/2, 1/2)^2."""
    table, angle = step_table(Quantizer(), 3), parameters.angle.numpy()
    index = np.clip(np.rint(np.abs(parameters.ratio.numpy()) / table[2]), 0, 63).astype(int)
    cos, sin, strips = np.cos(angle), np.sin(angle), table[83 + 16 * 64 :][index]
    extent = np.abs(cos) + np.abs(sin)
    sides = floats(np.stack([np.where(strips == 1, 1, 1 / extent), np.where(strips == 1, 1, extent / strips)], axis=1))
    tall = parameters.ratio.numpy() < 0
    sides[tall] = sides[tall, ::-1]
    sides *= steps(parameters, Quantizer())["mean"].numpy()
    first, second = noise[:, 0] * cos + noise[:, 1] * sin, noise[:, 1] * cos - noise[:, 0] * sin
    return floats(np.stack([first, second], axis=1) / sides)


def test_cells_are_those_of_the_cpu_s_noise() -> None:
    rng = np.random.default_rng(6)
    parameters = from_gaussians(random_gaussians(rng, 3000, WIDTH, HEIGHT, scales=(0.5, 20.0)))
    parameters = replace(parameters, ratio=parameters.ratio * torch.tensor([1.0, -1.0]).repeat(1500))
    noise = noise_for(parameters, Quantizer(), ("mean",), torch.Generator().manual_seed(0))["mean"]
    shares = in_cells(parameters, noise.numpy())
    assert np.abs(shares).max() < 0.5001
    assert shares.std(axis=0) == pytest.approx(12**-0.5, rel=0.03)


def test_noise_is_uniform_and_spares_what_is_held() -> None:
    rng = np.random.default_rng(2)
    parameters = from_gaussians(random_gaussians(rng, 2000, WIDTH, HEIGHT, scales=(2.0, 20.0)))
    parameters = replace(parameters, ratio=parameters.ratio * torch.tensor([1.0, -1.0]).repeat(1000))
    device = HostDevice()
    engine = CudaEngine(device, Picture(np.zeros((HEIGHT, WIDTH, 3), np.uint8)), Blend.NORMALIZED, floats([0, 0, 0]))

    def records(step: Step) -> FloatArray:
        engine.differentiate(step)
        found: FloatArray = device.download(engine._drawing.room("records", 0), np.float32, (2000, 16))
        return found

    held = {name: torch.zeros(2000, dtype=torch.bool) for name in NAMES}
    held["colour"][:1000] = True
    loaded(engine, parameters, held)
    plain, noisy = records(PLAIN), records(replace(PLAIN, noise=Quantizer()))
    assert np.array_equal(plain[:1000, 12:15], noisy[:1000, 12:15])
    assert (plain[1000:, 12:15] != noisy[1000:, 12:15]).any(axis=1).all()
    shares = in_cells(parameters, noisy[:, :2] - plain[:, :2])
    for share in shares.T:
        assert -0.501 < share.min() < -0.48
        assert 0.48 < share.max() < 0.501
        assert abs(share.mean()) < 0.02
        assert share.std() == pytest.approx(12**-0.5, rel=0.03)
    assert abs(shares.prod(axis=1).mean()) < 0.07 / 12  # of a variance
    assert np.array_equal(noisy, records(replace(PLAIN, noise=Quantizer())))
    for other in (replace(PLAIN, noise=Quantizer(), index=1), replace(PLAIN, noise=Quantizer(), seed=1)):
        assert (records(other)[:, 0] != noisy[:, 0]).all()
    everything = {name: torch.ones(2000, dtype=torch.bool) for name in NAMES}
    loaded(engine, parameters, everything)
    assert np.array_equal(plain, records(replace(PLAIN, noise=Quantizer())))


def test_philox_gives_the_words_of_its_authors() -> None:
    device = HostDevice()
    engine = CudaEngine(device, Picture(np.zeros((1, 1, 3), np.uint8)), Blend.NORMALIZED, floats([0, 0, 0]))
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
    parameters = from_gaussians(random_gaussians(rng, 500, 9, 9, channels=channels, scales=(0.5, 900.0)))
    quantizer = Quantizer().finer(-2)
    table, expected = step_table(quantizer, channels), steps(parameters, quantizer)
    level = np.clip(np.floor(parameters.size.numpy() / np.log(2) + 1), 0, 15).astype(int)
    index = np.clip(np.rint(np.abs(parameters.ratio.numpy()) / table[2]), 0, 63).astype(int)
    assert np.allclose(table[0], expected["size"])
    assert np.allclose(table[1], expected["ratio"])
    assert np.allclose(table[3:19][level], expected["mean"][:, 0])
    assert np.allclose(table[19:83].reshape(16, 4)[level, :channels], expected["colour"])
    assert np.allclose(table[83 : 83 + 16 * 64].reshape(16, 64)[level, index], expected["angle"])
