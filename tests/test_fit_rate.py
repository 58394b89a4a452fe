"""The rate term moves values to what is cheap to code: towards the predicted colour, and towards round Gaussians."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from splatc.bitstream.predict import predicted_colours, to_symbols
from splatc.blend import Blend
from splatc.fit.engines.core import CoreEngine
from splatc.fit.rate import BITS, EXPONENT, SOFT, rate_gradient
from splatc.fit.schedule import Schedule
from splatc.fit.seeding import seed
from splatc.fit.table import COLOUR, LOG_ASPECT, Table
from splatc.fit.task import Task
from splatc.fit.trainer import fit
from splatc.gaussians import FloatArray, Gaussians
from splatc.quantize import colour_step_table
from splatc.steps import Quantizer
from tests.bitstream_cases import header_for, random_quantized
from tests.scenes import floats


def table() -> Table:
    rows = [[4, 9], [4, 5], [0.5, 0.5], [1.5, -1.5], [0.3, 2.0], [0.9, 0.1], [0.1, 0.1], [-0.1, 0.0]]
    return Table.from_values(floats(rows), np.random.default_rng(0))


def test_the_gradient_is_that_of_lambda_times_the_bits() -> None:
    here = table()
    predicted = floats([[0.5, 0.1, 0.0], [0.5, 0.1, 0.0]])
    found = rate_gradient(here, Quantizer(), lambda *_: predicted, loss=62.0)
    added = found.rows(here.values)
    assert not added[[0, 1, 2, 4]].any()
    assert np.sign(added[LOG_ASPECT]).tolist() == [1.0, -1.0]  # down the slope is towards round
    assert np.sign(added[COLOUR].T).tolist() == [[1.0, 0.0, -1.0], [-1.0, 0.0, 0.0]]
    # A residual of many steps costs 1 / (mean ln 2) bits more for each step.
    step = found.colour_step[0]
    mean = float((0.4 / step).mean())
    slope = EXPONENT * 62.0 / (BITS * 2)
    expected = slope / (mean * math.log(2.0)) / step * (0.4 / step) / (0.4 / step + SOFT)
    np.testing.assert_allclose(np.abs(added[COLOUR][0]), expected, rtol=1e-5)


def test_what_is_predicted_is_what_the_file_predicts() -> None:
    header = header_for(300, 200)
    quantizer = header.quantizer
    gaussians = random_quantized(np.random.default_rng(0), header, 50)
    shuffled = np.random.default_rng(1).permutation(50)
    expected = predicted_colours(quantizer, gaussians.take(shuffled), header.width, header.height)
    steps = colour_step_table(quantizer, gaussians.level, 3)
    residual = to_symbols(quantizer, gaussians).attributes["colour"]
    np.testing.assert_allclose(expected, ((gaussians.colour - residual) * steps)[shuffled], atol=1e-6)


def test_a_fit_with_the_rate_term_has_smaller_residuals() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 48, 3)).astype(np.uint8)  # noise: neighbours predict nothing
    task = Task(pixels, Blend.NORMALIZED, floats([0.5, 0.5, 0.5]), Quantizer())
    seeds = seed(floats(pixels / 255), 60, rng)

    def gray(gaussians: Gaussians, quantizer: Quantizer) -> FloatArray:
        return floats(np.tile([0.5, 0.0, 0.0], (len(gaussians), 1)))

    plan = Schedule(80, adapt=0.0, rate=5.0)
    free, _ = fit(CoreEngine(task), task, seeds, lambda *_: 30, replace(plan, rate=0.0), predict=gray)
    same, _ = fit(CoreEngine(task), task, seeds, lambda *_: 30, plan)
    rated, _ = fit(CoreEngine(task), task, seeds, lambda *_: 30, plan, predict=gray)
    np.testing.assert_array_equal(free.colour, same.colour)
    assert np.abs(rated.colour - 0.5).mean() < np.abs(free.colour - 0.5).mean()
