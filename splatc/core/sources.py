"""The C sources of the core: a digest that the library carries, so that one that is older than a checkout's sources is noticed.

Also read by the build, from its path alone: this module imports nothing of splatc.
"""

from __future__ import annotations

import zlib
from pathlib import Path


def files(folder: Path) -> list[Path]:
    """All sources of the core in a folder, in the order of their names."""
    return sorted((path for path in folder.iterdir() if path.suffix in (".c", ".h")), key=lambda path: path.name)


def digest(folder: Path) -> str | None:
    """Eight hexadecimal digits over names and bytes of all sources, or None where there are none, as in an installed wheel.

    A CRC, for it guards against a forgotten build and not against an attack, and costs no import of hashlib; line ends
    do not count, since git may have changed them.
    """
    value, found = 0, False
    for path in files(folder):
        text = path.read_bytes().replace(b"\r\n", b"\n")
        value, found = zlib.crc32(b"%s\n%d\n%s" % (path.name.encode(), len(text), text), value), True
    return f"{value:08x}" if found else None
