"""Regions and scales: the oracle's picture, and the same picture whatever part of it is drawn."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from splatc import core
from splatc.blend import Blend
from splatc.errors import UsageError
from splatc.gaussians import Gaussians, Scene
from splatc.image.metrics import psnr
from splatc.render import draw, draw_samples, reference, render
from splatc.render.draw import make_plan
from splatc.render.view import Region, Scale, parse_scale, view
from tests.scenes import floats, random_scene

TOLERANCE = 1 / 1024
WIDTH, HEIGHT = 301, 183


@pytest.fixture(scope="module", params=Blend)
def scene(request: pytest.FixtureRequest) -> Scene:
    return random_scene(np.random.default_rng(4), 400, WIDTH, HEIGHT, request.param)


@pytest.mark.parametrize("scale", ["1/2", "2/3", "1/3", "0.3", "1/5", "1/8", "1/12", "1/16", "1/64", 2, 3.5, "4/3"])
def test_every_scale_agrees_with_the_reference(scene: Scene, scale: Scale) -> None:
    region = None if parse_scale(scale) < 1 else (131, 57, 103, 64)
    drawn, expected = render(scene, region, scale), reference.render(scene, region, scale)
    assert drawn.shape == expected.shape
    assert np.abs(drawn - expected).max() < TOLERANCE / 4


@pytest.mark.parametrize(
    "region", [(0, 0, 1, 1), (300, 182, 1, 1), (127, 31, 2, 2), (5, 90, 290, 7), (128, 32, 128, 32)]
)
def test_a_region_is_a_crop_of_the_whole(scene: Scene, region: Region) -> None:
    x, y, w, h = region
    assert np.array_equal(render(scene, region), render(scene)[y : y + h, x : x + w])


@pytest.mark.parametrize(("scale", "step"), [("1/2", 2), ("1/3", 3), ("1/8", 8), ("1/16", 16), (2, 1), ("3/2", 2)])
def test_a_scaled_region_on_the_grid_is_a_crop_of_the_scaled_whole(scene: Scene, scale: str, step: int) -> None:
    s = Fraction(scale)
    x, y, w, h = step * (100 // step), step * (50 // step), 48, 96
    left, top, columns, rows = (int(part * s) for part in (x, y, w, h))
    whole = render(scene, None, scale)
    assert np.array_equal(render(scene, (x, y, w, h), scale), whole[top : top + rows, left : left + columns])


@pytest.mark.parametrize("scale", [1, "1/3", "1/8", "5/2"])
@pytest.mark.parametrize("bit_depth", [8, 16])
def test_strips_make_the_whole(scene: Scene, scale: Scale, bit_depth: int) -> None:
    seen = view(WIDTH, HEIGHT, (3, 37, 250, 140), scale)
    dtype = np.uint8 if bit_depth == 8 else np.uint16
    strips = list(draw.strips(draw.make_plan(scene, seen), dtype, 20))
    whole = draw_samples(scene, seen, bit_depth)
    assert whole.dtype == dtype
    assert len(strips) > 1
    assert np.array_equal(np.concatenate(strips), whole)


def test_threads_change_no_sample(scene: Scene) -> None:
    seen = view(WIDTH, HEIGHT, None, "1/2")
    before = core.threads()
    try:
        core.set_threads(1)
        one = draw_samples(scene, seen, 16)
    finally:
        core.set_threads(before)
    assert np.array_equal(one, draw_samples(scene, seen, 16))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_halves_thirds_and_quarters_are_the_box_filter(scene: Scene, factor: int) -> None:
    """Every pixel of the picture is drawn and averaged; the last output pixel averages those that there are."""
    full = np.clip(render(scene), 0.0, 1.0)
    for x, y in ((0, 0), (40, 25), ((WIDTH - 1) // factor, (HEIGHT - 1) // factor)):
        box = full[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor]
        pixel = render(scene, None, Fraction(1, factor))[y, x]
        assert np.abs(pixel - box.mean(axis=(0, 1))).max() < 1e-5


@pytest.mark.parametrize("factor", [8, 16, 32, 64])
def test_small_pictures_are_close_to_the_box_filter(factor: int) -> None:
    """Gaussians of all sizes about the pixels they melt into; nothing aliases, and the masses stay."""
    rng = np.random.default_rng(factor)
    side, n = 256, 3000
    scales = np.sort(np.exp(rng.uniform(0.0, 2.0, (n, 2))), axis=1)[:, ::-1]
    mean = rng.uniform(-10.0, side + 10.0, (n, 2))
    colour = 0.5 + 0.4 * np.sin(mean[:, :1] / [9.0, 23.0, 51.0] + rng.normal(0.0, 0.3, (n, 3)))
    gaussians = Gaussians(floats(mean), floats(scales), floats(rng.uniform(0, math.pi, n)), floats(colour))
    scene = Scene(side, side, Blend.NORMALIZED, floats([0.5, 0.5, 0.5]), gaussians)
    full = draw_samples(scene, view(side, side), 8) / 255.0
    box = full.reshape(side // factor, factor, side // factor, factor, 3).mean(axis=(1, 3))
    small = draw_samples(scene, view(side, side, None, Fraction(1, factor)), 8)
    assert psnr(small, np.floor(255 * box + 0.5).astype(np.uint8)) > 40.0


def test_enlarging_samples_the_same_picture(scene: Scene) -> None:
    """Every third pixel of a picture three times as large lies on the centre of a pixel of the picture."""
    region = (100, 60, 40, 30)
    tripled = render(scene, region, 3)[1::3, 1::3]
    assert np.abs(tripled - render(scene, region)).max() < TOLERANCE / 8


def test_output_sizes_round_up() -> None:
    assert [(seen.columns, seen.rows) for seen in (view(7, 3, None, s) for s in (1, "1/2", "1/64", 2, 1.5, 0.1))] == [
        (7, 3), (4, 2), (1, 1), (14, 6), (11, 5), (1, 1),
    ]  # fmt: skip
    assert view(1000, 10, None, 0.1).columns == 100  # as if 0.1 were 1/10


def test_a_picture_of_one_pixel_has_a_thumbnail() -> None:
    scene = random_scene(np.random.default_rng(1), 20, 1, 1, Blend.NORMALIZED)
    for scale in ("1/64", "1/3", 1, 5):
        assert np.abs(render(scene, None, scale) - reference.render(scene, None, scale)).max() < TOLERANCE / 8


def test_what_does_not_touch_the_region_is_dropped(scene: Scene) -> None:
    seen = view(WIDTH, HEIGHT, (10, 10, 8, 8), 2)
    g = scene.gaussians
    scenes = [Scene(WIDTH, HEIGHT, Blend.SUM, scene.background, one(g, i)) for i in range(len(g))]
    touching = np.array([make_plan(each, seen).placed.entries > 0 for each in scenes])
    assert 0 < touching.sum() < len(g) / 2
    lit = [render(each, (10, 10, 8, 8), 2).any() for each in scenes]
    assert not (np.array(lit) & ~touching).any()


def one(g: Gaussians, i: int) -> Gaussians:
    part = slice(i, i + 1)
    return Gaussians(g.mean[part], g.scale[part], g.angle[part], floats(np.ones((1, 3))))


@pytest.mark.parametrize(
    "region",
    [
        (0, 0, 302, 10),
        (-1, 0, 5, 5),
        (0, 0, 0, 5),
        (0, 183, 1, 1),
        (0, 0, 5),
        (0.5, 0, 1, 1),
        "abcd",
        (0, 0, 1, 1 << 70),
    ],
)
def test_regions_outside_of_the_picture_are_refused(region: Region) -> None:
    with pytest.raises(UsageError, match="region"):
        view(WIDTH, HEIGHT, region)


@pytest.mark.parametrize("scale", [0, -1, "0", "1/0", "x", "1e5", "", math.inf, math.nan, 1 << 40, "1/9999999", None])
def test_impossible_scales_are_refused(scale: Scale) -> None:
    with pytest.raises(UsageError, match="scale"):
        parse_scale(scale)
