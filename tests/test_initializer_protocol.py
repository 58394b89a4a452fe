"""What `Initializer` asks of whatever seeds a fit: a new initializer passes this file before anything else."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

from splatc import core
from splatc.blend import Blend
from splatc.encoder.pipeline import EncodeOptions, encode_image
from splatc.encoder.rate_control import Target
from splatc.fit.initializer import Initializer
from splatc.fit.seeding import seed
from splatc.gaussians import FloatArray, Gaussians
from splatc.image.image import Image
from tests.scenes import floats

INITIALIZERS: dict[str, Initializer] = {
    "smartsplat": seed,
    "random positions": functools.partial(seed, positions=False),
    "random scales": functools.partial(seed, scales=False),
    "random colours": functools.partial(seed, colours=False),
}


@pytest.fixture(params=list(INITIALIZERS))
def initializer(request: pytest.FixtureRequest) -> Initializer:
    return INITIALIZERS[request.param]


def picture(height: int, width: int, channels: int) -> FloatArray:
    return floats(np.random.default_rng(height).uniform(0, 1, (height, width, channels)))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("height", "width", "count"), [(30, 41, 100), (1, 1, 1), (1, 9, 30), (64, 48, 0), (40, 40, 7)])
def test_any_picture_gets_its_count_of_sound_gaussians(
    initializer: Initializer, height: int, width: int, count: int, channels: int
) -> None:
    found = initializer(picture(height, width, channels), count, np.random.default_rng(0))
    shapes = {"mean": (count, 2), "scale": (count, 2), "angle": (count,), "colour": (count, channels)}
    assert {name: part.shape for name, part in vars(found).items()} == shapes
    assert {part.dtype for part in vars(found).values()} == {np.dtype(np.float32)}
    assert all(np.isfinite(part).all() for part in vars(found).values())
    assert ((found.mean >= 0) & (found.mean <= [width, height])).all()
    assert ((found.scale[:, 0] >= found.scale[:, 1]) & (found.scale[:, 1] > 0)).all()
    assert ((found.angle >= 0) & (found.angle < np.float32(math.pi))).all()


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_a_constant_picture_is_no_trap(initializer: Initializer, value: float) -> None:
    found = initializer(np.full((20, 30, 3), value, np.float32), 50, np.random.default_rng(0))
    assert len(found) == 50
    assert all(np.isfinite(part).all() for part in vars(found).values())


def test_equal_generators_give_equal_gaussians_with_any_number_of_threads(initializer: Initializer) -> None:
    image, before, found = picture(150, 130, 3), core.threads(), []
    try:
        for threads in (1, 4, 1):
            core.set_threads(threads)
            found.append(initializer(image, 500, np.random.default_rng(9)))
    finally:
        core.set_threads(before)
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(vars(found[0]).values(), vars(other).values(), strict=True))
    chance = initializer(image, 500, np.random.default_rng(10))
    assert not np.array_equal(chance.mean, found[0].mean)


def test_the_encoder_takes_it(initializer: Initializer) -> None:
    """What was given is called once, with the picture reduced to 16 pixels for each Gaussian, and no call changes the picture."""
    calls: list[tuple[tuple[int, ...], int]] = []

    def noting(image: FloatArray, count: int, rng: np.random.Generator, /) -> Gaussians:
        before = image.copy()
        found = initializer(image, count, rng)
        assert np.array_equal(image, before)
        calls.append((image.shape, count))
        return found

    y, x = np.mgrid[:96, :128]
    pixels = np.stack([2 * x, 2 * y, (x * y) % 256], axis=-1).astype(np.uint8)
    options = EncodeOptions(Target("count", 20), Blend.NORMALIZED, effort=1, initializer=noting)
    data = encode_image(Image(pixels), options)
    assert calls == [((48, 64, 3), 60)]
    if initializer is seed:
        assert data == encode_image(Image(pixels), EncodeOptions(Target("count", 20), Blend.NORMALIZED, effort=1))
