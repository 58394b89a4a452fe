"""What happens to a picture before the first step of a fit, compiled; ``fit/seed.h`` has the meaning of every number."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from splatc.core import seed_structs as structs
from splatc.core.loading import address, aligned, check, load
from splatc.core.pool import Work, patiently, threads

Floats = NDArray[np.float32]
Samples = NDArray[np.uint8 | np.uint16]
Indices = NDArray[np.int64]

ROWS = 16
"""Of a band."""
POINTS = 128
STATISTICS = 4
_SUM, _REDUCE, _SPLIT, _FEATURES, _COLOURS, _NEAREST = range(16, 22)
"""Kinds of jobs."""
_MANY = 1 << 18
"""Points that take some 50 ms to sort or to keep apart."""


class Tile(NamedTuple):
    """The pixels x0 <= x < x1, y0 <= y < y1 of a picture."""

    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    @property
    def width(self) -> int:
        return self.x1 - self.x0


def sum_samples(pixels: Samples) -> NDArray[np.int64]:
    """(C,) the sums of the samples of a picture (H, W, C)."""
    pixels = np.ascontiguousarray(pixels)
    sums = np.zeros((_bands(len(pixels)), pixels.shape[2]), np.int64)
    _run(_SUM, structs.Sum(**_described(pixels), sums=address(sums)), len(sums))
    total: NDArray[np.int64] = sums.sum(axis=0)
    return total


def reduce(pixels: Samples, reduction: int) -> Floats:
    """(h, w, C) means of boxes of r x r pixels of a picture (H, W, C), in [0, 1]; those at the far borders may be smaller."""
    pixels = np.ascontiguousarray(pixels)
    height, width, channels = pixels.shape
    means = np.empty((-(-height // reduction), -(-width // reduction), channels), np.float32)
    unit = np.float32(1.0 / np.iinfo(pixels.dtype).max)
    task = structs.Reduce(**_described(pixels), reduction=reduction, means=address(means), unit=float(unit))
    _run(_REDUCE, task, _bands(len(means)))
    return means


def split(pixels: Samples, reduction: int, stride: int) -> Samples:
    """(min(r, H), min(r, W), h, C, stride) the polyphase subsets of a picture (H, W, C), by y % r and x % r, in rows of planes.

    h = ceil(H / r), stride >= ceil(W / r) samples, 0 behind the end of each plane; the last row of a subset may be missing.
    """
    pixels = np.ascontiguousarray(pixels)
    height, width, channels = pixels.shape
    rows = -(-height // reduction)
    subsets = np.empty((min(reduction, height), min(reduction, width), rows, channels, stride), pixels.dtype)
    task = structs.Split(
        **_described(pixels), reduction=reduction, rows=rows, stride=stride, subsets=address(subsets)
    )  # fmt: skip
    _run(_SPLIT, task, _bands(height))
    return subsets


def sum_features(image: Floats, tile: Tile) -> NDArray[np.float64]:
    """(bands, STATISTICS) of a tile of a picture (H, W, C): sum and maximum of the gradient, sum and maximum of the variance."""
    image, statistics = np.ascontiguousarray(image), np.empty((_bands(tile.height), STATISTICS))
    task = structs.Features(**_of_tile(image, tile), statistics=address(statistics))
    _run(_FEATURES, task, len(statistics))
    return statistics


def draw_pixels(
    image: Floats, tile: Tile, shares: tuple[float, float], floor: float, count: int, seed: int
) -> tuple[Indices, Floats]:
    """(count,) places of different pixels in a tile of a picture (H, W, C), ascending, and (count,) their weights.

    The weight is ``shares`` times gradient and variance; pixels are drawn one after the other with probability in proportion to it
    plus ``floor``. 0 <= seed < 2^64.
    """
    image, weight = np.ascontiguousarray(image), np.empty(tile.height * tile.width, np.float32)
    arrival = np.empty(len(weight), np.uint32)
    task = structs.Features(
        **_of_tile(image, tile), gradient_share=shares[0], variance_share=shares[1], floor=floor,
        weight=address(weight), arrival=address(arrival), seed=seed,
    )  # fmt: skip
    _run(_FEATURES, task, _bands(tile.height))
    chosen = np.empty(count, np.int64)
    check(load().core_choose_smallest(address(arrival), len(arrival), count, address(chosen)))
    return chosen, weight[chosen]


def shrink_scales(weight: Floats, base: float) -> Floats:
    """(N,) px: base exp(-weight / 2)."""
    weight = np.ascontiguousarray(weight, np.float32)
    scale = np.empty_like(weight)
    check(load().core_shrink_scales(address(weight), len(weight), base, address(scale)))
    return scale


def median_colours(image: Floats, mean: Floats, scale: Floats) -> Floats:
    """(N, C) weighted medians of a picture (H, W, C) of values >= 0, around means (N, 2) px, of scales (N,) px."""
    image, mean, scale = (np.ascontiguousarray(array, np.float32) for array in (image, mean, scale))
    height, width, channels = image.shape
    colour = np.empty((len(mean), channels), np.float32)
    task = structs.Colours(
        image=address(image), width=width, height=height, count=len(mean), channels=channels,
        mean=address(mean), scale=address(scale), colour=address(colour),
    )  # fmt: skip
    _run(_COLOURS, task, -(-len(mean) // POINTS))
    return colour


def order_points(points: Floats, corner: tuple[float, float] = (0.0, 0.0), factor: float = 1.0) -> NDArray[np.int32]:
    """(N,) numbers of points (N, 2) by the Morton code of their cells of 1 / factor px, the first of which begins at the corner."""
    points = np.ascontiguousarray(points, np.float32)
    order, workspace = np.empty(len(points), np.int32), aligned(load().core_order_workspace(len(points)))
    given = address(points), len(points), *corner, factor, address(order), address(workspace), len(workspace)
    _call(lambda: int(load().core_order_points(*given)), len(points), (points, order, workspace))
    return order


def nearest_distances(points: Floats, everyone: Floats, neighbours: int) -> Floats:
    """(N,) px: root mean square distance of points (N, 2) to the ``neighbours`` nearest others of ``everyone`` (M, 2), M > neighbours.

    The points are among everyone; 1 <= neighbours <= 8 (CORE_MOST_NEAREST).
    """
    points, everyone = (np.ascontiguousarray(array, np.float32) for array in (points, everyone))
    count = len(everyone)
    low, high = everyone.min(axis=0).astype(np.float64), everyone.max(axis=0).astype(np.float64)
    extent = float((high - low).max())
    order = order_points(everyone, (float(low[0]), float(low[1])), (2.0**31 - 1.0) / extent if extent > 0.0 else 0.0)
    tree = aligned(load().core_tree_bytes(count))
    check(load().core_make_tree(address(everyone), address(order), count, address(tree), len(tree)))
    distance = np.empty(len(points), np.float32)
    task = structs.Nearest(
        tree=address(tree), tree_points=count, points=address(points), count=len(points), neighbours=neighbours,
        distance=address(distance),
    )  # fmt: skip
    _run(_NEAREST, task, -(-len(points) // POINTS))
    return distance


def keep_apart(points: Floats, candidates: Floats, width: int, height: int, radius: float) -> NDArray[np.bool_]:
    """(N,) which candidates (N, 2) are nowhere nearer than ``radius`` px to a point (M, 2), nor to a candidate accepted before.

    All lie within a picture of width x height px.
    """
    points, candidates = (np.ascontiguousarray(array, np.float32) for array in (points, candidates))
    total = len(points) + len(candidates)
    side = max(radius * (1.0 + 1e-5), (width * height / max(total, 1)) ** 0.5)
    columns, rows = (max(1, int(length / side)) for length in (width, height))
    heads, links = np.empty(columns * rows, np.int32), np.empty(total, np.int32)
    accepted = np.empty(len(candidates), np.uint8)
    task = structs.Apart(
        points=address(points), candidates=address(candidates), point_count=len(points), candidate_count=len(candidates),
        width=width, height=height, radius=radius, columns=columns, rows=rows,
        heads=address(heads), links=address(links), accepted=address(accepted),
    )  # fmt: skip
    _call(lambda: int(load().core_keep_apart(task)), total, (task, points, candidates, heads, links, accepted))
    return accepted.view(np.bool_)


def _described(pixels: Samples) -> dict[str, int]:
    height, width, channels = pixels.shape
    return {
        "pixels": address(pixels), "width": width, "height": height, "channels": channels, "sample_bytes": pixels.itemsize
    }  # fmt: skip


def _of_tile(image: Floats, tile: Tile) -> dict[str, int]:
    height, width, channels = image.shape
    return {"image": address(image), "width": width, "height": height, "channels": channels, **tile._asdict()}


def _bands(rows: int) -> int:
    return -(-rows // ROWS)


def _run(kind: int, task: ctypes.Structure, items: int) -> None:
    if items:
        check(Work(kind, min(threads(), items)).run(task, items))


def _call(call: Callable[[], int], points: int, keep: object) -> None:
    """Make a call that works on so many points; a long one handles signals, and the objects in ``keep`` live until it ends."""
    check(call() if points < _MANY else patiently(call, keep))
