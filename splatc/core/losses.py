"""What a fit minimizes if not squared error: SmartSplat's L1 + SSIM, or differences and SSIM over several scales (``fit/loss.h``)."""

from __future__ import annotations

import ctypes
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from splatc.core import loading, loss_structs
from splatc.core.loading import address, aligned, check, load
from splatc.core.pool import Work, threads

Floats = NDArray[np.float32]
Samples = NDArray[np.uint8 | np.uint16]
Kind = Literal["l1_ssim", "multiscale"]

_KINDS: tuple[Kind, ...] = ("l1_ssim", "multiscale")
_PHASES = 3
_TARGET, _GRADIENT, _CURVATURE = 10, 11, 14
"""Kinds of jobs."""
_WHAT = {_GRADIENT: 0, _TARGET: 1, _CURVATURE: 2}
"""Whose phases ``core_loss_phases`` returns."""


class Loss:
    """A loss of pictures of one width, and the memory that its steps work in. Not for two threads at a time.

    Args:
        kind: "l1_ssim" is 0.9 L1 + 0.1 (1 - SSIM) (SmartSplat, section 3); "multiscale" is 0.1 L1 + 7.5 squared differences + 0.05 of them
            weighed by SSIM's sensitivity + 0.3, 0.4 and 0.3 times 1 - SSIM at 1/2, 1/4 and 1/8 of the size.
        width: px.
        height: px, at most.
        channels: 1 to 4.
    """

    def __init__(self, kind: Kind, width: int, height: int, channels: int) -> None:
        self.squared_error = 0.0
        """Sum of the squared differences of all samples of the last pictures compared, estimated from the rows of the gradient."""
        self._task = loss_structs.Loss(_KINDS.index(kind), channels, width, height, workers=threads(), every=1)
        size = load().core_loss_workspace(self._task)
        check(loading.OK if size >= 0 else loading.INVALID)
        self._workspace = aligned(size)
        self._task.workspace, self._task.workspace_bytes = address(self._workspace), size
        self._height = height
        self._samples: Samples | None = None
        self._gradient: Floats = np.empty(0, np.float32)
        self._curvature: Floats | None = None
        """For this target."""

    def target(self, samples: Samples, unit: float) -> None:
        """Take another target: what follows from it alone is computed here, once.

        Args:
            samples: (H, C, S) rows of planes of 8 or 16 bits, S a multiple of 16 and at least the width; read at every step, so not to be
                changed meanwhile.
            unit: what a sample of 1 stands for; the picture's range is [0, 1].
        """
        height, channels, stride = samples.shape
        if samples.dtype not in (np.uint8, np.uint16) or channels != self._task.channels or height > self._height:
            raise AssertionError(f"a target of {samples.shape} {samples.dtype}")
        if self._gradient.shape != samples.shape:
            self._gradient = np.empty(samples.shape, np.float32)
        self._samples, self._task.samples = samples, address(samples)
        self._curvature = None
        self._task.height, self._task.stride, self._task.depth = height, stride, 8 * samples.itemsize
        self._task.unit, self._task.gradient = unit, address(self._gradient)
        self._task.every, self._task.first = 1, 0
        self._run(_TARGET)

    def gradient(self, drawn: Floats, every: int = 1, first: int = 0) -> tuple[float, Floats]:
        """Compare a picture with the target.

        Args:
            drawn: (H, C, S) rows of planes, about in [0, 1].
            every: "multiscale" makes only every so many rows of the gradient,
            first: from this one on.

        Returns:
            The loss, and its gradient by the pixels drawn, times their number (so that gradients of single Gaussians do not vanish in
            float32 as pictures grow): (H, C, S), 0 behind the end of each row, other rows as they were; overwritten by the next call.
        """
        if self._samples is None or drawn.shape != self._samples.shape or drawn.dtype != np.float32:
            raise AssertionError(f"a picture of {drawn.shape} {drawn.dtype}")
        self._task.drawn, self._task.every, self._task.first = address(drawn), every, first
        self._run(_GRADIENT)
        value, squares = ctypes.c_double(), ctypes.c_double()
        check(load().core_loss_value(self._task, value, squares))
        self.squared_error = squares.value
        return value.value, self._gradient

    def curvature(self) -> Floats:
        """Return how much the loss bends at each sample; of "multiscale" only.

        Returns:
            (H, C, S) k: a change d of the samples drawn adds the sum of k d^2 to what the gradient says, about, for a change that is
            smooth over a few samples. 0 behind the end of each row. Computed once for a target.
        """
        if self._samples is None:
            raise AssertionError("there is no target")
        if self._curvature is None:
            self._curvature = np.empty(self._samples.shape, np.float32)
            self._task.gradient = address(self._curvature)
            self._run(_CURVATURE)
            self._task.gradient = address(self._gradient)
        return self._curvature

    def _run(self, kind: int) -> None:
        phases = np.empty(_PHASES, np.int64)
        count = load().core_loss_phases(self._task, _WHAT[kind], address(phases))
        check(loading.OK if count > 0 else loading.INVALID)
        workers = min(threads(), self._task.workers)
        check(Work(kind, workers).run(self._task, int(phases[count - 1]), phases=phases[:count]))
