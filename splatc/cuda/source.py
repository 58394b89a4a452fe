"""The text of a kernel: a ``.cu`` file with its includes pasted in and the numbers that it is compiled for defined.

One text without includes is easy to hash, to cache and to compile anywhere: by NVRTC for a GPU, by any C++17 compiler for the host.
"""

from __future__ import annotations

import re
from pathlib import Path

KERNELS = Path(__file__).parent / "kernels"

_INCLUDE = re.compile(r'^#include "([\w./]+)"[^\n]*$', re.MULTILINE)


def read_source(path: Path | str, **defines: int) -> str:
    """The text of a file, by default one in `KERNELS`, after lines ``#define name value``.

    Each ``#include "name"`` is replaced by that file, once: one beside the including file, else one in `KERNELS`. Errors of the compiler
    name the right files and lines.
    """
    lines = [f"#define {name} {value}\n" for name, value in defines.items()]
    return "".join(lines) + _expanded(KERNELS / path, set())


def _expanded(path: Path, seen: set[Path]) -> str:
    seen.add(path.resolve())
    text = path.read_text("utf-8")

    def paste(match: re.Match[str]) -> str:
        beside = path.parent / match[1]
        found = beside if beside.exists() else KERNELS / match[1]
        if found.resolve() in seen:
            return ""
        line = text.count("\n", 0, match.end()) + 2
        return f'{_expanded(found, seen)}#line {line} "{path.name}"'

    return f'#line 1 "{path.name}"\n' + _INCLUDE.sub(paste, text).replace("#pragma once\n", "\n")
