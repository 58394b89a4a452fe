"""Which process a batch is, so that other batches can find out whether it still runs.

Imports the standard library alone.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

STATUS = "/proc/{}/stat"
"""Where Linux describes a process."""


@dataclass(frozen=True)
class Process:
    """A process, identified among those of all computers, and among later ones with the same number."""

    host: str
    """For people."""
    machine: str
    """Equal for two processes that see each other's numbers; empty where that cannot be known."""
    pid: int
    born: str
    """When it began, as the system counts; empty where the system does not say."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def this_process() -> Process:
    """The process that asks."""
    return Process(platform.node(), _machine(), os.getpid(), _born(os.getpid()) or "")


def alive(process: Process) -> bool | None:
    """Whether a process still runs; None where that cannot be found out from here, as for another computer."""
    if not process.machine or process.machine != _machine():
        return None
    born = _born(process.pid)
    if born is None:
        return False
    return born == process.born if born and process.born else None


def _machine() -> str:
    if sys.platform == "win32":
        return ""
    try:  # Linux: the boot, and the numbering of processes, of which each container has one of its own
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return "" if sys.platform == "linux" else platform.node()


def _born(pid: int) -> str | None:
    """When a process of this machine began; None if there is none of this number, or one that has ended and was not yet asked for."""
    if sys.platform == "win32":
        return ""
    if Path(STATUS.format("self")).exists():
        try:
            fields = Path(STATUS.format(pid)).read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        except OSError:
            return ""
        return None if fields[0] in "ZX" else fields[19]
    asked = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, check=False, env={"LC_ALL": "C"}).stdout.split()
    except OSError:
        return ""
    return None if not answer or answer[0].startswith("Z") else " ".join(answer[1:])
