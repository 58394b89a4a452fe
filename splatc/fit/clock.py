"""How far a fit has come: by steps, or by the seconds that it may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

Progress = Callable[[int, int], object]
"""Called with (steps done, steps in all); where seconds run out, steps are skipped."""


class Clock:
    """Iterating yields the time of each step, ``start`` at the first, below 1 at the last."""

    def __init__(
        self, steps: int, *, seconds: float | None = None, progress: Progress | None = None, start: float = 0.0
    ) -> None:
        """``seconds`` is a bound: where the steps take longer there are fewer of them, and every phase is shorter."""
        self._steps = steps
        self._start = start
        self._seconds = seconds
        self._progress = progress

    def __iter__(self) -> Iterator[float]:
        started = time.monotonic()
        now, behind = self._start, started
        while now < 1.0:
            yield now
            # A step is one of all steps, unless the seconds that are left allow fewer: then it is its share of these seconds.
            moment = time.monotonic()
            pace = 1.0 / self._steps
            if self._seconds is not None:
                left = self._seconds - (moment - started)
                took = moment - behind
                share = (1.0 - now) * took / left if left > took else 1.0
                # The first step also loads and compiles: no measure of the others, unless there is time for no other.
                pace = max(pace, share) if now > self._start or share == 1.0 else pace
            behind = moment
            now = now + pace if now + pace < 1.0 - 1e-9 else 1.0
            if self._progress is not None:
                self._progress(round(now * self._steps), self._steps)
