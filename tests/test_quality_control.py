"""The control of a fit that is for a PSNR: what it expects, how many Gaussians and which steps it asks for, what it trims."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from splatc.bitstream import Header, Metadata
from splatc.decoder.scene import decode_bytes, make_scene
from splatc.encoder.quality_control import (
    MOST_DOUBT,
    MOST_FINER,
    SLOPE,
    TRIMS,
    TRUST,
    Aim,
    Course,
    QualityControl,
    predicted_psnr,
)
from splatc.encoder.rate_control import Target
from splatc.fit.schedule import Schedule, Trim
from splatc.fit.trainer import Moment
from splatc.image import metrics
from splatc.quantize import quantize
from splatc.render import draw_samples
from splatc.render.view import view
from splatc.steps import Quantizer
from tests.scenes import random_gaussians

HEADER = Header(60, 40, channels=3, background=(90, 80, 70))
RNG = np.random.default_rng(3)
GAUSSIANS = random_gaussians(RNG, 200, 60, 40)
QUANTIZED = quantize(HEADER.quantizer, GAUSSIANS, 60, 40)
EXACT = draw_samples(make_scene(HEADER, QUANTIZED), view(60, 40), 8)
NO_RISE = ((0.0, 1.0), (0.0, 0.0))


def control(psnr: float, shown: np.ndarray = EXACT, **aim: object) -> tuple[QualityControl, list[Course]]:
    courses: list[Course] = []
    wish = replace(Aim(psnr, shown, courses.append, NO_RISE), **aim)  # type: ignore[arg-type]
    return QualityControl(HEADER, Target("count", 150), Metadata(), wish), courses


def moment(time: float, psnr: float) -> Moment:
    return Moment(time, GAUSSIANS, Quantizer(), 10.0 ** (-psnr / 10.0))


def test_the_number_follows_the_error_but_not_far_from_the_guess() -> None:
    counts = [control(36.0)[0].budget(moment(0.5, psnr)) for psnr in (33.0, 36.9, 37.1, 37.3, 41.0)]
    assert counts == sorted(counts, reverse=True)
    shared = 150**TRUST * (200 * 2.0 ** (-1.1 / SLOPE)) ** (1 - TRUST)  # what is guessed, and what will do
    assert shared < counts[2] < 1.02 * shared  # with a little to spare
    assert counts[3] == pytest.approx(counts[2] * 2.0 ** ((TRUST - 1) * 0.2 / SLOPE), abs=1)
    most = 2.0 ** ((1 - TRUST) * MOST_DOUBT)
    assert [counts[0], counts[-1]] == pytest.approx([152 * most, 152 / most], abs=1)


def test_from_half_of_the_fit_on_fewer_are_pruned() -> None:
    early, late = (control(35.0)[0].budget(moment(time, 37.0)) for time in (0.5, 0.55))
    assert early < late
    assert control(35.0)[0].budget(moment(0.2, 37.0)) == 150  # only the guess is known


def test_a_first_fit_ends_with_what_it_is_for() -> None:
    trial, _ = control(35.0, rise=None)
    assert [trial.budget(moment(time, 39.0)) for time in (0.1, 0.5, 0.85)] == [150] * 3
    assert trial.refine(moment(0.85, 39.0)) == Quantizer()


def test_what_rises_later_is_expected() -> None:
    rise = ((0.4, 0.6), (2.0, 0.0))
    steered, _ = control(35.0, rise=rise)
    assert predicted_psnr(moment(0.5, 33.0), rise) == pytest.approx(34.0)
    nothing = replace(moment(0.0, 33.0), error=math.nan)
    assert steered.budget(nothing) == 150


@pytest.mark.parametrize("time", [0.7, 0.85])
def test_steps_become_finer_where_the_error_is_too_large(time: float) -> None:
    lumas = []
    for psnr in (33.0, 34.9, 35.05, 35.2, 37.0):
        steered, _ = control(35.0)
        steered.budget(moment(time, psnr))
        lumas.append(steered.refine(moment(time, psnr)))
    assert [each.luma - Quantizer().luma for each in lumas] == sorted(each.luma - Quantizer().luma for each in lumas)
    assert (lumas[0].luma, lumas[-1].luma) == (Quantizer().luma - MOST_FINER, Quantizer().luma + MOST_FINER)
    assert all(each.luma - each.chroma == Quantizer().luma - Quantizer().chroma for each in lumas)
    # Means are rounded from 0.7 on; shapes are rounded already.
    assert (lumas[0].position < Quantizer().position) == (time == 0.7)
    assert all((each.log_scales, each.aspect, each.angle) == (5, 114, 104) for each in lumas)


def test_before_shapes_are_rounded_the_steps_stay() -> None:
    steered, _ = control(35.0)
    steered.budget(moment(0.5, 30.0))
    assert steered.refine(moment(0.5, 30.0)) == Quantizer()


def test_how_the_psnr_rose_leaves_out_what_was_pruned_and_refined() -> None:
    course = Course(((0.4, 200, 34.0), (0.7, 100, 33.0)), ((0.7, 0.25),), 100, 34.0)
    assert course.plain == 33.75
    times, rises = course.rise(None)
    assert times == (0.4, 0.7)
    assert rises == pytest.approx((34.0 + SLOPE - 0.25 - 34.0, 0.75))
    _, halves = course.rise(NO_RISE)
    assert halves == pytest.approx((0.25, 0.25))  # at most half of 0.5 dB at a time


def test_trimmed_to_the_fewest_that_reach_it() -> None:
    cost = RNG.random(200).astype(np.float32)
    sizes = []
    for psnr in (18.0, 22.0, 26.0):
        steered, courses = control(psnr)
        data = steered.trim(QUANTIZED, cost)
        found = metrics.psnr(EXACT, decode_bytes(data).pixels)
        assert psnr <= found < psnr + 2.0  # of 200, each counts
        sizes.append(len(data))
        assert (courses[0].count, courses[0].psnr) == (200, math.inf)
    assert sizes == sorted(sizes)


def test_all_stay_where_they_do_not_reach_it() -> None:
    shown = np.clip(EXACT.astype(int) + RNG.integers(-9, 10, EXACT.shape), 0, 255).astype(np.uint8)
    steered, courses = control(60.0, shown)
    data = steered.trim(QUANTIZED, np.ones(200, np.float32))
    np.testing.assert_array_equal(decode_bytes(data).pixels, EXACT)
    assert courses[0].psnr < 60.0


def test_the_schedule_asks_at_the_times_that_matter() -> None:
    plan = replace(Schedule(1000), trims=TRIMS)
    assert [time for time, event in plan.events() if event == Trim()] == [*TRIMS, plan.quantize_mean[1]]
    assert set(TRIMS) >= {plan.quantize_shape[0], plan.quantize_mean[0]}
