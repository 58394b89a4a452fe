"""The networks of the latent codec as integers: the file of the weights, which is what the core reads (spec/latent.md, "The network")."""

from __future__ import annotations

import functools
import hashlib
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from splatc.bitstream.latent_layout import CHROMA, LATENTS, LOW, LUMA

TABLES = 64
RESIDUALS = 98
"""Symbols of a latent: residuals of -48..48, and the escape."""
BIAS_NODES = 13
MEANS = LOW + 2 * CHROMA
"""Latents that have a mean (latent_layout.predicted)."""
AROUND = 9
"""Cells around a cell, itself among them, by rows."""

NETWORK = np.dtype(
    [
        ("gains", "<u4", LATENTS),
        ("offset", "<i4"),
        ("thresholds", "<i4", TABLES - 1),
        ("bias", "<i2", (BIAS_NODES, LATENTS)),
        ("frequencies", "<u2", (TABLES, RESIDUALS)),
        ("mean", "i1", (LATENTS, AROUND, MEANS)),
        ("scale", "i1", (LATENTS, AROUND, LATENTS)),
        ("any", "i1", (LATENTS, AROUND, LATENTS)),
        ("coarse_luma", "i1", (LOW, AROUND, LOW)),
        ("fine_luma", "i1", (LUMA, AROUND, LUMA)),
        ("coarse_chroma", "i1", (CHROMA, AROUND, LOW)),
        ("fine_chroma", "i1", (CHROMA, AROUND, LUMA)),
    ]
)
"""``core_latent_network``: arrays [d][j][k] are what latent d in cell j of the 3 x 3 around says of k."""

KNOWN = {1: "a0360438372252b31953b336cc51ae1caad36772b51662efd3f0945df39b22d5"}
"""By identifier, the SHA-256 of the file."""


@functools.cache
def load(identifier: int) -> NDArray[np.uint8]:
    """The bytes of a network that is KNOWN."""
    data = resources.files("splatc.bitstream").joinpath(f"latent_{identifier}.bin").read_bytes()
    assert hashlib.sha256(data).hexdigest() == KNOWN[identifier], "the file of the network is another"
    return np.frombuffer(data, np.uint8)


def fields(data: NDArray[np.uint8]) -> np.void:
    """Its arrays by name."""
    found: np.void = data.view(NETWORK)[0]
    return found
