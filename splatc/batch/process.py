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
    """Name of the computer, for messages."""
    namespace: str
    """Equal for two processes that see each other's numbers; empty where that cannot be known."""
    pid: int
    started: str
    """When it began, as the system counts; empty where the system does not say."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def this_process() -> Process:
    """The process that asks."""
    return Process(platform.node(), _namespace(), os.getpid(), _start_time(os.getpid()) or "")


def alive(process: Process) -> bool | None:
    """Whether a process still runs; None where that cannot be found out from here, as for another computer."""
    if not process.namespace or process.namespace != _namespace():
        return None
    started = _start_time(process.pid)
    if started is None:
        return False
    return started == process.started if started and process.started else None


def _namespace() -> str:
    if sys.platform == "win32":
        return ""
    try:  # Linux: the boot, and the numbering of processes, of which each container has one of its own
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return "" if sys.platform == "linux" else platform.node()


def _start_time(pid: int) -> str | None:
    """When a process of this computer began; None if there is none of this number, or only an ended one whose status was not read yet."""
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
