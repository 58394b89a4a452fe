"""Views of a scene -> samples, on all cores: what the decoder draws with.

Each tile of the frame (view.py) is one job. It adds up the Gaussians that reach it, blends, averages the points of each output pixel
and rounds; only finished samples leave it. Tiles and the column blocks in them lie on a grid fixed to the frame, and Gaussians are
placed relative to their tile, so a sample is the same to the last bit whatever region, strip or number of threads it is drawn with.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from splatc.gaussians import EPSILON, Blend, FloatArray, Gaussians, Scene
from splatc.render import simd
from splatc.render.cpu import features
from splatc.render.footprint import EXTENT_X, EXTENT_Y, FOOTPRINT, KERNEL, MEAN_X, MEAN_Y, footprints
from splatc.render.tile import TILE_HEIGHT, TILE_WIDTH, add_gaussian
from splatc.render.view import View

Samples = NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True)
class Plan:
    """A view made ready for the kernel: its Gaussians in the frame, sorted into tiles."""

    view: View
    blend: Blend
    background: FloatArray
    """(C,)"""
    mean: NDArray[np.float64]
    """(N, 2) in points of the frame."""
    footprint: FloatArray
    """(N, FOOTPRINT); its means are not used."""
    feature: FloatArray
    """(N, K) what a weight of 1 adds to each plane."""
    starts: NDArray[np.int64]
    members: NDArray[np.int32]
    """Tile t, counted along the rows of `tiles`, holds the Gaussians members[starts[t] : starts[t + 1]]."""
    tiles: tuple[int, int, int, int]
    """First column and row of tiles, number of columns and rows."""

    @property
    def tile_rows(self) -> int:
        """Rows of the output that a tile holds."""
        return TILE_HEIGHT // self.view.samples


def make_plan(scene: Scene, view: View) -> Plan:
    """Drop what does not touch the view, filter the rest for its scale and sort it into tiles."""
    g = scene.gaussians
    touching = view.touching(g)
    if not touching.all():
        g = Gaussians(g.mean[touching], g.scale[touching], g.angle[touching], g.colour[touching])
    filtered = np.sqrt(g.scale.astype(np.float64) ** 2 + view.added_variance)  # (N, 2)
    gain = (g.scale.astype(np.float64) / filtered).prod(axis=1)  # keeps the mass
    frame = Gaussians(g.mean, (filtered * float(view.density)).astype(np.float32), g.angle, g.colour)
    mean, footprint = view.in_frame(g.mean), footprints(frame)
    feature = (features(g.colour, scene.blend) * gain[:, None]).astype(np.float32)
    tiles = _tiles(view)
    width, height = tile_size(view.samples)
    starts, members = bin_tiles(mean, footprint, *tiles, width, height)
    background = scene.background.astype(np.float32)
    return Plan(view, scene.blend, background, mean, footprint, feature, starts, members, tiles)


def draw(plan: Plan, dtype: type[np.uint8 | np.uint16 | np.float32], first: int = 0, last: int | None = None) -> Any:
    """(R, W, C) samples of rows [first, last) of the output; `first` begins a row of tiles.

    Integers are clamped and rounded (spec/picture.md, "Samples"), floats are neither.
    """
    view = plan.view
    last = view.rows if last is None else last
    out = np.empty((last - first, view.columns, len(plan.background)), dtype)
    kernel = _kernel(plan.feature.shape[1], plan.blend is Blend.NORMALIZED)
    # All types in one kernel, of which two are empty here: a kernel takes seconds to compile.
    bytes_, words, floats = (
        out if dtype is kind else out[:0].astype(kind) for kind in (np.uint8, np.uint16, np.float32)
    )
    kernel(
        plan.mean, plan.footprint, plan.feature, plan.background, plan.starts, plan.members, *plan.tiles,
        view.samples, view.left, view.top + first, view.columns, last - first, *view.ends, bytes_, words, floats,
    )  # fmt: skip
    return out


def strips(plan: Plan, dtype: type[np.uint8 | np.uint16 | np.float32], rows: int = 256) -> Iterator[Any]:
    """The samples of `draw` from top to bottom, about `rows` rows at a time."""
    view, height = plan.view, plan.tile_rows
    step = max(1, rows // height) * height
    edges = [edge - view.top for edge in range(view.top // height * height, view.top + view.rows, step)]
    for edge in edges:
        yield draw(plan, dtype, max(edge, 0), min(edge + step, view.rows))


def tile_size(samples: int) -> tuple[int, int]:
    """Width and height of a tile in points of the frame: whole output pixels."""
    return TILE_WIDTH // samples * samples, TILE_HEIGHT // samples * samples


def _tiles(view: View) -> tuple[int, int, int, int]:
    spans = []
    for first, count, size in zip(
        (view.left, view.top), (view.columns, view.rows), tile_size(view.samples), strict=True
    ):
        pixels = size // view.samples
        spans.append((first // pixels, -(-(first + count) // pixels)))
    (x0, x1), (y0, y1) = spans
    return x0, y0, x1 - x0, y1 - y0


@njit(**KERNEL)
def bin_tiles(
    mean: NDArray[np.float64],
    footprint: FloatArray,
    first_x: int,
    first_y: int,
    tiles_x: int,
    tiles_y: int,
    width: int,
    height: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Tile lists (Plan.starts, Plan.members) of tiles of ``width`` x ``height`` points, Gaussians in ascending order."""
    starts = np.zeros(tiles_x * tiles_y + 1, np.int64)
    cursor = starts
    members = np.empty(0, np.int32)
    for fill in (False, True):
        for i in range(len(footprint)):
            # Half a point of room: the tile itself decides what it draws.
            reach_x, reach_y = float(footprint[i, EXTENT_X]), float(footprint[i, EXTENT_Y])
            x0 = max(int(np.floor((mean[i, 0] - reach_x - 0.5) / width)), first_x)
            x1 = min(int(np.floor((mean[i, 0] + reach_x + 0.5) / width)), first_x + tiles_x - 1)
            y0 = max(int(np.floor((mean[i, 1] - reach_y - 0.5) / height)), first_y)
            y1 = min(int(np.floor((mean[i, 1] + reach_y + 0.5) / height)), first_y + tiles_y - 1)
            for ty in range(y0 - first_y, y1 - first_y + 1):
                for tx in range(x0 - first_x, x1 - first_x + 1):
                    tile = ty * tiles_x + tx
                    if fill:
                        members[cursor[tile]] = i
                        cursor[tile] += 1
                    else:
                        starts[tile + 1] += 1
        if not fill:
            starts = np.cumsum(starts)
            cursor = starts.copy()
            members = np.empty(starts[-1], np.int32)
    return starts, members


@njit(inline="always", **KERNEL)
def _store(bytes_: Any, words: Any, floats: Any, y: int, x: int, c: int, value: np.float32) -> None:
    """Sample (y, x, c) of the one array that is not empty."""
    if len(bytes_) > 0:
        bytes_[y, x, c] = value * np.float32(255.0) + np.float32(0.5)
    elif len(words) > 0:
        words[y, x, c] = value * np.float32(65535.0) + np.float32(0.5)
    else:
        floats[y, x, c] = value


@functools.cache
def _kernel(planes: int, normalized: bool) -> Any:
    """The rasterizer for a number of planes; Numba compiles and caches each variant on disk."""
    epsilon = np.float32(EPSILON)
    channels = planes - 1 if normalized else planes
    zero, one = np.float32(0.0), np.float32(1.0)

    @njit(parallel=True, **KERNEL)
    def rasterize(
        mean: NDArray[np.float64],
        footprint: FloatArray,
        feature: FloatArray,
        background: FloatArray,
        starts: NDArray[np.int64],
        members: NDArray[np.int32],
        first_x: int,
        first_y: int,
        tiles_x: int,
        tiles_y: int,
        samples: int,
        out_left: int,
        out_top: int,
        out_columns: int,
        out_rows: int,
        end_x: int,
        end_y: int,
        bytes_: Any,
        words: Any,
        floats: Any,
    ) -> None:
        pixels_x, pixels_y = TILE_WIDTH // samples, TILE_HEIGHT // samples
        clamped = samples > 1 or len(floats) == 0
        low = max(out_top // pixels_y - first_y, 0)
        high = min(-(-(out_top + out_rows) // pixels_y) - first_y, tiles_y)
        flat = feature.reshape(-1)
        for tile in prange(low * tiles_x, high * tiles_x):
            tile_x, tile_y = first_x + tile % tiles_x, first_y + tile // tiles_x
            left, top = tile_x * pixels_x * samples, tile_y * pixels_y * samples
            width, height = min(pixels_x * samples, end_x - left), min(pixels_y * samples, end_y - top)
            sums = np.zeros(TILE_WIDTH * TILE_HEIGHT * planes, np.float32)  # (block of 8 columns, row, plane, column)
            local = np.empty((1, FOOTPRINT), np.float32)
            for k in range(starts[tile], starts[tile + 1]):
                i = members[k]
                for column in range(
                    FOOTPRINT
                ):  # local[0] = ... would be a parallel loop in Numba's eyes, long to compile
                    local[0, column] = footprint[i, column]
                local[0, MEAN_X] = np.float32(mean[i, 0] - left)
                local[0, MEAN_Y] = np.float32(mean[i, 1] - top)
                add_gaussian(sums, local, 0, flat, i * planes, planes, width, height)
            for block in range((width + simd.LANES - 1) // simd.LANES):
                for y in range(height):
                    at = (block * TILE_HEIGHT + y) * planes * simd.LANES
                    for lane in range(at, at + simd.LANES):
                        if normalized:
                            inverse = one / (sums[lane + channels * simd.LANES] + epsilon)
                            for c in range(channels):
                                value = (sums[lane + c * simd.LANES] + epsilon * background[c]) * inverse
                                sums[lane + c * simd.LANES] = value
                        if clamped:
                            for c in range(channels):
                                value = sums[lane + c * simd.LANES]
                                sums[lane + c * simd.LANES] = min(max(value, zero), one)
            y0, y1 = max(tile_y * pixels_y, out_top), min((tile_y + 1) * pixels_y, out_top + out_rows)
            x0, x1 = max(tile_x * pixels_x, out_left), min((tile_x + 1) * pixels_x, out_left + out_columns)
            line = np.empty(TILE_WIDTH, np.float32)
            for y in range(y0, y1):
                v0 = y * samples - top
                v1 = min(v0 + samples, height)
                if samples == 1:
                    for x in range(x0 - left, x1 - left):
                        at = ((x >> 3) * TILE_HEIGHT + v0) * planes * simd.LANES + (x & 7)
                        for c in range(channels):
                            value = sums[at + c * simd.LANES]
                            _store(bytes_, words, floats, y - out_top, x + left - out_left, c, value)
                    continue
                for c in range(channels):
                    for u in range(TILE_WIDTH):
                        line[u] = zero
                    for block in range((width + simd.LANES - 1) // simd.LANES):
                        for v in range(v0, v1):
                            at = ((block * TILE_HEIGHT + v) * planes + c) * simd.LANES
                            for lane in range(simd.LANES):
                                line[block * simd.LANES + lane] += sums[at + lane]
                    for x in range(x0, x1):
                        u0 = x * samples - left
                        u1 = min(u0 + samples, width)
                        total = zero
                        for u in range(u0, u1):
                            total += line[u]
                        value = total / np.float32((v1 - v0) * (u1 - u0))
                        _store(bytes_, words, floats, y - out_top, x - out_left, c, value)

    return rasterize
