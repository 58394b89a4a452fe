"""The control groups of this process: where the kernel keeps what containers and services may use (Linux)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def of_this_process() -> str:
    """The text of /proc/self/cgroup; empty where there is none."""
    try:
        return Path("/proc/self/cgroup").read_text()
    except OSError:
        return ""


def folders(groups: str, root: Path, controller: str) -> Iterator[Path]:
    """The folders whose limits hold, a group's before those around it, from the text of /proc/self/cgroup.

    Version 2 has one group for all controllers; version 1 a hierarchy for each, in a folder of its name below ``root``.
    """
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        here = (root / controllers if controllers else root) / path.strip("/")
        for each in (here, *here.parents):  # pragma: no branch - a folder outside of root comes
            if not each.is_relative_to(root):
                break
            yield each
