"""Rate-distortion optimization of the integers of a fit, compiled; ``fit/rdo.h`` has the meaning of every number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatc.core.loading import address, check, load
from splatc.core.pool import Work, threads
from splatc.core.rdo_structs import Rdo

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int32]

SHAPE = 5
"""Numbers of a choice before its colour."""
NEVER = 1e300
"""Price of a choice that a Gaussian does not have."""
_PAD = 16
_TURNS = 64
"""Gaussians of a call, after which Python looks around."""
_JOB = 25
_CELL = 16


class Canvas:
    """The sums of the Gaussians of a picture, and what it should look like; in the normalized blend."""

    def __init__(self, pixels: NDArray[np.uint8 | np.uint16], ground: Floats) -> None:
        """``pixels`` (H, W, C); ``ground`` (C + 1,) the sums where no Gaussian is."""
        self.height, self.width, self.channels = pixels.shape
        self._stride = self.width + _PAD
        self._target = np.zeros((self.channels, self.height, self._stride), np.float32)
        unit = np.float32(1.0 / np.iinfo(pixels.dtype).max)
        np.multiply(pixels.transpose(2, 0, 1), unit, out=self._target[:, :, : self.width], casting="unsafe")
        self._sums = np.empty((self.channels + 1, self.height, self._stride), np.float32)
        self._ground = ground

    def draw(self, choices: Floats) -> float:
        """Draw the first of (K, N, SHAPE + C) choices anew; the squared error."""
        self._sums[:] = self._ground[:, None, None]
        task = self._task(choices)
        for first in range(0, task.count, _TURNS):
            check(load().core_rdo_draw(task, first, min(first + _TURNS, task.count)))
        error: float = load().core_rdo_error(task)
        return error

    def choose(self, choices: Floats, price: Doubles, order: Ints) -> tuple[Ints, Doubles]:
        """Let each Gaussian take the best of its choices, beginning from what was drawn.

        Those that share samples have their turns as ``order`` (N,) has them, others at once: threads change no bit.

        Args:
            choices: (K, N, SHAPE + C), the first as it is, the last without it.
            price: (K, N) lambda times bits, against the first; NEVER for one that is not to be had.
            order: (N,)

        Returns:
            (N,) which it took; (N,) what the squared error rises by without it, before it took that.
        """
        count = choices.shape[1]
        chosen, cost = np.zeros(count, np.int32), np.zeros(count)
        task = self._task(choices)
        task.price, task.order, task.chosen, task.cost = (address(each) for each in (price, order, chosen, cost))
        phases = None
        if (price[1:] < NEVER).any():
            wave = self._waves(task, count)
            order = order[np.argsort(wave, kind="stable")]
            task.order, phases = address(order), np.cumsum(np.bincount(wave))
        check(Work(_JOB, min(threads(), max(count, 1)), joined=True).run(task, count, phases=phases))
        return chosen, cost

    def _waves(self, task: Rdo, count: int) -> Ints:
        """(N,) the wave of each turn (core_rdo_arrange)."""
        latest = np.zeros((-(-self.height // _CELL), -(-self.width // _CELL)), np.int32)
        wave = np.zeros(count, np.int32)
        check(load().core_rdo_arrange(task, address(latest), address(wave)))
        return wave

    def _task(self, choices: Floats) -> Rdo:
        return Rdo(
            count=choices.shape[1], choices=choices.shape[0], choice=address(choices), width=self.width, height=self.height,
            stride=self._stride, channels=self.channels, sums=address(self._sums), target=address(self._target),
        )  # fmt: skip
