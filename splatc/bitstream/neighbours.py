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

NEIGHBOURS = 4
LEAF = 8
"""Points in a leaf."""


def nearest_earlier(x: Int64Array, y: Int64Array) -> tuple[NDArray[np.int32], Int64Array]:
    """For points 0 <= x, y < 2^31 in coding order, the nearest of those before each.

    Returns indices (N, NEIGHBOURS), nearest first, of two equally near the earlier first, -1 where there are no more; and their squared
    distances (N, NEIGHBOURS).
    """
    count = len(x)
    order = np.argsort(morton(x, y), kind="stable")
    leaves = 1 << max(0, -(-count // LEAF) - 1).bit_length()
    # Missing points at the end repeat the last one, with an index that is never earlier.
    slots = order[np.minimum(np.arange(leaves * LEAF), count - 1)] if count else np.zeros(leaves * LEAF, np.intp)
    index = np.where(np.arange(leaves * LEAF) < count, slots, count)
    if count == 0:
        return np.zeros((0, NEIGHBOURS), np.int32), np.zeros((0, NEIGHBOURS), np.int64)
    boxes = np.empty((2 * leaves, 5), np.int64)  # (nodes, low x, high x, low y, high y, earliest index); node 1 is the root
    for column, (values, reduce) in enumerate(
        ((x[slots], np.minimum), (x[slots], np.maximum), (y[slots], np.minimum), (y[slots], np.maximum), (index, np.minimum))
    ):
        level = reduce.reduce(values.reshape(leaves, LEAF), axis=1)
        first = leaves
        while True:
            boxes[first : 2 * first, column] = level
            if first == 1:
                break
            first //= 2
            level = reduce(level[0::2], level[1::2])
    neighbours = np.full((count, NEIGHBOURS), -1, np.int32)
    distances = np.full((count, NEIGHBOURS), np.iinfo(np.int64).max, np.int64)
    _search(x, y, order, boxes, leaves, neighbours, distances)
    return neighbours, distances


@njit(cache=True, nogil=True)
def _box_distance(boxes, node, x, y):  # type: ignore[no-untyped-def]
    """Squared distance from a point to the box of a node."""
    dx = max(boxes[node, 0] - x, 0, x - boxes[node, 1])
    dy = max(boxes[node, 2] - y, 0, y - boxes[node, 3])
    return dx * dx + dy * dy


@njit(cache=True, nogil=True)
def _search(x, y, order, boxes, leaves, neighbours, distances):  # type: ignore[no-untyped-def]
    stack = np.empty(64, np.int64)
    last = NEIGHBOURS - 1
    for slot in range(len(order)):  # Morton order: what one search touched is still in the cache for the next
        point = order[slot]
        px, py = x[point], y[point]
        stack[0] = 1
        depth = 1
        while depth:
            depth -= 1
            node = stack[depth]
            if boxes[node, 4] >= point or _box_distance(boxes, node, px, py) > distances[point, last]:
                continue
            if node < leaves:
                left, right = 2 * node, 2 * node + 1
                # The nearer child is searched first, so it is pushed last; of two equally near, the one with the earlier points.
                to_left, to_right = _box_distance(boxes, left, px, py), _box_distance(boxes, right, px, py)
                if to_right < to_left or (to_right == to_left and boxes[right, 4] < boxes[left, 4]):
                    left, right = right, left
                stack[depth] = right
                stack[depth + 1] = left
                depth += 2
                continue
            start = (node - leaves) * LEAF
            for candidate in order[start : start + LEAF]:
                if candidate >= point:
                    continue
                dx, dy = x[candidate] - px, y[candidate] - py
                distance = dx * dx + dy * dy
                place = NEIGHBOURS
                while place and (
                    distance < distances[point, place - 1]
                    or (distance == distances[point, place - 1] and candidate < neighbours[point, place - 1])
                ):
                    place -= 1
                if place < NEIGHBOURS:
                    for k in range(last, place, -1):
                        neighbours[point, k] = neighbours[point, k - 1]
                        distances[point, k] = distances[point, k - 1]
                    neighbours[point, place] = candidate
                    distances[point, place] = distance
