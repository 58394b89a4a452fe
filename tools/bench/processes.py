"""A command in a process of its own: what it prints, how long it takes, how much memory it holds at most.

The kernel counts the memory of the parent at the moment of the fork into the peak of the child: a bench that measures processes must
itself stay small, so whatever holds a large picture is a process of its own too.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """A process that has ended."""

    status: int
    """Exit status; negative: the signal that ended it."""
    output: str
    errors: str
    seconds: float
    peak: float
    """MB (10^6 bytes) that it, or the largest of the processes that it waited for, held at most; NaN where the system does not say."""
    timed_out: bool
    processor: float = math.nan
    """Seconds of processor time, of all its threads and of the processes that it waited for; NaN where the system does not say."""

    @property
    def failure(self) -> str:
        """Why it failed, in a line; empty if it did not."""
        if self.timed_out:
            return f"stopped after {self.seconds:.0f} s"
        if self.status < 0:
            return f"ended by {signal.Signals(-self.status).name}"
        last = (self.errors.strip().splitlines() or ["no message"])[-1]
        return f"exit status {self.status}: {last}" if self.status else ""


def good(run: Run, program: str) -> Run:
    """Raises SystemExit for a run that failed: what was measured before stays, and a bench goes on from there."""
    if run.failure:
        raise SystemExit(f"{program}: {run.failure}")
    return run


def run(
    command: Sequence[str | Path],
    seconds: float = math.inf,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Run:
    """Run a command to its end, or for so many seconds; what it printed until then is kept.

    `environment` and `folder` are this process's where nothing is given.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        # A session of its own: a process that overstays is ended with all that it started.
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env=environment,
            cwd=folder,
            start_new_session=os.name == "posix",
        )
        late = threading.Event()

        def stop() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), stop)
        timer.daemon = True
        timer.start()
        try:
            status, peak, processor = _wait(process)
        except BaseException:
            _kill(process)
            raise
        finally:
            timer.cancel()
        taken = time.perf_counter() - start
        texts = []
        for stream in (output, errors):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
    return Run(status, texts[0], texts[1], taken, peak, late.is_set(), processor)


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, float, float]:
    """Exit status, peak memory in MB, and seconds of processor time."""
    if sys.platform == "win32":
        return process.wait(), math.nan, math.nan
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return process.returncode, usage.ru_maxrss * unit / 1e6, usage.ru_utime + usage.ru_stime


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    elif process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
