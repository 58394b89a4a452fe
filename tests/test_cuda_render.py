"""The CUDA renderer draws what the oracle draws, any part of it, at any scale, in any order of threads: on the host, and on a GPU."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from splatc.blend import Blend
from splatc.cuda.device import Device
from splatc.cuda.source import read_source
from splatc.errors import DeviceError
from splatc.gaussians import Gaussians, Scene
from splatc.render import cuda, draw_samples, reference
from splatc.render.view import Region, Scale, parse_scale, view
from tests.cuda_host.emulator import HostDevice, needs_compiler
from tests.cuda_host.gpu import gpu
from tests.scenes import floats, needles, random_gaussians, random_scene

TOLERANCE = 1 / 1024
"""The spec's: largest difference from the reference, of full range, before rounding."""
WIDTH, HEIGHT = 131, 77


@pytest.fixture(scope="module", params=Blend)
def scene(request: pytest.FixtureRequest) -> Scene:
    return random_scene(np.random.default_rng(4), 200, WIDTH, HEIGHT, request.param)


@pytest.fixture(params=[pytest.param("host", marks=needs_compiler), pytest.param("gpu", marks=pytest.mark.cuda)])
def device(request: pytest.FixtureRequest) -> Device:
    """What runs the kernels: the emulator, and a GPU where there is one."""
    if request.param == "host":
        return HostDevice()
    return gpu()


def disordered(device: Device) -> Device:
    """One on which threads take turns in another order: the last first, or as a GPU likes."""
    return HostDevice(backwards=True) if isinstance(device, HostDevice) else device


def drawn(device: Device, scene: Scene, region: Region | None = None, scale: Scale = 1) -> np.ndarray:
    """(H, W, C) float32."""
    seen = view(scene.width, scene.height, region, scale)
    picture: np.ndarray = cuda.draw(device, scene, seen, np.float32)
    return picture


@pytest.mark.parametrize("blend", Blend)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_agrees_with_the_reference(device: Device, blend: Blend, channels: int) -> None:
    scene = random_scene(np.random.default_rng(channels), 200, 101, 77, blend, channels)
    assert np.abs(drawn(device, scene) - reference.render(scene)).max() < TOLERANCE / 50


@pytest.mark.parametrize("blend", Blend)
def test_thin_gaussians_at_every_angle_agree(device: Device, blend: Blend) -> None:
    """Pixels that hang on the tails of needles alone."""
    scene = needles(blend)
    assert np.abs(drawn(device, scene) - reference.render(scene)).max() < TOLERANCE / 4


@pytest.mark.parametrize("scale", ["1/2", "2/3", "1/3", "0.3", "1/5", "1/8", "1/12", "1/16", "1/64", 2, 3.5, "4/3"])
def test_every_scale_agrees_with_the_reference(device: Device, scene: Scene, scale: Scale) -> None:
    region = None if parse_scale(scale) < 1 else (57, 31, 41, 29)
    expected = reference.render(scene, region, scale)
    picture = drawn(device, scene, region, scale)
    assert picture.shape == expected.shape
    assert np.abs(picture - expected).max() < TOLERANCE / 20


@pytest.mark.parametrize("region", [(0, 0, 1, 1), (130, 76, 1, 1), (15, 31, 2, 2), (5, 40, 120, 7), (16, 32, 16, 16)])
def test_a_region_is_a_crop_of_the_whole(device: Device, scene: Scene, region: Region) -> None:
    x, y, w, h = region
    assert np.array_equal(drawn(device, scene, region), drawn(device, scene)[y : y + h, x : x + w])


@pytest.mark.parametrize(("scale", "step"), [("1/2", 2), ("1/3", 3), ("1/8", 8), ("1/16", 16), (2, 1), ("3/2", 2)])
def test_a_scaled_region_on_the_grid_is_a_crop_of_the_scaled_whole(
    device: Device, scene: Scene, scale: str, step: int
) -> None:
    s = Fraction(scale)
    x, y, w, h = step * (50 // step), step * (30 // step), 48, 32
    left, top, columns, rows = (int(part * s) for part in (x, y, w, h))
    whole = drawn(device, scene, None, scale)
    columns, rows = min(columns, whole.shape[1] - left), min(rows, whole.shape[0] - top)
    assert np.array_equal(
        drawn(device, scene, (x, y, w, h), scale)[:rows, :columns], whole[top : top + rows, left : left + columns]
    )


def test_the_order_of_threads_changes_no_bit(device: Device, scene: Scene) -> None:
    assert np.array_equal(drawn(device, scene), drawn(disordered(device), scene))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("region", [(0, 0, 128, 64), (3, 5, 101, 40)])  # rows of whole words of memory, and not
def test_samples_are_the_floats_clamped_and_rounded(
    device: Device, scene: Scene, dtype: type[np.uint8 | np.uint16], region: Region
) -> None:
    seen = view(WIDTH, HEIGHT, region)
    exact, peak = drawn(device, scene, region), np.iinfo(dtype).max
    samples = cuda.draw(device, scene, seen, dtype)
    assert samples.dtype == dtype
    expected = np.clip(exact, np.float32(0), np.float32(1)) * np.float32(peak) + np.float32(0.5)
    fused = 0 if isinstance(device, HostDevice) else 1  # a GPU multiplies and adds with one rounding
    assert np.abs(samples.astype(int) - expected.astype(dtype)).max() <= fused
    assert np.abs(samples.astype(int) - draw_samples(scene, seen, 8 * samples.itemsize)).max() <= peak // 1000 + 1


@pytest.mark.parametrize("scale", [1, "1/3", "1/8", "5/2"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strips_make_the_whole(device: Device, scene: Scene, scale: Scale, dtype: type[np.uint8 | np.uint16]) -> None:
    seen = view(WIDTH, HEIGHT, (3, 7, 120, 60), scale)
    strips = list(cuda.strips(device, scene, seen, dtype, rows=7))
    assert len(strips) > 1 or seen.rows <= 7
    assert np.array_equal(np.concatenate(strips), cuda.draw(device, scene, seen, dtype))


def test_lists_of_every_length_are_drawn_in_the_order_of_the_file(device: Device) -> None:
    """Hundreds of Gaussians on one tile: lists sorted in registers, in shared memory and in place, staged in several rounds."""
    rng = np.random.default_rng(8)
    for count in (0, 1, 31, 32, 33, 64, 65, 500, 513, 700):
        gaussians = random_gaussians(rng, count, 16, 16, scales=(1.0, 3.0))
        scene = Scene(48, 16, Blend.NORMALIZED, floats([0.2, 0.4, 0.6]), gaussians)
        picture = drawn(device, scene)
        assert np.array_equal(picture, drawn(disordered(device), scene))
        assert np.abs(picture - reference.render(scene)).max() < TOLERANCE / 20


@pytest.mark.parametrize("tiles", [1, 1023, 1024, 1025, 263_000])
def test_lists_begin_where_the_ones_before_end(device: Device, tiles: int) -> None:
    """Prefix sums over one block, over several, and over more than one block can add up at once."""
    counts = np.random.default_rng(tiles).integers(0, 40, tiles).astype(np.int32)
    runs = -(-tiles // 1024)
    kernels = {name: device.kernel(read_source("bin.cu"), name) for name in ("scan_runs", "scan_totals", "scan_starts")}
    given = device.upload(counts)
    totals, starts = device.allocate(8 * (runs + 1)), device.allocate(4 * (tiles + 1))
    device.launch(kernels["scan_runs"], runs, 256, given.pointer, np.int32(tiles), totals.pointer)
    device.launch(kernels["scan_totals"], 1, 256, totals.pointer, np.int32(runs))
    device.launch(kernels["scan_starts"], runs, 256, given.pointer, np.int32(tiles), totals.pointer, starts.pointer)
    assert device.download(totals, np.int64, (1,), 8 * runs)[0] == counts.sum()
    expected = np.concatenate([[0], np.cumsum(counts)])
    assert np.array_equal(device.download(starts, np.int32, (tiles + 1,)), expected)


def test_lists_hold_what_reaches_a_tile_in_ascending_order(device: Device, scene: Scene) -> None:
    """Every Gaussian that weighs something in a tile is in its list; most that are in it weigh something."""
    device = disordered(device)
    canvas = cuda.Canvas(device, scene)
    canvas.place(view(WIDTH, HEIGHT))
    tiles_x, tiles_y = -(-WIDTH // 16), -(-HEIGHT // 16)
    starts = device.download(canvas._kept["starts"], np.int32, (tiles_x * tiles_y + 1,))
    members = device.download(canvas._kept["members"], np.int32, (int(starts[-1]),))
    listed = {(tile, int(i)) for tile in range(tiles_x * tiles_y) for i in members[starts[tile] : starts[tile + 1]]}
    assert len(listed) == len(members)
    assert all((np.diff(members[starts[t] : starts[t + 1]]) > 0).all() for t in range(tiles_x * tiles_y))
    reached = set()
    g = scene.gaussians
    for i in range(len(g)):
        one = Gaussians(g.mean[i : i + 1], g.scale[i : i + 1], g.angle[i : i + 1], floats([[1.0]]))
        y, x = np.nonzero(reference.render(Scene(WIDTH, HEIGHT, Blend.SUM, floats([0.0]), one))[..., 0])
        reached |= {(int(tile), i) for tile in np.unique(y // 16 * tiles_x + x // 16)}
    assert reached <= listed
    assert len(listed) < 1.15 * len(reached)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 90), (90, 1), (16, 16), (33, 17)])
def test_odd_sizes(device: Device, width: int, height: int) -> None:
    scene = random_scene(np.random.default_rng(1), 40, width, height, Blend.NORMALIZED)
    for scale in (1, "1/64", 3):
        assert np.abs(drawn(device, scene, None, scale) - reference.render(scene, None, scale)).max() < TOLERANCE / 20


def test_what_no_gaussian_reaches_shows_the_background(device: Device) -> None:
    nothing = random_gaussians(np.random.default_rng(0), 0, 9, 7)
    background = floats([0.25, 0.5, 0.75])
    assert np.allclose(drawn(device, Scene(9, 7, Blend.NORMALIZED, background, nothing)), background)
    assert not drawn(device, Scene(9, 7, Blend.SUM, background, nothing)).any()


def test_a_huge_gaussian_and_one_far_away(device: Device) -> None:
    """Sizes and distances at which products of coordinates would leave float32's digits."""
    gaussians = Gaussians(
        mean=floats([[65000.0, 64.0], [3.0, 4.0], [40.0, 9000.0]]),
        scale=floats([[30000.0, 20000.0], [1e6, 1e5], [2000.0, 40.0]]),
        angle=floats([0.3, 1.2, 2.9]),
        colour=floats([[1.0], [0.3], [0.0]]),
    )
    scene = Scene(70000, 64, Blend.NORMALIZED, floats([0.5]), gaussians)
    for region in ((0, 0, 40, 40), (69960, 20, 40, 40)):
        assert np.abs(drawn(device, scene, region) - reference.render(scene, region)).max() < TOLERANCE / 10


def test_one_canvas_draws_many_views(device: Device, scene: Scene) -> None:
    """Memory is kept between them: neither an earlier, larger view nor an earlier scale leaves a trace."""
    canvas = cuda.Canvas(device, scene)
    for region, scale in ((None, 1), ((7, 5, 20, 20), 1), (None, "1/4"), (None, 2), ((0, 0, 9, 9), 1)):
        seen = view(WIDTH, HEIGHT, region, scale)
        canvas.place(seen)
        assert np.array_equal(canvas.draw(np.float32), drawn(device, scene, region, scale))
    canvas.place(view(WIDTH, HEIGHT))
    out = canvas.raster(np.uint8)
    assert canvas.raster(np.uint8, out=out) is out


def test_lists_that_would_be_too_long_are_refused(
    device: Device, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda, "_MOST_ENTRIES", 100)
    canvas = cuda.Canvas(device, scene)
    with pytest.raises(DeviceError, match="--device cpu"):
        canvas.place(view(WIDTH, HEIGHT))
    monkeypatch.undo()
    canvas.place(view(WIDTH, HEIGHT))
    assert np.array_equal(canvas.draw(np.float32), drawn(device, scene))


def test_colours_beyond_white_and_black_are_clamped_only_where_they_are_rounded_or_averaged(device: Device) -> None:
    one = Gaussians(floats([[8, 8]]), floats([[4, 4]]), floats([0]), floats([[3.0, -2.0, 0.5]]))
    scene = Scene(16, 16, Blend.NORMALIZED, floats([0, 0, 0]), one)
    assert drawn(device, scene).max() > 2.9
    assert drawn(device, scene).min() < -1.9
    half = drawn(device, replace(scene), None, "1/2")
    assert half.max() <= 1
    assert half.min() >= 0
