"""Memory that the steps of a fit hand on to one another.

The allocator gives large arrays back to the system, and a fresh one costs a page fault every 4 KiB: with arrays of their own, steps
would spend a third of their time there.
"""

from __future__ import annotations

import math

import numpy as np

from splatc.gaussians import FloatArray


class Scratch:
    """Arrays by name; not for two threads at a time."""

    def __init__(self) -> None:
        self._memory: dict[str, FloatArray] = {}

    def array(self, name: str, *shape: int) -> FloatArray:
        """A float32 array with anything in it. The last one of this name is no more."""
        size = math.prod(shape)
        if name not in self._memory or len(self._memory[name]) < size:
            self._memory.pop(name, None)  # before the new one is made: only one lies in memory
            self._memory[name] = np.empty(size, np.float32)
        return self._memory[name][:size].reshape(shape)
