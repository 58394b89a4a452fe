"""Names that stand for open files of this process: ``/dev/stdout``, and ``/dev/fd/63`` as a shell makes it of ``>(command)``.

They are written and read through the descriptor, as ``-`` is: opened by their name, sockets fail, and a file that the shell redirects to
would be truncated, replaced, or read from its beginning once more.
"""

from __future__ import annotations

import os
import re

STDIO = "-"
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_NUMBERED = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,9})")


def descriptor_of(path: str) -> int | None:
    """The descriptor that a name stands for; None for every other name."""
    if os.name == "nt":
        return None
    match = _NUMBERED.fullmatch(path)
    return int(match[1]) if match else _STANDARD.get(path)


def standard_name(path: str, descriptor: int) -> str:
    """``-`` for a name of standard input (0) or output (1), whichever is meant; the path itself for all others."""
    return STDIO if descriptor_of(path) == descriptor else path
