"""Integers and Gaussians: bounds of the error, idempotence, ranges."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pytest

from splatc.attributes import MAX_LEVELS
from splatc.quantize import (
    ANGLE_COUNTS,
    COLOUR_MATRIX,
    MAX_ASPECT,
    OFFSET_COUNTS,
    angle_count_table,
    dequantize,
    from_coded_colour,
    offset_count_table,
    offset_middles,
    offset_of,
    quantize,
    to_coded_colour,
)
from splatc.steps import Quantizer, step_q32
from tests.scenes import random_gaussians


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_quantizing_twice_changes_nothing(channels: int) -> None:
    gaussians = random_gaussians(np.random.default_rng(channels), 500, 640, 480, channels=channels)
    quantizer = Quantizer()
    once = quantize(quantizer, gaussians, 640, 480)
    twice = quantize(quantizer, dequantize(quantizer, once), 640, 480)
    for field in fields(once):
        assert np.array_equal(getattr(once, field.name), getattr(twice, field.name)), field.name


def test_errors_stay_within_half_a_step() -> None:
    rng = np.random.default_rng(3)
    gaussians = random_gaussians(rng, 800, 640, 480, scales=(0.6, 50.0), thinnest=15.0)
    inside = np.all((gaussians.mean > 0) & (gaussians.mean < [640, 480]), axis=1)
    quantizer = Quantizer()
    integers = quantize(quantizer, gaussians, 640, 480)
    back = dequantize(quantizer, integers)
    step = np.array([quantizer.position_step(level) / 2**32 for level in integers.level])
    error = ((back.mean - gaussians.mean) / step[:, None])[inside]
    counts, angle = offset_count_table(quantizer)[integers.aspect][inside], back.angle[inside]
    across = error[:, 1] * np.cos(angle) - error[:, 0] * np.sin(angle)
    extent = np.abs(np.cos(angle)) + np.abs(np.sin(angle))
    assert np.all(np.abs(across) <= 0.51 * extent / counts)
    assert np.all(np.abs(error) <= 1.0)
    assert np.all(np.abs(error)[counts == 1] <= 0.51)
    scale_error = np.log2(back.scale).sum(1) - np.log2(gaussians.scale).sum(1)
    assert np.abs(scale_error).max() / 2 <= 0.51 / quantizer.log_scales
    log_aspect = [np.log(g.scale[:, 0] / g.scale[:, 1]) for g in (gaussians, back)]
    assert np.abs(log_aspect[0] - log_aspect[1]).max() <= 0.51 * step_q32(quantizer.aspect) / 2**32
    counts = angle_count_table(quantizer)[integers.level, integers.aspect]
    rotation = np.mod(back.angle - gaussians.angle + 0.5 * math.pi, math.pi) - 0.5 * math.pi
    assert np.all(np.abs(rotation)[counts > 1] <= 0.51 * math.pi / counts[counts > 1])


def test_step_index_is_an_eighth_of_an_octave() -> None:
    for index in range(192):
        assert step_q32(index) / 2**32 == pytest.approx(2.0 ** (index / 8 - 16), rel=1e-5)


def test_angle_counts_grow_with_the_log_aspect_ratio_and_are_allowed() -> None:
    table = angle_count_table(Quantizer())
    assert table.shape == (MAX_LEVELS, MAX_ASPECT + 1)
    assert np.all(np.diff(table, axis=1) >= 0)
    assert np.all(table[:, 0] == 1)
    assert set(np.unique(table)) <= set(ANGLE_COUNTS)


def test_offsets_grow_with_the_log_aspect_ratio_and_lie_in_their_cell() -> None:
    counts = offset_count_table(Quantizer())
    assert counts[0] == 1
    assert np.all(np.diff(counts) >= 0)
    assert set(counts) <= set(OFFSET_COUNTS)
    for count in OFFSET_COUNTS:
        offset = np.arange(count, dtype=np.int32)
        for angle in (0.0, 0.3, math.pi / 4, math.pi / 2, 2.0, 3.0):
            turned = np.full(count, angle)
            middles = offset_middles(offset, turned, np.full(count, count, np.int32))
            assert np.abs(middles).max() < 0.5
            np.testing.assert_array_equal(offset_of(middles, turned, np.full(count, count, np.int32)), offset)
            np.testing.assert_allclose(middles, -middles[::-1], atol=1e-12)


def test_colour_axes_are_orthogonal_and_of_one_length() -> None:
    gram = COLOUR_MATRIX.T @ COLOUR_MATRIX
    assert np.allclose(gram, 3 * np.eye(3), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_colour_transform_round_trip(channels: int) -> None:
    colour = np.random.default_rng(0).uniform(-0.5, 1.5, (50, channels))
    assert np.allclose(from_coded_colour(to_coded_colour(colour)), colour)
