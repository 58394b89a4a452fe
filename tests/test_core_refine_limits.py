"""Refinements that an encoder may not ask for: the core refuses whatever does not fit the buffers of a call.

tools/core_mutation.py takes each check away.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from splatc.bitstream import latent_network
from splatc.core import refine_structs
from splatc.core.loading import INVALID, OK, address, aligned, load
from splatc.encoder import latent as encoder
from splatc.encoder.latent_refine import refiner_of
from splatc.image.image import Image

CHANGES: dict[str, Callable[[Any], object]] = {
    "no network": lambda task: setattr(task, "network", None),
    "q": lambda task: setattr(task, "q", 192),
    "negative q": lambda task: setattr(task, "q", -1),
    "channels": lambda task: setattr(task, "channels", 2),
    "width": lambda task: setattr(task, "width", 0),
    "large width": lambda task: setattr(task, "width", (1 << 20) + 1),
    "height": lambda task: setattr(task, "height", 0),
    "large height": lambda task: setattr(task, "height", (1 << 20) + 1),
    "row": lambda task: setattr(task, "row", -8),
    "column": lambda task: setattr(task, "column", -8),
    "row within a block": lambda task: setattr(task, "row", 1),
    "column within a block": lambda task: setattr(task, "column", 1),
    "row beyond": lambda task: setattr(task, "row", 8),
    "column beyond": lambda task: setattr(task, "column", 8),
    "most": lambda task: setattr(task, "most", 1023),
    "worth": lambda task: setattr(task, "worth", 0.0),
    "no number": lambda task: setattr(task, "worth", float("nan")),
    "workspace": lambda task: setattr(task, "workspace_bytes", task.workspace_bytes - 1),
    "unaligned": lambda task: setattr(task, "workspace", task.workspace + 8),
}


class Call:
    """The first block of a gray or coloured picture, with all of its buffers."""

    def __init__(self, width: int = 64, height: int = 48, q: int = 60, span: int = 0) -> None:
        self.network = latent_network.load(1).copy()
        if span:
            thresholds = latent_network.fields(self.network)["thresholds"]
            thresholds[-1] = thresholds[0] + span
        image = Image(np.full((height, width, 3), 99, np.uint8))
        self.latents = np.zeros((96, -(-height // 16), -(-width // 16)), np.int16)
        self.refiner = refiner_of(image, self.network, encoder.costs_of(self.network), q)
        size = load().core_refine_workspace()
        self.workspace = aligned(size + 64)
        each = self.refiner
        self.task = refine_structs.Refinement(
            *map(address, (self.network, each.pixels, self.latents, each.costs, each.kernels, each.products, each.gains)),
            width, height, 0, 0, 3, 255, q, False, 0.01, workspace=address(self.workspace), workspace_bytes=size,
        )  # fmt: skip

    def run(self) -> int:
        return int(load().core_refine(ctypes.byref(self.task)))


@pytest.mark.parametrize("name", CHANGES)
def test_the_core_refuses_what_does_not_fit(name: str) -> None:
    call = Call()
    assert call.run() == OK
    CHANGES[name](call.task)
    assert call.run() == INVALID


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1 << 20, 1), (1, 1 << 20)])
@pytest.mark.parametrize("q", [0, 191])
def test_the_ends_of_what_it_takes(width: int, height: int, q: int) -> None:
    assert Call(width, height, q).run() == OK


def test_a_block_begins_in_the_picture() -> None:
    for name in ("row", "column"):
        call = Call(128, 128)
        setattr(call.task, name, 8)
        assert call.run() == INVALID


def test_a_picture_of_two_blocks_has_the_second() -> None:
    for name in ("row", "column"):
        call = Call(144, 144)
        setattr(call.task, name, 8)
        assert call.run() == OK


def test_thresholds_lie_in_a_table() -> None:
    assert Call(span=(1 << 15) - 2).run() == OK
    assert Call(span=(1 << 15) - 1).run() == INVALID
    assert Call(span=1 << 30).run() == INVALID
