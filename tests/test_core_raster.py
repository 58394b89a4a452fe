"""Samples: those of the float64 reference within the tolerance, and the same bits at every instruction set, for any number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from splatc import core
from splatc.blend import Blend
from splatc.core import pool
from splatc.core.loading import load
from splatc.gaussians import Scene
from splatc.render import draw_samples, reference, render
from splatc.render.view import Scale, view
from tests.scenes import needles, random_scene

TOLERANCE = 1 / 1024
LEVELS = [level for level in (1, 2, 3, 4) if load().core_set_level(level) == 0]
"""Instruction sets that this processor has."""
load().core_set_level(load().core_best_level())


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    level = load().core_get_level()
    yield
    load().core_set_level(level)
    core.set_threads(None)


def at_level(level: int, scene: Scene, scale: Scale, region: tuple[int, int, int, int] | None = None) -> list[bytes]:
    """Floats, and samples of 8 and of 16 bits."""
    assert load().core_set_level(level) == 0
    seen = view(scene.width, scene.height, region, scale)
    return [render(scene, region, scale).tobytes(), *(draw_samples(scene, seen, depth).tobytes() for depth in (8, 16))]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("scale", [1, Fraction(1, 3), 2])
def test_every_instruction_set_draws_the_same_bits(seed: int, scale: Scale) -> None:
    """Gaussians whose middle lies near the left side of a tile are where rounding once depended on the width of a vector."""
    blend, channels = (Blend.SUM, Blend.NORMALIZED)[seed % 2], 1 + seed % 4
    scene = random_scene(np.random.default_rng(seed), 500, 600, 400, blend, channels)
    expected = at_level(LEVELS[-1], scene, scale)
    for level in LEVELS[:-1]:
        assert at_level(level, scene, scale) == expected


@pytest.mark.parametrize("blend", Blend)
def test_needles_are_the_same_bits_everywhere(blend: Blend) -> None:
    assert len({tuple(at_level(level, needles(blend), 1)) for level in LEVELS}) == 1


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_instruction_set_agrees_with_the_reference(level: int, blend: Blend, channels: int) -> None:
    assert load().core_set_level(level) == 0
    scene = random_scene(np.random.default_rng(channels), 150, 150, 77, blend, channels)
    assert np.abs(render(scene) - reference.render(scene)).max() < TOLERANCE / 8
    small = render(scene, None, Fraction(1, 3))
    assert np.abs(small - reference.render(scene, None, Fraction(1, 3))).max() < TOLERANCE


@pytest.mark.parametrize("blend", Blend)
def test_any_number_of_threads_draws_the_same_bits(blend: Blend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "available", lambda: 8)
    scene = random_scene(np.random.default_rng(2), 500, 500, 300, blend)
    found = set()
    for number in (1, 2, 3, 5, 8):
        core.set_threads(number)
        assert core.threads() == number
        found.add(tuple(at_level(LEVELS[-1], scene, 1)))
    assert len(found) == 1


@pytest.mark.parametrize("level", LEVELS)
def test_a_region_is_a_crop(level: int) -> None:
    scene = random_scene(np.random.default_rng(3), 300, 400, 200, Blend.NORMALIZED)
    assert load().core_set_level(level) == 0
    whole = render(scene)
    for x, y, width, height in ((0, 0, 1, 1), (399, 199, 1, 1), (127, 31, 3, 3), (5, 3, 300, 100)):
        np.testing.assert_array_equal(render(scene, (x, y, width, height)), whole[y : y + height, x : x + width])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("width", [1, 2, 15, 16, 17, 127, 128, 129])
def test_last_columns_and_rounding(channels: int, width: int) -> None:
    """Samples of all depths are those of the floats, clamped and rounded, whatever the width is beyond whole vectors and tiles."""
    scene = random_scene(np.random.default_rng(width), 40, width, 35, Blend.SUM, channels)
    floats = render(scene)
    seen = view(width, 35)
    for depth, top in ((8, 255), (16, 65535)):
        scaled = np.clip(floats, np.float32(0), np.float32(1)) * np.float32(top) + np.float32(0.5)
        np.testing.assert_array_equal(draw_samples(scene, seen, depth), scaled.astype(np.uint16))
