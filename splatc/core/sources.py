"""The C sources of the core: a digest that the library carries, so that one that is older than a checkout's sources is noticed.

Also read by the build, from its path alone: this module imports nothing of splatc.
"""

from __future__ import annotations

import zlib
from pathlib import Path


def files(folder: Path, *, decoder: bool = False) -> list[Path]:
    """All sources of the core in a folder and in those below, or only the decoder's, which lie at its top, in the order of their paths."""
    found = folder.glob("*" if decoder else "**/*")
    return sorted(
        (path for path in found if path.suffix in (".c", ".h")), key=lambda path: path.relative_to(folder).as_posix()
    )


def digest(folder: Path, *, decoder: bool = False) -> str | None:
    """Eight hexadecimal digits over names and bytes of the sources, or None where there are none, as in an installed wheel.

    A CRC, for it guards against a forgotten build and not against an attack, and costs no import of hashlib; line ends
    do not count, since git may have changed them.
    """
    value, found = 0, False
    for path in files(folder, decoder=decoder):
        text = path.read_bytes().replace(b"\r\n", b"\n")
        value, found = (
            zlib.crc32(b"%s\n%d\n%s" % (path.relative_to(folder).as_posix().encode(), len(text), text), value),
            True,
        )
    return f"{value:08x}" if found else None
