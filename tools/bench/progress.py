"""How far a bench has come, on stderr."""

from __future__ import annotations

import sys
import time


class Progress:
    """A bar on a terminal, a line per point elsewhere, both with the time left if all points were alike."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._start = time.monotonic()

    def step(self, what: str) -> None:
        self._done += 1
        left = (time.monotonic() - self._start) / self._done * (self._total - self._done)
        minutes, seconds = divmod(round(left), 60)
        clock = f"{minutes // 60}:{minutes % 60:02}:{seconds:02} left"
        if sys.stderr.isatty():
            filled = 30 * self._done // self._total
            bar = f"[{'#' * filled}{' ' * (30 - filled)}]"
            print(f"\r\x1b[K{bar} {self._done}/{self._total} {clock} {what}", end="", file=sys.stderr, flush=True)
        else:
            say(f"{self._done}/{self._total} {clock} {what}")

    def finish(self) -> None:
        if self._done and sys.stderr.isatty():
            print(file=sys.stderr)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
