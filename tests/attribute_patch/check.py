"""Runs in a copy of the repository to which opacity.patch was applied: the new attribute goes all the way, and back.

Each function states one property; the last line says that all held.
"""

# mypy: ignore-errors
# Only the patched copy has the names that this reads.

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np

import splatc
from splatc import bitstream, core
from splatc.attributes import ATTRIBUTES, CODED, COLUMNS, PARTS
from splatc.bitstream import Header, Reader, stream
from splatc.bitstream.predict import to_symbols
from splatc.blend import Blend
from splatc.core.loading import load
from splatc.fit.engine import Step
from splatc.fit.engines.core import CoreEngine
from splatc.fit.noise import uniform
from splatc.fit.rounding import rounded, step_rows
from splatc.fit.table import NAMES, ROWS, Table
from splatc.fit.task import Task
from splatc.gaussians import Gaussians, Scene
from splatc.quantize import dequantize, quantize
from splatc.render import reference, render
from splatc.steps import Quantizer

WIDTH, HEIGHT = 40, 28
RNG = np.random.default_rng(3)
(OPACITY,) = (each for each in ATTRIBUTES if each.name == "opacity")


def some(count: int, channels: int = 3) -> Gaussians:
    """Gaussians of all kinds of opacities."""
    scale = np.sort(RNG.uniform(0.8, 6.0, (count, 2)), axis=1)[:, ::-1]
    arrays = (
        RNG.uniform(0, [WIDTH, HEIGHT], (count, 2)), scale, RNG.uniform(0, 3.1, count),
        RNG.uniform(0, 1, (count, channels)), RNG.normal(0, 0.7, count),
    )  # fmt: skip
    return Gaussians(*(np.ascontiguousarray(each, np.float32) for each in arrays))


def a_file_goes_round() -> None:
    """The same integers come back, from the core and from constriction's decoder; escapes among them."""
    quantizer = Quantizer(opacity=90)
    quantized = quantize(quantizer, some(300), WIDTH, HEIGHT)
    quantized.opacity[::7] = RNG.integers(-32768, 32768, len(quantized.opacity[::7]))
    header = Header(WIDTH, HEIGHT, 3, (9, 9, 9), quantizer=quantizer)
    data = bitstream.encode(header, quantized)
    head, back = bitstream.decode(data)
    assert head.quantizer == quantizer
    order = [np.lexsort([getattr(each, name) for name in COLUMNS[:7]] + [each.opacity]) for each in (quantized, back)]
    for name in COLUMNS:
        first, second = (getattr(each, name)[by] for each, by in zip((quantized, back), order, strict=True))
        assert np.array_equal(first, second), name
    assert bitstream.encode(header, back) == data
    reader = Reader(io.BytesIO(data))
    (section,) = reader.sections
    body = reader.read()
    symbols, bits = stream.decode(head, section, data[-4 - section.length : -4], stream.Tables())
    expected = to_symbols(quantizer, body)
    assert all(np.array_equal(symbols.attributes[each.name], expected.attributes[each.name]) for each in CODED)
    assert bits["opacity"] > 0 and splatc.info(data, bits=True)["bits"]["opacity"] > 0
    assert splatc.info(data)["quantizer"]["opacity"] == 90


def steps_differ_by_level() -> None:
    quantizer = Quantizer()
    steps = [quantizer.level_step(OPACITY, level) for level in range(4)]
    assert steps == sorted(set(steps), reverse=True)
    gaussians = some(400)
    back = dequantize(quantizer, quantize(quantizer, gaussians, WIDTH, HEIGHT))
    values = Table.from_gaussians(gaussians, RNG).values
    step = step_rows(rounded(values, quantizer, ("log_scale", "log_aspect", "angle")), quantizer)[ROWS["opacity"]]
    assert (np.abs(back.opacity - gaussians.opacity) <= 0.501 * step).all()
    assert len(set(step.tolist())) > 1


def neighbours_predict_it() -> None:
    """Where all are alike, residuals are 0 but for the first one's."""
    gaussians = replace(some(200), opacity=np.full(200, 0.5, np.float32))
    quantized = quantize(Quantizer(opacity_slope=0), gaussians, WIDTH, HEIGHT)
    residual = to_symbols(Quantizer(opacity_slope=0), quantized.take(np.argsort(-quantized.level))).attributes[
        "opacity"
    ]
    assert residual[0] == 2 and not residual[1:].any()


def the_picture_changes() -> None:
    """Both renderers agree, and a Gaussian of more opacity covers others."""
    for blend in Blend:
        gaussians = some(60)
        scene = Scene(WIDTH, HEIGHT, blend, np.full(3, 0.2, np.float32), gaussians)
        exact = reference.render(scene)
        assert np.abs(render(scene) - exact).max() < 1e-3
        flat = replace(scene, gaussians=replace(gaussians, opacity=np.zeros(60, np.float32)))
        assert np.abs(render(flat) - exact).max() > 0.05


def the_gradient_is_right() -> None:
    """A step of Adam moves it down the slope that differences of the error have."""
    for blend in Blend:
        gaussians = some(12)
        pixels = RNG.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
        task = Task(pixels, blend, np.full(3, 0.2, np.float32), Quantizer())
        before = Table.from_gaussians(gaussians, np.random.default_rng(0))
        engine = CoreEngine(task)
        engine.send(before.copy())
        engine.step(Step(0, 1, None, 0, dict.fromkeys(NAMES, 0.0) | {"opacity": 1e-3}, 1, (0.9, 0.99)))
        way = engine.fetch().values[ROWS["opacity"]] - before.values[ROWS["opacity"]]

        def error(opacity: np.ndarray, blend: Blend = blend, pixels: np.ndarray = pixels) -> float:
            scene = Scene(WIDTH, HEIGHT, blend, np.full(3, 0.2, np.float32), replace(gaussians, opacity=opacity))  # noqa: B023
            return float(((reference.render(scene) - pixels / 255.0) ** 2).sum())

        for i in range(len(gaussians)):
            ends = []
            for sign in (1, -1):
                opacity = gaussians.opacity.astype(np.float64)
                opacity[i] += sign * 1e-3
                ends.append(error(opacity))
            slope = (ends[0] - ends[1]) / 2e-3
            assert abs(slope) < 1e-3 or np.sign(way[i]) == -np.sign(slope), (blend, i, slope, way[i])


def a_picture_is_encoded_with_it() -> None:
    """The fit moves it and rounds it, and the file has it."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    pixels = np.stack([x * 6, y * 9, (x // 8 + y // 8) % 2 * 200], axis=-1).astype(np.uint8)
    data = splatc.encode(pixels, cr=12, effort=1)
    _, quantized = bitstream.decode(data)
    assert len(set(quantized.opacity.tolist())) > 2
    difference = splatc.decode(data).astype(float) - pixels
    assert 10 * np.log10(255**2 / (difference**2).mean()) > 20


def the_tables_agree() -> None:
    names = [load().core_attribute(k) for k in range(len(CODED) + 1)]
    assert names == [*(each.name.encode() for each in CODED), None]
    assert "opacity" in PARTS and "opacity" in vars(core.Columns.empty(1, 1))
    assert uniform(0, 0, 1, 1).shape == (1, 1)


if __name__ == "__main__":
    for check in (
        the_tables_agree, a_file_goes_round, steps_differ_by_level, neighbours_predict_it, the_picture_changes,
        the_gradient_is_right, a_picture_is_encoded_with_it,
    ):  # fmt: skip
        check()
        print(check.__name__, flush=True)
    print("all held")
