"""Uniform noise from a counter: the number of a Gaussian, of its attribute and of the step decide it, in whatever order it is asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatc.gaussians import FloatArray

_GAUSSIAN, _COMPONENT, _SEED = 0x9E3779B9, 0x85EBCA6B, 0xC2B2AE35
_MASK = 0xFFFFFFFF


def uniform(seed: int, step: int, count: int, components: int) -> FloatArray:
    """(components, count) numbers in [-1/2, 1/2), odd multiples of 2^-25.

    Components 0 and 1 are those of the mean along the sides of its cell, 2 log scale, 3 log aspect ratio, 4 angle, 5... colours;
    component k of Gaussian i comes from x = i a + k b + h modulo 2^32, where h is made of ``seed`` and ``step``.
    """
    h = _mix((seed * _SEED + _mix((step + 1) & _MASK)) & _MASK)
    gaussian = np.arange(count, dtype=np.uint32) * np.uint32(_GAUSSIAN)
    component = np.arange(components, dtype=np.uint32) * np.uint32(_COMPONENT)
    x = component[:, None] + gaussian + np.uint32(h)
    bits = _mixed(_mixed(x) ^ np.uint32(h)) >> np.uint32(8)
    return bits.astype(np.float32) * np.float32(2.0**-24) - np.float32(0.5) + np.float32(2.0**-25)


def _mix(x: int) -> int:
    """A bijection of 32 bits (the "lowbias32" of Wellons' hash prospector)."""
    x = (x ^ x >> 16) * 0x7FEB352D & _MASK
    x = (x ^ x >> 15) * 0x846CA68B & _MASK
    return x ^ x >> 16


def _mixed(x: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The same of arrays."""
    x = (x ^ x >> np.uint32(16)) * np.uint32(0x7FEB352D)
    x = (x ^ x >> np.uint32(15)) * np.uint32(0x846CA68B)
    return x ^ x >> np.uint32(16)
