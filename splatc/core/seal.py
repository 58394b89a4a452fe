"""Whether the file of the library is whole. Linux maps a truncated one, and the process dies at the first page that is missing.

Also read by the build, from its path alone: this module imports nothing of splatc.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

_MARK = b"splatc core, CRC-32 "
_SIZE = len(_MARK) + 8
_ELF = b"\x7fELF\x02\x01"  # 64 bits, little-endian
_LOAD = 1
"""A part of an ELF file that is mapped."""


def sealed(library: bytes) -> bytes:
    """The library with a checksum behind it, which loaders do not look at."""
    return library + _MARK + b"%08x" % zlib.crc32(library)


def damage(path: Path) -> str | None:
    """What is wrong with the file of a library, or None.

    Without a seal (`strip` removes it) only the length is checked. Raises OSError.
    """
    data = path.read_bytes()
    library, seal = data[:-_SIZE], data[-_SIZE:]
    if seal.startswith(_MARK):
        return None if sealed(library) == data else "its checksum is not that of its bytes"
    needed = _mapped_bytes(data)
    return f"it ends after {len(data)} of {needed} bytes" if len(data) < needed else None


def _mapped_bytes(data: bytes) -> int:
    """How long an ELF file must be for all that is mapped of it; 0 for one of another kind."""
    if not data.startswith(_ELF) or len(data) < 64:
        return 0
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    ends: list[int] = [table + size * count]
    for start in range(table, ends[0], max(size, 1)):
        if start + 56 > len(data):
            break
        (kind,) = struct.unpack_from("<I", data, start)
        offset, _, _, length = struct.unpack_from("<4Q", data, start + 8)
        if kind == _LOAD:
            ends.append(offset + length)
    return max(ends)
