"""Whole fits whose steps an engine makes: on the host, by the kernels of the GPU (cuda_host/)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import splatc
from splatc.bitstream import Header, Metadata
from splatc.blend import Blend
from splatc.cli import main
from splatc.cuda.missing import Broken, Missing
from splatc.encoder.pipeline import EncodeOptions, encode_with
from splatc.encoder.rate_control import RateControl, Target
from splatc.errors import DeviceError, UsageError
from splatc.fit.cuda.engine import CudaEngine
from splatc.fit.engine import Engine, Step
from splatc.fit.engines.autograd import TorchEngine
from splatc.fit.engines.choice import Wanted, on_cpu, on_gpu
from splatc.fit.engines.core import CoreEngine
from splatc.fit.pruning import SUBSETS
from splatc.fit.rate import RateGradient
from splatc.fit.schedule import Schedule
from splatc.fit.seeding import seed
from splatc.fit.table import FROZEN, NAMES, ROWS
from splatc.fit.task import Task
from splatc.fit.trainer import Moment, fit
from splatc.gaussians import Gaussians
from splatc.image.image import Image
from splatc.image.readers import load
from splatc.quantize import dequantize, quantize
from splatc.steps import Quantizer
from tests.cuda_host.emulator import HostDevice, needs_compiler
from tests.engines import table_of
from tests.packings import counting
from tests.scenes import floats, random_gaussians
from tests.test_fit import BACKGROUND, HEIGHT, WIDTH, error, picture

COUNT = 30
PLAN = Schedule(40, adapt=0.0)


def task() -> Task:
    pixels = np.rint(picture() * 255).astype(np.uint8)
    return Task(pixels, Blend.NORMALIZED, BACKGROUND, Quantizer())


def fitted(engine: Engine, plan: Schedule, seeds: int = 2 * COUNT) -> Gaussians:
    begin = seed(picture(), seeds, np.random.default_rng(0))
    return fit(engine, task(), begin, lambda *_: COUNT, plan, seed=3)[0]


@needs_compiler
def test_a_fit_on_the_kernels_is_as_good_as_the_cpus_and_lies_on_the_grid() -> None:
    device = HostDevice()
    result, other = fitted(CudaEngine(device, task()), PLAN), fitted(CoreEngine(task()), PLAN)
    assert len(result) == COUNT
    assert error(result, Blend.NORMALIZED) == pytest.approx(error(other, Blend.NORMALIZED), rel=0.3)
    back = dequantize(Quantizer(), quantize(Quantizer(), result, WIDTH, HEIGHT))
    assert np.allclose(back.mean, result.mean, atol=1e-3)
    assert np.allclose(np.log(back.scale), np.log(result.scale), atol=1e-3)
    assert np.allclose(back.colour, result.colour, atol=1e-3)
    assert device.launched.count("update") == PLAN.steps
    assert 0 < device.launched.count("pruning_costs") <= SUBSETS * (PLAN.prunings + 1)


@needs_compiler
def test_without_noise_a_few_steps_are_those_of_the_cpu() -> None:
    plan = Schedule(6, prune_from=1.0, prune_until=1.0, prunings=1, quantized=False)
    engines = (CoreEngine(task()), CudaEngine(HostDevice(), task()))
    here, there = (fitted(engine, plan, COUNT) for engine in engines)
    for name, tolerance in (("mean", 0.02), ("scale", 0.02), ("colour", 0.003)):
        assert np.allclose(getattr(here, name), getattr(there, name), atol=tolerance), name


@needs_compiler
def test_what_is_frozen_stays_and_bounds_hold() -> None:
    engine = CudaEngine(HostDevice(), task())
    table = table_of(seed(picture(), COUNT, np.random.default_rng(0)))
    for k, bit in enumerate(FROZEN.values()):
        table.frozen[:: k + 2] |= bit
    engine.send(table.copy())
    engine.step(Step(0, 1, None, 0, {"mean": 1e4, "log_scale": 1e3, "log_aspect": 1e3, "colour": 1.0}, 1, (0.8, 0.98)))
    moved = engine.fetch()
    for name, row in ROWS.items():
        same = (moved.values[row] == table.values[row]).reshape(-1, COUNT).all(axis=0)
        assert same[(table.frozen & FROZEN[name]) != 0].all()
        assert same.all() == (name == "angle")  # it has no rate
    x, y, _, log_aspect = moved.values[:4]
    assert min(x.min(), y.min()) >= 0 and x.max() < WIDTH and y.max() < HEIGHT
    assert np.abs(log_aspect).max() <= 3.0
    assert (moved.first[:2] != 0).any()
    assert (moved.first[4] == 0).all()
    assert np.array_equal(moved.order, table.order) and np.array_equal(moved.frozen, table.frozen)


@needs_compiler
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("reduction", [1, 2])
def test_a_step_with_the_rate_term_is_autograds(channels: int, reduction: int) -> None:
    gaussians = random_gaussians(np.random.default_rng(3), 40, 50, 40, channels=channels, scales=(2.0, 9.0))
    table, rng = table_of(gaussians), np.random.default_rng(5)
    table.values[:2] = table.values[:2].clip(0, 39)
    pixels = rng.integers(0, 256, (40, 50, channels), np.uint8)
    what = Task(pixels, Blend.NORMALIZED, floats([0.5] * channels), Quantizer())
    predicted, widths = (floats(rng.uniform(low, 0.4, (channels, 40))) for low in (-0.4, 0.01))
    rate = RateGradient(predicted, widths, floats(np.linspace(1.0, 3.0, channels)), 0.3, 20.0)
    found = []
    for engine in (CudaEngine(HostDevice(), what), TorchEngine(what)):
        engine.send(table.copy())
        engine.step(Step(0, reduction, None, 0, dict.fromkeys(NAMES, 0.01), 1, (0.8, 0.98), rate))
        found.append(engine.fetch())
    here, there = found
    for moments in ("first", "second"):
        scale = np.abs(getattr(there, moments)).max(axis=1, keepdims=True)
        assert np.allclose(getattr(here, moments) / scale, getattr(there, moments) / scale, rtol=1e-3, atol=1e-4), (
            moments
        )
    assert np.allclose(here.values, there.values, atol=1e-3)


@needs_compiler
def test_two_encodings_give_the_same_bytes_in_whatever_order_threads_run() -> None:
    image = Image(np.rint(picture() * 255).astype(np.uint8))
    plan = Schedule(25)
    files = []
    for device in (HostDevice(), HostDevice(backwards=True)):
        options = EncodeOptions(Target("bytes", 250), seed=5, engine=on_gpu(device))
        files.append(encode_with(image, options, plan, Quantizer()))
    assert files[0] == files[1]
    other = EncodeOptions(Target("bytes", 250), seed=6, engine=on_gpu(HostDevice()))
    assert encode_with(image, other, plan, Quantizer()) != files[0]
    assert max(map(len, files)) <= 250


class Logged:
    """The sentences that are logged."""

    def __init__(self) -> None:
        self.sentences: list[tuple[str, bool]] = []

    def __call__(self, sentence: str, warning: bool) -> None:
        self.sentences.append((sentence, warning))


@needs_compiler
@pytest.mark.parametrize("wanted", ["auto", "cuda"])
def test_a_gpu_that_works_fits(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    device, logged = HostDevice(), Logged()
    monkeypatch.setattr("splatc.cuda.device.find_device", lambda: device)
    chosen = Wanted("auto", wanted).choose("psnr", logged)
    assert chosen.waits and isinstance(chosen.make(task()), CudaEngine)
    assert logged.sentences == [("fitted by the host", False)]


def test_asking_for_what_a_gpu_does_not_do_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splatc.cuda.device.find_device", HostDevice)
    for wanted, warning in (("auto", False), ("cuda", True)):
        logged = Logged()
        assert Wanted("auto", wanted).choose("ssim", logged) == on_cpu()
        assert logged.sentences == [("fitted by the CPU: a GPU does not fit with --tune ssim", warning)]


def test_without_a_gpu_the_cpu_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    for reason in (Missing("there is none"), Broken("it does not start")):
        monkeypatch.setattr("splatc.cuda.device.find_device", lambda reason=reason: reason)
        logged = Logged()
        assert Wanted("auto", "auto").choose("psnr", logged) == on_cpu()
        assert logged.sentences == [(f"fitted by the CPU: {reason}", reason.broken)]
        with pytest.raises(DeviceError, match=str(reason)):
            Wanted("auto", "cuda").choose("psnr", logged)
        with pytest.raises(DeviceError, match=str(reason)):
            Wanted("cuda", "auto").choose("psnr", logged)
    assert Wanted("auto", "cpu").choose("psnr", logged) == on_cpu()


def test_who_is_hurried_packs_less_often_while_there_are_far_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    header = Header(200, 100, channels=3, background=(0, 0, 0))
    packed = []
    for hurried in (False, True):
        rate = RateControl(header, Target("bytes", 1000), Metadata(), hurried=hurried)
        packs = counting(rate, monkeypatch)
        gaussians = random_gaussians(rng, 700, 200, 100)
        found = []
        for count in (700, 630, 560, 500, 300, 270, 240, 220, 210):
            gaussians = Gaussians(*(part[:count] for part in vars(gaussians).values()))
            found.append(rate.budget(Moment(0.5, gaussians, Quantizer(), math.nan)))
        packed.append((packs, found))
    (every, expected), (few, measured) = packed
    assert len(every) == 9
    assert len(few) < 7
    assert few[-2:] == [220, 210]  # near the end it is known exactly
    assert measured == pytest.approx(expected, rel=0.05)


def test_of_very_many_a_sample_gives_the_cost_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    gaussians = random_gaussians(np.random.default_rng(0), 4000, 800, 600, scales=(1.0, 8.0))
    header = Header(800, 600, channels=3, background=(0, 0, 0))
    packs: dict[bool, list[int]] = {}
    found = {}
    monkeypatch.setattr("splatc.encoder.rate_control.SAMPLED", 1500)
    for hurried in (False, True):
        rate = RateControl(header, Target("bytes", 9000), Metadata(), hurried=hurried)
        packs[hurried] = counting(rate, monkeypatch)
        found[hurried] = rate.budget(Moment(0.5, gaussians, Quantizer(), math.nan))
    assert packs[False] == [4000]
    assert 1000 < packs[True][0] < 3000
    assert found[True] == pytest.approx(found[False], rel=0.05)


class Burnt(HostDevice):
    """A GPU that fails at a kernel."""

    def launch(self, kernel: object, grid: object, block: object, *arguments: object, stream: int = 0) -> None:
        raise DeviceError("the GPU (the host) failed: it burns")


def encoded(picture: Path, *arguments: str) -> Result:
    output = picture.with_suffix(".splat2d")
    words = ["encode", str(picture), str(output), "-f", "-e", "1", "-n", "20", "--max-time", "3", *arguments]
    return CliRunner().invoke(main, words)


@needs_compiler
@pytest.mark.parametrize(
    ("wanted", "code", "sentence"), [("auto", 0, "splatc: note: fitted by the CPU: "), ("cuda", 1, "splatc: error: ")]
)
def test_a_gpu_that_fails_on_the_way_gets_one_line(
    wanted: str, code: int, sentence: str, tiny_picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splatc.cuda.device.find_device", Burnt)
    found = encoded(tiny_picture, "--device", wanted)
    assert (found.exit_code, found.stderr.splitlines()[0]) == (code, sentence + "the GPU (the host) failed: it burns")
    assert tiny_picture.with_suffix(".splat2d").exists() == (code == 0)


def test_the_command_says_what_fits(tiny_picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splatc.cuda.device.find_device", lambda: Missing("there is no GPU"))
    assert "fitted by the CPU: there is no GPU\n" in encoded(tiny_picture, "-v").stderr
    assert "GPU" not in encoded(tiny_picture).stderr
    found = encoded(tiny_picture, "--device", "cuda")
    assert found.exit_code == 1
    assert found.stderr.startswith("splatc: error: there is no GPU; --device cpu")
    assert len(found.stderr.splitlines()) == 1


def test_the_function_fits_on_the_given_device(tiny_picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = load(str(tiny_picture)).pixels
    monkeypatch.setattr("splatc.cuda.device.find_device", lambda: Missing("there is no GPU"))
    monkeypatch.setattr("splatc.encoder.pipeline.schedule", lambda *_: Schedule(3))
    assert splatc.encode(pixels, count=9, device="auto") == splatc.encode(pixels, count=9)
    with pytest.raises(DeviceError, match="there is no GPU"):
        splatc.encode(pixels, count=9, device="cuda")
    with pytest.raises(UsageError, match="device='gpu': expected"):
        splatc.encode(pixels, count=9, device="gpu")  # type: ignore[arg-type]
