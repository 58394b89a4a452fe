"""Checks of what a GPU computes: those of the tests, run on the GPU itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from splatc import bitstream
from splatc.blend import Blend
from splatc.cuda.device import Device
from splatc.decoder.scene import make_scene
from splatc.encoder.pipeline import EncodeOptions, encode_with
from splatc.encoder.rate_control import Target
from splatc.fit.cuda.engine import CudaEngine
from splatc.fit.engine import Step
from splatc.fit.engines.choice import on_gpu
from splatc.fit.schedule import Schedule
from splatc.fit.table import ROWS, Table
from splatc.fit.task import Task
from splatc.gaussians import FloatArray, Gaussians, Scene
from splatc.image.image import Image
from splatc.render import cuda, reference
from splatc.render.view import view
from splatc.steps import Quantizer

CONFORMANCE = Path(__file__).parents[2] / "spec" / "conformance"
SMALL = 1 << 16
"""Pixels that the float64 reference draws in little time."""


@dataclass(frozen=True)
class Check:
    """A check and its result."""

    name: str
    found: float
    limit: float
    """What was found must not be above it."""

    @property
    def passed(self) -> bool:
        return self.found <= self.limit


def gaussians(rng: np.random.Generator, count: int, width: int, height: int, largest: float = 20.0) -> Gaussians:
    """RGB Gaussians of all shapes, some outside; scales 1 to ``largest`` px, s1 / s2 at most 20."""
    scale = np.sort(np.exp(rng.uniform(0.0, np.log(largest), (count, 2))), axis=1)[:, ::-1]
    scale[:, 1] = np.maximum(scale[:, 1], scale[:, 0] / 20)
    mean = rng.uniform(-0.1, 1.1, (count, 2)) * [width, height]
    columns = (mean, scale, rng.uniform(0, np.pi, count), rng.uniform(-0.2, 1.2, (count, 3)))
    return Gaussians(*(np.ascontiguousarray(column, np.float32) for column in columns))


def drawing(device: Device) -> list[Check]:
    """Random scenes against the float64 reference, both blends, whole and scaled: at most 1/1024 of the largest colour apart."""
    checks = []
    rng = np.random.default_rng(1)
    for blend in Blend:
        for scale in ("1", "1/2", "3"):
            some = gaussians(rng, 300, 160, 120)
            scene = Scene(160, 120, blend, np.full(3, 0.4, np.float32), some)
            drawn = cuda.draw(device, scene, view(160, 120, None, scale), np.float32)
            wanted = reference.render(scene, None, scale)
            largest = max(1.0, float(np.abs(some.colour).max()), float(np.abs(wanted).max()))
            name = f"random scene, {blend.name.lower()}, scale {scale}: largest difference"
            checks.append(Check(name, float(np.abs(drawn - wanted).max()), largest / 1024))
    return checks


def files(device: Device) -> list[Check]:
    """The small files of the conformance set against the reference."""
    checks = []
    for path in sorted(CONFORMANCE.glob("*.splat2d")):
        scene = make_scene(*bitstream.decode(path.read_bytes()))
        if scene.width * scene.height > SMALL:
            continue
        drawn = cuda.draw(device, scene, view(scene.width, scene.height), np.float32)
        wanted = reference.render(scene)
        largest = max(1.0, float(np.abs(wanted).max(initial=0.0)))
        apart = float(np.abs(drawn - wanted).max(initial=0.0))
        checks.append(Check(f"{path.stem}: largest difference", apart, largest / 1024))
    return checks


def gradients(device: Device) -> list[Check]:
    """Of the squared error, by each parameter, against differences of the float64 reference; the largest of some, over the largest."""
    width, height = 64, 48
    checks = []
    for blend in Blend:
        rng = np.random.default_rng(int(blend))
        wide = ([[32, 24]], [[60, 60]], [0], [[0.5, 0.4, 0.3]])
        base = Gaussians(*(np.array(value, np.float32) for value in wide))
        some = gaussians(rng, 30, width, height, 9.0)
        scene = Gaussians(
            *(np.concatenate(pair) for pair in zip(vars(some).values(), vars(base).values(), strict=True))
        )
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        background = np.array([0.5, 0.4, 0.3], np.float32)
        engine = CudaEngine(device, Task(pixels, blend, background, Quantizer()))
        engine.send(Table.from_gaussians(scene, rng))
        engine.differentiate(Step(0, 1, None, 0, {}, 1, (0.8, 0.98)))
        found, error = engine.gradients(1), _error(blend, background, pixels)
        for name, (column, direction) in _DIRECTIONS.items():
            worst, largest = 0.0, 1e-9
            for i in range(0, 31, 5):
                change = np.zeros((31, 1))
                change[i] = 1.0
                slope = _slope(error, scene, column, change * direction if column != 2 else change[:, 0])
                measured = float(np.ravel(found[ROWS[name]][..., i])[0])
                worst, largest = max(worst, abs(slope - measured)), max(largest, abs(slope))
            checks.append(Check(f"gradient by {name}, {blend.name.lower()}: largest difference", worst / largest, 2e-3))
    return checks


_DIRECTIONS: dict[str, tuple[int, list[float]]] = {
    "mean": (0, [1, 0]),
    "log_scale": (1, [1, 1]),
    "log_aspect": (1, [0.5, -0.5]),
    "angle": (2, [1]),
    "colour": (3, [1, 1, 1]),  # luma
}
"""By attribute, which column of the Gaussians moves where; scales in logarithms."""

_Error = Callable[[list[np.ndarray]], float]


def _error(blend: Blend, background: FloatArray, pixels: np.ndarray) -> _Error:
    height, width, _ = pixels.shape

    def error(columns: list[np.ndarray]) -> float:
        mean, log_scale, angle, colour = columns
        moved = Gaussians(mean, np.exp(log_scale), angle, colour)  # float64 all through
        return float(((reference.render(Scene(width, height, blend, background, moved)) - pixels / 255) ** 2).sum())

    return error


def _slope(error: _Error, scene: Gaussians, column: int, change: np.ndarray) -> float:
    ends = []
    for sign in (1e-4, -1e-4):
        columns = [
            np.asarray(part, np.float64) for part in (scene.mean, np.log(scene.scale), scene.angle, scene.colour)
        ]
        columns[column] = columns[column] + sign * change
        ends.append(error(columns))
    return (ends[0] - ends[1]) / 2e-4


def same_bytes(device: Device, image: Image, ratio: float, plan: Schedule) -> Check:
    """Two fits with one seed give one file."""
    options = EncodeOptions(Target("bytes", int(image.pixels.nbytes / ratio)), seed=1, engine=on_gpu(device))
    one, other = (encode_with(image, options, plan, Quantizer()) for _ in range(2))
    differ = sum(a != b for a, b in zip(one, other, strict=False)) + abs(len(one) - len(other))
    return Check(f"two fits of {plan.steps} steps: bytes that differ, of {len(one)}", differ, 0)
