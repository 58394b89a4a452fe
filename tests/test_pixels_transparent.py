"""Colours under an alpha of zero become what costs least, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from splatc.image import transparent
from splatc.image.image import Samples
from splatc.image.transparent import fill_transparent


def disc(height: int, width: int, channels: int, dtype: type[np.uint8 | np.uint16] = np.uint8) -> Samples:
    """Soft colours within a disc, noise outside of it, where alpha is 0."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    peak = np.iinfo(dtype).max
    colours = [0.3 + 0.4 * x, 0.8 - 0.5 * y, 0.5 * x + 0.3 * y][: channels - 1]
    noise = np.random.default_rng(1).random((height, width, channels - 1))
    inside = np.hypot(x - 0.5, y - 0.5 * height / width) < 0.25
    pixels = np.where(inside[..., np.newaxis], np.stack(colours, axis=-1), noise)
    return (np.dstack([pixels, inside]) * peak).astype(dtype)


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("height", "width"), [(97, 64), (41, 200)])
def test_transparent_colours_flow_in_from_what_is_seen(
    height: int, width: int, channels: int, dtype: type[np.uint8 | np.uint16]
) -> None:
    pixels = disc(height, width, channels, dtype)
    filled = fill_transparent(pixels)
    seen = pixels[..., -1] > 0
    assert (filled[seen] == pixels[seen]).all()
    assert (filled[..., -1] == pixels[..., -1]).all()
    colours = filled[..., :-1] / np.iinfo(dtype).max
    steps = max(np.abs(np.diff(colours, axis=axis)).max() for axis in (0, 1))
    assert steps < 0.15  # the noise had steps of nearly 1
    low, high = pixels[seen][:, :-1].min(axis=0), pixels[seen][:, :-1].max(axis=0)
    assert ((filled[..., :-1] >= low) & (filled[..., :-1] <= high)).all()


def test_bands_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = disc(97, 64, 4)
    whole = fill_transparent(pixels)
    monkeypatch.setattr(transparent, "BAND", 10)
    assert (fill_transparent(pixels) == whole).all()


def test_what_hides_nothing_is_left_alone() -> None:
    pixels = disc(20, 20, 4)
    assert fill_transparent(pixels[..., :3]) is not None
    opaque = np.maximum(pixels, 1)
    assert fill_transparent(opaque) is opaque
    assert fill_transparent(pixels[..., :3]).base is pixels


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (6, 6)])
def test_nothing_to_see_at_all(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (*shape, 4)).astype(np.uint8)
    pixels[..., 3] = 0
    assert (fill_transparent(pixels) == 0).all()
