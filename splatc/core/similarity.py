"""The difference of two pictures, in the core: sums of squares and SSIM at several scales; ``fit/metric.h``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatc.core import loading, loss_structs
from splatc.core.loading import address, aligned, check, load
from splatc.core.pool import Work, threads

Samples = NDArray[np.uint8 | np.uint16]

SCALES = 5
_CHUNK = 1 << 18
_SQUARES, _SIMILARITY = 12, 13
"""Kinds of jobs."""


def sum_of_squares(a: Samples, b: Samples) -> int:
    """Of the differences of all samples; two arrays of one shape, both uint8 or both uint16."""
    a, b = _alike(a, b)
    chunks = -(-a.size // _CHUNK)
    sums = np.zeros(chunks, np.int64)
    task = loss_structs.Squares(address(a), address(b), a.size, address(sums), 8 * a.itemsize)
    if chunks:
        check(Work(_SQUARES, min(threads(), chunks)).run(task, chunks))
    return int(sums.sum())


def similarities(a: Samples, b: Samples, channel: int) -> tuple[list[float], list[float]]:
    """SSIM of one channel of two pictures (H, W, C) at full size and at each half that has room for a window, up to SCALES of them.

    One each a scale: the means over all positions of the window within the picture of the contrast-structure term, and of that times the
    luminance term.
    """
    a, b = _alike(a, b)
    height, width, channels = a.shape
    task = loss_structs.Similarity(
        address(a), address(b), width, height, channels, channel, depth=8 * a.itemsize, workers=threads()
    )
    size = load().core_similarity_workspace(task)
    check(loading.OK if size >= 0 else loading.INVALID)
    workspace, phases = aligned(size), np.empty(2, np.int64)
    task.workspace, task.workspace_bytes = address(workspace), size
    check(load().core_similarity_phases(task, address(phases)))
    check(Work(_SIMILARITY, task.workers).run(task, int(phases[-1]), phases=phases))
    structure, full = np.empty(SCALES), np.empty(SCALES)
    scales = load().core_similarity_means(task, address(structure), address(full))
    check(loading.OK if scales > 0 else loading.INVALID)
    return structure[:scales].tolist(), full[:scales].tolist()


def _alike(a: Samples, b: Samples) -> tuple[Samples, Samples]:
    if a.shape != b.shape or a.dtype != b.dtype or a.dtype not in (np.uint8, np.uint16):
        raise AssertionError(f"pictures of {a.shape} {a.dtype} and {b.shape} {b.dtype}")
    return np.ascontiguousarray(a), np.ascontiguousarray(b)
