"""Grids of a file with latents: drawn to the same bits as the Gaussians that they stand for, in any region, and what the core refuses."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import splatc
from splatc import core
from splatc.bitstream import Reader, latent_network, latents
from splatc.core import latent, structs
from splatc.core.loading import INVALID, OK, load
from splatc.decoder.scene import make_scene
from splatc.errors import LimitError
from splatc.render import draw, grids, work
from splatc.render.view import Region, Scale, View, view
from tests.test_latent import encode_latent, picture

WIDTH, HEIGHT = 331, 157
VIEWS: list[tuple[Region | None, Scale]] = [
    (None, 1), (None, "1/2"), (None, "1/4"), ((0, 0, 1, 1), 1), ((330, 156, 1, 1), 1), ((127, 31, 2, 2), 1), ((100, 20, 64, 9), 1),
    ((200, 60, 100, 80), "1/4"),
]  # fmt: skip
OTHERS: list[tuple[Region | None, Scale]] = [
    (None, "1/3"),
    (None, 2),
    ((1, 0, 30, 30), "1/2"),
    (None, "1/8"),
    (None, "99/100"),
]


def encoded(channels: int = 3, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    return encode_latent(picture(width, height, channels, left=150), 2500)


def gaussians_in(reader: Reader, seen: View, dtype: draw.SampleType, **options: Any) -> Any:
    """The oracle: the list of Gaussians, drawn."""
    scene = make_scene(reader.header, reader.read(seen.box, **options))
    return draw.draw(draw.make_plan(scene, seen), dtype)


def grids_in(reader: Reader, seen: View, dtype: draw.SampleType, **options: Any) -> Any:
    found = reader.read_latents(seen.box, **options).grids()
    return draw.draw(grids.make_grid_plan(reader.header, found, seen), dtype)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("tile", [3, 64])
def test_grids_are_drawn_to_the_same_bits(channels: int, tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latents, "TILE", tile)
    reader = Reader(io.BytesIO(encoded(channels)))
    for region, scale in VIEWS:
        seen = view(WIDTH, HEIGHT, region, scale)
        assert grids.suits(seen)
        for dtype in (np.float32, np.uint8, np.uint16):
            np.testing.assert_array_equal(grids_in(reader, seen, dtype), gaussians_in(reader, seen, dtype))
    fine = reader.read_latents().grids().fine
    assert 0 < len(fine) < 21 * 10


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 17), (129, 33), (140, 64)])
def test_edges(width: int, height: int) -> None:
    reader = Reader(io.BytesIO(encode_latent(picture(width, height), 100 + width * height // 8)))
    seen = view(width, height)
    np.testing.assert_array_equal(grids_in(reader, seen, np.float32), gaussians_in(reader, seen, np.float32))


@pytest.mark.parametrize("level", [1, 2, 3])
def test_coarser_levels(level: int) -> None:
    reader, seen = Reader(io.BytesIO(encoded())), view(WIDTH, HEIGHT)
    found = grids_in(reader, seen, np.uint8, max_level=level)
    np.testing.assert_array_equal(found, gaussians_in(reader, seen, np.uint8, max_level=level))
    np.testing.assert_array_equal(found, splatc.decode(encoded(), max_level=level))


def test_a_truncated_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latents, "TILE", 4)
    data = encoded()[:-700]
    reader, seen = Reader(io.BytesIO(data)), view(WIDTH, HEIGHT)
    found = grids_in(reader, seen, np.uint8, allow_truncated=True)
    assert (found == reader.header.background[0]).any(axis=2).mean() > 0.1
    np.testing.assert_array_equal(found, gaussians_in(reader, seen, np.uint8, allow_truncated=True))


def test_strips_and_other_views_are_those_of_the_gaussians() -> None:
    data = encoded()
    reader = Reader(io.BytesIO(data))
    for region, scale in [*VIEWS, *OTHERS]:
        with splatc.open(io.BytesIO(data)) as file:
            seen = file.view(region, scale)
            wanted = gaussians_in(reader, seen, np.uint8)
            np.testing.assert_array_equal(file.read(region, scale), wanted)
            np.testing.assert_array_equal(np.concatenate(list(file.strips(region, scale)[1])), wanted)
    assert not any(grids.suits(view(WIDTH, HEIGHT, *each)) for each in OTHERS)


def test_every_instruction_set_draws_the_same() -> None:
    reader, seen = Reader(io.BytesIO(encoded())), view(WIDTH, HEIGHT)
    best = load().core_get_level()
    wanted = grids_in(reader, seen, np.float32)
    try:
        for level in range(2 if best > 1 else 1, best):
            assert load().core_set_level(level) == OK
            np.testing.assert_array_equal(grids_in(reader, seen, np.float32), wanted)
    finally:
        load().core_set_level(best)


def test_the_work_is_that_of_the_gaussians() -> None:
    reader = Reader(io.BytesIO(encoded()))
    quantizer = reader.header.quantizer
    for region, scale in [*VIEWS, *OTHERS]:
        seen = view(WIDTH, HEIGHT, region, scale)
        some = reader.read_latents(seen.box)
        found = work.drawing_of_grids(quantizer, some.grids(), seen)
        assert found == work.drawing(quantizer, some.gaussians(), seen)
    reading = reader.needed().work
    needed = reading + work.drawing(quantizer, reader.read(), view(WIDTH, HEIGHT))
    splatc.decode(encoded(), max_work=needed)
    with pytest.raises(LimitError, match=f"drawing 331 x 157 pixels .* take some {needed} evaluations"):
        splatc.decode(encoded(), max_work=needed - 1)


Change = Callable[[Any], object]


def changed(change: Change) -> tuple[int, int]:
    """What drawing and synthesis say of grids with a change."""
    reader, seen = Reader(io.BytesIO(encode_latent(picture(48, 32), 300))), view(48, 32)
    decoded = reader.read_latents()
    found = decoded.grids()
    task = found.task()
    change(task)
    out = np.zeros((32, 48, 3), np.uint8)
    drawing = structs.Draw(grids=ctypes.pointer(task), normalized=1)
    statuses = []
    try:
        core.run_draw(drawing, draw.in_core(seen), np.zeros(3, np.float32), 0, 32, out)
        statuses.append(OK)
    except AssertionError:
        statuses.append(INVALID)
    network, values = latent_network.load(1), np.zeros((96, 4, 5), np.int16)
    synthesis, _buffers = latent._synthesis(network, values, 50, (0, 0), (48, 32))
    return statuses[0], int(load().core_synthesize_grids(synthesis, task))


def test_sound_grids() -> None:
    assert changed(lambda task: None) == (OK, OK)


@pytest.mark.parametrize(
    "change",
    [
        *(
            lambda task, name=name, value=value: setattr(task, name, value)
            for name, value in (
                ("column", -1), ("row", -1), ("columns", -1), ("rows", -1), ("columns", (1 << 26) + 1), ("width", 0), ("height", 0),
                ("width", (1 << 20) + 1), ("height", (1 << 20) + 1), ("tile", 0), ("tile", 65), ("busy", -1), ("steps", None),
                ("weights", None), ("busy", 0),
            )
        ),
        lambda task: setattr(task, "weights", task.weights + 4),
    ],
)  # fmt: skip
def test_grids_that_are_not_sound(change: Change) -> None:
    assert changed(change) == (INVALID, INVALID)


@pytest.mark.parametrize(("name", "value"), [("columns", 2), ("rows", 1), ("column", 1), ("row", 1)])
def test_cells_that_do_not_lie_in_the_grids(name: str, value: int) -> None:
    assert changed(lambda task: setattr(task, name, value))[1] == INVALID


def test_weights_for_what_is_no_header() -> None:
    assert load().core_make_grid_weights(None, 0, 0) == INVALID
