"""Every renderer of ours is a `Renderer`: it draws what the picture model says, of any region, at any scale."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from splatc.blend import Blend
from splatc.errors import UsageError
from splatc.gaussians import Gaussians, Scene
from splatc.render import cuda, reference, render
from splatc.render.renderer import Renderer
from tests.cuda_host.emulator import HostDevice, needs_compiler
from tests.cuda_host.gpu import gpu
from tests.scenes import floats, needles, random_scene

MAKERS: dict[str, Callable[[], Renderer]] = {
    "reference": lambda: reference.render,
    "core": lambda: render,
    "cuda on the host": lambda: cuda.renderer(HostDevice()),
    "cuda": lambda: cuda.renderer(gpu()),
}
MARKS = {"cuda on the host": needs_compiler, "cuda": pytest.mark.cuda}
WIDTH, HEIGHT = 61, 43


@pytest.fixture(params=[pytest.param(name, marks=MARKS.get(name, ())) for name in MAKERS])
def renderer(request: pytest.FixtureRequest) -> Renderer:
    return MAKERS[request.param]()


def allowed(scene: Scene) -> float:
    """Largest difference from the exact samples: spec/picture.md."""
    return max(1.0, float(np.abs(scene.gaussians.colour).max(initial=0.0))) / 1024


def scene_of(blend: Blend, channels: int = 3) -> Scene:
    return random_scene(np.random.default_rng(channels), 90, WIDTH, HEIGHT, blend, channels)


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_it_draws_the_picture_model(renderer: Renderer, blend: Blend, channels: int) -> None:
    scene = scene_of(blend, channels)
    picture = renderer(scene)
    assert picture.shape == (HEIGHT, WIDTH, channels)
    assert np.issubdtype(picture.dtype, np.floating)
    assert np.abs(picture - reference.render(scene)).max() < allowed(scene)


@pytest.mark.parametrize("blend", Blend)
def test_the_thinnest_gaussians(renderer: Renderer, blend: Blend) -> None:
    scene = needles(blend)
    region = (40, 50, 60, 40)
    assert np.abs(renderer(scene, region) - reference.render(scene, region)).max() < allowed(scene)


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("scale", ["1/2", "2/3", "1/16", 2, "4/3"])
def test_any_scale(renderer: Renderer, blend: Blend, scale: int | str) -> None:
    scene = scene_of(blend)
    region = (7, 5, 31, 29)
    exact = reference.render(scene, region, scale)
    picture = renderer(scene, region, scale)
    assert picture.shape == exact.shape
    assert np.abs(picture - exact).max() < allowed(scene)


@pytest.mark.parametrize("blend", Blend)
def test_a_region_is_a_part_of_the_whole(renderer: Renderer, blend: Blend) -> None:
    scene = scene_of(blend)
    x, y, width, height = 13, 9, 17, 11
    whole = renderer(scene)[y : y + height, x : x + width]
    np.testing.assert_allclose(renderer(scene, (x, y, width, height)), whole, atol=1e-6, rtol=0)


def test_samples_are_not_clamped(renderer: Renderer) -> None:
    one = Gaussians(floats([[8, 8]]), floats([[4, 4]]), floats([0]), floats([[3.0, -2.0, 0.5]]))
    picture = renderer(Scene(16, 16, Blend.SUM, floats([0, 0, 0]), one))
    assert picture.max() > 1.5
    assert picture.min() < -1.0


@pytest.mark.parametrize("blend", Blend)
def test_nothing_is_the_background(renderer: Renderer, blend: Blend) -> None:
    none = Gaussians(*(np.zeros(shape, np.float32) for shape in ((0, 2), (0, 2), (0,), (0, 3))))
    background = floats([0.1, 0.6, 0.9])
    expected = background if blend is Blend.NORMALIZED else 0 * background
    np.testing.assert_allclose(renderer(Scene(5, 4, blend, background, none)), np.tile(expected, (4, 5, 1)), atol=1e-6)


@pytest.mark.parametrize(("region", "scale"), [((0, 0, 62, 1), 1), ((0, 0, 0, 1), 1), (None, 0), (None, "-1")])
def test_what_is_no_view(renderer: Renderer, region: tuple[int, int, int, int] | None, scale: int | str) -> None:
    with pytest.raises(UsageError):
        renderer(scene_of(Blend.SUM), region, scale)
