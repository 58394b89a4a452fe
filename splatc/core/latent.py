"""Latents -> Gaussians by the core (``core.h``, "Latents")."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from splatc import core
from splatc.core import structs
from splatc.core.loading import OK, TOO_SMALL, address, aligned, check, load


def decode_latents(
    network: NDArray[np.uint8], stream: bytes, q: int, latents: int, rows: int, columns: int
) -> tuple[int, NDArray[np.int16]]:
    """Status, and (latents, rows, columns), of the stream of a tile of some cells."""
    found = np.zeros((latents, rows, columns), np.int16)
    size = load().core_latent_workspace(columns, rows)
    workspace, content = aligned(max(size, 1)), np.frombuffer(stream + b"\0", np.uint8)
    task = structs.LatentTile(
        address(network), address(content), len(stream), q, latents, columns, rows,
        address(found), address(workspace), size, None,
    )  # fmt: skip
    return int(load().core_decode_latents(ctypes.byref(task))), found


def expect_latents(
    network: NDArray[np.uint8], latents: NDArray[np.int16], q: int
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """The mean of each latent (C, rows, columns) of a tile, and the number of the table with which its residual is coded."""
    count, rows, columns = latents.shape
    latents = np.ascontiguousarray(latents, np.int16)
    means, tables = np.empty(latents.shape, np.int32), np.empty(latents.shape, np.uint8)
    size = load().core_latent_workspace(columns, rows)
    workspace = aligned(max(size, 1))
    task = structs.LatentTile(
        address(network), None, 0, q, count, columns, rows, None, address(workspace), size, None
    )  # fmt: skip
    check(load().core_expect_latents(ctypes.byref(task), address(latents), address(means), address(tables)))
    return means, tables


def synthesize(
    network: NDArray[np.uint8],
    values: NDArray[np.int16],
    q: int,
    place: tuple[int, int],
    picture: tuple[int, int],
    least_level: int,
) -> core.Columns:
    """The Gaussians of cells from their latents (C, rows + 2, columns + 2), those around them included.

    ``place``: column and row of the first cell; ``picture``: width and height, px.
    """
    latents, rows, columns = values.shape[0], values.shape[1] - 2, values.shape[2] - 2
    values = np.ascontiguousarray(values, np.int16)
    size = load().core_synthesis_workspace(columns, rows)
    workspace = aligned(max(size, 1))
    task = structs.Synthesis(
        address(network), address(values), q, latents, columns, rows, *place, *picture, least_level,
        workspace=address(workspace), workspace_bytes=size,
    )  # fmt: skip
    found = core.Columns.empty(0, 1 if latents < 96 else 3)
    status = load().core_synthesize(ctypes.byref(task))
    if status == TOO_SMALL:
        found = core.Columns.empty(task.count, 1 if latents < 96 else 3)
        for name, where in found.addresses().items():
            setattr(task, name, where)
        task.room = task.count
        status = load().core_synthesize(ctypes.byref(task))
    check(status)
    assert status == OK
    return found
