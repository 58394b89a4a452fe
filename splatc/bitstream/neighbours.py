"""The nearest Gaussians among those coded earlier, exactly (spec/prediction.md, "Neighbours").

Points sorted by Morton code are the leaves of an implicit binary tree; each node knows the box of its points and the earliest of
them. A search drops nodes that are too far or hold only later points. Its cost grows like N log N whatever the points are: a grid of
buckets would be quicker on real pictures, but a hostile file could fill a single bucket.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from splatc.bitstream.positions import morton

Int64Array = NDArray[np.int64]

NEIGHBOURS = 16
LEAF = 8
"""Points in a leaf."""


def nearest_earlier(x: Int64Array, y: Int64Array, first: int = 0) -> tuple[NDArray[np.int32], Int64Array]:
    """For points 0 <= x, y < 2^30 in coding order, from the number ``first`` on, the nearest of those before each.

    Returns indices (N, NEIGHBOURS), nearest first, of two equally near the earlier first, -1 where there are no more, and for points before
    ``first``; and their squared distances (N, NEIGHBOURS).
    """
    count = len(x)
    neighbours = np.full((count, NEIGHBOURS), -1, np.int32)
    distances = np.full((count, NEIGHBOURS), np.iinfo(np.int64).max, np.int64)
    if first < count:
        order = np.argsort(morton(x, y), kind="stable").astype(np.int32)
        leaves = 1 << (-(-count // LEAF) - 1).bit_length()
        # The last leaves are filled up with copies of the last point that claim to be later than all.
        filled = np.concatenate((order, np.full(leaves * LEAF - count, order[-1])))
        points = np.column_stack((x[filled], y[filled], filled)).astype(np.int32)  # (leaves * LEAF, x y index)
        points[count:, 2] = count
        _search(x, y, points, first, count, _boxes(points, leaves), leaves, neighbours, distances)
    return neighbours, distances


def _boxes(points: NDArray[np.int32], leaves: int) -> NDArray[np.int32]:
    """(2 leaves, 5) low x, low y, earliest index, high x, high y of the points under each node; 1 is the root, 2k and 2k+1 under k."""
    boxes = np.empty((2 * leaves, 5), np.int32)
    grouped = points.reshape(leaves, LEAF, 3)
    boxes[leaves:, :3] = grouped.min(axis=1)
    boxes[leaves:, 3:] = grouped[:, :, :2].max(axis=1)
    first = leaves
    while first > 1:
        pairs = boxes[first : 2 * first].reshape(first // 2, 2, 5)
        first //= 2
        boxes[first : 2 * first, :3] = pairs[:, :, :3].min(axis=1)
        boxes[first : 2 * first, 3:] = pairs[:, :, 3:].max(axis=1)
    return boxes


@njit(cache=True, nogil=True)
def _box_distance(boxes, node, x, y):  # type: ignore[no-untyped-def]
    """Squared distance from a point to the box of a node."""
    dx = np.int64(max(boxes[node, 0] - x, 0, x - boxes[node, 3]))
    dy = np.int64(max(boxes[node, 1] - y, 0, y - boxes[node, 4]))
    return dx * dx + dy * dy


@njit(cache=True, nogil=True)
def _search(xs, ys, points, first, count, boxes, leaves, neighbours, distances):  # type: ignore[no-untyped-def]
    stack = np.empty(64, np.int64)
    reach = np.empty(64, np.int64)  # squared distance to the box of each node on the stack
    last = NEIGHBOURS - 1
    before = np.int64(-1)  # the point whose search came last
    for slot in range(count):  # Morton order: what one search touched is still in the cache for the next
        x, y, point = points[slot, 0], points[slot, 1], points[slot, 2]
        if point < first:
            continue
        found = neighbours[point]
        found_distances = distances[point]
        # Four earlier points that the point before has found bound what is worth a look from the start.
        bound = np.int64(0)
        for k in range(NEIGHBOURS):
            candidate = neighbours[before, k] if before >= 0 else -1
            if candidate < 0 or candidate >= point:
                bound = np.int64(np.iinfo(np.int64).max)
                break
            dx, dy = np.int64(xs[candidate] - x), np.int64(ys[candidate] - y)
            bound = max(bound, dx * dx + dy * dy)
        before = point
        stack[0] = 1
        reach[0] = 0
        depth = 1
        while depth:
            depth -= 1
            node = stack[depth]
            if reach[depth] > min(bound, found_distances[last]) or (
                reach[depth] == found_distances[last] and boxes[node, 2] > found[last]
            ):
                continue
            if node < leaves:
                near, far = 2 * node, 2 * node + 1
                to_near, to_far = _box_distance(boxes, near, x, y), _box_distance(boxes, far, x, y)
                # Of two halves equally near, the one with the earlier point: it fills the places that ties would take.
                if to_far < to_near or (to_far == to_near and boxes[far, 2] < boxes[near, 2]):
                    near, far = far, near
                    to_near, to_far = to_far, to_near
                if to_far <= min(bound, found_distances[last]) and boxes[far, 2] < point:
                    stack[depth] = far
                    reach[depth] = to_far
                    depth += 1
                if boxes[near, 2] < point:
                    stack[depth] = near
                    reach[depth] = to_near
                    depth += 1
                continue
            for place in range((node - leaves) * LEAF, (node - leaves + 1) * LEAF):
                candidate = points[place, 2]
                if candidate >= point:
                    continue
                dx, dy = np.int64(points[place, 0] - x), np.int64(points[place, 1] - y)
                distance = dx * dx + dy * dy
                if distance > bound:
                    continue
                k = last
                if distance > found_distances[k] or (distance == found_distances[k] and candidate > found[k]):
                    continue
                while k and (
                    distance < found_distances[k - 1]
                    or (distance == found_distances[k - 1] and candidate < found[k - 1])
                ):
                    found[k] = found[k - 1]
                    found_distances[k] = found_distances[k - 1]
                    k -= 1
                found[k] = candidate
                found_distances[k] = distance
